//! Elements of small constants.

use modelward_schema::Constant;

use crate::eval::{Kind, from_bytes};

/// At most `most` elements as numbers; none when they are not at hand.
pub(crate) fn floats(constant: &Constant, most: usize) -> Option<Vec<f64>> {
    let bytes = constant.bytes.as_deref()?;
    let width = width(&constant.dtype)?;
    let kind = Kind::of(&constant.dtype)?;
    let count = bytes.len().checked_div(width)?.min(most);
    let bytes = bytes.get(..count.checked_mul(width)?)?;
    let array = from_bytes(kind, vec![count], bytes).ok()?;
    Some(array.reals().ok()?.into_owned())
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
