//! Operators that fold axes away, and those that work along one axis.

use super::array::{Array, Data, Kind, offsets, product};
use super::call::{Call, axes};
use super::number::{self, count};
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Array>, Refusal> {
    Ok(Some(match call.op {
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1"
        | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceSumSquare" => fold(call)?,
        "ArgMax" | "ArgMin" => extreme(call)?,
        "CumSum" => running(call)?,
        "Softmax" | "LogSoftmax" | "Hardmax" => soft(call)?,
        _ => return Ok(None),
    }))
}

/// How a reduction walks: outer starts, inner offsets, and the result's shape.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) outer: Vec<usize>,
    pub(crate) inner: Vec<usize>,
    pub(crate) shape: Vec<usize>,
}

pub(crate) fn walk(a: &Array, gone: &[usize], keep: bool) -> Walk {
    let own = a.strides();
    let (mut kept, mut kept_steps, mut lost, mut lost_steps) = (vec![], vec![], vec![], vec![]);
    let mut shape = Vec::new();
    for (at, (dim, step)) in a.shape.iter().zip(&own).enumerate() {
        if gone.contains(&at) {
            lost.push(*dim);
            lost_steps.push(*step);
            if keep {
                shape.push(1);
            }
        } else {
            kept.push(*dim);
            kept_steps.push(*step);
            shape.push(*dim);
        }
    }
    Walk {
        outer: offsets(&kept, &kept_steps, 0),
        inner: offsets(&lost, &lost_steps, 0),
        shape,
    }
}

/// The axes a reduction folds; `None` when it does nothing.
pub(crate) fn folded(call: &Call<'_>) -> Result<Option<Vec<usize>>, Refusal> {
    let rank = call.input(0)?.rank();
    let wanted = call.ints_of("axes", 1)?;
    let none = wanted.as_ref().is_none_or(Vec::is_empty);
    if none && call.flag("noop_with_empty_axes", false) {
        return Ok(None);
    }
    axes(wanted.as_deref().filter(|_| !none), rank).map(Some)
}

fn fold(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let gone = folded(call)?;
    let walk = walk(
        &a,
        gone.as_deref().unwrap_or(&[]),
        call.flag("keepdims", true),
    );
    call.budget
        .elements(a.len().saturating_add(walk.outer.len()))?;
    if gone.is_none() {
        // Without axes nothing is folded; the element-wise part still happens
        // from opset 18 on, and is the identity for sums and means.
        return match call.op {
            "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" => Ok(a),
            _ => Err(call.unknown()),
        };
    }
    let op = call.op;
    match &a.data {
        Data::Float(data) => {
            let mut out = Vec::with_capacity(walk.outer.len());
            for base in &walk.outer {
                let lane = walk
                    .inner
                    .iter()
                    .filter_map(|at| data.get(base.wrapping_add(*at)).copied());
                out.push(fold_floats(op, lane, count(walk.inner.len())));
            }
            Array::floats(a.kind, walk.shape, out)
        }
        Data::Int(data) => {
            let mut out = Vec::with_capacity(walk.outer.len());
            for base in &walk.outer {
                let lane = walk
                    .inner
                    .iter()
                    .filter_map(|at| data.get(base.wrapping_add(*at)).copied());
                out.push(
                    fold_ints(op, a.kind, lane, number::long(walk.inner.len()))
                        .ok_or_else(|| call.unknown())?,
                );
            }
            Array::ints(a.kind, walk.shape, out)
        }
        Data::Text(_) => Err(refuse("a sum of strings")),
    }
}

fn fold_floats(op: &str, lane: impl Iterator<Item = f64> + Clone, n: f64) -> f64 {
    let nan_or = |x: f64, y: f64, pick: fn(f64, f64) -> f64| {
        if x.is_nan() || y.is_nan() {
            f64::NAN
        } else {
            pick(x, y)
        }
    };
    match op {
        "ReduceSum" => lane.sum(),
        "ReduceMean" => lane.sum::<f64>() / n,
        "ReduceProd" => lane.product(),
        "ReduceMax" => lane.fold(f64::NEG_INFINITY, |x, y| nan_or(x, y, f64::max)),
        "ReduceMin" => lane.fold(f64::INFINITY, |x, y| nan_or(x, y, f64::min)),
        "ReduceL1" => lane.map(f64::abs).sum(),
        "ReduceL2" => lane.map(|x| x * x).sum::<f64>().sqrt(),
        "ReduceSumSquare" => lane.map(|x| x * x).sum(),
        "ReduceLogSum" => lane.sum::<f64>().ln(),
        _ => {
            let top = lane.clone().fold(f64::NEG_INFINITY, f64::max);
            if top.is_finite() {
                top + lane.map(|x| (x - top).exp()).sum::<f64>().ln()
            } else {
                lane.map(f64::exp).sum::<f64>().ln()
            }
        }
    }
}

