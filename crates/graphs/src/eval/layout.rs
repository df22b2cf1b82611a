//! Operators that move elements without changing them. They work on any kind
//! of element, so that they also move what stands for an element.

use super::array::{Array, Data, Kind, offsets, product, spread, strides};
use super::call::{Call, axes, axis};
use super::number::{from_end, index, long};
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Vec<Array>>, Refusal> {
    let one = match call.op {
        "Reshape" => reshape(call)?,
        "Flatten" => flatten(call)?,
        "Squeeze" => squeeze(call)?,
        "Unsqueeze" => unsqueeze(call)?,
        "Transpose" => {
            let a = call.input(0)?.clone();
            let perm = match call.ints("perm") {
                Some(perm) => perm
                    .iter()
                    .map(|&n| axis(n, a.rank()))
                    .collect::<Result<Vec<_>, _>>()?,
                None => (0..a.rank()).rev().collect(),
            };
            call.budget.elements(a.len())?;
            transpose(&a, &perm)?
        }
        "Concat" => concat(call)?,
        "Expand" => expand(call)?,
        "Tile" => tile(call)?,
        "Slice" => slice(call)?,
        "Pad" => super::pad::pad(call)?,
        "Split" => return split(call).map(Some),
        "DepthToSpace" | "SpaceToDepth" => depth(call)?,
        "Trilu" => trilu(call)?,
        "ReverseSequence" => reverse_sequence(call)?,
        _ => return Ok(None),
    };
    Ok(Some(vec![one]))
}

/// Both tensors' elements after each other, and where the second begins.
pub(crate) fn beside(a: &Array, b: &Array) -> Result<(Array, usize), Refusal> {
    fn join<T: Clone>(x: &[T], y: &[T]) -> std::sync::Arc<Vec<T>> {
        std::sync::Arc::new(x.iter().chain(y).cloned().collect())
    }
    let data = match (&a.data, &b.data) {
        (Data::Float(x), Data::Float(y)) => Data::Float(join(x, y)),
        (Data::Int(x), Data::Int(y)) => Data::Int(join(x, y)),
        (Data::Text(x), Data::Text(y)) => Data::Text(join(x, y)),
        _ => return Err(refuse("operands of two kinds")),
    };
    let len = a
        .len()
        .checked_add(b.len())
        .ok_or_else(|| refuse("a shape whose product overflows"))?;
    Ok((
        Array {
            kind: a.kind,
            shape: vec![len],
            data,
        },
        a.len(),
    ))
}

fn reshape(call: &Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?;
    let wanted = call
        .ints_of("shape", 1)?
        .ok_or_else(|| refuse("a reshape without a shape"))?;
    let zero_is_zero = call.flag("allowzero", false);
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (at, &n) in wanted.iter().enumerate() {
        if n == -1 && open.is_none() {
            open = Some(at);
            shape.push(1);
        } else if n == 0 && !zero_is_zero {
            let kept = a.shape.get(at).copied();
            shape.push(kept.ok_or_else(|| refuse("a dimension that the tensor does not have"))?);
        } else {
            shape.push(index(n).ok_or_else(|| refuse("a negative dimension"))?);
        }
    }
    if let Some(at) = open {
        let known = product(&shape)?;
        let rest = a.len().checked_div(known).unwrap_or(0);
        if let Some(dim) = shape.get_mut(at) {
            *dim = rest;
        }
    }
    a.reshaped(shape)
}

fn flatten(call: &Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?;
    let n = call.int_or("axis", 1);
    let at = if n == long(a.rank()) {
        a.rank()
    } else {
        axis(n, a.rank())?
    };
    let (front, back) = a.shape.split_at_checked(at).unwrap_or((&a.shape, &[]));
    a.reshaped(vec![product(front)?, product(back)?])
}

fn squeeze(call: &Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?;
    let wanted = call.ints_of("axes", 1)?;
    let gone = match &wanted {
        Some(wanted) => axes(Some(wanted), a.rank())?,
        None => (0..a.rank()).filter(|&at| a.dim(at) == 1).collect(),
    };
    let shape = (0..a.rank())
        .filter(|at| !gone.contains(at))
        .map(|at| a.dim(at))
        .collect();
    a.reshaped(shape)
}

