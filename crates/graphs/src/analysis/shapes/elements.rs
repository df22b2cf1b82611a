//! The elements of small tensors of integers: shapes are made of shapes.

use super::{FOLLOWED, Shape, Shapes, wrap};
use crate::analysis::numbers;
use crate::analysis::size::product;
use crate::ir::{Flat, Kind, Op, at};
use crate::operators::Std;

impl Shapes {
    /// Notes the elements of what an operator makes.
    pub(super) fn follow(&mut self, flat: &Flat<'_>, op: &Op) {
        let Some(output) = op.output(0) else { return };
        if op.kind != Kind::Plain {
            if op.kind == Kind::Copy
                && let Some(data) = self.ints(op, 0).cloned()
            {
                self.data.insert(output, data);
            }
            return;
        }
        if let Some(data) = self.elements(flat, op)
            && data.len() <= FOLLOWED
        {
            self.data.insert(output, data);
        }
    }

    pub(super) fn elements(&mut self, flat: &Flat<'_>, op: &Op) -> Option<Shape> {
        #[allow(clippy::enum_glob_use, reason = "a table of operators")]
        use Std::*;
        let first = || self.ints(op, 0);
        match op.std {
            Shape => {
                let shape = self.input(op, 0)?;
                let rank = i64::try_from(shape.len()).ok()?;
                let clamp = |edge: i64| {
                    let edge = if edge < 0 {
                        edge.saturating_add(rank)
                    } else {
                        edge
                    };
                    usize::try_from(edge.clamp(0, rank)).unwrap_or(0)
                };
                let start = clamp(flat.int(op, "start").unwrap_or(0));
                let end = clamp(flat.int(op, "end").unwrap_or(rank));
                shape
                    .get(start..end)
                    .map(<[crate::analysis::size::Size]>::to_vec)
            }
            Size => Some(vec![product(&self.input(op, 0)?)?]),
            Identity | Cast | CastLike | Squeeze | Unsqueeze | Reshape | Flatten | Expand
            | ExpandDims => {
                let data = first()?.clone();
                let out = op
                    .output(0)
                    .and_then(|id| self.get(id))
                    .and_then(|shape| product(shape));
                match (op.std, out.and_then(crate::analysis::size::Size::number)) {
                    (Expand, Some(count)) if data.len() == 1 => {
                        Some(vec![
                            *data.first()?;
                            usize::try_from(count).ok()?.min(FOLLOWED)
                        ])
                    }
                    (Expand, _) => None,
                    _ => Some(data),
                }
            }
            Concat | Stack => {
                let parts = op.operands().map(|id| self.data.get(&id).cloned());
                Some(parts.collect::<Option<Vec<_>>>()?.concat())
            }
            Gather => {
                let data = first()?;
                let index = self.ints(op, 1)?;
                index
                    .iter()
                    .map(|index| data.get(wrap(index.number()?, data.len())?).copied())
                    .collect()
            }
            Slice => {
                let data = first()?;
                let start = self.list(flat, op, "starts", 1)?.first().copied()?;
                let end = self.list(flat, op, "ends", 2)?.first().copied()?;
                let stepped = op.input(4).is_some() || flat.ints(op, "steps").is_some();
                if stepped && self.list(flat, op, "steps", 4)? != [1] {
                    return None;
                }
                let len = i64::try_from(data.len()).ok()?;
                let clamp = |edge: i64| {
                    let edge = if edge < 0 {
                        edge.saturating_add(len)
                    } else {
                        edge
                    };
                    usize::try_from(edge.clamp(0, len)).unwrap_or(0)
                };
                data.get(clamp(start)..clamp(end))
                    .map(<[crate::analysis::size::Size]>::to_vec)
            }
            Mul | Div | Add | Sub | Max => {
                let a = first()?;
                let b = self.ints(op, 1)?;
                let count = a.len().max(b.len());
                let pick = |data: &[crate::analysis::size::Size], index: usize| {
                    if data.len() == 1 {
                        data.first().copied()
                    } else {
                        data.get(index).copied()
                    }
                };
                (0..count)
                    .map(|index| {
                        let (a, b) = (pick(a, index)?, pick(b, index)?);
                        match op.std {
                            Mul => a.times(b),
                            Div => a.over(b),
                            std => {
                                let (a, b) = (a.number()?, b.number()?);
                                let sum = match std {
                                    Add => a.checked_add(b),
                                    Sub => a.checked_sub(b),
                                    _ => Some(a.max(b)),
                                };
                                sum.map(crate::analysis::size::Size::known)
                            }
                        }
                    })
                    .collect()
            }
            ReduceProd => Some(vec![product(first()?)?]),
            ConstantOfShape => {
                let count = self.ints(op, 0).cloned();
                let count = product(&count?)?.number()?;
                let value = match flat.attribute(op, "value") {
                    Some(modelward_schema::Setting::Constant(index)) => {
                        let constant = flat.wiring.constants.get(at(*index))?;
                        numbers::ints(constant, 1)?.first().copied()?
                    }
                    _ => return None,
                };
                let count = usize::try_from(count).ok()?;
                (count <= FOLLOWED).then(|| vec![crate::analysis::size::Size::known(value); count])
            }
            Where => {
                let test = first()?;
                let (a, b) = (self.ints(op, 1)?, self.ints(op, 2)?);
                let pick = |data: &[crate::analysis::size::Size], index: usize| {
                    if data.len() == 1 {
                        data.first().copied()
                    } else {
                        data.get(index).copied()
                    }
                };
                (0..test.len())
                    .map(|index| {
                        let truth = pick(test, index)?.number()? != 0;
                        pick(if truth { a } else { b }, index)
                    })
                    .collect()
            }
            Equal => {
                let a = first()?;
                let b = self.ints(op, 1)?;
                let other = |index: usize| {
                    if b.len() == 1 {
                        b.first()
                    } else {
                        b.get(index)
                    }
                };
                a.iter()
                    .enumerate()
                    .map(|(index, size)| {
                        let other = other(index)?;
                        let same = match (size.number(), other.number()) {
                            (Some(a), Some(b)) => a == b,
                            // A size is never negative.
                            (None, Some(number)) if number < 0 => false,
                            (Some(number), None) if number < 0 => false,
                            _ if size == other => true,
                            _ => return None,
                        };
                        Some(crate::analysis::size::Size::known(i64::from(same)))
                    })
                    .collect()
            }
            _ => None,
        }
    }
}
