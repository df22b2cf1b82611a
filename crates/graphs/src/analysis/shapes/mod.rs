//! Symbolic shapes, from the operators; what the file states fills the holes.
//!
//! Exporters leave inner shapes empty, and a file that lies about one could
//! make a single bit look like a picture. So the operators say it first. The
//! elements of small integer tensors are followed too: shapes are computed
//! from shapes.

mod elements;
mod moved;
mod plain;
mod windows;

use std::collections::HashMap;

use modelward_schema::Dim;

use super::numbers;
use super::size::{Size, broadcast};
use crate::ir::{Flat, Id, Kind, Op, at};

pub(crate) type Shape = Vec<Size>;
/// Axes of a value that are followed: a chain that adds one at each step is not.
const MAX_RANK: usize = 64;
/// Elements of a tensor of numbers that are followed.
const FOLLOWED: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Shapes {
    pub(crate) of: Vec<Option<Shape>>,
    /// Elements of small integer tensors.
    data: HashMap<Id, Vec<Size>>,
    names: HashMap<String, u32>,
    next: u32,
    /// The first symbol that no input has.
    stated: u32,
}

impl Shapes {
    pub(crate) fn infer(flat: &Flat<'_>) -> Self {
        let mut shapes = Self {
            of: vec![None; flat.values.len()],
            next: 1,
            ..Self::default()
        };
        for id in 0..crate::ir::number(flat.values.len()) {
            if let Some(constant) = flat.constant(id) {
                let sizes = constant.shape.iter();
                let shape: Shape = sizes
                    .map(|size| Size::known(i64::try_from(*size).unwrap_or(i64::MAX)))
                    .collect();
                shapes.set(id, Some(shape));
                if let Some(ints) = numbers::ints(constant, FOLLOWED) {
                    shapes
                        .data
                        .insert(id, ints.into_iter().map(Size::known).collect());
                }
            } else if flat.val(id).maker == crate::ir::NONE {
                let stated = shapes.stated(flat, id);
                shapes.set(id, stated);
            }
        }
        shapes.stated = shapes.next;
        for op in &flat.ops {
            shapes.step(flat, op);
        }
        shapes
    }

    pub(crate) fn get(&self, id: Id) -> Option<&Shape> {
        self.of.get(at(id)).and_then(Option::as_ref)
    }

    /// The file names it, or it is a size of an input.
    pub(crate) fn is_named(&self, symbol: u32) -> bool {
        symbol < self.stated
    }

    /// The symbols whose names fit.
    pub(crate) fn symbols(&self, fits: impl Fn(&str) -> bool) -> Vec<u32> {
        let names = self.names.iter().filter(|(name, _)| fits(name));
        names.map(|(_, symbol)| *symbol).collect()
    }

    pub(super) fn set(&mut self, id: Id, shape: Option<Shape>) {
        if let Some(slot) = self.of.get_mut(at(id)) {
            *slot = shape.filter(|shape| shape.len() <= MAX_RANK);
        }
    }

    pub(super) fn fresh(&mut self) -> Size {
        let symbol = self.next;
        self.next = self.next.saturating_add(1);
        Size::symbol(symbol)
    }

    pub(super) fn stated(&mut self, flat: &Flat<'_>, id: Id) -> Option<Shape> {
        let dims = flat.stated_shape(id)?;
        Some(dims.iter().map(|dim| self.dim(dim)).collect())
    }

    pub(super) fn dim(&mut self, dim: &Dim) -> Size {
        match dim {
            Dim::Known(size) if *size >= 0 => Size::known(*size),
            Dim::Symbol(name) if !name.is_empty() => {
                if let Some(symbol) = self.names.get(name) {
                    return Size::symbol(*symbol);
                }
                let size = self.fresh();
                self.names.insert(name.clone(), self.next.saturating_sub(1));
                size
            }
            _ => self.fresh(),
        }
    }

    pub(super) fn step(&mut self, flat: &Flat<'_>, op: &Op) {
        let before = self.next;
        let made = self.outputs(flat, op);
        for (slot, output) in op.outputs.iter().enumerate() {
            let Some(id) = *output else { continue };
            let inferred = made.get(slot).cloned().flatten();
            let shape = match (inferred, self.stated(flat, id)) {
                (None, stated) => stated,
                (Some(shape), Some(stated)) if stated.len() == shape.len() => Some(
                    shape
                        .iter()
                        .zip(&stated)
                        .map(|(own, said)| {
                            let unknown = own.symbols.iter().any(|symbol| *symbol >= before);
                            if unknown { *said } else { *own }
                        })
                        .collect(),
                ),
                (inferred, _) => inferred,
            };
            self.set(id, shape);
        }
        self.follow(flat, op);
    }

