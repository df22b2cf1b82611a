//! What is odd about a graph besides side signals: outputs that ignore the
//! input, layers that nobody reads, operators that are no arithmetic, chance,
//! checksums, and quantisation that leaves nothing of a layer.

use std::collections::BTreeSet;

use modelward_schema::{Severity, SuspectKind};

use super::numbers;
use super::view::View;
use crate::ir::{Kind, NONE, Op, at, number};
use crate::operators::{Class, Std};

/// Each is told so often at most.
const MOST: usize = 16;

#[derive(Debug, Clone)]
pub(crate) struct Oddity {
    pub(crate) kind: SuspectKind,
    pub(crate) severity: Severity,
    pub(crate) message: String,
    /// [`NONE`] for the graph as a whole.
    pub(crate) op: u32,
}

pub(crate) fn find(view: &View<'_, '_>) -> Vec<Oddity> {
    let mut out = Vec::new();
    ports(view, &mut out);
    operators(view, &mut out);
    out
}

/// Operators without known meaning between an input and an output.
pub(crate) fn opaque(view: &View<'_, '_>) -> BTreeSet<String> {
    let ops = view.flat.ops.iter().enumerate();
    ops.filter(|(index, op)| op.kind == Kind::Opaque && view.is_live(number(*index)))
        .filter(|(_, op)| op.operands().any(|id| view.state(id).varies()))
        .map(|(_, op)| full_name(view, op))
        .collect()
}

fn full_name(view: &View<'_, '_>, op: &Op) -> String {
    let domain = view.flat.node(op).map_or("", |node| node.domain.as_str());
    if domain.is_empty() {
        view.flat.word(op).to_owned()
    } else {
        format!("{domain}::{}", view.flat.word(op))
    }
}

fn ports(view: &View<'_, '_>, out: &mut Vec<Oddity>) {
    let mut told = |kind, severity, message| {
        out.push(Oddity {
            kind,
            severity,
            message,
            op: NONE,
        });
    };
    let outputs: Vec<_> = view.flat.outputs.iter().flatten().copied().collect();
    let constant: Vec<_> = outputs
        .iter()
        .filter(|id| {
            let state = view.state(**id);
            !state.varies() && !state.opaque && view.flat.val(**id).maker != NONE
        })
        .collect();
    let all = !view.flat.inputs.is_empty() && constant.len() == outputs.len();
    let holds_weights = view.forward.states.iter().any(|state| state.weights);
    for id in constant.iter().take(MOST) {
        let severity = if all && holds_weights {
            Severity::High
        } else {
            Severity::Low
        };
        let message = format!(
            "the output {} does not depend on any input",
            view.flat.name(**id)
        );
        told(SuspectKind::ConstantOutput, severity, message);
    }
    let reached = outputs.iter().fold(0_u64, |bits, id| {
        let state = view.state(*id);
        bits | state.content | state.shape
    });
    let opaque = outputs.iter().any(|id| view.state(*id).opaque);
    if all || opaque || view.flat.cut {
        return;
    }
    for (index, id) in view.flat.inputs.iter().enumerate().take(MOST) {
        let read = reached & super::state::bit(index) != 0;
        if !read {
            let message = format!("the input {} reaches no output", view.flat.name(*id));
            told(SuspectKind::IgnoredInput, Severity::Low, message);
        }
    }
}

fn operators(view: &View<'_, '_>, out: &mut Vec<Oddity>) {
    let mut counts = [0_usize; 6];
    let mut named = BTreeSet::new();
    for index in 0..number(view.flat.ops.len()) {
        let Some(op) = view.flat.ops.get(at(index)) else {
            continue;
        };
        let Some((slot, kind, severity, message)) = operator(view, index, op) else {
            continue;
        };
        let Some(count) = counts.get_mut(slot) else {
            continue;
        };
        *count = count.saturating_add(1);
        if *count <= MOST && named.insert((slot, message.clone())) {
            out.push(Oddity {
                kind,
                severity,
                message,
                op: index,
            });
        }
    }
}

