//! Rounding to an element type, to nearest with ties to even unless said
//! otherwise.
//!
//! PyTorch and NumPy agree on what a rounding gives except in three places,
//! which are told apart here: a 64-bit number reaches a short float directly
//! (NumPy) or by way of 32 bits (PyTorch); what is too large for e4m3fn becomes
//! NaN (PyTorch, ml_dtypes) or the largest value (saturating converters); and
//! the bits of a NaN.

use half::{bf16, f16};

use crate::dtype::Dtype;
use crate::float8;

/// How a number reaches its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// By way of 32 bits.
    pub(crate) single: bool,
    /// What is too large for e4m3fn becomes its largest value.
    pub(crate) saturate: bool,
    /// Towards zero instead of to nearest.
    pub(crate) truncate: bool,
}

impl Way {
    pub(crate) const NEAREST: Self = Self {
        single: false,
        saturate: false,
        truncate: false,
    };

    /// The ways that honest tools take from one type to another, likeliest first.
    pub(crate) fn all(from: Dtype, to: Dtype) -> Vec<Self> {
        let mut ways = vec![Self::NEAREST];
        let short = to.width() < 4;
        if from == Dtype::F64 && short {
            ways.push(Self {
                single: true,
                ..Self::NEAREST
            });
        }
        if to == Dtype::F8E4m3 {
            let more: Vec<Self> = ways
                .iter()
                .map(|way| Self {
                    saturate: true,
                    ..*way
                })
                .collect();
            ways.extend(more);
        }
        ways
    }

    pub(crate) fn name(self) -> &'static str {
        match (self.single, self.saturate) {
            (true, false) => "by way of 32 bits",
            (false, true) => "saturating",
            (true, true) => "by way of 32 bits, saturating",
            (false, false) => "directly",
        }
    }
}

/// Appends `value` as the little-endian bytes of type `to`.
pub(crate) fn encode(to: Dtype, way: Way, value: f64, out: &mut Vec<u8>) {
    if way.truncate {
        return truncate(to, value, out);
    }
    let value = if way.single {
        f64::from(value as f32)
    } else {
        value
    };
    match to {
        Dtype::F64 => out.extend(value.to_le_bytes()),
        Dtype::F32 => out.extend((value as f32).to_le_bytes()),
        Dtype::F16 => out.extend(to_f16(value).to_le_bytes()),
        Dtype::Bf16 => out.extend(to_bf16(value).to_le_bytes()),
        Dtype::F8E4m3 => {
            let code = float8::E4M3.encode(value);
            let too_large = code & 0x7f == 0x7f && !value.is_nan();
            out.push(if way.saturate && too_large {
                code - 1
            } else {
                code
            });
        }
        Dtype::F8E5m2 => out.push(float8::E5M2.encode(value)),
        Dtype::I64 => out.extend((value as i64).to_le_bytes()),
        Dtype::I32 => out.extend((value as i32).to_le_bytes()),
        Dtype::I16 => out.extend((value as i16).to_le_bytes()),
        Dtype::I8 => out.extend((value as i8).to_le_bytes()),
        Dtype::U64 => out.extend((value as u64).to_le_bytes()),
        Dtype::U32 => out.extend((value as u32).to_le_bytes()),
        Dtype::U16 => out.extend((value as u16).to_le_bytes()),
        Dtype::U8 => out.push(value as u8),
        Dtype::Bool => out.push(u8::from(value != 0.0)),
        Dtype::C64 => {
            out.extend((value as f32).to_le_bytes());
            out.extend(0_f32.to_le_bytes());
        }
        Dtype::C128 => {
            out.extend(value.to_le_bytes());
            out.extend(0_f64.to_le_bytes());
        }
    }
}

