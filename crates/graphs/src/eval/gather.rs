//! Operators whose indices are data: they pick and place whole elements.

use super::array::{Array, Kind, product, strides};
use super::call::Call;
use super::number::{from_end, long};
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Array>, Refusal> {
    Ok(Some(match call.op {
        "Gather" => gather(call)?,
        "GatherElements" => gather_elements(call)?,
        "GatherND" => gather_nd(call)?,
        "ScatterElements" | "Scatter" => scatter_elements(call)?,
        "ScatterND" => scatter_nd(call)?,
        "Compress" => compress(call)?,
        "OneHot" => one_hot(call)?,
        "NonZero" => non_zero(call)?,
        "ArrayFeatureExtractor" => {
            let (a, at) = (call.input(0)?.clone(), call.input(1)?.as_ints()?.to_vec());
            let last = a.shape.last().copied().unwrap_or(1);
            let rows = a.len().checked_div(last).unwrap_or(0);
            let mut from = Vec::with_capacity(rows.saturating_mul(at.len()));
            for row in 0..rows {
                for n in &at {
                    let n = from_end(*n, last).ok_or_else(outside)?;
                    from.push(row.wrapping_mul(last).wrapping_add(n));
                }
            }
            a.pick(vec![rows, at.len()], &from)?
        }
        _ => return Ok(None),
    }))
}

fn outside() -> Refusal {
    refuse("an index outside its tensor")
}

fn gather(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (a, at) = (call.input(0)?.clone(), call.input(1)?.clone());
    let axis = call.axis(0, a.rank())?;
    let dim = a.dim(axis);
    let (before, after) = around(&a.shape, axis);
    let mut shape = a.shape.get(..axis).unwrap_or(&[]).to_vec();
    shape.extend_from_slice(&at.shape);
    shape.extend_from_slice(a.shape.get(axis.saturating_add(1)..).unwrap_or(&[]));
    call.budget.elements(product(&shape)?)?;
    let places = at
        .as_ints()?
        .iter()
        .map(|&n| from_end(n, dim).ok_or_else(outside))
        .collect::<Result<Vec<_>, _>>()?;
    let mut from = Vec::with_capacity(product(&shape)?);
    for block in 0..before {
        for place in &places {
            let begin = block
                .wrapping_mul(dim)
                .wrapping_add(*place)
                .wrapping_mul(after);
            from.extend(begin..begin.saturating_add(after));
        }
    }
    a.pick(shape, &from)
}

/// Elements before an axis and within one step of it.
pub(crate) fn around(shape: &[usize], axis: usize) -> (usize, usize) {
    let count = |part: Option<&[usize]>| {
        part.unwrap_or(&[])
            .iter()
            .fold(1_usize, |all, dim| all.saturating_mul(*dim))
    };
    (
        count(shape.get(..axis)),
        count(shape.get(axis.saturating_add(1)..)),
    )
}

/// For each position of `at`, the offset into a tensor of `shape` with the
/// index along `axis` replaced by the element.
fn replaced(at: &Array, shape: &[usize], axis: usize) -> Result<Vec<usize>, Refusal> {
    if at.rank() != shape.len() {
        return Err(refuse("indices of another rank"));
    }
    let mut steps = strides(shape);
    let along = steps.get(axis).copied().unwrap_or(0);
    if let Some(step) = steps.get_mut(axis) {
        *step = 0;
    }
    for (nth, dim) in at.shape.iter().enumerate() {
        if nth != axis && *dim > shape.get(nth).copied().unwrap_or(0) {
            return Err(outside());
        }
    }
    let dim = shape.get(axis).copied().unwrap_or(0);
    super::array::offsets(&at.shape, &steps, 0)
        .into_iter()
        .zip(at.as_ints()?)
        .map(|(base, &n)| {
            let n = from_end(n, dim).ok_or_else(outside)?;
            Ok(base.wrapping_add(n.wrapping_mul(along)))
        })
        .collect()
}

