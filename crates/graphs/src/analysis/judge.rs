//! Which merges are suspicious, and how much.

use modelward_schema::{Confidence, Severity, SuspectKind};

use super::merges::{Merge, is_same};
use super::state::Entropy;
use super::view::View;
use crate::ir::{Kind, at};
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
    if !signal.collapsed || is_same(view, merge) {
        return None;
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
    let far = wide && merge.depth >= signal.deepest.saturating_add(1).saturating_mul(4);
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
                return Some((HiddenBranch, Low));
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
            (_, Std::Gather | Std::GatherND | Std::GatherElements | Std::Compress | Std::Slice)
                if plain =>
            {
                if merge.constant && merge.deeper {
                    Some((IndexSelector, High))
                } else {
                    free.then_some((IndexSelector, Low))
                }
            }
            _ => None,
        },
        Entropy::Threshold if free && merge.deeper && std != Std::Div => {
            Some((ThresholdInjection, High))
        }
        Entropy::Guard if free && merge.deeper && std != Std::Div => {
            Some((ThresholdInjection, Low))
        }
        Entropy::Real
            if free
                && merge.deeper
                && signal.steep
                && matches!(std, Std::Add | Std::Mul | Std::Sub | Std::Max | Std::Min) =>
        {
            Some((SteepPath, if wide { High } else { Medium }))
        }
        _ => None,
    }
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
