//! Where a side signal meets the main path.

use super::view::View;
use crate::ir::{Id, Kind, Op, at, number};
use crate::operators::{Class, Std};

/// A value that can change what others carry.
#[derive(Debug, Clone)]
pub(crate) struct Merge {
    pub(crate) op: u32,
    pub(crate) operand: usize,
    pub(crate) signal: Id,
    /// The deepest of what it changes.
    pub(crate) main: Id,
    /// The operand chooses or shapes; otherwise it is one of two that are
    /// calculated with each other.
    pub(crate) controls: bool,
    /// What can come out instead of the main value is a constant.
    pub(crate) constant: bool,
    /// Learned layers of the main value.
    pub(crate) depth: u16,
    /// The main value has more layers than the signal.
    pub(crate) deeper: bool,
}

/// Operands looked at.
const MOST: usize = 32;

/// All merges that are live and that could be a side signal's.
pub(crate) fn find(view: &View<'_, '_>) -> Vec<Merge> {
    let mut out = Vec::new();
    for index in 0..number(view.flat.ops.len()) {
        if !view.is_live(index) {
            continue;
        }
        let Some(op) = view.flat.ops.get(at(index)) else {
            continue;
        };
        visit(view, index, op, &mut out);
    }
    out
}

fn control_operands(op: &Op) -> &'static [usize] {
    match op.kind {
        Kind::Phi => &[0],
        Kind::LoopOut | Kind::LoopStack => &[0, 1],
        Kind::Plain => op.std.controls(),
        _ => &[],
    }
}

fn visit(view: &View<'_, '_>, index: u32, op: &Op, out: &mut Vec<Merge>) {
    let controls = control_operands(op);
    let varied = |operand: usize| op.input(operand).filter(|id| view.state(*id).varies());
    let mutual = op.kind == Kind::Plain && op.std.is_mutual();
    // A sum of thousands is no merge of two.
    let count = op.inputs.len().min(MOST);
    for operand in 0..count {
        let is_control = controls.contains(&operand);
        if !is_control && !mutual {
            continue;
        }
        let Some(signal) = varied(operand) else {
            continue;
        };
        let state = view.state(signal);
        let others = (0..op.inputs.len())
            .filter(|other| *other != operand && (!is_control || !controls.contains(other)));
        let mains: Vec<Id> = others
            .filter_map(varied)
            .filter(|id| view.root(*id) != view.root(signal))
            .collect();
        let main = mains
            .iter()
            .copied()
            .filter(|id| view.state(*id).content != 0 || view.state(*id).random)
            .max_by_key(|id| (view.state(*id).deepest, !view.state(*id).collapsed, *id));
        let Some(main) = main else { continue };
        let depth = view.state(main).deepest;
        let deeper = depth > state.deepest;
        if !deeper && view.state(main).collapsed {
            continue;
        }
        out.push(Merge {
            op: index,
            operand,
            signal,
            main,
            controls: is_control,
            constant: has_constant(view, op, is_control),
            depth,
            deeper,
        });
    }
}

fn has_constant(view: &View<'_, '_>, op: &Op, controls: bool) -> bool {
    let fixed = |operand: usize| {
        op.input(operand)
            .is_some_and(|id| view.state(id).fixed && !is_empty(view, id))
    };
    match op.kind {
        Kind::Phi => (1..op.inputs.len()).any(fixed),
        Kind::LoopOut => fixed(3),
        Kind::LoopStack => false,
        _ if !controls => true,
        _ => match op.std {
            Std::Where => fixed(1) || fixed(2),
            Std::Gather | Std::GatherND | Std::GatherElements | Std::Compress | Std::Slice => {
                op.input(0).is_some_and(|id| view.holds_constant(id))
            }
            // They keep the elements, all or some, in their order.
            Std::Reshape
            | Std::Squeeze
            | Std::Unsqueeze
            | Std::Expand
            | Std::Tile
            | Std::Split
            | Std::ReverseSequence
            | Std::Trilu
            | Std::TopK
            | Std::CumSum
            | Std::Range
            | Std::Resize => false,
            std => !(std.class() == Class::Reduce),
        },
    }
}

fn is_empty(view: &View<'_, '_>, id: Id) -> bool {
    view.shapes
        .get(id)
        .is_some_and(|shape| shape.iter().any(|size| size.number() == Some(0)))
}

/// Both alternatives are one value, at other places.
pub(crate) fn is_same(view: &View<'_, '_>, merge: &Merge) -> bool {
    let Some(op) = view.flat.ops.get(at(merge.op)) else {
        return false;
    };
    if op.kind != Kind::Phi {
        return false;
    }
    let roots: Vec<Id> = (1..op.inputs.len())
        .filter_map(|operand| op.input(operand))
        .map(|id| view.root(id))
        .collect();
    roots.len() >= 2 && roots.windows(2).all(|pair| pair.first() == pair.last())
}
