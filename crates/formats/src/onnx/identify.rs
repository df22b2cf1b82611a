//! ONNX has no magic, so a file is taken for a model when its graph is one.

use super::dtype;
use super::schema::Kind;
use crate::wire::protobuf::{Message, Value};
use crate::{Fit, Input};

/// Fields of a graph that are looked at before it is believed.
const LOOKED_AT: usize = 64;
/// The oldest and smallest tensors of the format's own tests are longer.
const LEAST_TENSOR: usize = 6;

/// `ModelProto` with a plausible graph in field 7.
pub(super) fn model(input: &Input<'_>) -> Fit {
    // Every field of a model has a number below 32, so the first tag is one or
    // two bytes of a known few; most other files end here.
    let named = input.extension().as_deref() == Some("onnx");
    let otherwise = if named && !input.is_empty() {
        Fit::Maybe
    } else {
        Fit::No
    };
    let model = Message::new(input.bytes);
    for field in model.fields() {
        let Ok(field) = field else { break };
        if field.number == 7
            && let Some(graph) = field.message()
            && is_graph(&graph)
        {
            return Fit::Yes;
        }
    }
    otherwise
}

fn is_graph(graph: &Message<'_>) -> bool {
    let mut named = false;
    let mut node = false;
    let mut output = false;
    for field in graph.fields().take(LOOKED_AT) {
        // A cut graph is still one when its first fields are right.
        let Ok(field) = field else { break };
        if !Kind::Graph
            .find(field.number)
            .is_some_and(|spec| spec.takes(field.value))
        {
            return false;
        }
        match field.number {
            1 => {
                let Some(message) = field.message() else {
                    return false;
                };
                if !node && !is_node(&message) {
                    return false;
                }
                node = true;
            }
            2 => named = field.bytes().is_some_and(is_text),
            12 => output = true,
            _ => {}
        }
    }
    node || (named && output)
}

fn is_node(node: &Message<'_>) -> bool {
    node.fields().any(|field| {
        field.is_ok_and(|field| {
            field.number == 4
                && field
                    .bytes()
                    .is_some_and(|bytes| !bytes.is_empty() && is_text(bytes))
        })
    })
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.len() < 1024 && std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'))
}

/// `TensorProto` and nothing else, with exactly the payload that its
/// dimensions ask for.
pub(super) fn tensor(input: &Input<'_>) -> Fit {
    if input.bytes.len() < LEAST_TENSOR || !matches!(input.bytes.first(), Some(0x08 | 0x0a | 0x10))
    {
        return Fit::No;
    }
    let mut elements = 1_u64;
    let mut found = None;
    let mut raw = None;
    let mut typed = None;
    for field in Message::new(input.bytes).fields() {
        let Ok(field) = field else { return Fit::No };
        if !Kind::Tensor
            .find(field.number)
            .is_some_and(|spec| spec.takes(field.value))
        {
            return Fit::No;
        }
        match (field.number, field.value) {
            (1, _) => {
                for size in field.varints() {
                    elements = elements.saturating_mul(size);
                }
            }
            (2, Value::Varint(number)) => found = dtype::find(number),
            (9, Value::Bytes(bytes)) => raw = u64::try_from(bytes.len()).ok(),
            (4 | 5 | 6 | 7 | 10 | 11, _) => typed = Some(field.number),
            _ => {}
        }
    }
    match found {
        Some(found) if raw.is_some() && found.raw_len(elements) == raw => Fit::Yes,
        Some(found) if raw.is_none() && typed == Some(found.home.field()) => Fit::Yes,
        _ => Fit::No,
    }
}
