//! One forward fixpoint over all values: what is in each, how deep it is, how
//! much it can tell.

mod arithmetic;
mod constant;
mod moved;
mod plain;
mod reduce;

use super::shapes::Shapes;
use super::size::Size;
use super::state::{Entropy, State, bit};
use crate::ir::{Flat, Id, Kind, Op, at, number};
use crate::operators::{Class, Std};

/// Loops are gone through so often at most.
const ROUNDS: usize = 6;

#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) states: Vec<State>,
    /// Symbols that are the size of the batch.
    pub(crate) batch: Vec<u32>,
    /// The size of a batch that is a fixed number above 1.
    pub(crate) fixed_batch: Option<i64>,
}

impl Forward {
    pub(crate) fn run(
        flat: &Flat<'_>,
        shapes: &Shapes,
        batch: Vec<u32>,
        fixed_batch: Option<i64>,
    ) -> Self {
        let mut forward = Self {
            states: vec![State::default(); flat.values.len()],
            batch,
            fixed_batch,
        };
        for id in 0..number(flat.values.len()) {
            if let Some(constant) = flat.constant(id) {
                forward.set(id, constant::state(constant));
            }
        }
        for (index, id) in flat.inputs.iter().enumerate() {
            let collapsed = forward.is_single(shapes, *id);
            let entropy = match flat.dtype(*id) {
                "bool" => Entropy::Binary,
                _ => Entropy::Real,
            };
            forward.set(
                *id,
                State {
                    content: bit(index),
                    entropy,
                    collapsed,
                    degree: 1,
                    ..State::default()
                },
            );
        }
        let loops = flat.ops.iter().any(|op| op.kind == Kind::LoopPhi);
        for _ in 0..ROUNDS {
            let mut changed = false;
            for op in &flat.ops {
                changed |= forward.step(flat, shapes, op);
            }
            if !changed || !loops {
                break;
            }
        }
        forward
    }

    pub(crate) fn get(&self, id: Id) -> State {
        self.states.get(at(id)).copied().unwrap_or_default()
    }

    fn set(&mut self, id: Id, state: State) -> bool {
        match self.states.get_mut(at(id)) {
            Some(slot) if *slot != state => {
                *slot = state;
                true
            }
            _ => false,
        }
    }

    /// At most one element per sample, by its shape.
    pub(crate) fn is_single(&self, shapes: &Shapes, id: Id) -> bool {
        let Some(shape) = shapes.get(id) else {
            return false;
        };
        let mut rest = shape.iter().map(|size| size.without(&self.batch));
        let first = rest.next();
        if !rest.all(|size| size == Size::ONE) {
            return false;
        }
        let first = first.unwrap_or(Size::ONE);
        first == Size::ONE || self.fixed_batch.is_some() && first.number() == self.fixed_batch
    }

    fn step(&mut self, flat: &Flat<'_>, shapes: &Shapes, op: &Op) -> bool {
        let operands: Vec<State> = op.operands().map(|id| self.get(id)).collect();
        let plain = op.kind == Kind::Plain;
        let random = plain && op.std.class() == Class::Random;
        let known = plain
            && op.std.class() == Class::Shape
            && op.output(0).is_some_and(|id| shapes.is_known(id));
        let constant = operands.iter().all(|state| state.fixed);
        let fixed = constant && !random && op.kind != Kind::LoopIter || known;
        let made = if fixed {
            fold(op, &operands)
        } else {
            self.transfer(flat, shapes, op, &operands)
        };
        let mut changed = false;
        for (slot, output) in op.outputs.iter().enumerate() {
            let Some(id) = *output else { continue };
            let mut state = made;
            if !fixed {
                if op.std == Std::TopK && slot == 1 {
                    state.entropy = Entropy::Index;
                    (state.low, state.high) = (0.0, f64::INFINITY);
                }
                let first = self.operand(op, 0);
                // What only says how large the result is to be adds nothing.
                let sized = op.std.is_sized() && first.varies();
                let counted = if sized {
                    std::slice::from_ref(&first)
                } else {
                    &operands
                };
                let mut tainted = counted.iter().filter(|state| state.varies()).peekable();
                let from_single = tainted.peek().is_some() && tainted.all(|state| state.collapsed);
                let own = self.is_single(shapes, id);
                let one = from_single && !self.is_thermometer(op);
                state.collapsed = state.varies() && (own || one);
                if state.content == 0 && !state.random && is_spread(op.std) {
                    state.collapsed = own;
                }
            }
            changed |= self.set(id, state);
        }
        changed
    }

