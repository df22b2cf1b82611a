//! Where constants come from: a graph names large ones by place, and whoever
//! runs it has the bytes.

use std::borrow::Cow;

use modelward_schema::{Constant, Location};

use super::array::{Array, Kind, product};
use super::number;
use super::refusal::{Refusal, refuse};

/// The bytes of a place in the artifact.
pub trait Weights {
    /// `None` when they are not at hand.
    fn bytes(&self, at: &Location) -> Option<Cow<'_, [u8]>>;
}

/// For graphs whose constants are all inline.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWeights;

impl Weights for NoWeights {
    fn bytes(&self, _: &Location) -> Option<Cow<'_, [u8]>> {
        None
    }
}

/// Decodes a constant.
pub(crate) fn decode(
    constant: &Constant,
    name: &str,
    weights: &dyn Weights,
) -> Result<Array, Refusal> {
    let kind = Kind::of(&constant.dtype)
        .ok_or_else(|| Refusal::Operator(format!("constants of type {}", constant.dtype)))?;
    let shape = constant
        .shape
        .iter()
        .map(|&dim| usize::try_from(dim).map_err(|_| refuse("a shape whose product overflows")))
        .collect::<Result<Vec<_>, _>>()?;
    let count = product(&shape)?;
    if kind == Kind::Text {
        let texts = constant.texts.clone().unwrap_or_default();
        return Array::texts(shape, texts);
    }
    let wanted = count
        .checked_mul(kind.width())
        .ok_or_else(|| refuse("a shape whose product overflows"))?;
    let bytes = match (&constant.bytes, &constant.at) {
        (Some(bytes), _) => Cow::Borrowed(bytes.as_slice()),
        (None, Some(at)) => weights
            .bytes(at)
            .ok_or_else(|| Refusal::Weights(name.to_owned()))?,
        (None, None) if count == 0 => Cow::Borrowed(&[][..]),
        (None, None) => return Err(Refusal::Weights(name.to_owned())),
    };
    let bytes = bytes
        .get(..wanted)
        .ok_or_else(|| Refusal::Weights(name.to_owned()))?;
    from_bytes(kind, shape, bytes)
}

/// Little-endian elements.
pub fn from_bytes(kind: Kind, shape: Vec<usize>, bytes: &[u8]) -> Result<Array, Refusal> {
    let elements = bytes.chunks_exact(kind.width().max(1)).map(|chunk| {
        let mut raw = [0_u8; 8];
        for (slot, byte) in raw.iter_mut().zip(chunk) {
            *slot = *byte;
        }
        u64::from_le_bytes(raw)
    });
    let low = |n: u64| u32::try_from(n & 0xffff_ffff).unwrap_or(0);
    match kind {
        Kind::F64 => Array::floats(kind, shape, elements.map(f64::from_bits).collect()),
        Kind::F32 => Array::floats(
            kind,
            shape,
            elements
                .map(|n| f64::from(f32::from_bits(low(n))))
                .collect(),
        ),
        Kind::Bf16 => Array::floats(
            kind,
            shape,
            elements
                .map(|n| f64::from(f32::from_bits(low(n).wrapping_shl(16))))
                .collect(),
        ),
        Kind::F16 => Array::floats(kind, shape, elements.map(|n| half(low(n))).collect()),
        Kind::Text => Err(refuse("strings in bytes")),
        _ => Array::ints(
            kind,
            shape,
            elements.map(|n| kind.wrap(number::signed(n))).collect(),
        ),
    }
}

/// IEEE 754 binary16.
fn half(bits: u32) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::try_from((bits >> 10) & 0x1f).unwrap_or(0);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent.saturating_sub(15)),
    }
}