fn fold_ints(op: &str, kind: Kind, mut lane: impl Iterator<Item = i64>, n: i64) -> Option<i64> {
    let wide = kind == Kind::U64;
    Some(match op {
        "ReduceSum" => lane.fold(0, i64::wrapping_add),
        "ReduceMean" => lane.fold(0, i64::wrapping_add).checked_div(n).unwrap_or(0),
        "ReduceProd" => lane.fold(1, i64::wrapping_mul),
        "ReduceMax" | "ReduceMin" if wide => return None,
        "ReduceMax" => {
            let first = lane.next();
            first.map_or(i64::MIN, |first| lane.fold(first, i64::max))
        }
        "ReduceMin" => {
            let first = lane.next();
            first.map_or(i64::MAX, |first| lane.fold(first, i64::min))
        }
        "ReduceL1" => lane.fold(0, |all, x| all.wrapping_add(x.wrapping_abs())),
        "ReduceSumSquare" => lane.fold(0, |all, x| all.wrapping_add(x.wrapping_mul(x))),
        "ReduceL2" => number::truncate(
            lane.map(|x| number::real(x) * number::real(x))
                .sum::<f64>()
                .sqrt(),
        ),
        _ => return None,
    })
}

fn extreme(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let axis = call.axis(0, a.rank())?;
    let walk = walk(&a, &[axis], call.flag("keepdims", true));
    let last = call.flag("select_last_index", false);
    let sign = if call.op == "ArgMax" { 1.0 } else { -1.0 };
    call.budget.elements(a.len())?;
    let data = a.reals()?;
    let mut out = Vec::with_capacity(walk.outer.len());
    for base in &walk.outer {
        let mut best = f64::NEG_INFINITY;
        let mut at = 0;
        for (nth, step) in walk.inner.iter().enumerate() {
            let x = data.get(base.wrapping_add(*step)).copied().unwrap_or(0.0) * sign;
            if x > best || (last && x >= best) {
                best = x;
                at = nth;
            }
        }
        out.push(number::long(at));
    }
    Array::ints(Kind::I64, walk.shape, out)
}

fn running(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let axis = super::call::axis(call.input(1)?.first_int()?, a.rank())?;
    let exclusive = call.flag("exclusive", false);
    let reverse = call.flag("reverse", false);
    let walk = walk(&a, &[axis], true);
    call.budget.elements(a.len())?;
    let order: Vec<usize> = if reverse {
        walk.inner.iter().rev().copied().collect()
    } else {
        walk.inner.clone()
    };
    match &a.data {
        Data::Float(data) => {
            let add = |x: f64, y: f64| a.kind.round(x + y);
            let out = along(data, &walk.outer, &order, exclusive, 0.0, add);
            Array::floats(a.kind, a.shape.clone(), out)
        }
        Data::Int(data) => {
            let out = along(data, &walk.outer, &order, exclusive, 0, i64::wrapping_add);
            Array::ints(a.kind, a.shape.clone(), out)
        }
        Data::Text(_) => Err(refuse("a sum of strings")),
    }
}

/// Sums that run along every lane.
fn along<T: Copy>(
    data: &[T],
    outer: &[usize],
    order: &[usize],
    exclusive: bool,
    zero: T,
    add: impl Fn(T, T) -> T,
) -> Vec<T> {
    let mut out = data.to_vec();
    for base in outer {
        let mut total = zero;
        for step in order {
            let at = base.wrapping_add(*step);
            let Some(x) = data.get(at) else { continue };
            let next = add(total, *x);
            if let Some(slot) = out.get_mut(at) {
                *slot = if exclusive { total } else { next };
            }
            total = next;
        }
    }
    out
}

/// Before opset 13 the tensor was seen as two-dimensional, split at `axis`.
fn soft(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let old = call.opset < 13;
    let axis = call.axis(if old { 1 } else { -1 }, a.rank())?;
    let (flat, at) = if old {
        let front = product(a.shape.get(..axis).unwrap_or(&[]))?;
        let back = product(a.shape.get(axis..).unwrap_or(&[]))?;
        (a.reshaped(vec![front, back])?, 1)
    } else {
        (a.clone(), axis)
    };
    let walk = walk(&flat, &[at], true);
    call.budget.elements(a.len().saturating_mul(2))?;
    let data = flat.as_floats()?;
    let mut out = vec![0.0; data.len()];
    for base in &walk.outer {
        let lane = |f: &mut dyn FnMut(usize, f64)| {
            for step in &walk.inner {
                let at = base.wrapping_add(*step);
                if let Some(x) = data.get(at) {
                    f(at, *x);
                }
            }
        };
        let mut top = f64::NEG_INFINITY;
        let mut first = None;
        lane(&mut |at, x| {
            if x > top || first.is_none() {
                top = x;
                first = Some(at);
            }
        });
        let mut total = 0.0;
        lane(&mut |_, x| total += (x - top).exp());
        lane(&mut |at, x| {
            if let Some(slot) = out.get_mut(at) {
                *slot = match call.op {
                    "Softmax" => (x - top).exp() / total,
                    "LogSoftmax" => x - top - total.ln(),
                    _ => f64::from(u8::from(first == Some(at))),
                };
            }
        });
    }
    Array::floats(a.kind, a.shape.clone(), out)
}
