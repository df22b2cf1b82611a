//! Protocol-buffer models without a reader. Such files have no magic, so their
//! first fields decide, and only when nothing fits better.

use crate::Input;
use crate::reader::Reader;

/// Frameworks' documents.
pub(super) fn guess(input: &Input<'_>) -> Option<&'static str> {
    let bytes = input.bytes;
    let mut reader = Reader::new(bytes);
    let key = reader.varint().ok()?;
    match key {
        // specificationVersion, then a description.
        8 if fits(bytes, 1) && input.extension().as_deref() == Some("mlmodel") => Some("coreml"),
        // A length-delimited first field that ends within the file.
        0x0a => {
            let len = reader.varint().ok()?;
            let body = reader.take(len).ok()?;
            matches!(body.first(), Some(0x08 | 0x10 | 0x12 | b'*')).then_some("protobuf")
        }
        _ => None,
    }
}

/// The first `count` fields are well formed.
fn fits(bytes: &[u8], count: u32) -> bool {
    let mut reader = Reader::new(bytes);
    (0..count).all(|_| {
        let Ok(key) = reader.varint() else {
            return false;
        };
        match key & 7 {
            0 => reader.varint().is_ok(),
            2 => reader.varint().is_ok_and(|len| reader.skip(len).is_ok()),
            _ => false,
        }
    })
}
