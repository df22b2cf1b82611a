//! `TensorProto`: a constant, in raw form or as a list of numbers whose last
//! one fills what is left.

use modelward_schema::{Constant, INLINE, Tensor};

use super::{File, dtype, shown};
use crate::embedded;
use crate::wire::protobuf::{Field, Message, Value, signed};
use crate::wiring::{Draft, MAX_RANK, summarise, whole, width};

const FIELDS: &[u32] = &[
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
];
/// Numbers of a list that are read: enough for a summary.
const MAX_NUMBERS: usize = 1 << 16;
/// Texts kept of one constant, and bytes of each.
const MAX_TEXTS: usize = 256;
const MAX_TEXT: usize = 1024;

#[derive(Default)]
struct Parts<'a> {
    dtype: String,
    shape: Vec<u64>,
    odd_shape: bool,
    content: Option<Field<'a>>,
    /// Little-endian elements of a list.
    listed: Vec<u8>,
    numbers: u64,
    texts: Vec<String>,
}

/// The index of the constant; none when there are too many.
pub(super) fn read<'a>(
    file: &mut File<'a, '_, '_, '_>,
    draft: &mut Draft,
    message: Message<'a>,
    name: &str,
) -> Option<u32> {
    let parts = parts(file, message);
    check(file, &parts, message, name);
    let elements = whole(&parts.shape);
    let at = parts
        .content
        .map(|content| file.input.at(content.at, content.len));
    if let Some(content) = parts.content {
        let bytes = content.bytes().unwrap_or_default();
        embedded::look_into(
            file.session,
            file.input,
            &format!("tensor {name}"),
            bytes,
            content.at,
        );
    }
    if elements.is_some_and(|elements| elements > 1) {
        file.session.tensor(Tensor {
            name: name.to_owned(),
            dtype: parts.dtype.clone(),
            shape: parts.shape.clone(),
            at: at
                .clone()
                .unwrap_or_else(|| file.input.at(message.base, message.len())),
            ..Tensor::default()
        });
    }
    if parts.dtype == "string" {
        return draft.constant(Constant {
            dtype: parts.dtype,
            shape: parts.shape,
            texts: Some(parts.texts),
            ..Constant::default()
        });
    }
    if let Some(content) = parts.content {
        let bytes = content.bytes().unwrap_or_default();
        return draft.bytes(&parts.dtype, parts.shape, bytes, at);
    }
    if let Some(bytes) = elements.and_then(|elements| fill(&parts, elements)) {
        return draft.bytes(&parts.dtype, parts.shape, &bytes, None);
    }
    let summary = summarise(&parts.dtype, &parts.listed);
    draft.constant(Constant {
        dtype: parts.dtype,
        shape: parts.shape,
        summary,
        ..Constant::default()
    })
}

/// All elements, when they are few: the last number listed fills the rest, and
/// no number at all is zero.
fn fill(parts: &Parts<'_>, elements: u64) -> Option<Vec<u8>> {
    let width = width(&parts.dtype)?;
    let elements = usize::try_from(elements).ok()?;
    let len = elements.checked_mul(width).filter(|len| *len <= INLINE)?;
    let mut bytes = parts.listed.clone();
    bytes.truncate(len);
    let last = match bytes.len().checked_sub(width) {
        Some(at) => bytes.get(at..).unwrap_or_default().to_vec(),
        None => vec![0; width],
    };
    while bytes.len() < len {
        bytes.extend(&last);
    }
    Some(bytes)
}

