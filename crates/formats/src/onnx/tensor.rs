//! `TensorProto`, wherever it stands: what it is, where its data lie, and
//! whether they are what its dimensions say.

use modelward_schema::{Location, Tensor};

use super::dtype::{self, Home, Type};
use super::external;
use super::walk::Walk;
use crate::embedded;
use crate::text;
use crate::wire::protobuf::{Field, Message, Value, signed};

/// Dimensions kept of one tensor.
const MAX_RANK: usize = 64;
/// Elements of a constant that are multiplied to see how far it expands.
const MAX_FACTORS: u64 = 64;

/// What the fields of one tensor say.
#[derive(Debug)]
struct Parts<'a> {
    name: &'a [u8],
    number: u64,
    shape: Vec<u64>,
    /// None when the product does not fit in 64 bits.
    elements: Option<u64>,
    raw: Option<Field<'a>>,
    /// The typed fields that hold anything, with the number of their values.
    typed: Vec<(Home, u64, Field<'a>)>,
    external: bool,
    /// There is at least one entry about external data.
    described: bool,
    segment: bool,
}

fn parts(message: Message<'_>) -> Parts<'_> {
    let mut parts = Parts {
        name: b"",
        number: 0,
        shape: Vec::new(),
        elements: Some(1),
        raw: None,
        typed: Vec::new(),
        external: false,
        described: false,
        segment: false,
    };
    for field in message.fields().flatten() {
        match field.number {
            1 => {
                for size in field.varints() {
                    parts.elements = parts.elements.and_then(|product| product.checked_mul(size));
                    if parts.shape.len() < MAX_RANK {
                        parts.shape.push(size);
                    }
                }
            }
            2 => parts.number = field.varint().unwrap_or(0),
            3 => parts.segment = true,
            8 => parts.name = field.bytes().unwrap_or_default(),
            9 if field.len > 0 => parts.raw = Some(field),
            13 => parts.described = true,
            14 => parts.external = field.varint() == Some(1),
            number => {
                if let Some(home) = Home::find(number) {
                    parts.add(home, &field);
                }
            }
        }
    }
    parts
}

impl<'a> Parts<'a> {
    fn is_negative(&self) -> bool {
        self.shape.iter().any(|size| signed(*size) < 0)
    }

    fn add(&mut self, home: Home, field: &Field<'a>) {
        let count = match (home, field.value) {
            (Home::Strings, _) | (_, Value::Varint(_) | Value::Fixed32(_) | Value::Fixed64(_)) => 1,
            (Home::Floats, _) => field.len / 4,
            (Home::Doubles, _) => field.len / 8,
            (_, Value::Bytes(packed)) => {
                let ends = packed.iter().filter(|byte| **byte < 0x80).count();
                u64::try_from(ends).unwrap_or(u64::MAX)
            }
            (_, Value::Group) => 0,
        };
        if count == 0 {
            return;
        }
        match self.typed.iter_mut().find(|(other, _, _)| *other == home) {
            Some((_, sum, _)) => *sum = sum.saturating_add(count),
            None => self.typed.push((home, count, *field)),
        }
    }
}

/// `inline` tells that it is the value of an attribute.
pub(super) fn read<'a>(walk: &mut Walk<'a, '_, '_, '_>, message: Message<'a>, inline: bool) {
    let parts = parts(message);
    let found = dtype::find(parts.number);
    let here = walk.input.at(message.base, message.len());
    let name = if parts.name.is_empty() && inline {
        format!("value of {}", walk.summary.node_label())
    } else {
        text::escape(parts.name, 256)
    };
    check_head(walk, &parts, found.is_some(), &name, &here);
    let at = if parts.external {
        Location::file(walk.input.path)
    } else {
        match (&parts.raw, parts.typed.first()) {
            (Some(raw), _) => walk.input.at(raw.at, raw.len),
            (None, Some((_, _, field))) => walk.input.at(field.at, field.len),
            _ => here.clone(),
        }
    };
    if let (Some(found), Some(elements)) = (found, parts.elements)
        && !parts.is_negative()
    {
        check_payload(walk, &parts, found, elements, &name, &here);
    }
    if parts.external || parts.described {
        let len = found
            .zip(parts.elements)
            .and_then(|(found, elements)| found.raw_len(elements));
        external::read(walk, message, parts.external, len, &name, &here);
    }
    look(walk, message, &parts, &name);
    if let Some(product) = product(&parts) {
        walk.summary.add_constant(parts.name, inline, product);
    }
    walk.session.tensor(Tensor {
        name,
        dtype: dtype::name(parts.number),
        shape: parts.shape,
        at,
        ..Tensor::default()
    });
}