fn unsqueeze(call: &Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?;
    let wanted = call.ints_of("axes", 1)?.unwrap_or_default();
    let rank = a.rank().saturating_add(wanted.len());
    let new = axes(Some(&wanted), rank)?;
    if new.len() != wanted.len() {
        return Err(refuse("the same new axis twice"));
    }
    let mut old = a.shape.iter().copied();
    let shape = (0..rank)
        .map(|at| {
            if new.contains(&at) {
                1
            } else {
                old.next().unwrap_or(1)
            }
        })
        .collect();
    a.reshaped(shape)
}

pub(crate) fn transpose(a: &Array, perm: &[usize]) -> Result<Array, Refusal> {
    let mut seen = perm.to_vec();
    seen.sort_unstable();
    if seen.iter().copied().ne(0..a.rank()) {
        return Err(refuse("a transposition that is none"));
    }
    let own = a.strides();
    let shape: Vec<usize> = perm.iter().map(|&at| a.dim(at)).collect();
    let steps: Vec<usize> = perm
        .iter()
        .map(|&at| own.get(at).copied().unwrap_or(0))
        .collect();
    a.pick(shape.clone(), &offsets(&shape, &steps, 0))
}

fn concat(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let parts: Vec<Array> = call.inputs.iter().flatten().cloned().collect();
    let first = parts
        .first()
        .ok_or_else(|| refuse("an operand that is missing"))?;
    let at = call.axis(1, first.rank())?;
    join(call, &parts, at)
}

/// Parts after each other along an axis.
pub(crate) fn join(call: &mut Call<'_>, parts: &[Array], at: usize) -> Result<Array, Refusal> {
    let first = parts
        .first()
        .ok_or_else(|| refuse("an operand that is missing"))?;
    let mut shape = first.shape.clone();
    let mut along = 0_usize;
    let mut all = first.clone();
    let mut starts = Vec::with_capacity(parts.len());
    let mut start = 0_usize;
    let mut total = 0_usize;
    for part in parts {
        let same = part.rank() == first.rank()
            && (0..part.rank()).all(|axis| axis == at || part.dim(axis) == first.dim(axis));
        if !same || part.kind != first.kind {
            return Err(refuse("parts that do not fit together"));
        }
        along = along.saturating_add(part.dim(at));
        total = total.saturating_add(part.len());
    }
    call.budget.elements(total)?;
    if let Some(dim) = shape.get_mut(at) {
        *dim = along;
    }
    for (nth, part) in parts.iter().enumerate() {
        starts.push(start);
        start = start.saturating_add(part.len());
        if nth > 0 && parts.len() == 2 {
            all = beside(&all, part)?.0;
        }
    }
    if parts.len() > 2 {
        all = gathered(parts)?;
    }
    let blocks = product(shape.get(..at).unwrap_or(&[]))?;
    let inner = product(shape.get(at.saturating_add(1)..).unwrap_or(&[]))?;
    let mut from = Vec::with_capacity(total);
    for block in 0..blocks {
        for (part, start) in parts.iter().zip(&starts) {
            let run = part.dim(at).saturating_mul(inner);
            let begin = start.saturating_add(block.saturating_mul(run));
            from.extend(begin..begin.saturating_add(run));
        }
    }
    all.pick(shape, &from)
}

fn gathered(parts: &[Array]) -> Result<Array, Refusal> {
    let kind = parts.first().map_or(Kind::F32, |part| part.kind);
    let len: usize = parts.iter().map(Array::len).sum();
    let data = if kind == Kind::Text {
        let mut data = Vec::with_capacity(len);
        for part in parts {
            data.extend_from_slice(part.as_texts()?);
        }
        Data::Text(data.into())
    } else if kind.is_float() {
        let mut data = Vec::with_capacity(len);
        for part in parts {
            data.extend_from_slice(part.as_floats()?);
        }
        Data::Float(data.into())
    } else {
        let mut data = Vec::with_capacity(len);
        for part in parts {
            data.extend_from_slice(part.as_ints()?);
        }
        Data::Int(data.into())
    };
    Ok(Array {
        kind,
        shape: vec![len],
        data,
    })
}

fn expand(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let wanted = dims(call.input(1)?)?;
    let shape = super::array::broadcast(&a.shape, &wanted)?;
    call.budget.elements(product(&shape)?)?;
    a.pick(shape.clone(), &spread(&a.shape, &shape))
}

/// A shape from integers.
pub(crate) fn dims(array: &Array) -> Result<Vec<usize>, Refusal> {
    array
        .as_ints()?
        .iter()
        .map(|&n| index(n).ok_or_else(|| refuse("a negative dimension")))
        .collect()
}

