//! Which merges are suspicious, and how much.

use modelward_schema::{Confidence, Severity, SuspectKind};

use super::merges::{Merge, is_same};
use super::state::Entropy;
use super::view::View;
use crate::ir::{Kind, Op, at};
use crate::operators::Std;

/// Where a signal comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Content,
    Mode,
    Shape,
    Random,
}

#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) kind: SuspectKind,
    pub(crate) severity: Severity,
    pub(crate) confidence: Confidence,
    pub(crate) origin: Origin,
}

pub(crate) fn judge(view: &View<'_, '_>, merge: &Merge) -> Option<Verdict> {
    let signal = view.state(merge.signal);
    let op = view.flat.ops.get(at(merge.op))?;
    if is_same(view, merge) {
        return None;
    }
    // Without more than one element per sample to begin with, nothing came
    // down to one: it is a predicate at the only position there is.
    let single =
        signal.content.is_power_of_two() && signal.content & (view.wide | view.counters) == 0;
    if !signal.collapsed || single && signal.content & !view.modes != 0 {
        return position(view, merge, op);
    }
    let origin = if signal.content & !view.modes != 0 {
        Origin::Content
    } else if signal.content != 0 {
        Origin::Mode
    } else if signal.random {
        Origin::Random
    } else {
        Origin::Shape
    };
    let graded = match origin {
        Origin::Content => content(view, merge, op.kind, op.std),
        Origin::Mode => {
            (signal.is_switch() && merge.constant && merge.deeper && op.std != Std::Concat)
                .then_some((SuspectKind::ModeSelector, Severity::High))
        }
        Origin::Shape => shape(view, merge, op.kind, op.std),
        Origin::Random => (signal.is_switch() && merge.deeper)
            .then_some((SuspectKind::RandomSelector, Severity::High)),
    };
    let (kind, mut severity) = graded?;
    // Without learned layers there is nothing to hide a backdoor in.
    if merge.depth < 1 && view.depth <= 1 && origin == Origin::Content {
        severity = severity.min(Severity::Low);
    }
    if is_stated(view, merge) {
        severity = severity.min(Severity::Medium);
    }
    let confidence = if signal.deepest == 0 {
        Confidence::High
    } else {
        Confidence::Medium
    };
    Some(Verdict {
        kind,
        severity,
        confidence,
        origin,
    })
}

fn content(
    view: &View<'_, '_>,
    merge: &Merge,
    kind: Kind,
    std: Std,
) -> Option<(SuspectKind, Severity)> {
    use Severity::{High, Low, Medium};
    use SuspectKind::{HiddenBranch, IndexSelector, LearnedGate, SteepPath, ThresholdInjection};
    let signal = view.state(merge.signal);
    let free = signal.deepest == 0;
    let plain = kind == Kind::Plain;
    // It reads more than one element per sample and comes down to one.
    let wide = signal.content & view.wide != 0;
    // A net of its own beside the main one, not a gate of the main one.
    let far = wide && merge.depth >= signal.deepest.saturating_add(1).saturating_mul(2);
    match signal.entropy {
        Entropy::Binary | Entropy::Soft => {
            if merge.controls {
                return Some(match (free, merge.deeper) {
                    (true, _) => (HiddenBranch, High),
                    (false, true) if merge.constant || far => (LearnedGate, High),
                    _ => (LearnedGate, Medium),
                });
            }
            if std == Std::Div && merge.operand == 1 && signal.entropy == Entropy::Soft {
                let hides = free && merge.deeper && wide;
                return Some((HiddenBranch, if hides { High } else { Low }));
            }
            match (free, merge.deeper) {
                (true, _) => Some((HiddenBranch, High)),
                (false, true) if far => Some((LearnedGate, High)),
                (false, true) if wide => Some((LearnedGate, Medium)),
                (false, true) => Some((LearnedGate, Low)),
                (false, false) => None,
            }
        }
        Entropy::Index => match (kind, std) {
            (Kind::Phi | Kind::LoopOut, _) | (_, Std::Where) => {
                free.then_some((IndexSelector, Medium))
            }
            _ if !merge.controls || !plain => {
                (free && signal.wrapped && merge.deeper).then_some((IndexSelector, High))
            }
            _ if merge.constant && merge.deeper && is_pick(std) => Some((IndexSelector, High)),
            _ if free && merge.deeper && wide && !is_size(std) => match aligned(view, merge) {
                Some(false) => Some((IndexSelector, High)),
                Some(true) => Some((IndexSelector, Low)),
                None => Some((IndexSelector, Medium)),
            },
            _ if is_pick(std) => free.then_some((IndexSelector, Low)),
            _ => None,
        },
        Entropy::Threshold if free && merge.deeper && std != Std::Div => {
            Some((ThresholdInjection, High))
        }
        Entropy::Guard if free && merge.deeper && std != Std::Div => {
            Some((ThresholdInjection, Low))
        }
        Entropy::Real if free && merge.deeper && signal.steep && std != Std::Concat => {
            Some((SteepPath, if wide { High } else { Medium }))
        }
        _ => None,
    }
}

