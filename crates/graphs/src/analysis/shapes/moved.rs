//! Operators that keep, drop or join axes.

use super::{Shape, Shapes, wrap};
use crate::analysis::size::{Size, product};
use crate::ir::{Flat, Op};

impl Shapes {
    pub(super) fn reduce(
        &mut self,
        flat: &Flat<'_>,
        op: &Op,
        first: Option<Shape>,
    ) -> Option<Shape> {
        let keep = flat.int(op, "keepdims").unwrap_or(1) != 0;
        let axes = self.list(flat, op, "axes", 1);
        if axes.is_none() && op.input(1).is_some() {
            return None;
        }
        let shape = match (&axes, first) {
            (None, None) if !keep => return Some(Vec::new()),
            (_, shape) => shape?,
        };
        let axes = axes.unwrap_or_default();
        if axes.is_empty() && flat.int(op, "noop_with_empty_axes").unwrap_or(0) != 0 {
            return Some(shape);
        }
        let all = axes.is_empty();
        let axes: Vec<_> = axes
            .iter()
            .filter_map(|axis| wrap(*axis, shape.len()))
            .collect();
        let mut out = Vec::new();
        for (axis, size) in shape.iter().enumerate() {
            if !all && !axes.contains(&axis) {
                out.push(*size);
            } else if keep {
                out.push(Size::ONE);
            }
        }
        Some(out)
    }

    pub(super) fn reshape(
        &mut self,
        flat: &Flat<'_>,
        op: &Op,
        first: Option<&Shape>,
    ) -> Option<Shape> {
        let target = match flat.ints(op, "shape") {
            Some(ints) => ints.iter().map(|int| Size::known(*int)).collect(),
            None => self.ints(op, 1).cloned()?,
        };
        let zero = flat.int(op, "allowzero").unwrap_or(0) != 0;
        let mut out = Vec::with_capacity(target.len());
        let mut hole = None;
        for (axis, size) in target.iter().enumerate() {
            match size.number() {
                Some(-1) => {
                    hole = Some(axis);
                    out.push(Size::ONE);
                }
                Some(0) if !zero => {
                    let copied = first.and_then(|shape| shape.get(axis).copied());
                    out.push(copied.unwrap_or_else(|| self.fresh()));
                }
                _ => out.push(*size),
            }
        }
        if let Some(axis) = hole {
            let whole = first.and_then(|shape| product(shape));
            let rest = product(&out);
            let size = whole.zip(rest).and_then(|(whole, rest)| whole.over(rest));
            let size = size.unwrap_or_else(|| self.fresh());
            if let Some(slot) = out.get_mut(axis) {
                *slot = size;
            }
        }
        Some(out)
    }

    pub(super) fn concat(&mut self, flat: &Flat<'_>, op: &Op) -> Option<Shape> {
        let axis = flat.int(op, "axis")?;
        let shapes: Option<Vec<Shape>> = op.operands().map(|id| self.get(id).cloned()).collect();
        let shapes = shapes?;
        let mut out = shapes.first()?.clone();
        let axis = wrap(axis, out.len())?;
        let mut sum = Some(0_i64);
        for shape in &shapes {
            let size = shape.get(axis)?.number();
            sum = sum.zip(size).and_then(|(sum, size)| sum.checked_add(size));
        }
        let joined = match sum {
            Some(sum) => Size::known(sum),
            None => self.fresh(),
        };
        *out.get_mut(axis)? = joined;
        Some(out)
    }

    pub(super) fn split(
        &mut self,
        flat: &Flat<'_>,
        op: &Op,
        first: Option<&Shape>,
    ) -> Vec<Option<Shape>> {
        let axis = flat.int(op, "axis").unwrap_or(0);
        let parts = self.list(flat, op, "split", 1);
        let count = i64::try_from(op.outputs.len().max(1)).unwrap_or(1);
        let mut out = Vec::new();
        for index in 0..op.outputs.len() {
            let size = match &parts {
                Some(parts) => parts.get(index).map(|size| Size::known(*size)),
                None => first.and_then(|shape| {
                    let size = shape.get(wrap(axis, shape.len())?)?;
                    size.over(Size::known(count))
                }),
            };
            let size = size.unwrap_or_else(|| self.fresh());
            out.push(first.cloned().and_then(|mut shape| {
                let axis = wrap(axis, shape.len())?;
                *shape.get_mut(axis)? = size;
                Some(shape)
            }));
        }
        out
    }

