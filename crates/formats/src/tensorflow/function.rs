//! `FunctionDefLibrary`: functions are bodies of their own.

use std::collections::HashMap;

use modelward_schema::{BodyKind, Dim};

use super::build::{Found, Function, Library, Scope};
use super::{File, attribute, code, dtype, entry, shown};
use crate::wire::protobuf::Message;
use crate::wiring::{Draft, name};

const FUNCTION: &[u32] = &[1, 2, 3, 4, 5, 6, 7, 8];

/// Where a function stands: its signature, whole.
pub(super) struct Stated<'a> {
    body: u32,
    message: Message<'a>,
    signature: Message<'a>,
}

/// Gives every function a body, so that all can name each other.
pub(super) fn declare<'a>(
    file: &mut File<'a, '_, '_, '_>,
    draft: &mut Draft,
    library: &mut Library<'a>,
    message: Message<'a>,
) -> Vec<Stated<'a>> {
    let mut stated = Vec::new();
    for field in message.fields() {
        let Some(field) = file.good(field, "the function library", &[1, 2, 3]) else {
            continue;
        };
        let Some(message) = field.message().filter(|_| field.number == 1) else {
            continue;
        };
        let signature = message
            .fields()
            .flatten()
            .find(|field| field.number == 1)
            .and_then(|field| field.message())
            .unwrap_or(Message {
                bytes: b"",
                base: message.base,
            });
        let called = text_of(signature, 1);
        let outputs = arguments(signature, 3).map(|argument| text_of(argument, 1));
        let kind = BodyKind::Function {
            domain: String::new(),
            attributes: Vec::new(),
        };
        let Some(body) = draft.body(name(called), kind) else {
            break;
        };
        if library.functions.contains_key(called) {
            file.odd(
                "tensorflow-name-repeats",
                format!("two functions are named {:?}", shown(called)),
                message,
            );
        } else {
            let outputs = outputs.collect();
            library.functions.insert(called, Function { body, outputs });
        }
        stated.push(Stated {
            body,
            message,
            signature,
        });
    }
    stated
}

pub(super) fn read<'a>(
    file: &mut File<'a, '_, '_, '_>,
    draft: &mut Draft,
    library: &Library<'a>,
    uses: &mut code::Uses,
    stated: &Stated<'a>,
) {
    let Stated {
        body,
        message,
        signature,
    } = *stated;
    let mut scope = Scope::new(body);
    let shapes = argument_shapes(message);
    let mut inputs = Vec::new();
    for (place, argument) in arguments(signature, 2).enumerate() {
        let own = text_of(argument, 1);
        let kind = argument
            .fields()
            .flatten()
            .find(|field| field.number == 3)
            .and_then(|field| field.varint())
            .map_or_else(|| "?".to_owned(), dtype::name);
        let shape = u64::try_from(place)
            .ok()
            .and_then(|place| shapes.get(&place).cloned())
            .flatten();
        let Some(value) = draft.value(&name(own), &kind, shape) else {
            return;
        };
        scope.declare(own, Found::Value(value));
        inputs.push(value);
    }
    let mut returns = HashMap::new();
    for field in message.fields() {
        let Some(field) = file.good(field, "a function", FUNCTION) else {
            continue;
        };
        let Some(inner) = field.message() else {
            continue;
        };
        match field.number {
            3 => scope.add_node(file, draft, library, uses, inner),
            4 => {
                let (key, value) = entry(inner);
                if let Some(value) = value.and_then(|value| value.bytes()) {
                    returns.insert(key, (value, inner));
                }
            }
            _ => {}
        }
    }
    scope.resolve(file, draft, library);
    let mut outputs = Vec::new();
    for argument in arguments(signature, 3) {
        let found = match returns.get(text_of(argument, 1)) {
            Some((text, place)) => scope.find(file, draft, library, text, *place),
            None => None,
        };
        if found.is_none() {
            file.odd(
                "tensorflow-output-missing",
                format!(
                    "nothing makes an output of the function {:?}",
                    shown(text_of(signature, 1))
                ),
                signature,
            );
        }
        outputs.push(found);
    }
    if let Some(body) = draft.body_mut(body) {
        body.inputs = inputs;
        body.outputs = outputs;
    }
}

fn text_of(message: Message<'_>, number: u32) -> &[u8] {
    message
        .fields()
        .flatten()
        .find(|field| field.number == number)
        .and_then(|field| field.bytes())
        .unwrap_or_default()
}

/// The arguments of an `OpDef`: 2 takes, 3 gives.
fn arguments(signature: Message<'_>, number: u32) -> impl Iterator<Item = Message<'_>> {
    signature
        .fields()
        .flatten()
        .filter(move |field| field.number == number)
        .filter_map(|field| field.message())
}

/// The shapes that `arg_attr` tells of arguments, by their place.
fn argument_shapes(function: Message<'_>) -> HashMap<u64, Option<Vec<Dim>>> {
    let mut out = HashMap::new();
    for field in function.fields().flatten() {
        let Some(message) = field.message().filter(|_| field.number == 7) else {
            continue;
        };
        let mut place = 0;
        let mut attributes = None;
        for field in message.fields().flatten() {
            match field.number {
                1 => place = field.varint().unwrap_or(0),
                2 => attributes = field.message(),
                _ => {}
            }
        }
        let entries = attributes
            .into_iter()
            .flat_map(|map| map.fields())
            .flatten();
        for (key, value) in entries.filter_map(|field| field.message()).map(entry) {
            if key == b"_output_shapes"
                && let Some(value) = value.and_then(|value| value.message())
            {
                out.insert(place, attribute::shapes(value).into_iter().next().flatten());
            }
        }
    }
    out
}
