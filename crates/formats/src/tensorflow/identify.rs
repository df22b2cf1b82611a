//! None of these files has a magic number, so the first fields of the first
//! messages decide.

use crate::wire::protobuf::{Message, Value};
use crate::{Fit, Input};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SavedModel,
    MetaGraph,
    Graph,
    Text,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SavedModel => "tensorflow-savedmodel",
            Self::MetaGraph => "tensorflow-metagraph",
            Self::Graph => "tensorflow-graph",
            Self::Text => "tensorflow-text",
        }
    }
}

/// Fields of a message that are looked at before it is believed.
const LOOKED_AT: usize = 16;

pub(super) fn identify(input: &Input<'_>) -> Fit {
    match by_content(input) {
        Some(_) => Fit::Yes,
        None if is_named(input) => Fit::Maybe,
        None => Fit::No,
    }
}

pub(super) fn kind(input: &Input<'_>) -> Option<Kind> {
    by_content(input).or_else(|| is_named(input).then_some(Kind::SavedModel))
}

/// The loader of a folder takes this file, whatever is in it.
fn is_named(input: &Input<'_>) -> bool {
    input.name() == "saved_model.pb" && !input.is_empty()
}

fn by_content(input: &Input<'_>) -> Option<Kind> {
    if is_text(input) {
        return Some(Kind::Text);
    }
    let message = Message::new(input.bytes);
    match input.bytes.first()? {
        // A graph begins with a node, or with its library.
        0x0a | 0x12 if is_graph(message, false) => Some(Kind::Graph),
        0x0a | 0x12 if is_meta(message) => Some(Kind::MetaGraph),
        0x08 | 0x12 if is_saved_model(message) => Some(Kind::SavedModel),
        _ => None,
    }
}

/// The loader takes this form by its name.
fn is_text(input: &Input<'_>) -> bool {
    let start = input.bytes.trim_ascii_start();
    [
        &b"saved_model_schema_version"[..],
        b"meta_graphs",
        b"meta_info_def",
        b"graph_def",
        b"node {",
        b"node{",
    ]
    .iter()
    .any(|word| start.starts_with(word))
        && input.extension().as_deref() == Some("pbtxt")
}

fn is_saved_model(message: Message<'_>) -> bool {
    let mut found = false;
    for field in message.fields().take(LOOKED_AT) {
        let Ok(field) = field else { break };
        match (field.number, field.value) {
            (1, Value::Varint(0..=1000)) => {}
            (2, Value::Bytes(_)) => {
                if !field.message().is_some_and(is_meta) {
                    return false;
                }
                found = true;
            }
            _ if found => break,
            _ => return false,
        }
    }
    found
}

/// At least a graph, or information with a tag or a version in it.
fn is_meta(message: Message<'_>) -> bool {
    let mut found = false;
    for field in message.fields().take(LOOKED_AT) {
        let Ok(field) = field else { break };
        let (1..=7, Value::Bytes(_), Some(inner)) = (field.number, field.value, field.message())
        else {
            return found;
        };
        match field.number {
            1 if !is_info(inner) => return false,
            1 => found |= inner.len() > 0,
            2 if !is_graph(inner, true) => return false,
            2 => found = true,
            _ => {}
        }
    }
    found
}

fn is_info(message: Message<'_>) -> bool {
    for field in message.fields().take(LOOKED_AT) {
        let Ok(field) = field else { return false };
        let fits = match (field.number, field.value) {
            (1 | 4 | 5 | 6, Value::Bytes(bytes)) => {
                bytes.len() < 256 && bytes.iter().all(|b| b.is_ascii_graphic() || *b == b' ')
            }
            (2 | 3 | 8, Value::Bytes(_)) | (7, Value::Varint(0..=1)) => true,
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    true
}

/// `inside` tells that it stands where a graph is expected, so that an empty
/// one is one too.
fn is_graph(message: Message<'_>, inside: bool) -> bool {
    let mut right = 0_u32;
    let mut fields = message.fields().take(LOOKED_AT).peekable();
    while let Some(field) = fields.next() {
        // A cut graph is still one when its first nodes are right.
        let (Ok(field), None | Some(Ok(_))) = (field, fields.peek()) else {
            return right > 0;
        };
        let fits = match (field.number, field.value) {
            (1, Value::Bytes(_)) => field.message().is_some_and(is_node),
            (2, Value::Bytes(_)) => field.message().is_some_and(is_library),
            (4, Value::Bytes(_)) if right == 0 => inside && field.len < 64,
            (4 | 5, Value::Bytes(_)) => true,
            (3, Value::Varint(_)) => right > 0 || inside,
            (0..=5, _) => false,
            _ => right > 0,
        };
        if !fits {
            return false;
        }
        if field.number <= 2 {
            right = right.saturating_add(1);
        }
    }
    right > 0 || inside
}

/// A name and an operator, both of the letters that TensorFlow allows.
fn is_node(message: Message<'_>) -> bool {
    let mut operator = false;
    for field in message.fields().take(LOOKED_AT) {
        let Ok(field) = field else { break };
        let fits = match (field.number, field.value) {
            (1, Value::Bytes(name)) => name.len() < 4096 && name.iter().all(u8::is_ascii_graphic),
            (2, Value::Bytes(name)) => {
                operator = is_identifier(name);
                operator
            }
            (0..=2, _) => false,
            (3..=7, value) => matches!(value, Value::Bytes(_)),
            // Readers pass over what they do not know, so it hides nothing.
            _ => true,
        };
        if !fits {
            return false;
        }
    }
    operator
}

fn is_identifier(name: &[u8]) -> bool {
    name.len() < 512
        && name
            .first()
            .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && name.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'>' | b'.' | b'-' | b'/')
        })
}

/// Functions, or gradients; the first function's signature has a name.
fn is_library(library: Message<'_>) -> bool {
    match library.fields().next() {
        None => true,
        Some(Ok(field)) if field.number == 1 => {
            let signature = field.message().and_then(|function| {
                function
                    .fields()
                    .flatten()
                    .find(|field| field.number == 1)?
                    .message()
            });
            let name = signature.and_then(|signature| match signature.fields().next() {
                Some(Ok(field)) if field.number == 1 => field.bytes(),
                _ => None,
            });
            name.is_some_and(is_identifier)
        }
        // A gradient: the names of two functions.
        Some(Ok(field)) if field.number == 2 => field.message().is_some_and(|gradient| {
            gradient
                .fields()
                .all(|field| field.is_ok_and(|field| field.bytes().is_some_and(is_identifier)))
        }),
        _ => false,
    }
}