    pub(super) fn slice(
        &mut self,
        flat: &Flat<'_>,
        op: &Op,
        first: Option<Shape>,
    ) -> Option<Shape> {
        let mut shape = first?;
        let starts = self.list(flat, op, "starts", 1);
        let ends = match flat.ints(op, "ends") {
            Some(ends) => Some(ends.iter().map(|end| Size::known(*end)).collect()),
            None => self.ints(op, 2).cloned(),
        };
        let count = starts
            .as_ref()
            .map(Vec::len)
            .or_else(|| ends.as_ref().map(Vec::len));
        let axes = match self.list(flat, op, "axes", 3) {
            Some(axes) => axes,
            None if op.input(3).is_some() => return None,
            None => {
                let count = count.unwrap_or(shape.len());
                (0..i64::try_from(count).ok()?).collect()
            }
        };
        let steps = match op.input(4) {
            None => Some(match flat.ints(op, "steps") {
                Some(steps) => steps.to_vec(),
                None => vec![1; axes.len()],
            }),
            Some(_) => self.list(flat, op, "steps", 4),
        };
        for (index, axis) in axes.iter().enumerate() {
            let axis = wrap(*axis, shape.len())?;
            let size = *shape.get(axis)?;
            let start = starts
                .as_ref()
                .and_then(|starts| starts.get(index).copied());
            let end = ends.as_ref().and_then(|ends| ends.get(index).copied());
            let step = steps.as_ref().and_then(|steps| steps.get(index).copied());
            let cut = sliced(size, start, end, step).unwrap_or_else(|| self.fresh());
            *shape.get_mut(axis)? = cut;
        }
        Some(shape)
    }

    pub(super) fn range_len(&self, op: &Op) -> Option<Size> {
        let edge = |index| self.ints(op, index).and_then(|data| data.first().copied());
        let (start, limit, step) = (edge(0)?, edge(1)?, edge(2)?);
        match (start.number()?, step.number()?) {
            (0, 1) => Some(limit),
            (start, 1) => Some(Size::known(limit.number()?.checked_sub(start)?.max(0))),
            _ => None,
        }
    }
}

fn sliced(size: Size, start: Option<i64>, end: Option<Size>, step: Option<i64>) -> Option<Size> {
    const ALL: i64 = 1 << 30;
    let (start, step) = (start?, step?);
    let end = match end?.number() {
        Some(end) => end,
        None if start == 0 && step == 1 => return end,
        None => return None,
    };
    if let Some(size) = size.number() {
        let clamp = |edge: i64| {
            let edge = if edge < 0 {
                edge.saturating_add(size)
            } else {
                edge
            };
            edge.clamp(0, size)
        };
        let room = if step > 0 {
            clamp(end).checked_sub(clamp(start))?
        } else {
            let last = if end < size.saturating_neg() {
                -1
            } else {
                clamp(end)
            };
            clamp(start).min(size.checked_sub(1)?).checked_sub(last)?
        };
        let step = step.checked_abs()?;
        let count = room.checked_add(step.checked_sub(1)?)?.checked_div(step)?;
        return Some(Size::known(count.max(0)));
    }
    if step == -1 && start == -1 && end < -ALL {
        return Some(size);
    }
    if step != 1 {
        return None;
    }
    match (start, end) {
        (0, end) if end > ALL => Some(size),
        (start, end) if start < 0 && end > ALL => Some(Size::known(start.checked_neg()?)),
        (start, end) if start >= 0 && end >= start && end < ALL => {
            Some(Size::known(end.checked_sub(start)?))
        }
        (start, end) if start < end && end < 0 => Some(Size::known(end.checked_sub(start)?)),
        _ => None,
    }
}
