//! Constants: small ones with their elements, large ones by where they lie and
//! what they look like.

use std::collections::BTreeSet;

use modelward_schema::{Constant, INLINE, Location, Summary};

use super::super::dtype::{self, Home, Type};
use super::super::walk::entry;
use super::{Builder, SMALL};
use crate::settle::beside;
use crate::text;
use crate::wire::protobuf::{Field, Message, Value};

const MAX_RANK: usize = 64;
/// Elements looked at for a summary.
const SEEN: usize = 65_536;
/// Different values counted.
const DISTINCT: usize = 64;
const MAX_TEXTS: usize = 4096;

#[derive(Default)]
struct Parts<'a> {
    name: &'a [u8],
    number: u64,
    shape: Vec<u64>,
    raw: Option<Field<'a>>,
    external: bool,
}

fn parts(tensor: Message<'_>) -> Parts<'_> {
    let mut parts = Parts::default();
    for field in tensor.fields().flatten() {
        match field.number {
            1 => {
                let room = MAX_RANK.saturating_sub(parts.shape.len());
                parts.shape.extend(field.varints().take(room));
            }
            2 => parts.number = field.varint().unwrap_or(0),
            8 => parts.name = field.bytes().unwrap_or_default(),
            9 if field.len > 0 => parts.raw = Some(field),
            14 => parts.external = field.varint() == Some(1),
            _ => {}
        }
    }
    parts
}

/// A `TensorProto`, or a `SparseTensorProto`, with its name.
pub(super) fn read<'a>(
    builder: &mut Builder<'a, '_, '_, '_>,
    message: Message<'a>,
    sparse: bool,
) -> (&'a [u8], Constant) {
    if sparse {
        return read_sparse(message);
    }
    let parts = parts(message);
    let mut constant = Constant {
        dtype: dtype::name(parts.number),
        shape: parts.shape.clone(),
        ..Constant::default()
    };
    if parts.external {
        constant.at = external(builder.input.path, message);
        return (parts.name, constant);
    }
    let Some(kind) = dtype::find(parts.number) else {
        return (parts.name, constant);
    };
    if kind.bits.is_none() {
        let texts = message.fields().flatten().filter(|field| field.number == 6);
        constant.texts = Some(
            texts
                .take(MAX_TEXTS)
                .map(|field| text::escape(field.bytes().unwrap_or_default(), 1024))
                .collect(),
        );
        return (parts.name, constant);
    }
    if let Some(raw) = parts.raw {
        let bytes = raw.bytes().unwrap_or_default();
        constant.at = Some(builder.input.at(raw.at, raw.len));
        if keeps(builder, bytes.len()) {
            constant.bytes = Some(bytes.to_vec());
        } else {
            constant.summary = Some(summary(kind, bytes));
        }
    } else {
        let width = width(kind);
        let limit = SEEN.saturating_mul(width);
        let bytes = typed(message, kind, width, limit);
        if bytes.len() <= INLINE && keeps(builder, bytes.len()) {
            constant.bytes = Some(bytes);
        } else {
            constant.summary = Some(summary(kind, &bytes));
        }
    }
    (parts.name, constant)
}

fn keeps(builder: &mut Builder<'_, '_, '_, '_>, len: usize) -> bool {
    if len <= SMALL {
        return true;
    }
    let kept = builder.kept.saturating_add(len);
    if len > INLINE || kept > super::CONSTANT_BYTES {
        return false;
    }
    builder.kept = kept;
    true
}

fn read_sparse(message: Message<'_>) -> (&[u8], Constant) {
    let mut constant = Constant::default();
    let mut name: &[u8] = b"";
    for field in message.fields().flatten() {
        match (field.number, field.message()) {
            (1, Some(values)) => {
                let parts = parts(values);
                name = parts.name;
                constant.dtype = dtype::name(parts.number);
                if let Some(kind) = dtype::find(parts.number).filter(|kind| kind.bits.is_some()) {
                    let bytes = match parts.raw.and_then(|raw| raw.bytes()) {
                        Some(raw) => raw.to_vec(),
                        None => typed(values, kind, width(kind), INLINE),
                    };
                    constant.summary = Some(summary(kind, &bytes));
                }
            }
            (3, _) => {
                let room = MAX_RANK.saturating_sub(constant.shape.len());
                constant.shape.extend(field.varints().take(room));
            }
            _ => {}
        }
    }
    (name, constant)
}