    pub(super) fn input(&self, op: &Op, index: usize) -> Option<Shape> {
        self.get(op.input(index)?).cloned()
    }

    pub(super) fn ints(&self, op: &Op, index: usize) -> Option<&Vec<Size>> {
        self.data.get(&op.input(index)?)
    }

    /// The numbers of an attribute, or of the operand that newer operator sets
    /// have in its place.
    pub(super) fn list(
        &self,
        flat: &Flat<'_>,
        op: &Op,
        name: &str,
        operand: usize,
    ) -> Option<Vec<i64>> {
        if let Some(ints) = flat.ints(op, name) {
            return Some(ints.to_vec());
        }
        self.ints(op, operand)?
            .iter()
            .map(|size| size.number())
            .collect()
    }

    pub(super) fn broadcast_all<'a>(
        &mut self,
        shapes: impl Iterator<Item = Option<&'a Shape>>,
    ) -> Option<Shape> {
        let shapes: Option<Vec<&Shape>> = shapes.collect();
        let shapes: Vec<Shape> = shapes?.into_iter().cloned().collect();
        let rank = shapes.iter().map(Vec::len).max()?;
        let mut out = vec![Size::ONE; rank];
        for shape in &shapes {
            for (slot, size) in out.iter_mut().rev().zip(shape.iter().rev()) {
                *slot = broadcast(*slot, *size).unwrap_or_else(|| self.fresh());
            }
        }
        Some(out)
    }

    pub(super) fn operands_broadcast(&mut self, op: &Op) -> Option<Shape> {
        let shapes: Vec<Option<Shape>> = op.operands().map(|id| self.get(id).cloned()).collect();
        self.broadcast_all(shapes.iter().map(Option::as_ref))
    }

    pub(super) fn outputs(&mut self, flat: &Flat<'_>, op: &Op) -> Vec<Option<Shape>> {
        match op.kind {
            Kind::Plain => self.plain(flat, op),
            Kind::Phi => {
                let a = self.input(op, 1);
                let b = self.input(op, 2);
                vec![match (a, b) {
                    (Some(a), Some(b)) if a.len() == b.len() => {
                        let pairs = a.iter().zip(&b);
                        Some(
                            pairs
                                .map(|(a, b)| if a == b { *a } else { self.fresh() })
                                .collect(),
                        )
                    }
                    _ => None,
                }]
            }
            Kind::LoopIter => vec![Some(Vec::new())],
            Kind::LoopPhi | Kind::Copy => vec![self.input(op, 0)],
            Kind::LoopOut => {
                let first = self.input(op, 2);
                let last = self.input(op, 3);
                vec![match (first, last) {
                    (Some(a), Some(b)) if a.len() == b.len() => {
                        let pairs = a.iter().zip(&b);
                        Some(
                            pairs
                                .map(|(a, b)| if a == b { *a } else { self.fresh() })
                                .collect(),
                        )
                    }
                    _ => None,
                }]
            }
            Kind::LoopStack => {
                let turns = self.fresh();
                vec![self.input(op, 2).map(|mut shape| {
                    shape.insert(0, turns);
                    shape
                })]
            }
            Kind::ScanSlice => vec![self.input(op, 0).map(|mut shape| {
                if !shape.is_empty() {
                    shape.remove(0);
                }
                shape
            })],
            Kind::Opaque => Vec::new(),
        }
    }
}

/// An axis that may count from the end.
pub(crate) fn wrap(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = if axis < 0 {
        axis.checked_add(rank)?
    } else {
        axis
    };
    (0..rank)
        .contains(&axis)
        .then(|| usize::try_from(axis).ok())
        .flatten()
}

impl Shapes {
    /// All elements of a small tensor of sizes are numbers.
    pub(crate) fn is_known(&self, id: Id) -> bool {
        let data = self.data.get(&id);
        data.is_some_and(|data| data.iter().all(|size| size.number().is_some()))
    }
}
