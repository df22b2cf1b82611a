//! Resizing, as ONNX `Resize` and `Upsample` define it: nearest and linear.

use super::array::{Array, product};
use super::call::Call;
use super::number::{count, index, truncate};
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Array>, Refusal> {
    match call.op {
        "Resize" | "Upsample" => resize(call).map(Some),
        _ => Ok(None),
    }
}

fn resize(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let x = call.input(0)?.clone();
    let old = call.op == "Upsample" || call.opset < 11;
    let unusual = call.ints("axes").is_some()
        || call.flag("antialias", false)
        || call
            .text("keep_aspect_ratio_policy")
            .is_some_and(|p| p != "stretch");
    if unusual {
        return Err(call.unknown());
    }
    let scales: Option<Vec<f64>> = if old {
        match call.given(1) {
            Some(list) => Some(list.reals()?.into_owned()),
            None => call.floats("scales").map(<[f64]>::to_vec),
        }
    } else {
        match call.given(2).filter(|list| !list.is_empty()) {
            Some(list) => Some(list.reals()?.into_owned()),
            None => None,
        }
    };
    let (shape, scales) = match (scales, call.given(3).filter(|_| !old)) {
        (Some(scales), _) if scales.len() == x.rank() => {
            let shape: Vec<usize> = x
                .shape
                .iter()
                .zip(&scales)
                .map(|(dim, scale)| index(truncate((count(*dim) * scale).floor())).unwrap_or(0))
                .collect();
            (shape, scales)
        }
        (None, Some(sizes)) if sizes.len() == x.rank() => {
            let shape = super::layout::dims(sizes)?;
            let scales = shape
                .iter()
                .zip(&x.shape)
                .map(|(to, from)| count(*to) / count(*from))
                .collect();
            (shape, scales)
        }
        _ => return Err(refuse("a resize to nothing")),
    };
    let mode = call.text("mode").unwrap_or("nearest").to_owned();
    let place = match (old, call.text("coordinate_transformation_mode")) {
        (true, _) => "asymmetric",
        (false, None) => "half_pixel",
        (false, Some(mode)) => mode,
    }
    .to_owned();
    let nearest = if old {
        "floor"
    } else {
        call.text("nearest_mode").unwrap_or("round_prefer_floor")
    }
    .to_owned();
    call.budget.elements(product(&shape)?.saturating_mul(2))?;
    let mut y = x.clone();
    for (axis, (to, scale)) in shape.iter().zip(&scales).enumerate() {
        if *to == x.dim(axis) && (*scale - 1.0).abs() < 1e-12 {
            continue;
        }
        let from = count(x.dim(axis));
        let mut taps = Vec::with_capacity(*to);
        for n in 0..*to {
            let n = count(n);
            let at = match place.as_str() {
                "half_pixel" => (n + 0.5) / scale - 0.5,
                "pytorch_half_pixel" if *to > 1 => (n + 0.5) / scale - 0.5,
                "pytorch_half_pixel" => 0.0,
                "align_corners" if *to > 1 => n * (from - 1.0) / (count(*to) - 1.0),
                "align_corners" => 0.0,
                "asymmetric" => n / scale,
                "half_pixel_symmetric" => {
                    let adjusted = count(*to) / (scale * from);
                    from / 2.0 * (1.0 - adjusted) + (n + 0.5) / scale - 0.5
                }
                _ => return Err(call.unknown()),
            };
            taps.push(match mode.as_str() {
                "nearest" => {
                    let at = match nearest.as_str() {
                        "round_prefer_floor" => (at - 0.5).ceil(),
                        "round_prefer_ceil" => (at + 0.5).floor(),
                        "floor" => at.floor(),
                        "ceil" => at.ceil(),
                        _ => return Err(call.unknown()),
                    };
                    let at = within(at, from);
                    (at, at, 0.0)
                }
                "linear" => {
                    let low = at.clamp(0.0, (from - 1.0).max(0.0));
                    let first = within(low.floor(), from);
                    (first, within(low.floor() + 1.0, from), low - low.floor())
                }
                _ => return Err(call.unknown()),
            });
        }
        y = along(&y, axis, &taps)?;
    }
    Ok(y)
}

fn within(at: f64, from: f64) -> usize {
    index(truncate(at.clamp(0.0, (from - 1.0).max(0.0)))).unwrap_or(0)
}

/// Mixes two elements along an axis for each new position.
fn along(x: &Array, axis: usize, taps: &[(usize, usize, f64)]) -> Result<Array, Refusal> {
    let (before, after) = super::gather::around(&x.shape, axis);
    let dim = x.dim(axis);
    let mut shape = x.shape.clone();
    if let Some(slot) = shape.get_mut(axis) {
        *slot = taps.len();
    }
    let mut places = Vec::new();
    let mut others = Vec::new();
    let mut shares = Vec::new();
    for block in 0..before {
        for (first, second, share) in taps {
            let base = block.wrapping_mul(dim);
            for inner in 0..after {
                let at = |n: &usize| {
                    base.wrapping_add(*n)
                        .wrapping_mul(after)
                        .wrapping_add(inner)
                };
                places.push(at(first));
                others.push(at(second));
                shares.push(*share);
            }
        }
    }
    let a = x.pick(shape.clone(), &places)?;
    if shares.iter().all(|share| *share == 0.0) {
        return Ok(a);
    }
    let b = x.pick(shape.clone(), &others)?;
    let (a, b) = (a.reals()?.into_owned(), b.reals()?.into_owned());
    let data = a
        .iter()
        .zip(&b)
        .zip(&shares)
        .map(|((a, b), share)| a * (1.0 - share) + b * share)
        .collect();
    Array::numbers(x.kind, shape, data)
}