    /// One number held against many makes more than one bit: a mask of the
    /// positions before a length.
    fn is_thermometer(&self, op: &Op) -> bool {
        let holds = op.kind == Kind::Plain && op.std.class() == Class::Test;
        holds
            && op.operands().any(|id| {
                let state = self.get(id);
                state.fixed && state.high > state.low
            })
    }

    fn operand(&self, op: &Op, index: usize) -> State {
        op.input(index).map_or_else(
            || State {
                fixed: true,
                entropy: Entropy::Constant,
                ..State::default()
            },
            |id| self.get(id),
        )
    }

    fn transfer(&self, flat: &Flat<'_>, shapes: &Shapes, op: &Op, operands: &[State]) -> State {
        let mut out = State::default();
        let varied: Vec<&State> = operands.iter().filter(|state| !state.fixed).collect();
        let mut shallowest = None::<u16>;
        for state in &varied {
            out.content |= state.content;
            out.shape |= state.shape;
            out.random |= state.random;
            out.steep |= state.steep;
            out.tested |= state.tested;
            out.wrapped |= state.wrapped;
            out.counts |= state.counts;
            out.opaque |= state.opaque;
            out.deepest = out.deepest.max(state.deepest);
            out.degree = out.degree.max(state.degree);
            if state.varies() {
                let least =
                    shallowest.map_or(state.shallowest, |least| least.min(state.shallowest));
                shallowest = Some(least);
            }
        }
        out.shallowest = shallowest.unwrap_or(0);
        match op.kind {
            Kind::Plain => self.plain(flat, shapes, op, operands, &varied, &mut out),
            Kind::Phi => {
                let branches: Vec<State> = (1..op.inputs.len())
                    .map(|index| self.operand(op, index))
                    .collect();
                out.low = lowest(branches.iter());
                out.high = highest(branches.iter());
            }
            Kind::LoopIter => {
                out.entropy = Entropy::Index;
                out.low = 0.0;
            }
            Kind::LoopPhi | Kind::LoopOut => {
                // A carried value is anything that it was in any turn.
                let carried: Vec<State> = match op.kind {
                    Kind::LoopPhi => operands.to_vec(),
                    _ => vec![self.operand(op, 2), self.operand(op, 3)],
                };
                if op.kind == Kind::LoopPhi {
                    out.entropy = joined(&carried);
                }
                // Intervals need not settle in a loop.
                if carried.iter().all(|state| state.entropy == Entropy::Binary) {
                    (out.low, out.high) = (0.0, 1.0);
                }
            }
            Kind::LoopStack => {}
            Kind::ScanSlice | Kind::Copy => {
                let first = self.operand(op, 0);
                out.entropy = first.entropy;
                (out.low, out.high) = (first.low, first.high);
            }
            Kind::Opaque => out.opaque = true,
        }
        if out.low.is_nan() {
            out.low = f64::NEG_INFINITY;
        }
        if out.high.is_nan() {
            out.high = f64::INFINITY;
        }
        // Whole numbers within so little are a switch.
        if out.entropy == Entropy::Index && out.is_bounded() && out.high - out.low <= 2.0 {
            out.entropy = Entropy::Soft;
        }
        if out.entropy == Entropy::Constant {
            out.entropy = Entropy::Real;
        }
        out
    }
}

/// Computed from constants alone.
fn fold(op: &Op, operands: &[State]) -> State {
    let first = operands.first().copied().unwrap_or_default();
    let moved = op.kind == Kind::Plain && op.std.class() == Class::Keep;
    State {
        fixed: true,
        entropy: Entropy::Constant,
        weights: operands.iter().any(|state| state.weights),
        low: if moved { first.low } else { f64::NEG_INFINITY },
        high: if moved { first.high } else { f64::INFINITY },
        ..State::default()
    }
}

/// Operators that make something large out of sizes.
fn is_spread(std: Std) -> bool {
    matches!(
        std,
        Std::Slice
            | Std::Gather
            | Std::Range
            | Std::Expand
            | Std::ConstantOfShape
            | Std::Tile
            | Std::Trilu
            | Std::Resize
            | Std::CumSum
            | Std::GatherND
            | Std::Pad
            | Std::Fill
    )
}

fn joined(states: &[State]) -> Entropy {
    let varied = states.iter().filter(|state| !state.fixed);
    varied
        .map(|state| state.entropy)
        .max()
        .unwrap_or(Entropy::Index)
}

fn lowest<'a>(states: impl Iterator<Item = &'a State>) -> f64 {
    states
        .map(|state| state.low)
        .reduce(f64::min)
        .unwrap_or(f64::NEG_INFINITY)
}

fn highest<'a>(states: impl Iterator<Item = &'a State>) -> f64 {
    states
        .map(|state| state.high)
        .reduce(f64::max)
        .unwrap_or(f64::INFINITY)
}
