//! Blocks of few bits, as `MatMulNBits` holds them.
//!
//! Follows ONNX Runtime's `MlasQuantizeBlockwise`: symmetric blocks divide the
//! value of largest magnitude by the most negative code, others the range by all
//! codes.

use super::codes::GROUPS;
use super::view::{transposed, values};
use super::walk::Scaled;
use crate::grade::Grade;
use crate::proof::{TensorProof, Worst};
use crate::sweep::Tell;
use crate::tensor::Tensor;

/// Packed blocks of `MatMulNBits`: rows of blocks along the inner dimension,
/// low bits first.
pub(super) fn packed(
    target: &Tensor,
    source: &Tensor,
    scaled: &Scaled<'_>,
    (bits, block): (i64, i64),
    tell: Tell<'_>,
) -> TensorProof {
    let unread = |why: &str| TensorProof::unread(target, why).from_source(source);
    let refuse = |why: String| TensorProof::refuted(target, why).from_source(source);
    let (4 | 8, Ok(block), [inner, outer]) = (bits, u64::try_from(block), source.shape.as_slice())
    else {
        return unread("codes of this many bits are not read");
    };
    let (inner, outer, block) = (*inner, *outer, block.max(1));
    let blocks = inner.div_ceil(block);
    let per = if bits == 4 { 2 } else { 1 };
    if target.elements() != outer * blocks * block.div_ceil(per)
        || scaled.scale.elements() != outer * blocks
        || outer * blocks > GROUPS
    {
        return refuse("its shape is not that of the source's blocks".to_owned());
    }
    let (Some(scales), Some(turned), Some(kind)) = (
        values(scaled.scale, GROUPS),
        transposed(source),
        source.kind(),
    ) else {
        return unread("it cannot be read");
    };
    let middle = f64::from(1_u32 << (bits - 1));
    let top = middle * 2.0 - 1.0;
    let points: Option<Vec<f64>> = scaled.zero.and_then(|zero| values(zero, GROUPS));
    if scaled.zero.is_some() && points.is_none() {
        return unread("its zero points cannot be read");
    }
    let zeros_per_row = if bits == 4 {
        blocks.div_ceil(2)
    } else {
        blocks
    };
    let (mut raw, mut packed, mut row) = (Vec::new(), Vec::new(), Vec::new());
    let mut tally = crate::sweep::Tally::default();
    let (mut off, mut first_off) = (0_u64, None);
    for line in 0..outer {
        if let Err(why) = turned.read(line * inner, inner, &mut raw) {
            return unread(&why);
        }
        row.clear();
        kind.decode(&raw, &mut row);
        let len = blocks * block.div_ceil(per);
        packed.clear();
        if let Err(why) = target.read_raw(line * len, len, &mut packed) {
            return unread(&why);
        }
        tell((raw.len() + packed.len()) as u64);
        for (at, values) in row.chunks(usize::try_from(block).unwrap_or(1)).enumerate() {
            let group = line * blocks + at as u64;
            let place = usize::try_from(group).unwrap_or(usize::MAX);
            let scale = scales.get(place).copied().unwrap_or(f64::NAN);
            let zero = match &points {
                None => middle,
                Some(points) => {
                    let place = line * zeros_per_row + at as u64 / per;
                    let byte = points
                        .get(usize::try_from(place).unwrap_or(usize::MAX))
                        .copied()
                        .unwrap_or(0.0) as u8;
                    f64::from(match (bits, at % 2) {
                        (8, _) => byte,
                        (_, 0) => byte & 15,
                        _ => byte >> 4,
                    })
                }
            };
            let must = block_scale(values, points.is_some(), middle, top);
            let same = must.iter().any(|(s, z)| {
                (s.to_bits() == scale.to_bits() || (*s == 0.0 && scale == 0.0)) && *z == zero
            });
            if !same {
                off += 1;
                first_off = first_off.or(Some((group, scale, zero, must.first().copied())));
            }
            for (index, value) in values.iter().enumerate() {
                let element = at as u64 * block + index as u64;
                let byte = packed
                    .get(usize::try_from(element / per).unwrap_or(usize::MAX))
                    .copied()
                    .unwrap_or(0);
                let code = f64::from(match (bits, element % 2) {
                    (8, _) => byte,
                    (_, 0) => byte & 15,
                    _ => byte >> 4,
                });
                let exact = if scale == 0.0 {
                    zero
                } else {
                    value / scale + zero
                };
                let distance = (exact.clamp(0.0, top) - code).abs();
                if distance > 0.5 + 1e-4 {
                    tally.see(
                        true,
                        Worst {
                            index: line * inner + element,
                            position: vec![line, element],
                            value: code,
                            expected: exact.round_ties_even().clamp(0.0, top),
                            deviation: distance,
                            bound: 0.5,
                            ..Worst::default()
                        },
                    );
                }
            }
        }
    }
    if let Some((group, scale, zero, Some((must, point)))) = first_off
        && off * 2 < outer * blocks
    {
        return refuse(format!(
            "the block {group} has the scale {scale:e} and zero point {zero}, must have {must:e} and {point}"
        ));
    }
    let grade = if tally.wrong > 0 {
        Grade::Refuted
    } else {
        Grade::NearestCode
    };
    TensorProof {
        wrong: tally.wrong,
        worst: tally.worst,
        ..TensorProof::of(target, grade)
    }
    .from_source(source)
    .with_note(if off == 0 {
        format!("blocks of {block}, {bits} bits")
    } else {
        format!("blocks of {block}, {bits} bits; scales are not those of the range")
    })
}

/// What scale and zero point a block's values have.
fn block_scale(values: &[f64], zero: bool, middle: f64, top: f64) -> Vec<(f64, f64)> {
    let low = values.iter().copied().fold(0.0, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    if zero {
        let scale = (high as f32 - low as f32) / top as f32;
        let reciprocal = if scale == 0.0 { 0.0 } else { 1.0 / scale };
        let points = [
            f64::from((-(low as f32) * reciprocal).round_ties_even()),
            f64::from((-(low as f32) * reciprocal).round()),
            f64::from((-(low as f32) / if scale == 0.0 { 1.0 } else { scale }).round_ties_even()),
        ];
        return points
            .into_iter()
            .map(|point| (f64::from(scale), point.clamp(0.0, top)))
            .collect();
    }
    let signed = if high > -low { high } else { low };
    let most = high.max(-low);
    vec![
        (f64::from(signed as f32 / -(middle as f32)), middle),
        (f64::from(-signed as f32 / -(middle as f32)), middle),
        (f64::from(most as f32 / (middle as f32 - 1.0)), middle),
    ]
}