fn gather_elements(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (a, at) = (call.input(0)?.clone(), call.input(1)?.clone());
    let axis = call.axis(0, a.rank())?;
    call.budget.elements(at.len())?;
    a.pick(at.shape.clone(), &replaced(&at, &a.shape, axis)?)
}

fn gather_nd(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (a, at) = (call.input(0)?.clone(), call.input(1)?.clone());
    let batch = call
        .int("batch_dims")
        .and_then(super::number::index)
        .unwrap_or(0);
    let (places, inner) = places(&at, &a.shape, batch)?;
    let mut shape = at.shape.clone();
    let depth = shape.pop().unwrap_or(0);
    shape.extend_from_slice(a.shape.get(batch.saturating_add(depth)..).unwrap_or(&[]));
    call.budget.elements(product(&shape)?)?;
    let mut from = Vec::with_capacity(product(&shape)?);
    for place in places {
        from.extend(place..place.saturating_add(inner));
    }
    a.pick(shape, &from)
}

/// Where each tuple of indices points, and how many elements it means.
fn places(at: &Array, shape: &[usize], batch: usize) -> Result<(Vec<usize>, usize), Refusal> {
    let depth = at.shape.last().copied().unwrap_or(0);
    let steps = strides(shape);
    let end = batch.checked_add(depth).filter(|end| *end <= shape.len());
    let end = end.ok_or_else(|| refuse("indices of another rank"))?;
    let inner = product(shape.get(end..).unwrap_or(&[]))?;
    let tuples = product(at.shape.get(..at.rank().saturating_sub(1)).unwrap_or(&[]))?;
    let batches = product(at.shape.get(..batch).unwrap_or(&[]))?;
    let each = tuples.checked_div(batches).unwrap_or(0).max(1);
    let per_batch = product(shape.get(batch..).unwrap_or(&[]))?;
    let all = at.as_ints()?;
    let mut places = Vec::with_capacity(tuples);
    for nth in 0..tuples {
        let begin = nth.saturating_mul(depth);
        let tuple = all
            .get(begin..begin.saturating_add(depth))
            .ok_or_else(outside)?;
        let mut place = nth.checked_div(each).unwrap_or(0).saturating_mul(per_batch);
        for (axis, &n) in tuple.iter().enumerate() {
            let axis = axis.saturating_add(batch);
            let n = from_end(n, shape.get(axis).copied().unwrap_or(0)).ok_or_else(outside)?;
            place = place.wrapping_add(n.wrapping_mul(steps.get(axis).copied().unwrap_or(0)));
        }
        places.push(place);
    }
    Ok((places, inner))
}

fn scatter_elements(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (a, at, new) = (
        call.input(0)?.clone(),
        call.input(1)?.clone(),
        call.input(2)?.clone(),
    );
    let axis = call.axis(0, a.rank())?;
    let places = replaced(&at, &a.shape, axis)?;
    place(call, &a, &places, &new)
}

fn scatter_nd(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (a, at, new) = (
        call.input(0)?.clone(),
        call.input(1)?.clone(),
        call.input(2)?.clone(),
    );
    let (starts, inner) = places(&at, &a.shape, 0)?;
    let mut to = Vec::with_capacity(new.len());
    for start in starts {
        to.extend(start..start.saturating_add(inner));
    }
    place(call, &a, &to, &new)
}

