//! Operators that sort and select by value.

use std::cmp::Ordering;

use super::array::{Array, Kind};
use super::call::Call;
use super::number::{index, long};
use super::reduce::walk;
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Vec<Array>>, Refusal> {
    match call.op {
        "TopK" => top(call).map(Some),
        "Unique" => unique(call).map(Some),
        "NonMaxSuppression" => suppress(call).map(|one| Some(vec![one])),
        _ => Ok(None),
    }
}

fn top(call: &mut Call<'_>) -> Result<Vec<Array>, Refusal> {
    let a = call.input(0)?.clone();
    let k = match call.given(1) {
        Some(k) => k.first_int()?,
        None => call.int_or("k", 0),
    };
    let axis = call.axis(-1, a.rank())?;
    let k = index(k)
        .filter(|k| *k <= a.dim(axis))
        .ok_or_else(|| refuse("more elements than there are"))?;
    let largest = call.flag("largest", true);
    let walk = walk(&a, &[axis], true);
    call.budget.elements(a.len().saturating_mul(2))?;
    let data = a.reals()?;
    let mut shape = a.shape.clone();
    if let Some(dim) = shape.get_mut(axis) {
        *dim = k;
    }
    let after = super::gather::around(&shape, axis).1;
    let total = super::array::product(&shape)?;
    let mut from = vec![0; total];
    let mut places = vec![0; total];
    for (nth, base) in walk.outer.iter().enumerate() {
        let mut lane: Vec<(f64, usize)> = walk
            .inner
            .iter()
            .enumerate()
            .map(|(at, step)| {
                (
                    data.get(base.wrapping_add(*step)).copied().unwrap_or(0.0),
                    at,
                )
            })
            .collect();
        lane.sort_by(|(x, i), (y, j)| {
            let order = x.partial_cmp(y).unwrap_or(Ordering::Equal);
            if largest { order.reverse() } else { order }.then(i.cmp(j))
        });
        let block = nth.checked_div(after).unwrap_or(0);
        let inner = nth.checked_rem(after).unwrap_or(0);
        for (rank, (_, at)) in lane.iter().take(k).enumerate() {
            let slot = block
                .wrapping_mul(k)
                .wrapping_add(rank)
                .wrapping_mul(after)
                .wrapping_add(inner);
            let step = walk.inner.get(*at).copied().unwrap_or(0);
            if let (Some(f), Some(p)) = (from.get_mut(slot), places.get_mut(slot)) {
                *f = base.wrapping_add(step);
                *p = long(*at);
            }
        }
    }
    Ok(vec![
        a.pick(shape.clone(), &from)?,
        Array::ints(Kind::I64, shape, places)?,
    ])
}

fn unique(call: &mut Call<'_>) -> Result<Vec<Array>, Refusal> {
    let a = call.input(0)?.clone();
    if call.int("axis").is_some() {
        return Err(call.unknown());
    }
    call.budget.elements(a.len().saturating_mul(4))?;
    let data = a.reals()?;
    let mut order: Vec<usize> = (0..a.len()).collect();
    let value = |at: usize| data.get(at).copied().unwrap_or(0.0);
    order.sort_by(|x, y| value(*x).total_cmp(&value(*y)).then(x.cmp(y)));
    // Groups of equal elements as (first place, members).
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for at in order {
        match groups.last_mut() {
            Some((first, members)) if value(*first) == value(at) => members.push(at),
            _ => groups.push((at, vec![at])),
        }
    }
    if !call.flag("sorted", true) {
        groups.sort_by_key(|(first, _)| *first);
    }
    let mut inverse = vec![0; a.len()];
    for (nth, (_, members)) in groups.iter().enumerate() {
        for member in members {
            if let Some(slot) = inverse.get_mut(*member) {
                *slot = long(nth);
            }
        }
    }
    let first: Vec<usize> = groups.iter().map(|(first, _)| *first).collect();
    Ok(vec![
        a.pick(vec![first.len()], &first)?,
        Array::longs(first.iter().map(|at| long(*at)).collect())?,
        Array::longs(inverse)?,
        Array::longs(
            groups
                .iter()
                .map(|(_, members)| long(members.len()))
                .collect(),
        )?,
    ])
}

/// A box as corners, whatever the order they are given in.
fn corners(b: &[f64], centre: bool) -> [f64; 4] {
    let [p, q, r, s] = [0, 1, 2, 3].map(|at| b.get(at).copied().unwrap_or(0.0));
    if centre {
        [q - s / 2.0, p - r / 2.0, q + s / 2.0, p + r / 2.0]
    } else {
        [p.min(r), q.min(s), p.max(r), q.max(s)]
    }
}

fn overlap(a: [f64; 4], b: [f64; 4]) -> f64 {
    let area = |[t, l, u, r]: [f64; 4]| (u - t) * (r - l);
    let (top, left) = (a[0].max(b[0]), a[1].max(b[1]));
    let (low, right) = (a[2].min(b[2]), a[3].min(b[3]));
    let common = (low - top).max(0.0) * (right - left).max(0.0);
    let both = area(a) + area(b) - common;
    if common <= 0.0 || both <= 0.0 {
        0.0
    } else {
        common / both
    }
}

fn suppress(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (boxes, scores) = (call.input(0)?.clone(), call.input(1)?.clone());
    let most = call.given(2).map_or(Ok(0), Array::first_int)?;
    let most = index(most).unwrap_or(0);
    let limit = call.given(3).map_or(Ok(0.0), Array::first)?;
    let least = call.given(4).map(Array::first).transpose()?;
    let centre = call.int_or("center_point_box", 0) == 1;
    let [batches, classes, count] = scores.shape[..] else {
        return Err(refuse("scores of another rank"));
    };
    call.budget
        .product(&[batches, classes, count, most.min(count).max(1)])?;
    let (b, s) = (boxes.as_floats()?, scores.as_floats()?);
    let mut out = Vec::new();
    for batch in 0..batches {
        for class in 0..classes {
            let row = batch
                .wrapping_mul(classes)
                .wrapping_add(class)
                .wrapping_mul(count);
            let score = |at: usize| {
                s.get(row.wrapping_add(at))
                    .copied()
                    .unwrap_or(f64::NEG_INFINITY)
            };
            let place = |at: usize| {
                let start = batch.wrapping_mul(count).wrapping_add(at).wrapping_mul(4);
                corners(b.get(start..start.saturating_add(4)).unwrap_or(&[]), centre)
            };
            let mut order: Vec<usize> = (0..count)
                .filter(|at| least.is_none_or(|least| score(*at) > least))
                .collect();
            order.sort_by(|x, y| score(*y).total_cmp(&score(*x)).then(x.cmp(y)));
            let mut kept: Vec<usize> = Vec::new();
            for at in order {
                if kept.len() >= most {
                    break;
                }
                if kept.iter().all(|k| overlap(place(*k), place(at)) <= limit) {
                    kept.push(at);
                }
            }
            for at in kept {
                out.extend([long(batch), long(class), long(at)]);
            }
        }
    }
    let rows = out.len().checked_div(3).unwrap_or(0);
    Array::ints(Kind::I64, vec![rows, 3], out)
}
