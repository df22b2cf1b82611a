//! Everything that is known of one graph before it is judged.

use std::collections::BTreeSet;

use super::batch;
use super::forward::Forward;
use super::shapes::Shapes;
use super::size::Size;
use super::state::State;
use crate::ir::{Flat, Id, Kind, NONE, Op, at, number};
use crate::operators::{Class, Std};

#[derive(Debug)]
pub(crate) struct View<'f, 'w> {
    pub(crate) flat: &'f Flat<'w>,
    pub(crate) shapes: Shapes,
    pub(crate) forward: Forward,
    /// Graph outputs that each operator reaches, one bit each; the last bit
    /// stands for all after the 63rd. 0 for dead operators.
    pub(crate) reaches: Vec<u64>,
    /// As [`Self::reaches`], by more than a shape.
    pub(crate) flows: Vec<u64>,
    /// Bits of graph inputs that only choose how the graph works: scalars and
    /// single integers or truths.
    pub(crate) modes: u64,
    /// Bits of graph inputs that have more than one element per sample.
    pub(crate) wide: u64,
    pub(crate) depth: u16,
    /// Bits of graph inputs that count by themselves.
    pub(crate) counters: u64,
}

impl<'f, 'w> View<'f, 'w> {
    pub(crate) fn new(flat: &'f Flat<'w>) -> Self {
        let shapes = Shapes::infer(flat);
        let (symbols, fixed) = batch::find(flat, &shapes);
        let forward = Forward::run(flat, &shapes, symbols, fixed);
        let mut view = Self {
            flat,
            shapes,
            forward,
            reaches: reaches(flat, true),
            flows: reaches(flat, false),
            modes: 0,
            wide: 0,
            depth: 0,
            counters: 0,
        };
        for (index, id) in flat.inputs.iter().enumerate() {
            if view.is_mode(*id) {
                view.modes |= super::state::bit(index);
            }
            if !view.state(*id).collapsed {
                view.wide |= super::state::bit(index);
            }
        }
        view.depth = flat
            .ops
            .iter()
            .flat_map(Op::results)
            .map(|id| view.state(id).deepest)
            .max()
            .unwrap_or(0);
        view.counters = super::oddities::counters(&view);
        view
    }

    pub(crate) fn state(&self, id: Id) -> State {
        self.forward.get(id)
    }

    fn is_mode(&self, id: Id) -> bool {
        let Some(shape) = self.shapes.get(id) else {
            return false;
        };
        let single = shape.iter().all(|size| *size == Size::ONE);
        let whole = matches!(
            self.flat.dtype(id),
            "i32" | "i64" | "bool" | "u8" | "i8" | "u32"
        );
        shape.is_empty() || single && whole
    }

    pub(crate) fn is_live(&self, op: u32) -> bool {
        self.reaches.get(at(op)).is_some_and(|bits| *bits != 0)
    }

    /// The value behind operators that only move elements.
    pub(crate) fn root(&self, id: Id) -> Id {
        let mut id = id;
        for _ in 0..32 {
            let Some(op) = self.flat.maker(id) else { break };
            let moves = op.kind == Kind::Copy || op.kind == Kind::Plain && op.std.is_layout();
            match op.input(0) {
                Some(input) if moves && !self.state(input).fixed => id = input,
                _ => break,
            }
        }
        id
    }

    /// The value that a signal is made of: behind moves, negations and
    /// constants added or multiplied.
    pub(crate) fn core(&self, id: Id) -> Id {
        let mut id = id;
        for _ in 0..64 {
            let Some(op) = self.flat.maker(id) else { break };
            let varied: Vec<Id> = op
                .operands()
                .filter(|input| self.state(*input).varies())
                .collect();
            let plain = op.kind == Kind::Copy
                || op.kind == Kind::Plain
                    && !matches!(
                        op.std.class(),
                        Class::Test | Class::Reduce | Class::Contract | Class::Index | Class::Shape
                    );
            match varied.as_slice() {
                [only] if plain && op.kind != Kind::Opaque => id = *only,
                _ => break,
            }
        }
        id
    }

    /// Whether a constant is among what the value is put together from.
    pub(crate) fn holds_constant(&self, id: Id) -> bool {
        let mut stack = vec![(id, 0_u32)];
        while let Some((id, depth)) = stack.pop() {
            if self.state(id).fixed {
                return true;
            }
            let Some(op) = self.flat.maker(id) else {
                continue;
            };
            if depth >= 5 || op.kind != Kind::Plain {
                continue;
            }
            match op.std {
                Std::Concat | Std::Stack => {
                    stack.extend(op.operands().map(|id| (id, depth.saturating_add(1))));
                }
                Std::Unsqueeze
                | Std::Reshape
                | Std::Squeeze
                | Std::Identity
                | Std::Expand
                | Std::Transpose => {
                    stack.extend(op.input(0).map(|id| (id, depth.saturating_add(1))));
                }
                _ => {}
            }
        }
        false
    }

    /// The values that go into a signal, and the operators that make it.
    pub(crate) fn side(&self, id: Id) -> BTreeSet<u32> {
        const MOST: usize = 4096;
        let mut ops = BTreeSet::new();
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let maker = self.flat.val(id).maker;
            if maker == NONE || ops.len() >= MOST || !ops.insert(maker) {
                continue;
            }
            if let Some(op) = self.flat.ops.get(at(maker)) {
                stack.extend(op.operands().filter(|id| self.state(*id).varies()));
            }
        }
        ops
    }

    /// Names behind bits of graph inputs.
    pub(crate) fn inputs(&self, bits: u64) -> Vec<String> {
        let inputs = self.flat.inputs.iter().enumerate();
        inputs
            .filter(|(index, _)| bits & super::state::bit(*index) != 0)
            .take(64)
            .map(|(_, id)| self.flat.name(*id).to_owned())
            .collect()
    }

    pub(crate) fn outputs(&self, bits: u64) -> Vec<String> {
        let outputs = self.flat.outputs.iter().enumerate();
        outputs
            .filter(|(index, _)| bits & super::state::bit(*index) != 0)
            .filter_map(|(_, id)| id.map(|id| self.flat.name(id).to_owned()))
            .take(64)
            .collect()
    }
}

fn reaches(flat: &Flat<'_>, by_shape: bool) -> Vec<u64> {
    let mut of = vec![0_u64; flat.ops.len()];
    let mark = |of: &mut Vec<u64>, id: Id, bits: u64| {
        if let Some(slot) = of.get_mut(at(flat.val(id).maker)) {
            let grows = *slot | bits != *slot;
            *slot |= bits;
            return grows;
        }
        false
    };
    for (index, output) in flat.outputs.iter().enumerate() {
        if let Some(id) = output {
            mark(&mut of, *id, super::state::bit(index));
        }
    }
    // Twice for what goes around a loop.
    let rounds = if flat.ops.iter().any(|op| op.kind == Kind::LoopPhi) {
        4
    } else {
        1
    };
    for _ in 0..rounds {
        let mut changed = false;
        for index in (0..number(flat.ops.len())).rev() {
            let bits = of.get(at(index)).copied().unwrap_or(0);
            let Some(op) = flat.ops.get(at(index)).filter(|_| bits != 0) else {
                continue;
            };
            if !by_shape && op.kind == Kind::Plain && op.std.class() == Class::Shape {
                continue;
            }
            for id in op.operands() {
                changed |= mark(&mut of, id, bits);
            }
        }
        if !changed {
            break;
        }
    }
    of
}