/// The commonest casts over a whole stretch, in loops that processors like;
/// false when it is none of them.
pub(crate) fn encode_all(
    from: Dtype,
    to: Dtype,
    way: Way,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> bool {
    if way != Way::NEAREST {
        return false;
    }
    match (from, to) {
        (Dtype::F32, Dtype::Bf16) => {
            out.extend(bytes.as_chunks::<4>().0.iter().flat_map(|raw| {
                let bits = u32::from_le_bytes(*raw);
                let nan = bits & 0x7fff_ffff > 0x7f80_0000;
                let even = (bits >> 16) & 1;
                let rounded = bits.wrapping_add(0x7fff + even) >> 16;
                let code = if nan { bits >> 16 | 0x40 } else { rounded };
                (code as u16).to_le_bytes()
            }));
        }
        (Dtype::F32, Dtype::F16) => {
            out.extend(
                bytes
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .flat_map(|raw| f16::from_f32(f32::from_le_bytes(*raw)).to_le_bytes()),
            );
        }
        (Dtype::Bf16, Dtype::F32) => {
            out.extend(
                bytes
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .flat_map(|[low, high]| [0, 0, *low, *high]),
            );
        }
        (Dtype::F16, Dtype::F32) => {
            out.extend(
                bytes
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .flat_map(|raw| f16::from_le_bytes(*raw).to_f32().to_le_bytes()),
            );
        }
        _ => return false,
    }
    true
}

/// A value that 32 bits hold exactly goes the fast way.
fn to_f16(value: f64) -> f16 {
    let single = value as f32;
    if f64::from(single).to_bits() == value.to_bits() || value.is_nan() {
        f16::from_f32(single)
    } else {
        f16::from_bits(short(value, 10, 15))
    }
}

fn to_bf16(value: f64) -> bf16 {
    let single = value as f32;
    if f64::from(single).to_bits() == value.to_bits() || value.is_nan() {
        bf16::from_f32(single)
    } else {
        bf16::from_bits(short(value, 7, 127))
    }
}

/// A 16-bit float with `digits` bits of fraction, rounded once.
fn short(value: f64, digits: i32, bias: i32) -> u16 {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = value.abs();
    let infinity = ((2 * bias + 1) << digits) as u16;
    if magnitude.is_infinite() {
        return sign | infinity;
    }
    let exponent = ((magnitude.to_bits() >> 52) as i32 - 1023).max(1 - bias);
    let units = (magnitude * 2f64.powi(digits - exponent)).round_ties_even();
    // A carry moves into the exponent by itself.
    let hidden = 1_i32 << digits;
    let units = units as i32;
    let code = if units < hidden {
        units
    } else {
        ((exponent + bias - 1) << digits) + units
    };
    sign | (code as u16).min(infinity)
}

fn truncate(to: Dtype, value: f64, out: &mut Vec<u8>) {
    let start = out.len();
    encode(to, Way::NEAREST, value, out);
    let Some(bytes) = out.get(start..) else {
        return;
    };
    let rounded = to.value(bytes);
    if rounded.abs() > value.abs() && to.is_float() {
        // One step towards zero: floats of one sign are ordered as their bits.
        let mut bits = [0_u8; 8];
        bits[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
        let lower = u64::from_le_bytes(bits) - 1;
        let len = bytes.len();
        out.truncate(start);
        out.extend_from_slice(&lower.to_le_bytes()[..len.min(8)]);
    }
}

/// Whether `is`, a NaN of type `to`, is what a converter makes of the NaN `from`:
/// its sign and upper bits made quiet, or the NaN that converters write for
/// every NaN. Other bits carry something that is not in the source.
pub(crate) fn is_plain_nan(from: (Dtype, u64), to: (Dtype, u64)) -> bool {
    let shape = |kind: Dtype| match kind {
        Dtype::F64 => (52_u32, 64_u32),
        Dtype::F32 => (23, 32),
        Dtype::F16 => (10, 16),
        Dtype::Bf16 => (7, 16),
        Dtype::F8E5m2 => (2, 8),
        _ => (3, 8),
    };
    let ((digits, width), (from_digits, from_width)) = (shape(to.0), shape(from.0));
    if to.0 == Dtype::F8E4m3 {
        return to.1 & 0x7f == 0x7f;
    }
    let mask = (1_u64 << digits) - 1;
    let sign = to.1 >> (width - 1);
    let fraction = to.1 & mask;
    let quiet = 1_u64 << (digits - 1);
    let from_fraction = from.1 & ((1_u64 << from_digits) - 1);
    let carried = if digits >= from_digits {
        from_fraction << (digits - from_digits)
    } else {
        from_fraction >> (from_digits - digits)
    };
    let same_sign = sign == from.1 >> (from_width - 1);
    // Vectorized converters write all ones, with or without the sign.
    fraction == mask
        || fraction == quiet
        || (same_sign && (fraction == carried | quiet || (fraction == carried && carried != 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(to: Dtype, way: Way, value: f64) -> u64 {
        let mut out = Vec::new();
        encode(to, way, value, &mut out);
        out.resize(8, 0);
        u64::from_le_bytes(out.try_into().unwrap())
    }

    #[test]
    fn one_rounding_and_two_roundings_differ_where_they_must() {
        // Just above the middle of two halves: 32 bits lose what decides.
        let value = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        let once = bits(Dtype::F16, Way::NEAREST, value);
        let twice = bits(
            Dtype::F16,
            Way {
                single: true,
                ..Way::NEAREST
            },
            value,
        );
        assert_eq!((once, twice), (0x3c01, 0x3c00));
    }

    #[test]
    fn the_slow_way_is_the_fast_way() {
        let mut value = 1e-9_f64;
        while value < 1e6 {
            let single = f64::from(value as f32);
            assert_eq!(
                short(single, 10, 15),
                f16::from_f32(single as f32).to_bits()
            );
            assert_eq!(
                short(-single, 7, 127),
                bf16::from_f32(-single as f32).to_bits()
            );
            value *= 1.013;
        }
    }

    #[test]
    fn a_whole_stretch_is_each_number() {
        let mut origin = Vec::new();
        for step in 0..40_000_u32 {
            origin.extend((step.wrapping_mul(107_377)).to_le_bytes());
        }
        for to in [Dtype::Bf16, Dtype::F16] {
            let (mut all, mut each, mut values) = (Vec::new(), Vec::new(), Vec::new());
            assert!(encode_all(Dtype::F32, to, Way::NEAREST, &origin, &mut all));
            Dtype::F32.decode(&origin, &mut values);
            for value in values {
                encode(to, Way::NEAREST, value, &mut each);
            }
            let pairs = all.chunks(2).zip(each.chunks(2));
            for (number, (all, each)) in pairs.enumerate() {
                let nan = to.value(all).is_nan() && to.value(each).is_nan();
                assert!(all == each || nan, "{number}");
            }
        }
    }

    #[test]
    fn towards_zero_is_one_step_below() {
        let way = Way {
            truncate: true,
            ..Way::NEAREST
        };
        assert_eq!(bits(Dtype::Bf16, way, 1.0 + 0.75 / 128.0), 0x3f80);
        assert_eq!(bits(Dtype::Bf16, Way::NEAREST, 1.0 + 0.75 / 128.0), 0x3f81);
        assert_eq!(bits(Dtype::Bf16, way, -1.5), 0xbfc0);
    }

    #[test]
    fn hidden_bits_in_a_nan_are_seen() {
        let from = (Dtype::F32, 0x7fc0_0000);
        assert!(is_plain_nan(from, (Dtype::F16, 0x7e00)));
        assert!(is_plain_nan(from, (Dtype::Bf16, 0x7fc0)));
        assert!(!is_plain_nan(from, (Dtype::F16, 0x7e01)));
        assert!(!is_plain_nan(from, (Dtype::Bf16, 0x7fd5)));
    }
}