fn parts<'a>(file: &mut File<'a, '_, '_, '_>, message: Message<'a>) -> Parts<'a> {
    let mut parts = Parts {
        dtype: "?".to_owned(),
        ..Parts::default()
    };
    // The type says how wide the numbers are, wherever it stands.
    for field in message.fields().flatten() {
        if field.number == 1 {
            parts.dtype = dtype::name(field.varint().unwrap_or(0));
        }
    }
    for field in message.fields() {
        let Some(field) = file.good(field, "a tensor", FIELDS) else {
            continue;
        };
        match field.number {
            2 => {
                if let Some(shape) = field.message() {
                    read_shape(&mut parts, shape);
                }
            }
            4 if field.len > 0 => parts.content = Some(field),
            5 | 6 | 9 | 12 => parts.add_fixed(&field),
            7 | 10 | 11 | 13 | 16 | 17 => parts.add_varints(&field),
            8 => {
                let bytes = field.bytes().unwrap_or_default();
                parts.numbers = parts.numbers.saturating_add(1);
                embedded::look_into(file.session, file.input, "text", bytes, field.at);
                if parts.texts.len() < MAX_TEXTS {
                    parts.texts.push(crate::text::escape(bytes, MAX_TEXT));
                }
            }
            _ => {}
        }
    }
    parts
}

fn read_shape(parts: &mut Parts<'_>, shape: Message<'_>) {
    for field in shape.fields().flatten() {
        let Some(size) = field.message().filter(|_| field.number == 2) else {
            continue;
        };
        let size = size
            .fields()
            .flatten()
            .find(|field| field.number == 1)
            .and_then(|field| field.varint())
            .unwrap_or(0);
        match u64::try_from(signed(size)) {
            Ok(size) if parts.shape.len() < MAX_RANK => parts.shape.push(size),
            _ => parts.odd_shape = true,
        }
    }
}

impl Parts<'_> {
    fn room(&self) -> usize {
        let width = width(&self.dtype).unwrap_or(1);
        MAX_NUMBERS
            .saturating_mul(width)
            .saturating_sub(self.listed.len())
    }

    fn add_fixed(&mut self, field: &Field<'_>) {
        let width = width(&self.dtype).unwrap_or(4);
        let room = self.room();
        let bytes: &[u8] = match &field.value {
            Value::Bytes(bytes) => bytes,
            Value::Fixed32(bytes) => bytes,
            Value::Fixed64(bytes) => bytes,
            _ => return,
        };
        let count = bytes.len().checked_div(width).unwrap_or(0);
        self.numbers = self
            .numbers
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        self.listed.extend(bytes.iter().take(room));
    }

    fn add_varints(&mut self, field: &Field<'_>) {
        let width = width(&self.dtype).unwrap_or(8).min(8);
        for number in field.varints() {
            self.numbers = self.numbers.saturating_add(1);
            if self.room() >= width {
                self.listed.extend(number.to_le_bytes().iter().take(width));
            }
        }
    }
}

fn check<'a>(file: &mut File<'a, '_, '_, '_>, parts: &Parts<'_>, message: Message<'a>, name: &str) {
    if parts.odd_shape || whole(&parts.shape).is_none() {
        file.odd(
            "tensorflow-shape-absurd",
            format!("the constant {name:?} has a shape that nothing can have"),
            message,
        );
        return;
    }
    if parts.content.is_some() && parts.numbers > 0 {
        file.odd(
            "tensorflow-tensor-two-payloads",
            format!("the constant {name:?} has its numbers in two places"),
            message,
        );
    }
    let Some(elements) = whole(&parts.shape) else {
        return;
    };
    let asked = match (parts.content, width(&parts.dtype)) {
        (Some(_), None) => return,
        (Some(content), Some(width)) => {
            let width = u64::try_from(width).unwrap_or(u64::MAX);
            (elements.checked_mul(width) != Some(content.len)).then(|| {
                (
                    format!("{elements} elements of {width} bytes"),
                    format!("{} bytes", content.len),
                )
            })
        }
        (None, _) => (parts.numbers > elements && !parts.dtype.starts_with('c')).then(|| {
            (
                format!("{elements} elements"),
                format!("{} numbers", parts.numbers),
            )
        }),
    };
    if let Some((shape, data)) = asked {
        file.session.differs(
            "tensorflow-tensor-size-differs",
            format!(
                "the constant {:?} does not have the data that its shape asks for",
                shown(name.as_bytes())
            ),
            file.input.at(message.base, message.len()),
            [("shape", shape), ("data", data)],
        );
    }
}