fn tile(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let times = dims(call.input(1)?)?;
    if times.len() != a.rank() {
        return Err(refuse("a tiling of another rank"));
    }
    // Every axis splits into (times, dim), the first of which stands still.
    let own = a.strides();
    let mut split = Vec::new();
    let mut steps = Vec::new();
    let mut shape = Vec::new();
    for (at, &n) in times.iter().enumerate() {
        split.extend([n, a.dim(at)]);
        steps.extend([0, own.get(at).copied().unwrap_or(0)]);
        shape.push(n.checked_mul(a.dim(at)).ok_or(Refusal::Budget)?);
    }
    call.budget.elements(product(&shape)?)?;
    a.pick(shape, &offsets(&split, &steps, 0))
}

fn slice(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let need = |list: Option<Vec<i64>>| list.ok_or_else(|| refuse("an operand that is missing"));
    let starts = need(call.ints_of("starts", 1)?)?;
    let ends = need(call.ints_of("ends", 2)?)?;
    let wanted = call.ints_of("axes", 3)?;
    let steps = call
        .given(4)
        .map(|s| s.as_ints().map(<[i64]>::to_vec))
        .transpose()?;
    let mut shape = a.shape.clone();
    let mut strides = a.strides();
    let mut start = 0_usize;
    for (nth, (&from, &to)) in starts.iter().zip(&ends).enumerate() {
        let at = match &wanted {
            Some(list) => axis(
                *list
                    .get(nth)
                    .ok_or_else(|| refuse("an axis that is missing"))?,
                a.rank(),
            )?,
            None => nth,
        };
        let step = steps
            .as_ref()
            .and_then(|list| list.get(nth).copied())
            .unwrap_or(1);
        let (first, count) = range(from, to, step, a.dim(at))?;
        let (Some(dim), Some(stride)) = (shape.get_mut(at), strides.get_mut(at)) else {
            return Err(refuse("an axis that the tensor does not have"));
        };
        *dim = count;
        start = start.wrapping_add(first.wrapping_mul(*stride));
        *stride = if step < 0 {
            let back = index(step.wrapping_neg()).ok_or_else(|| refuse("a step out of range"))?;
            stride.wrapping_mul(back).wrapping_neg()
        } else {
            stride.wrapping_mul(index(step).unwrap_or(0))
        };
    }
    let count = product(&shape)?;
    call.budget.elements(count)?;
    if count == 0 {
        return a.pick(shape, &[]);
    }
    a.pick(shape.clone(), &offsets(&shape, &strides, start))
}

/// First position and count of a slice, as NumPy clamps it.
fn range(from: i64, to: i64, step: i64, dim: usize) -> Result<(usize, usize), Refusal> {
    if step == 0 {
        return Err(refuse("a slice with step 0"));
    }
    let len = long(dim);
    let place = |n: i64| if n < 0 { n.saturating_add(len) } else { n };
    let (from, to) = if step > 0 {
        (place(from).clamp(0, len), place(to).clamp(0, len))
    } else {
        let last = len.saturating_sub(1);
        // ONNX clamps the start into the tensor, unlike NumPy.
        (place(from).clamp(0, last.max(0)), place(to).clamp(-1, last))
    };
    let span = if step > 0 {
        to.saturating_sub(from)
    } else {
        from.saturating_sub(to)
    };
    if span <= 0 {
        return Ok((0, 0));
    }
    let count = span
        .saturating_sub(1)
        .checked_div(step.saturating_abs())
        .unwrap_or(0)
        .saturating_add(1);
    Ok((
        index(from).ok_or_else(|| refuse("a slice out of range"))?,
        index(count).unwrap_or(0),
    ))
}

fn split(call: &mut Call<'_>) -> Result<Vec<Array>, Refusal> {
    let a = call.input(0)?.clone();
    let at = call.axis(0, a.rank())?;
    let dim = a.dim(at);
    let sizes: Vec<usize> = match call.ints_of("split", 1)? {
        Some(sizes) => sizes
            .iter()
            .map(|&n| index(n).ok_or_else(|| refuse("a negative dimension")))
            .collect::<Result<_, _>>()?,
        None => {
            let parts = call
                .int("num_outputs")
                .and_then(index)
                .unwrap_or(call.outputs);
            if parts == 0 || parts > dim.max(1) {
                return Err(refuse("a split into nothing"));
            }
            let each = dim.div_ceil(parts);
            (0..parts)
                .map(|nth| dim.saturating_sub(nth.saturating_mul(each)).min(each))
                .collect()
        }
    };
    if sizes.iter().try_fold(0_usize, |all, n| all.checked_add(*n)) != Some(dim) {
        return Err(refuse("a split whose parts do not add up"));
    }
    call.budget.elements(a.len())?;
    let own = a.strides();
    let mut start = 0_usize;
    let mut parts = Vec::with_capacity(sizes.len());
    for size in sizes {
        let mut shape = a.shape.clone();
        if let Some(dim) = shape.get_mut(at) {
            *dim = size;
        }
        let from = start.wrapping_mul(own.get(at).copied().unwrap_or(0));
        parts.push(a.pick(shape.clone(), &offsets(&shape, &own, from))?);
        start = start.saturating_add(size);
    }
    Ok(parts)
}