/// Where external data lie: the file beside the model, and the part of it.
fn external(path: &str, tensor: Message<'_>) -> Option<Location> {
    let mut file = None;
    let mut offset = 0_u64;
    let mut length = 0_u64;
    for field in tensor.fields().flatten() {
        let Some((key, value, _)) = field
            .message()
            .filter(|_| field.number == 13)
            .and_then(entry)
        else {
            continue;
        };
        let value = text::escape(value, 1024);
        match key {
            b"location" => file = beside(path, &value),
            b"offset" => offset = value.parse().unwrap_or(0),
            b"length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    Some(Location::bytes(file?, offset, length))
}

/// Bytes of one element as it is kept here.
fn width(kind: Type) -> usize {
    let bits = kind.bits.unwrap_or(8);
    usize::try_from(bits.div_ceil(8)).unwrap_or(1)
}

/// The typed fields as little-endian elements.
fn typed(tensor: Message<'_>, kind: Type, width: usize, limit: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for field in tensor.fields().flatten() {
        if field.number != kind.home.field() {
            continue;
        }
        let room = limit.saturating_sub(out.len());
        match (kind.home, field.value) {
            (Home::Floats | Home::Doubles, Value::Bytes(packed)) => {
                out.extend(packed.iter().take(room));
            }
            (Home::Floats, Value::Fixed32(number)) if room > 0 => out.extend(number),
            (Home::Doubles, Value::Fixed64(number)) if room > 0 => out.extend(number),
            (Home::Int32s | Home::Int64s | Home::Uint64s, _) => {
                let count = room.checked_div(width.max(1)).unwrap_or(0);
                for number in field.varints().take(count) {
                    out.extend(number.to_le_bytes().iter().take(width));
                }
            }
            _ => {}
        }
    }
    out
}

/// What little-endian elements look like.
fn summary(kind: Type, bytes: &[u8]) -> Summary {
    let mut out = Summary {
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        ..Summary::default()
    };
    let mut different = BTreeSet::new();
    for element in bytes.chunks_exact(width(kind).max(1)).take(SEEN) {
        out.seen = out.seen.saturating_add(1);
        let number = number(kind.name, element);
        if number.is_finite() {
            out.min = out.min.min(number);
            out.max = out.max.max(number);
        } else {
            out.not_finite = out.not_finite.saturating_add(1);
        }
        if different.len() < DISTINCT {
            let mut key = [0_u8; 8];
            for (slot, byte) in key.iter_mut().zip(element) {
                *slot = *byte;
            }
            different.insert(u64::from_le_bytes(key));
        }
    }
    out.distinct = u32::try_from(different.len()).unwrap_or(u32::MAX);
    if out.min > out.max {
        (out.min, out.max) = (0.0, 0.0);
    }
    out
}

/// One element as a number; eight-bit floats and packed types as their bits.
#[allow(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a summary may round"
)]
fn number(kind: &str, element: &[u8]) -> f64 {
    let mut bytes = [0_u8; 8];
    for (slot, byte) in bytes.iter_mut().zip(element) {
        *slot = *byte;
    }
    let [a, b, c, d, ..] = bytes;
    match kind {
        "f32" | "c64" => f64::from(f32::from_le_bytes([a, b, c, d])),
        "f64" | "c128" => f64::from_le_bytes(bytes),
        "f16" => half(u16::from_le_bytes([a, b])),
        "bf16" => f64::from(f32::from_le_bytes([0, 0, a, b])),
        "i8" => f64::from(i8::from_le_bytes([a])),
        "i16" => f64::from(i16::from_le_bytes([a, b])),
        "i32" => f64::from(i32::from_le_bytes([a, b, c, d])),
        "i64" => i64::from_le_bytes(bytes) as f64,
        _ => u64::from_le_bytes(bytes) as f64,
    }
}

fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f64::from(bits & 0x3ff);
    match (bits >> 10) & 0x1f {
        0 => sign * fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        exponent => {
            let power = i32::from(exponent).saturating_sub(25);
            sign * (1024.0 + fraction) * 2_f64.powi(power)
        }
    }
}