/// A predicate for each position, past the learned layers, that puts something
/// else in the place of learned values. A mask leaves nothing there, or takes it
/// out of a sum: it is neutral.
fn position(view: &View<'_, '_>, merge: &Merge, op: &Op) -> Option<Verdict> {
    let signal = view.state(merge.signal);
    let free = signal.content & !view.modes != 0 && signal.deepest == 0;
    if free
        && merge.deeper
        && signal.steep
        && signal.entropy == Entropy::Real
        && matches!(op.std, Std::Add | Std::Max | Std::Sub)
    {
        return Some(Verdict {
            kind: SuspectKind::SteepPath,
            severity: if signal.wrapped {
                Severity::Medium
            } else {
                Severity::High
            },
            confidence: Confidence::Low,
            origin: Origin::Content,
        });
    }
    if !free || !signal.tested || !merge.deeper || !signal.is_switch() {
        return None;
    }
    let severity = match op.std {
        _ if op.kind == Kind::Phi => merge.constant.then_some(Severity::High)?,
        Std::Where => {
            let fixed = [1, 2].iter().filter_map(|operand| op.input(*operand));
            let odd = fixed
                .map(|id| view.state(id))
                .filter(|state| state.fixed && state.is_bounded())
                .find(|state| !is_neutral(state.low, state.high))?;
            if odd.high - odd.low > 1e-9 {
                Severity::High
            } else {
                Severity::Medium
            }
        }
        Std::Add | Std::Sub if signal.is_bounded() => {
            let away = signal.low.abs().max(signal.high.abs());
            (away > 0.0 && away < 1e3).then_some(Severity::Medium)?
        }
        Std::Mul if signal.is_bounded() => {
            let outside = signal.low < -1.0 || signal.high > 1.0;
            outside.then_some(Severity::Medium)?
        }
        _ => return None,
    };
    Some(Verdict {
        kind: SuspectKind::PositionSwitch,
        severity,
        confidence: Confidence::Medium,
        origin: Origin::Content,
    })
}

/// The signal is a truth that the caller hands in: nothing is recognised.
fn is_stated(view: &View<'_, '_>, merge: &Merge) -> bool {
    let core = view.core(merge.signal);
    let input = view.flat.maker(core).is_none() && !view.state(core).fixed;
    input && view.flat.dtype(core) == "bool"
}

/// What masks write: nothing, one, or so much that a softmax drops it.
fn is_neutral(low: f64, high: f64) -> bool {
    (high - low).abs() < 1e-9
        && (low.abs() < 1e-9 || (low.abs() - 1.0).abs() < 1e-9 || low.abs() >= 1e3)
}

fn shape(
    view: &View<'_, '_>,
    merge: &Merge,
    kind: Kind,
    std: Std,
) -> Option<(SuspectKind, Severity)> {
    let signal = view.state(merge.signal);
    if !signal.is_switch() {
        return None;
    }
    if !merge.deeper {
        return (kind == Kind::Phi).then_some((SuspectKind::ShapeSelector, Severity::Info));
    }
    let sizes = matches!(
        std,
        Std::Slice | Std::Gather | Std::Reshape | Std::Expand | Std::Tile | Std::Pad
    );
    if merge.constant && !sizes {
        return Some((SuspectKind::ShapeSelector, Severity::High));
    }
    if matches!(std, Std::Where | Std::Mul | Std::Compress) {
        return Some((SuspectKind::ShapeSelector, Severity::Medium));
    }
    (kind == Kind::Phi).then_some((SuspectKind::ShapeSelector, Severity::Low))
}

fn is_pick(std: Std) -> bool {
    matches!(
        std,
        Std::Gather | Std::GatherND | Std::GatherElements | Std::Compress | Std::Slice
    )
}

/// It says how large something is to be, not which of its elements to take.
fn is_size(std: Std) -> bool {
    matches!(
        std,
        Std::Reshape
            | Std::Expand
            | Std::Tile
            | Std::Squeeze
            | Std::Unsqueeze
            | Std::Split
            | Std::Range
    )
}

/// Whether an index was computed along an axis of the input and points into an
/// axis of the same size: the last word of a sentence, the end of a recording.
/// None when the size of an axis depends on the input's content.
fn aligned(view: &View<'_, '_>, merge: &Merge) -> Option<bool> {
    use super::size::Size;
    let signal = view.state(merge.signal);
    let shape = view.shapes.get(merge.main)?;
    let inputs = view.flat.inputs.iter().enumerate().take(64);
    let read = inputs
        .filter(|(index, _)| signal.content & super::state::bit(*index) != 0)
        .filter_map(|(_, id)| view.shapes.get(*id));
    for input in read {
        let first = input.first().copied().unwrap_or(Size::ONE);
        for size in input {
            if size.without(&view.forward.batch) == Size::ONE {
                continue;
            }
            // Batch and axis may have been folded into one.
            let folded = first.times(*size);
            if shape.iter().any(|own| own == size || Some(*own) == folded) {
                return Some(true);
            }
        }
    }
    let known = shape.iter().all(|size| {
        size.symbols
            .iter()
            .all(|symbol| view.shapes.is_named(*symbol))
    });
    known.then_some(false)
}