fn operator(
    view: &View<'_, '_>,
    index: u32,
    op: &Op,
) -> Option<(usize, SuspectKind, Severity, String)> {
    let live = view.is_live(index);
    let word = view.flat.word(op);
    let varied = op.operands().any(|id| view.state(id).varies());
    if op.kind == Kind::Opaque {
        let message = format!(
            "what reaches an output went through {}, whose meaning is not known",
            full_name(view, op)
        );
        return (live && varied).then_some((
            0,
            SuspectKind::OpaqueOperator,
            Severity::Medium,
            message,
        ));
    }
    if op.kind != Kind::Plain {
        return None;
    }
    let weights = op.operands().any(|id| view.state(id).weights);
    if !live {
        let message = format!("what the learned layer {word} makes reaches no output");
        let learned = op.std.learns() && weights && varied;
        return learned.then_some((1, SuspectKind::DeadLayer, Severity::Low, message));
    }
    if op.std.class() == Class::Foreign && view.depth > 1 && varied {
        let message =
            format!("{word} works with strings or sequences in a graph of learned layers");
        return Some((2, SuspectKind::ForeignOperator, Severity::Low, message));
    }
    if op.std.class() == Class::Random {
        let message = format!("{word} leaves an output to chance");
        return Some((3, SuspectKind::RandomOutput, Severity::Low, message));
    }
    if op.std.class() == Class::Test {
        let sums = op.operands().find(|id| {
            let state = view.state(*id);
            state.wrapped
                && state.content & !view.modes != 0
                && state.deepest == 0
                && state.collapsed
        })?;
        let reads = view.inputs(view.state(sums).content).join(", ");
        let message = format!("{word} compares a number computed from {reads} as checksums are");
        return Some((4, SuspectKind::Checksum, Severity::Medium, message));
    }
    if matches!(op.std, Std::QuantizeLinear | Std::DequantizeLinear) {
        let scale = view.flat.constant(op.input(1)?)?;
        let broken = numbers::floats(scale, 4096)?
            .into_iter()
            .find(|scale| !scale.is_finite() || *scale <= 0.0 || *scale > 1e12)?;
        let message = format!("the scale of {word} is {broken}");
        return Some((
            5,
            SuspectKind::BrokenQuantization,
            Severity::Medium,
            message,
        ));
    }
    None
}

/// Bits of inputs that come back as an output after a constant step: states
/// that count by themselves.
pub(crate) fn counters(view: &View<'_, '_>) -> u64 {
    let mut bits = 0;
    for output in view.flat.outputs.iter().flatten() {
        let state = view.state(*output);
        if state.content.count_ones() != 1 || state.deepest != 0 {
            continue;
        }
        let steps = stepped(view, *output);
        if steps > 0 {
            bits |= state.content;
        }
    }
    bits
}

/// Additions of constants on the way from an input, and nothing else but moves.
fn stepped(view: &View<'_, '_>, output: u32) -> usize {
    let mut id = output;
    let mut steps = 0_usize;
    for _ in 0..16 {
        let Some(op) = view.flat.maker(id) else { break };
        let varied: Vec<_> = op
            .operands()
            .filter(|id| view.state(*id).varies())
            .collect();
        let [only] = varied.as_slice() else { return 0 };
        let adds = matches!(
            op.std,
            Std::Add | Std::Sub | Std::Mul | Std::Mod | Std::Min | Std::Max | Std::Clip
        );
        let moves = op.kind == Kind::Copy || op.std.is_layout();
        if op.kind == Kind::Plain && adds {
            steps = steps.saturating_add(1);
        } else if !moves {
            return 0;
        }
        id = *only;
    }
    if view.flat.inputs.contains(&id) {
        steps
    } else {
        0
    }
}