fn check_head(
    walk: &mut Walk<'_, '_, '_, '_>,
    parts: &Parts<'_>,
    known: bool,
    name: &str,
    here: &Location,
) {
    if !known {
        walk.session.anomaly(
            "onnx-dtype-unknown",
            format!("{name:?} has the unknown element type {}", parts.number),
            here.clone(),
        );
    }
    if parts.is_negative() {
        walk.session.anomaly(
            "onnx-dims-negative",
            format!("{name:?} has a negative dimension"),
            here.clone(),
        );
    } else if parts.elements.is_none() {
        walk.session.anomaly(
            "onnx-dims-overflow",
            format!("the number of elements of {name:?} does not fit in 64 bits"),
            here.clone(),
        );
    }
    let payloads = parts
        .typed
        .len()
        .saturating_add(usize::from(parts.raw.is_some()))
        .saturating_add(usize::from(parts.external));
    if payloads > 1 {
        walk.session.anomaly(
            "onnx-tensor-two-payloads",
            format!(
                "{name:?} has data in {payloads} places, and readers differ in which they take"
            ),
            here.clone(),
        );
    }
}

fn check_payload(
    walk: &mut Walk<'_, '_, '_, '_>,
    parts: &Parts<'_>,
    found: Type,
    elements: u64,
    name: &str,
    here: &Location,
) {
    if parts.segment {
        return;
    }
    let differs = |walk: &mut Walk<'_, '_, '_, '_>, expected: String, got: String| {
        walk.session.differs(
            "onnx-tensor-size-differs",
            format!("{name:?} does not have the data that its dimensions ask for"),
            here.clone(),
            [("dimensions", expected), ("data", got)],
        );
    };
    if let Some(raw) = &parts.raw {
        match found.raw_len(elements) {
            None if found.bits.is_none() => walk.session.anomaly(
                "onnx-tensor-field-differs",
                format!("{name:?} holds strings but has raw data"),
                here.clone(),
            ),
            Some(len) if len == raw.len => {}
            expected => differs(
                walk,
                expected.map_or_else(|| "too large".to_owned(), |len| format!("{len} bytes")),
                format!("{} bytes", raw.len),
            ),
        }
    }
    for (home, count, _) in &parts.typed {
        if *home != found.home {
            walk.session.anomaly(
                "onnx-tensor-field-differs",
                format!(
                    "{name:?} is of type {} but has data in {}",
                    found.name,
                    home.name()
                ),
                here.clone(),
            );
        } else if *count != found.count(elements) && *count != elements {
            differs(
                walk,
                format!("{} values", found.count(elements)),
                format!("{count} values"),
            );
        }
    }
    if parts.raw.is_none() && parts.typed.is_empty() && !parts.external && elements > 0 {
        walk.session.anomaly(
            "onnx-tensor-without-data",
            format!("{name:?} has {elements} elements but no data"),
            here.clone(),
        );
    }
}

/// Files in raw data and in strings.
fn look<'a>(walk: &mut Walk<'a, '_, '_, '_>, message: Message<'a>, parts: &Parts<'a>, name: &str) {
    let name = format!("tensor {name}");
    if let Some(raw) = &parts.raw {
        let bytes = raw.bytes().unwrap_or_default();
        embedded::look_into(walk.session, walk.input, &name, bytes, raw.at);
    }
    if parts
        .typed
        .iter()
        .any(|(home, _, _)| *home == Home::Strings)
    {
        for field in message.fields().flatten() {
            if field.number == Home::Strings.field()
                && let Some(bytes) = field.bytes()
            {
                embedded::look_into(walk.session, walk.input, &name, bytes, field.at);
            }
        }
    }
}

/// The product of a small list of 64-bit integers: a shape or repeats.
fn product(parts: &Parts<'_>) -> Option<u128> {
    const INT64: u64 = 7;
    if parts.number != INT64 || parts.elements? > MAX_FACTORS {
        return None;
    }
    let mut product = 1_u128;
    let mut multiply = |number: i64| {
        product = product.saturating_mul(u128::try_from(number).unwrap_or(1));
    };
    if let Some(raw) = &parts.raw {
        for chunk in raw.bytes()?.as_chunks::<8>().0 {
            multiply(i64::from_le_bytes(*chunk));
        }
    } else {
        let (_, _, field) = parts.typed.first()?;
        field.varints().for_each(|number| multiply(signed(number)));
    }
    Some(product)
}
