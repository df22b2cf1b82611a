//! Nodes: which operator they call, and with what.

use modelward_schema::Span;

use super::walk::Walk;
use crate::embedded;
use crate::wire::protobuf::{Field, Message};

/// The parts of a `NodeProto` that tell what it does.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts<'a> {
    pub(super) operator: &'a [u8],
    pub(super) domain: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) first: Option<&'a [u8]>,
    pub(super) second: Option<&'a [u8]>,
    pub(super) output: Option<&'a [u8]>,
}

pub(super) fn parts(message: Message<'_>) -> Parts<'_> {
    let mut parts = Parts::default();
    for field in message.fields().flatten() {
        let Some(bytes) = field.bytes() else { continue };
        match field.number {
            1 if parts.first.is_none() => parts.first = Some(bytes),
            1 if parts.second.is_none() => parts.second = Some(bytes),
            2 if parts.output.is_none() => parts.output = Some(bytes),
            3 => parts.name = bytes,
            4 => parts.operator = bytes,
            7 => parts.domain = bytes,
            _ => {}
        }
    }
    if parts.domain == b"ai.onnx" {
        parts.domain = b"";
    }
    parts
}

pub(super) fn read<'a>(walk: &mut Walk<'a, '_, '_, '_>, message: Message<'a>) {
    let parts = parts(message);
    walk.summary.add_node(&parts, message);
}

/// A string attribute: it may carry a file.
pub(super) fn read_bytes<'a>(walk: &mut Walk<'a, '_, '_, '_>, field: &Field<'a>) {
    let Some(bytes) = field.bytes() else { return };
    let found = embedded::look_into(walk.session, walk.input, "attribute", bytes, field.at);
    if !found
        && walk.summary.in_custom
        && let Ok(value) = std::str::from_utf8(bytes)
    {
        let span = Span::new(field.at, field.len);
        embedded::read_remark(walk.session, walk.input, "attribute", value, span);
    }
}
