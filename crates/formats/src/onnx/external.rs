//! Tensor data in another file: named here, judged by rules that know the
//! artifact's files.

use modelward_schema::{Location, ReferenceKind, Span};

use super::walk::{Walk, entry};
use crate::text;
use crate::wire::protobuf::Message;

/// `len` is what the tensor's dimensions ask for.
pub(super) fn read(
    walk: &mut Walk<'_, '_, '_, '_>,
    tensor: Message<'_>,
    external: bool,
    len: Option<u64>,
    name: &str,
    here: &Location,
) {
    let mut location = None;
    let mut offset = 0;
    let mut length = None;
    for field in tensor.fields().flatten() {
        let described = field.message().filter(|_| field.number == 13);
        let Some((key, value, span)) = described.and_then(entry) else {
            continue;
        };
        let at = walk.input.at(span.start, span.len);
        let shown = text::escape(value, 128);
        match key {
            b"location" => {
                if location.replace((value, at.clone())).is_some() {
                    walk.session.anomaly(
                        "onnx-external-repeats",
                        format!("{name:?} names two files for its data"),
                        at,
                    );
                }
            }
            b"offset" | b"length" => match shown.parse::<u64>() {
                Ok(number) if key == b"offset" => offset = number,
                Ok(number) => length = Some(number),
                Err(_) => walk.session.anomaly(
                    "onnx-external-number-odd",
                    format!("the external data of {name:?} have {shown:?} for a number"),
                    at,
                ),
            },
            b"checksum" | b"basepath" => {}
            _ if key.starts_with(b"prepacked") => {}
            // Readers have set whatever is named here on an object of their
            // own (CVE-2026-34445).
            _ => walk.session.anomaly(
                "onnx-external-key-unknown",
                format!(
                    "the external data of {name:?} have the unknown key {:?}",
                    text::escape(key, 64)
                ),
                at,
            ),
        }
    }
    let Some((location, at)) = location else {
        if external {
            walk.session.anomaly(
                "onnx-external-location-missing",
                format!("{name:?} has its data elsewhere but does not say where"),
                here.clone(),
            );
        }
        return;
    };
    if let (Some(expected), Some(length)) = (len, length)
        && expected != length
    {
        walk.session.differs(
            "onnx-external-size-differs",
            format!("the external data of {name:?} are not as long as its dimensions ask for"),
            here.clone(),
            [
                ("dimensions", expected.to_string()),
                ("length", length.to_string()),
            ],
        );
    }
    let span = Span::new(offset, length.or(len).unwrap_or(0));
    walk.session.reference_part(
        ReferenceKind::ExternalData,
        &text::escape(location, 1024),
        Some(span),
        at,
    );
}