/// Writes `new` to places of `a`, replacing or combining.
fn place(call: &mut Call<'_>, a: &Array, to: &[usize], new: &Array) -> Result<Array, Refusal> {
    if to.len() != new.len() || a.kind != new.kind {
        return Err(refuse("updates that do not fit"));
    }
    call.budget.elements(a.len().saturating_add(to.len()))?;
    let reduction = call.text("reduction").unwrap_or("none");
    if reduction == "none" {
        let (both, second) = super::layout::beside(a, new)?;
        let mut from: Vec<usize> = (0..a.len()).collect();
        for (nth, at) in to.iter().enumerate() {
            *from.get_mut(*at).ok_or_else(outside)? = second.wrapping_add(nth);
        }
        return both.pick(a.shape.clone(), &from);
    }
    if a.kind.is_float() {
        let mut data = a.as_floats()?.to_vec();
        for (at, x) in to.iter().zip(new.as_floats()?) {
            let old = data.get_mut(*at).ok_or_else(outside)?;
            *old = a.kind.round(match reduction {
                "add" => *old + x,
                "mul" => *old * x,
                "max" => old.max(*x),
                "min" => old.min(*x),
                _ => return Err(call.unknown()),
            });
        }
        return Array::floats(a.kind, a.shape.clone(), data);
    }
    let mut data = a.as_ints()?.to_vec();
    for (at, x) in to.iter().zip(new.as_ints()?) {
        let old = data.get_mut(*at).ok_or_else(outside)?;
        *old = match reduction {
            "add" => old.wrapping_add(*x),
            "mul" => old.wrapping_mul(*x),
            "max" => (*old).max(*x),
            "min" => (*old).min(*x),
            _ => return Err(call.unknown()),
        };
    }
    Array::ints(a.kind, a.shape.clone(), data)
}

fn compress(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (a, keep) = (call.input(0)?.clone(), call.input(1)?.as_ints()?.to_vec());
    let flat = call.int("axis").is_none();
    let a = if flat { a.reshaped(vec![a.len()])? } else { a };
    let axis = if flat { 0 } else { call.axis(0, a.rank())? };
    let kept: Vec<usize> = keep
        .iter()
        .enumerate()
        .filter(|(_, n)| **n != 0)
        .map(|(at, _)| at)
        .collect();
    if kept.last().is_some_and(|last| *last >= a.dim(axis)) {
        return Err(outside());
    }
    let mut shape = a.shape.clone();
    if let Some(dim) = shape.get_mut(axis) {
        *dim = kept.len();
    }
    let (before, after) = around(&a.shape, axis);
    call.budget.elements(product(&shape)?)?;
    let mut from = Vec::new();
    for block in 0..before {
        for n in &kept {
            let begin = block
                .wrapping_mul(a.dim(axis))
                .wrapping_add(*n)
                .wrapping_mul(after);
            from.extend(begin..begin.saturating_add(after));
        }
    }
    a.pick(shape, &from)
}

fn one_hot(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let at = call.input(0)?.clone();
    let depth = call.input(1)?.first_int()?;
    let values = call.input(2)?.clone();
    let depth = super::number::index(depth).ok_or_else(|| refuse("a negative dimension"))?;
    let rank = at.rank().saturating_add(1);
    let axis = call.axis(-1, rank)?;
    let mut shape = at.shape.clone();
    shape.insert(axis, depth);
    call.budget.elements(product(&shape)?)?;
    let (before, after) = around(&shape, axis);
    let hot: Vec<Option<usize>> = at
        .reals()?
        .iter()
        .map(|x| from_end(super::number::truncate(*x), depth))
        .collect();
    let mut from = Vec::with_capacity(product(&shape)?);
    for block in 0..before {
        for n in 0..depth {
            for inner in 0..after {
                let which = hot
                    .get(block.wrapping_mul(after).wrapping_add(inner))
                    .copied()
                    .flatten();
                from.push(usize::from(which == Some(n)));
            }
        }
    }
    values.pick(shape, &from)
}

fn non_zero(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let rank = a.rank().max(1);
    call.budget.elements(a.len().saturating_mul(rank))?;
    let hits: Vec<usize> = a
        .reals()?
        .iter()
        .enumerate()
        .filter(|(_, x)| **x != 0.0)
        .map(|(at, _)| at)
        .collect();
    let mut data = Vec::with_capacity(hits.len().saturating_mul(rank));
    let steps = if a.rank() == 0 { vec![1] } else { a.strides() };
    for (axis, step) in steps.iter().enumerate() {
        for hit in &hits {
            let n = hit
                .checked_div(*step)
                .and_then(|n| n.checked_rem(a.dim(axis)))
                .unwrap_or(0);
            data.push(long(n));
        }
    }
    Array::ints(Kind::I64, vec![rank, hits.len()], data)
}
