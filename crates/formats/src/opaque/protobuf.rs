//! Protocol-buffer models without a reader. Such files have no magic, so their
//! first fields decide, and only when nothing fits better.

use crate::Input;
use crate::reader::Reader;

/// TensorFlow's and other frameworks' documents.
pub(super) fn guess(input: &Input<'_>) -> Option<&'static str> {
    let bytes = input.bytes;
    let mut reader = Reader::new(bytes);
    let key = reader.varint().ok()?;
    match key {
        // schema_version = 1, then a meta graph.
        8 if bytes.starts_with(b"\x08\x01\x12") && fits(bytes, 2) => Some("tensorflow-savedmodel"),
        // specificationVersion, then a description.
        8 if fits(bytes, 1) && input.extension().as_deref() == Some("mlmodel") => Some("coreml"),
        // A length-delimited first field that ends within the file.
        0x0a => {
            let len = reader.varint().ok()?;
            let body = reader.take(len).ok()?;
            let graph = begins_with_text(body);
            let meta = body.starts_with(b"*") || body.first() == Some(&0x12);
            if graph
                && reader
                    .peek()
                    .is_none_or(|next| matches!(next, 0x0a | 0x12 | 0x1a | 0x22))
            {
                Some("tensorflow-graph")
            } else if meta {
                Some("tensorflow-metagraph")
            } else if body.starts_with(b"\x08") || body.starts_with(b"\x10") {
                Some("protobuf")
            } else {
                None
            }
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

/// A node's name, then the name of its operator.
fn begins_with_text(body: &[u8]) -> bool {
    let mut reader = Reader::new(body);
    let mut text = |wanted: u8| {
        reader.u8().ok()?.eq(&wanted).then_some(())?;
        let len = reader.varint().ok()?;
        let text = reader.take(len).ok()?;
        text.iter().all(u8::is_ascii_graphic).then_some(())
    };
    text(0x0a).is_some() && text(0x12).is_some()
}
