//! Elements of small constants.

use modelward_schema::Constant;

/// At most `most` elements as numbers; none when they are not at hand.
pub(crate) fn floats(constant: &Constant, most: usize) -> Option<Vec<f64>> {
    let bytes = constant.bytes.as_deref()?;
    let width = width(&constant.dtype)?;
    let elements = bytes.chunks_exact(width).take(most);
    Some(
        elements
            .map(|element| one(&constant.dtype, element))
            .collect(),
    )
}

/// All elements as integers, when there are no more than `most`.
pub(crate) fn ints(constant: &Constant, most: usize) -> Option<Vec<i64>> {
    let bytes = constant.bytes.as_deref()?;
    let width = width(&constant.dtype)?;
    if bytes.len().checked_div(width)? > most {
        return None;
    }
    bytes
        .chunks_exact(width)
        .map(|element| {
            let mut all = [0_u8; 8];
            for (slot, byte) in all.iter_mut().zip(element) {
                *slot = *byte;
            }
            match constant.dtype.as_str() {
                "i64" => Some(i64::from_le_bytes(all)),
                "i32" => {
                    let [a, b, c, d, ..] = all;
                    Some(i64::from(i32::from_le_bytes([a, b, c, d])))
                }
                "u8" | "bool" | "u16" | "u32" => i64::try_from(u64::from_le_bytes(all)).ok(),
                "i8" => element.first().map(|byte| i64::from(byte.cast_signed())),
                _ => None,
            }
        })
        .collect()
}

fn width(dtype: &str) -> Option<usize> {
    Some(match dtype {
        "f64" | "i64" | "u64" => 8,
        "f32" | "i32" | "u32" => 4,
        "f16" | "bf16" | "i16" | "u16" => 2,
        "i8" | "u8" | "bool" => 1,
        _ => return None,
    })
}

#[allow(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "an interval may round"
)]
fn one(dtype: &str, element: &[u8]) -> f64 {
    let mut all = [0_u8; 8];
    for (slot, byte) in all.iter_mut().zip(element) {
        *slot = *byte;
    }
    let [a, b, c, d, ..] = all;
    match dtype {
        "f64" => f64::from_le_bytes(all),
        "f32" => f64::from(f32::from_le_bytes([a, b, c, d])),
        "bf16" => f64::from(f32::from_le_bytes([0, 0, a, b])),
        "f16" => half(u16::from_le_bytes([a, b])),
        "i64" => i64::from_le_bytes(all) as f64,
        "i32" => f64::from(i32::from_le_bytes([a, b, c, d])),
        "i16" => f64::from(i16::from_le_bytes([a, b])),
        "i8" => f64::from(i8::from_le_bytes([a])),
        _ => u64::from_le_bytes(all) as f64,
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
