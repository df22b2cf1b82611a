//! Comparisons and logic on the tape: each is its robustness.

use super::record::at_all;
use super::tape::{Curve, Id, Knot, Rule};
use super::trace::{Soft, Sort, Tracer};
use crate::eval::{Array, Refusal, broadcast, spread};

impl Tracer<'_, '_> {
    pub(crate) fn compare(
        &mut self,
        op: &str,
        inputs: &[Option<Soft>],
        made: &[Array],
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let (Some(Some(a)), Some(Some(b))) = (inputs.first(), inputs.get(1)) else {
            return Ok(None);
        };
        if a.sort == Sort::Rank || b.sort == Sort::Rank {
            return self.compare_rank(op, a, b);
        }
        // A truth as a number against a constant is itself or its opposite.
        for (truth, other, flip) in [(a, b, false), (b, a, true)] {
            if truth.sort == Sort::Truth && other.sort == Sort::Known && other.hard.len() == 1 {
                let c = other.hard.first()?;
                let more = matches!(op, "Greater" | "GreaterOrEqual") != flip;
                let same = match op {
                    "Equal" if (c - 1.0).abs() < 1e-6 => Some(true),
                    "Equal" if c.abs() < 1e-6 => Some(false),
                    "Equal" => None,
                    _ if c > 0.0 && c <= 1.0 => Some(more),
                    _ if c == 0.0 && op.contains("Or") => None,
                    _ if c == 0.0 => Some(more),
                    _ => None,
                };
                if let Some(same) = same {
                    let ids = if same {
                        truth.ids.clone()
                    } else {
                        self.negate(&truth.ids)
                    };
                    return Ok(Some((Sort::Truth, ids)));
                }
            }
        }
        let whole = !a.hard.kind.is_float();
        let Some((x, y)) = self.pair(inputs, false)? else {
            return Ok(None);
        };
        let slack = match op {
            "Equal" if whole => 0.5,
            "Equal" => 1e-12,
            "Less" | "Greater" if whole => -0.5,
            "LessOrEqual" | "GreaterOrEqual" if whole => 0.5,
            _ => 0.0,
        };
        let slack = self.tape.constant(slack);
        let mut ids = Vec::with_capacity(made.first().map_or(0, Array::len));
        for (x, y) in x.iter().zip(&y) {
            let id = match op {
                "Equal" => {
                    let gap = self.tape.sum(&[(*x, 1.0), (*y, -1.0)]);
                    let gap = self.tape.curve(Curve::Abs, gap);
                    self.tape.sum(&[(gap, -1.0), (slack, 1.0)])
                }
                "Less" | "LessOrEqual" => self.tape.sum(&[(*y, 1.0), (*x, -1.0), (slack, 1.0)]),
                _ => self.tape.sum(&[(*x, 1.0), (*y, -1.0), (slack, 1.0)]),
            };
            self.tape.knots.push(Knot::Sign(id));
            ids.push(id);
        }
        Ok(Some((Sort::Truth, ids)))
    }

    /// "The nth largest is this one."
    pub(crate) fn compare_rank(
        &mut self,
        op: &str,
        a: &Soft,
        b: &Soft,
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let (rank, other) = if a.sort == Sort::Rank { (a, b) } else { (b, a) };
        if op != "Equal" || other.sort != Sort::Known {
            return Ok(None);
        }
        let wanted = other.hard.reals()?.into_owned();
        let shape = broadcast(&a.hard.shape, &b.hard.shape)?;
        let entries = at_all(&rank.ids, &spread(&rank.hard.shape, &shape));
        let places = spread(&other.hard.shape, &shape);
        let mut ids = Vec::with_capacity(entries.len());
        for (entry, place) in entries.iter().zip(places) {
            let known = usize::try_from(*entry)
                .ok()
                .and_then(|at| self.ranks.get(at))
                .cloned();
            let Some(rank) = known else { return Ok(None) };
            let target = wanted.get(place).and_then(|x| crate::eval::index_of(*x));
            let target_id = target.and_then(|at| rank.lane.get(at)).copied();
            let now = rank.lane.get(rank.now).copied().unwrap_or(0);
            let Some(target_id) = target_id else {
                return Ok(None);
            };
            // Above whoever is there now, and below nobody new: an order of
            // steps, largest first, leaves room.
            let step = self.tape.constant(if target == Some(rank.now) {
                0.01
            } else {
                -0.02 * (1.0 + crate::eval::real_of(rank.nth))
            });
            let id = if target == Some(rank.now) {
                self.tape.sum(&[(step, 1.0)])
            } else {
                self.tape.sum(&[(target_id, 1.0), (now, -1.0), (step, 1.0)])
            };
            self.tape.knots.push(Knot::Sign(id));
            ids.push(id);
        }
        Ok(Some((Sort::Truth, ids)))
    }

    pub(crate) fn logic(
        &mut self,
        op: &str,
        inputs: &[Option<Soft>],
        _: &[Array],
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let Some((x, y)) = self.pair(inputs, true)? else {
            return Ok(None);
        };
        let mut ids = Vec::with_capacity(x.len());
        for (x, y) in x.iter().zip(&y) {
            ids.push(match op {
                "And" => self.tape.all(&[*x, *y]),
                "Or" => self.tape.largest(&[*x, *y], false),
                _ => {
                    let (p, q) = (self.tape.sum(&[(*x, -1.0)]), self.tape.sum(&[(*y, -1.0)]));
                    let one = self.tape.largest(&[*x, q], true);
                    let other = self.tape.largest(&[p, *y], true);
                    self.tape.largest(&[one, other], false)
                }
            });
        }
        Ok(Some((Sort::Truth, ids)))
    }

    pub(crate) fn select(
        &mut self,
        inputs: &[Option<Soft>],
        made: &[Array],
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let (Some(Some(c)), Some(Some(a)), Some(Some(b))) =
            (inputs.first(), inputs.get(1), inputs.get(2))
        else {
            return Ok(None);
        };
        let Some(shape) = made.first().map(|array| array.shape.clone()) else {
            return Ok(None);
        };
        let (x, y) = (self.numbers(a)?, self.numbers(b)?);
        let x = at_all(&x, &spread(&a.hard.shape, &shape));
        let y = at_all(&y, &spread(&b.hard.shape, &shape));
        if c.sort == Sort::Known {
            let choice = c.hard.as_ints()?;
            let ids = spread(&c.hard.shape, &shape)
                .iter()
                .zip(x.iter().zip(&y))
                .map(|(at, (x, y))| {
                    if choice.get(*at).is_some_and(|n| *n != 0) {
                        *x
                    } else {
                        *y
                    }
                })
                .collect();
            return Ok(Some((Sort::Real, ids)));
        }
        let truths = self.truths(c)?;
        let truths = at_all(&truths, &spread(&c.hard.shape, &shape));
        let mut ids = Vec::with_capacity(truths.len());
        for ((truth, x), y) in truths.iter().zip(&x).zip(&y) {
            let step = self.tape.curve(Curve::Step, *truth);
            let gap = self.tape.sum(&[(*x, 1.0), (*y, -1.0)]);
            let part = self.tape.push(Rule::Product(step, gap));
            ids.push(self.tape.sum(&[(*y, 1.0), (part, 1.0)]));
        }
        Ok(Some((Sort::Real, ids)))
    }
}
