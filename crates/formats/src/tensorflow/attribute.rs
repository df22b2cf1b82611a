//! `AttrValue`: what a node is set to.

use modelward_schema::{Dim, Setting};

use super::build::Library;
use super::{File, dtype, shown, tensor};
use crate::wire::protobuf::{Field, Message, Value, signed};
use crate::wiring::{Draft, MAX_RANK, dim, name};
use crate::{embedded, text};

const FIELDS: &[u32] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const LIST: &[u32] = &[2, 3, 4, 5, 6, 7, 8, 9];
/// Bytes kept of a text.
const MAX_TEXT: usize = 1024;
/// Entries kept of a list.
const MAX_LIST: usize = 4096;

pub(super) fn read<'a>(
    file: &mut File<'a, '_, '_, '_>,
    draft: &mut Draft,
    library: &Library<'a>,
    message: Message<'a>,
    node: &str,
) -> Option<Setting> {
    let mut setting = None;
    for field in message.fields() {
        let Some(field) = file.good(field, "an attribute", FIELDS) else {
            continue;
        };
        // Of several, protobuf keeps the last.
        let read = match field.number {
            1 => field.message().map(|list| read_list(file, library, list)),
            8 => field
                .message()
                .and_then(|message| tensor::read(file, draft, message, node))
                .map(Setting::Constant),
            _ => single(file, library, &field),
        };
        setting = read.or(setting);
    }
    setting
}

fn single<'a>(
    file: &mut File<'a, '_, '_, '_>,
    library: &Library<'a>,
    field: &Field<'a>,
) -> Option<Setting> {
    Some(match (field.number, field.value) {
        (2, Value::Bytes(bytes)) => Setting::Text(read_text(file, bytes, field.at)),
        (3, Value::Varint(number)) => Setting::Int(signed(number)),
        (4, Value::Fixed32(bytes)) => Setting::Float(f64::from(f32::from_le_bytes(bytes))),
        (5, Value::Varint(number)) => Setting::Bool(number != 0),
        (6, Value::Varint(number)) => Setting::Dtype(dtype::name(number)),
        (7, Value::Bytes(_)) => match field.message().and_then(shape) {
            Some(shape) => Setting::Shape(shape),
            None => Setting::Other("a shape of any rank".to_owned()),
        },
        (9, Value::Bytes(bytes)) => Setting::Caller(name(bytes)),
        (10, Value::Bytes(_)) => {
            let callee = field.message().map(function_name).unwrap_or_default();
            match library.body(callee) {
                Some(body) => Setting::Body(body),
                None => Setting::Other(format!("function {}", shown(callee))),
            }
        }
        _ => return None,
    })
}

/// A text; a long one may be a file, and is cut.
fn read_text(file: &mut File<'_, '_, '_, '_>, bytes: &[u8], at: u64) -> String {
    embedded::look_into(file.session, file.input, "attribute", bytes, at);
    text::escape(bytes, MAX_TEXT)
}

/// The name of a `NameAttrList`.
fn function_name(message: Message<'_>) -> &[u8] {
    message
        .fields()
        .flatten()
        .find(|field| field.number == 1)
        .and_then(|field| field.bytes())
        .unwrap_or_default()
}

fn read_list<'a>(
    file: &mut File<'a, '_, '_, '_>,
    library: &Library<'a>,
    message: Message<'a>,
) -> Setting {
    let (mut ints, mut floats, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let mut bodies = Vec::new();
    for field in message.fields() {
        let Some(field) = file.good(field, "a list", LIST) else {
            continue;
        };
        match field.number {
            2 => {
                let bytes = field.bytes().unwrap_or_default();
                texts.push(read_text(file, bytes, field.at));
            }
            3 | 5 => ints.extend(field.varints().take(MAX_LIST).map(signed)),
            4 => match field.value {
                Value::Fixed32(bytes) => floats.push(f64::from(f32::from_le_bytes(bytes))),
                Value::Bytes(bytes) => floats.extend(
                    bytes
                        .as_chunks::<4>()
                        .0
                        .iter()
                        .take(MAX_LIST)
                        .map(|bytes| f64::from(f32::from_le_bytes(*bytes))),
                ),
                _ => {}
            },
            6 => texts.extend(field.varints().take(MAX_LIST).map(dtype::name)),
            9 => {
                let callee = field.message().map(function_name).unwrap_or_default();
                bodies.extend(library.body(callee));
            }
            7 => texts.push("shape".to_owned()),
            _ => texts.push("tensor".to_owned()),
        }
        ints.truncate(MAX_LIST);
        floats.truncate(MAX_LIST);
        texts.truncate(MAX_LIST);
        bodies.truncate(MAX_LIST);
    }
    if !bodies.is_empty() {
        Setting::Bodies(bodies)
    } else if !floats.is_empty() {
        Setting::Floats(floats)
    } else if !texts.is_empty() {
        Setting::Texts(texts)
    } else {
        Setting::Ints(ints)
    }
}

/// A `TensorShapeProto`; none for one of unknown rank.
pub(super) fn shape(message: Message<'_>) -> Option<Vec<Dim>> {
    let mut out = Vec::new();
    for field in message.fields().flatten() {
        match field.number {
            2 if out.len() < MAX_RANK => {
                let size = field
                    .message()?
                    .fields()
                    .flatten()
                    .find(|field| field.number == 1)
                    .and_then(|field| field.varint());
                out.push(dim(signed(size.unwrap_or(0))));
            }
            3 if field.varint() != Some(0) => return None,
            _ => {}
        }
    }
    Some(out)
}

/// The shapes of a list, as `_output_shapes` has one for each output.
pub(super) fn shapes(attribute: Message<'_>) -> Vec<Option<Vec<Dim>>> {
    let list = attribute
        .fields()
        .flatten()
        .find(|field| field.number == 1)
        .and_then(|field| field.message());
    let fields = list.into_iter().flat_map(|list| list.fields()).flatten();
    fields
        .filter(|field| field.number == 7)
        .filter_map(|field| field.message())
        .take(MAX_LIST)
        .map(shape)
        .collect()
}