fn depth(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let block = call
        .int("blocksize")
        .and_then(index)
        .filter(|n| *n > 0)
        .ok_or_else(|| refuse("a block of no size"))?;
    let [n, c, h, w] = a.shape[..] else {
        return Err(refuse("an image that is none"));
    };
    call.budget.elements(a.len())?;
    let square = block.checked_mul(block).ok_or(Refusal::Budget)?;
    if call.op == "SpaceToDepth" {
        let (rows, columns) = (
            h.checked_div(block).unwrap_or(0),
            w.checked_div(block).unwrap_or(0),
        );
        let b = a.reshaped(vec![n, c, rows, block, columns, block])?;
        let b = transpose(&b, &[0, 3, 5, 1, 2, 4])?;
        return b.reshaped(vec![n, c.saturating_mul(square), rows, columns]);
    }
    let depth = c.checked_div(square).unwrap_or(0);
    let b = if call.text("mode") == Some("CRD") {
        transpose(
            &a.reshaped(vec![n, depth, block, block, h, w])?,
            &[0, 1, 4, 2, 5, 3],
        )?
    } else {
        transpose(
            &a.reshaped(vec![n, block, block, depth, h, w])?,
            &[0, 3, 4, 1, 5, 2],
        )?
    };
    b.reshaped(vec![
        n,
        depth,
        h.saturating_mul(block),
        w.saturating_mul(block),
    ])
}

fn trilu(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let k = call.given(1).map_or(Ok(0), Array::first_int)?;
    let upper = call.flag("upper", true);
    let columns = a.shape.last().copied().unwrap_or(0);
    let rows = a.rank().checked_sub(2).map_or(0, |at| a.dim(at));
    call.budget.elements(a.len())?;
    let fill = if a.kind == Kind::Text {
        return Err(call.unknown());
    } else {
        Array::scalar(a.kind, 0.0)?
    };
    let (both, outside) = beside(&a, &fill)?;
    let mut at = Vec::with_capacity(a.len());
    for n in 0..a.len() {
        let column = long(n.checked_rem(columns).unwrap_or(0));
        let row = long(
            n.checked_div(columns)
                .and_then(|n| n.checked_rem(rows))
                .unwrap_or(0),
        );
        let above = column.saturating_sub(row) >= k;
        let below = column.saturating_sub(row) <= k;
        at.push(if (upper && above) || (!upper && below) {
            n
        } else {
            outside
        });
    }
    both.pick(a.shape.clone(), &at)
}

fn reverse_sequence(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let lens = call.input(1)?.as_ints()?.to_vec();
    let time = axis(call.int_or("time_axis", 0), a.rank())?;
    let batch = axis(call.int_or("batch_axis", 1), a.rank())?;
    call.budget.elements(a.len())?;
    let own = strides(&a.shape);
    let stride = |at: usize| own.get(at).copied().unwrap_or(1).max(1);
    let place = |n: usize, at: usize| {
        n.checked_div(stride(at))
            .and_then(|n| n.checked_rem(a.dim(at)))
            .unwrap_or(0)
    };
    let at: Vec<usize> = (0..a.len())
        .map(|n| {
            let t = place(n, time);
            let len = lens
                .get(place(n, batch))
                .and_then(|&len| from_end(len.saturating_sub(1), a.dim(time)))
                .map_or(0, |last| last.saturating_add(1));
            if t >= len {
                return n;
            }
            let mirrored = len.saturating_sub(t).saturating_sub(1);
            n.wrapping_sub(t.wrapping_mul(stride(time)))
                .wrapping_add(mirrored.wrapping_mul(stride(time)))
        })
        .collect();
    a.pick(a.shape.clone(), &at)
}
