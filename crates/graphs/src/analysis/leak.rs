//! Operators that let one sample of a batch see another.
//!
//! The batch is followed by its symbol, so this works for shapes of any size
//! and costs one look at each operator. A batch of a fixed size is not
//! followed: there is no other sample in a batch of one.

use modelward_schema::Severity;

use super::shapes::wrap;
use super::size::Size;
use super::state::Entropy;
use super::view::View;
use crate::ir::{Id, Kind, Op, at, number};
use crate::operators::{Class, Std};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Leak {
    pub(crate) op: u32,
    pub(crate) operand: usize,
    pub(crate) severity: Severity,
}

pub(crate) fn find(view: &View<'_, '_>) -> Vec<Leak> {
    let mut out = Vec::new();
    if view.forward.batch.is_empty() {
        return out;
    }
    for index in 0..number(view.flat.ops.len()) {
        if view.flows.get(at(index)).is_none_or(|bits| *bits == 0) {
            continue;
        }
        let Some(op) = view.flat.ops.get(at(index)) else {
            continue;
        };
        if op.kind == Kind::Plain
            && let Some((operand, severity)) = mixes(view, op)
        {
            out.push(Leak {
                op: index,
                operand,
                severity,
            });
        }
    }
    out
}

/// Axes of a value that are the batch and nothing else.
fn batch_axes(view: &View<'_, '_>, id: Id) -> Vec<usize> {
    let shape = view.shapes.get(id);
    let sizes = shape.into_iter().flatten().enumerate();
    sizes
        .filter(|(_, size)| size.without(&view.forward.batch) == Size::ONE && **size != Size::ONE)
        .map(|(axis, _)| axis)
        .collect()
}

fn mixes(view: &View<'_, '_>, op: &Op) -> Option<(usize, Severity)> {
    let flat = view.flat;
    let first = op.input(0)?;
    let state = view.state(first);
    if state.content & !view.modes == 0 {
        return None;
    }
    let axes = batch_axes(view, first);
    let rank = view.shapes.get(first)?.len();
    let along = |name: &str, none: i64| {
        let axis = wrap(flat.int(op, name).unwrap_or(none), rank);
        axis.is_some_and(|axis| axes.contains(&axis))
    };
    let kept = op
        .output(0)
        .map(|id| batch_axes(view, id))
        .unwrap_or_default();
    let lost = !axes.is_empty() && kept.is_empty();
    // Counts and truths over the batch are how sizes are found.
    let telling = if matches!(
        state.entropy,
        Entropy::Real | Entropy::Soft | Entropy::Threshold
    ) {
        Severity::High
    } else {
        Severity::Low
    };
    let whole = flat.dtype(first).starts_with(['i', 'u']);
    let telling = if whole { Severity::Low } else { telling };
    // Samples that are picked by what is in them are regrouped, as experts do.
    let chosen = (1..op.inputs.len())
        .filter_map(|operand| op.input(operand))
        .any(|id| view.state(id).content != 0);
    let picked = if chosen {
        telling.min(Severity::Medium)
    } else {
        telling
    };
    let severity = match op.std {
        Std::DynamicQuantizeLinear if !axes.is_empty() => Severity::Low,
        Std::Softmax | Std::LogSoftmax if along("axis", -1) => Severity::High,
        Std::TopK if along("axis", -1) => telling,
        Std::ArgMax | Std::ArgMin if along("axis", 0) => telling,
        Std::CumSum => {
            let axis = flat.constant(op.input(1)?)?;
            let axis = super::numbers::ints(axis, 1)?.first().copied()?;
            axes.contains(&wrap(axis, rank)?).then_some(telling)?
        }
        Std::Gather if along("axis", 0) && lost => picked,
        Std::Slice if lost || kept.len() < axes.len() => picked,
        Std::Slice if turns(view, op, &axes, rank) => picked,
        Std::MatMul | Std::FusedMatMul | Std::Gemm => {
            let last = rank.checked_sub(1)?;
            let second = op.input(1)?;
            let inner = view.shapes.get(second)?.len().checked_sub(2);
            let turned = flat.int(op, "transA").unwrap_or(0) != 0;
            let contracted = if turned { rank.checked_sub(2)? } else { last };
            let both = inner.is_some_and(|inner| batch_axes(view, second).contains(&inner));
            (axes.contains(&contracted) || both).then_some(Severity::High)?
        }
        Std::Conv | Std::MaxPool | Std::AveragePool => axes
            .iter()
            .any(|axis| *axis >= 2)
            .then_some(Severity::High)?,
        Std::LSTM | Std::GRU | Std::RNN => {
            let time = usize::from(flat.int(op, "layout").unwrap_or(0) != 0);
            axes.contains(&time).then_some(Severity::High)?
        }
        std if std.class() == Class::Reduce && lost => {
            let made = op.output(0).and_then(|id| view.shapes.get(id));
            let alone = made.is_some_and(|made| made.iter().any(|size| *size != Size::ONE));
            if alone {
                telling
            } else {
                telling.min(Severity::Medium)
            }
        }
        _ => return None,
    };
    Some((0, severity))
}

/// A slice that goes backwards along the batch.
fn turns(view: &View<'_, '_>, op: &Op, axes: &[usize], rank: usize) -> bool {
    let ints = |operand: usize| {
        let constant = view.flat.constant(op.input(operand)?)?;
        super::numbers::ints(constant, 16)
    };
    let Some(steps) = ints(4) else { return false };
    let along = ints(3).unwrap_or_else(|| (0..).take(steps.len()).collect());
    let pairs = along.iter().zip(&steps);
    pairs
        .filter_map(|(axis, step)| Some((wrap(*axis, rank)?, *step)))
        .any(|(axis, step)| step < 0 && axes.contains(&axis))
}
