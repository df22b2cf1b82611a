//! What a large constant looks like.

use std::collections::BTreeSet;

use modelward_schema::Summary;

/// Elements that are looked at.
const LOOKED_AT: usize = 1 << 16;
/// Different values that are counted.
const COUNTED: usize = 64;

/// Bytes of an element; none for packed types and for what has no fixed size.
pub(crate) fn width(dtype: &str) -> Option<usize> {
    Some(match dtype {
        "bool" | "i8" | "u8" | "f8_e4m3" | "f8_e5m2" => 1,
        "f16" | "bf16" | "i16" | "u16" => 2,
        "f32" | "i32" | "u32" => 4,
        "f64" | "i64" | "u64" | "c64" => 8,
        "c128" => 16,
        _ => return None,
    })
}

/// None for types whose elements are not plain numbers, and for no bytes.
pub(crate) fn summarise(dtype: &str, bytes: &[u8]) -> Option<Summary> {
    let width = width(dtype)?;
    let mut summary = Summary {
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        ..Summary::default()
    };
    let mut distinct = BTreeSet::new();
    for element in bytes.chunks_exact(width).take(LOOKED_AT) {
        let number = number(dtype, element)?;
        summary.seen = summary.seen.saturating_add(1);
        if distinct.len() < COUNTED {
            distinct.insert(number.to_bits());
        }
        if number.is_finite() {
            summary.min = summary.min.min(number);
            summary.max = summary.max.max(number);
        } else {
            summary.not_finite = summary.not_finite.saturating_add(1);
        }
    }
    if summary.seen == 0 {
        return None;
    }
    if summary.min > summary.max {
        (summary.min, summary.max) = (0.0, 0.0);
    }
    summary.distinct = u32::try_from(distinct.len()).unwrap_or(u32::MAX);
    Some(summary)
}

fn number(dtype: &str, element: &[u8]) -> Option<f64> {
    Some(match (dtype, element) {
        ("bool" | "u8", [a]) => f64::from(*a),
        ("i8", [a]) => f64::from(a.cast_signed()),
        ("f16", [a, b]) => half(u16::from_le_bytes([*a, *b])),
        ("bf16", [a, b]) => f64::from(f32::from_le_bytes([0, 0, *a, *b])),
        ("i16", [a, b]) => f64::from(i16::from_le_bytes([*a, *b])),
        ("u16", [a, b]) => f64::from(u16::from_le_bytes([*a, *b])),
        ("f32", [a, b, c, d]) => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
        ("i32", [a, b, c, d]) => f64::from(i32::from_le_bytes([*a, *b, *c, *d])),
        ("u32", [a, b, c, d]) => f64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        ("f64", element) => f64::from_le_bytes(*element.first_chunk()?),
        ("i64" | "u64", element) => {
            let (low, high) = element.split_first_chunk::<4>()?;
            let high: [u8; 4] = high.try_into().ok()?;
            let high = if dtype == "i64" {
                f64::from(i32::from_le_bytes(high))
            } else {
                f64::from(u32::from_le_bytes(high))
            };
            high * 4_294_967_296.0 + f64::from(u32::from_le_bytes(*low))
        }
        _ => return None,
    })
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent.saturating_sub(15)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_are_read() {
        let summary = summarise("f16", &[0, 0x3c, 0, 0xc0, 0, 0x7c, 1, 0]).unwrap();
        assert!(summary.min < -1.9 && summary.max > 0.9);
        assert_eq!(
            (summary.not_finite, summary.seen, summary.distinct),
            (1, 4, 4)
        );
        let wide = summarise("i64", &(-5_i64).to_le_bytes()).unwrap();
        assert_eq!(wide.min.to_bits(), (-5.0_f64).to_bits());
        assert!(summarise("string", b"abc").is_none() && summarise("f32", b"").is_none());
    }
}
