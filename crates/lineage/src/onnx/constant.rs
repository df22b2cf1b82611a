//! Tensors that no source need explain: shapes, indices, masks, fillings,
//! tables that anyone can compute.

use super::view::values;
use crate::tensor::Tensor;

/// Elements of a constant that is looked at.
const MOST: u64 = 1 << 22;

/// Why a tensor is no learned one; none when it may be.
pub(super) fn kind(tensor: &Tensor) -> Option<String> {
    let elements = tensor.elements();
    if elements == 0 {
        return Some("empty".to_owned());
    }
    let Some(kind) = tensor.kind() else {
        return (tensor.dtype == "string").then(|| "text".to_owned());
    };
    if elements == 1 {
        return Some("a single number".to_owned());
    }
    let values = values(tensor, MOST)?;
    let first = *values.first()?;
    if values.iter().all(|v| v.to_bits() == first.to_bits()) {
        return Some(format!("filled with {first}"));
    }
    if !kind.is_float() {
        // Small whole numbers are shapes, axes and indices; ramps are positions.
        let small = elements <= 64;
        let mut distinct: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let last = tensor.shape.last().copied().unwrap_or(1).max(1);
        let few = distinct.len() <= 2 || kind == crate::dtype::Dtype::Bool;
        let wide = matches!(kind, crate::dtype::Dtype::I64 | crate::dtype::Dtype::I32);
        return if small || few {
            Some("small whole numbers".to_owned())
        } else if is_ramp(&values) || is_grid(&values, &tensor.shape) {
            Some("positions".to_owned())
        } else if wide && distinct.len() as u64 <= 2 * last.max(64) {
            Some("indices".to_owned())
        } else {
            None
        };
    }
    let is_mask = |v: &f64| *v == 0.0 || *v == 1.0 || *v <= -1e4 || v.is_infinite();
    if values.iter().all(is_mask) {
        return Some("a mask".to_owned());
    }
    if is_ramp(&values) && values.iter().all(|v| v.fract() == 0.0) {
        return Some("positions".to_owned());
    }
    if elements <= 16 && values.iter().all(|v| v.fract() == 0.0 && v.abs() < 1e6) {
        return Some("small whole numbers".to_owned());
    }
    rotary(tensor, &values)
}

fn is_ramp(values: &[f64]) -> bool {
    let [first, second, ..] = values else {
        return false;
    };
    let step = second - first;
    step != 0.0
        && values
            .iter()
            .enumerate()
            .all(|(at, v)| (v - (first + step * at as f64)).abs() <= 1e-6 * v.abs().max(1.0))
}

/// Index tuples of all places of a grid, or a ramp along the last dimension
/// that every row repeats.
fn is_grid(values: &[f64], shape: &[u64]) -> bool {
    let last = shape
        .last()
        .and_then(|last| usize::try_from(*last).ok())
        .unwrap_or(1)
        .max(1);
    let rows = values.len() / last;
    let repeated = values
        .chunks(last)
        .all(|row| values.get(..last).is_some_and(|first| first == row));
    if repeated && values.get(..last).is_some_and(is_ramp) {
        return true;
    }
    let bound = rows as f64;
    values
        .chunks(last)
        .is_sorted_by(|a, b| a.partial_cmp(b).is_some_and(std::cmp::Ordering::is_le))
        && values.iter().all(|v| *v >= 0.0 && *v < bound.max(2.0))
}

/// Frequencies of rotary embeddings, and the sines and cosines of them.
fn rotary(tensor: &Tensor, values: &[f64]) -> Option<String> {
    let close = |a: f64, b: f64| (a - b).abs() <= 2e-6 + 2e-6 * b.abs();
    let count = values.len();
    // θ^(−2i/d), for the θ that the second value tells.
    let [first, second, ..] = values else {
        return None;
    };
    if *first == 1.0 && *second > 0.0 && *second < 1.0 {
        let geometric = values
            .iter()
            .enumerate()
            .all(|(at, v)| (v - second.powf(at as f64)).abs() <= 1e-5 * v.abs() + 1e-12);
        if geometric {
            return Some("frequencies of rotary embeddings".to_owned());
        }
    }
    let width = usize::try_from(*tensor.shape.last()?).ok()?;
    let rows = count / width.max(1);
    if width < 2 || rows < 2 {
        return None;
    }
    for (what, wave) in [("sines", f64::sin as fn(f64) -> f64), ("cosines", f64::cos)] {
        let row = values.get(width..2 * width)?;
        // The frequency of each column is what its second row tells.
        for theta in [1e4, 5e5, 1e6, 1e5, 5e6, 1e7] {
            for half in [width, width / 2] {
                let frequency = |column: usize| {
                    let at = (column % half.max(1)) as f64;
                    f64::powf(theta, -at / half.max(1) as f64)
                };
                let starts = row
                    .iter()
                    .enumerate()
                    .all(|(column, v)| close(*v, wave(frequency(column))));
                let all = starts
                    && values.iter().enumerate().all(|(at, v)| {
                        let angle = (at / width) as f64 * frequency(at % width);
                        (v - wave(angle)).abs() <= 1e-5 + 1e-7 * angle
                    });
                if all {
                    return Some(format!("{what} of positions"));
                }
            }
        }
    }
    None
}
