//! Padding: constant, edge, reflected, wrapped around.

use super::array::{Array, Kind};
use super::call::{Call, axis};
use super::layout::beside;
use super::number::{index, long};
use super::refusal::{Refusal, refuse};

pub(super) fn pad(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let pads = call
        .ints_of("pads", 1)?
        .or_else(|| call.ints("paddings").map(<[i64]>::to_vec))
        .ok_or_else(|| refuse("an operand that is missing"))?;
    let over = axes_in_order(call.given(3), a.rank())?;
    let mode = call.text("mode").unwrap_or("constant").to_owned();
    let count = over.len();
    let mut places: Vec<Vec<usize>> = (0..a.rank()).map(|at| (0..a.dim(at)).collect()).collect();
    let mut total = 1_usize;
    for (nth, &at) in over.iter().enumerate() {
        let (Some(&before), Some(&after)) = (pads.get(nth), pads.get(nth.saturating_add(count)))
        else {
            return Err(refuse("a padding that is missing"));
        };
        let dim = long(a.dim(at));
        let end = dim.checked_add(after).ok_or(Refusal::Budget)?;
        let begin = before.checked_neg().ok_or(Refusal::Budget)?;
        let width = index(end.saturating_sub(begin)).unwrap_or(0);
        call.budget.elements(width)?;
        let list = (begin..end)
            .map(|n| source(n, dim, &mode))
            .collect::<Option<Vec<usize>>>()
            .ok_or_else(|| call.unknown())?;
        if let Some(slot) = places.get_mut(at) {
            *slot = list;
        }
    }
    let shape: Vec<usize> = places.iter().map(Vec::len).collect();
    for &dim in &shape {
        total = total.checked_mul(dim).ok_or(Refusal::Budget)?;
    }
    call.budget.elements(total)?;
    let fill = match call.given(2) {
        Some(value) => value.clone(),
        None if a.kind == Kind::Text => Array::texts(vec![1], vec![String::new()])?,
        None => Array::scalar(a.kind, call.float_or("value", 0.0))?,
    };
    let (both, outside) = beside(&a, &fill)?;
    let mut at = vec![0_usize];
    for (list, step) in places.iter().zip(a.strides()) {
        let mut next = Vec::with_capacity(at.len().saturating_mul(list.len()));
        for base in at {
            next.extend(list.iter().map(|&n| {
                if n == usize::MAX || base == usize::MAX {
                    usize::MAX
                } else {
                    base.wrapping_add(n.wrapping_mul(step))
                }
            }));
        }
        at = next;
    }
    for n in &mut at {
        if *n == usize::MAX {
            *n = outside;
        }
    }
    both.pick(shape, &at)
}

/// Axes as they are listed; all in order when none are.
fn axes_in_order(given: Option<&Array>, rank: usize) -> Result<Vec<usize>, Refusal> {
    match given {
        Some(list) => list.as_ints()?.iter().map(|&n| axis(n, rank)).collect(),
        None => Ok((0..rank).collect()),
    }
}

/// Which element stands at a padded position; `usize::MAX` is the fill.
fn source(n: i64, dim: i64, mode: &str) -> Option<usize> {
    if (0..dim).contains(&n) {
        return index(n);
    }
    let last = dim.saturating_sub(1);
    match mode {
        "constant" => Some(usize::MAX),
        "edge" if dim > 0 => index(n.clamp(0, last)),
        "wrap" if dim > 0 => index(super::binary::floor_mod(n, dim)),
        "reflect" if dim == 1 => Some(0),
        "reflect" if dim > 1 => {
            let at = super::binary::floor_mod(n, last.saturating_mul(2));
            index(if at > last {
                last.saturating_mul(2).saturating_sub(at)
            } else {
                at
            })
        }
        _ => None,
    }
}
