//! Arithmetic done again: a bound that no honest tool breaks, and, within it,
//! the very operations of the tools that are known.
//!
//! The order of operations is the tool's own, so several are tried on a sample
//! and the one that fits is held against every element. When it gives all but a
//! few of them bit for bit, and no other order comes near, the few were changed
//! by hand although they stay within the bound.

use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::proof::{TensorProof, Worst};
use crate::round::{Way, encode};
use crate::sweep::{CHUNK, Tally, Tell, sweep_rows};
use crate::tensor::Tensor;

/// One element's inputs → its value, by some order of operations.
pub(crate) type Order<'a> = (&'static str, Box<dyn Fn(&[f64]) -> f64 + Sync + 'a>);
/// One element's inputs → the exact value and how far tools may be off.
pub(crate) type Bound<'a> = &'a (dyn Fn(&[f64]) -> Bounds + Sync);
/// First element and count → further inputs of each.
pub(crate) type Extra<'a> = &'a (dyn Fn(u64, usize) -> Vec<Vec<f64>> + Sync);

/// How far a value may be from the exact one, the last rounding not counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) exact: f64,
    /// For tools that compute in 32 bits.
    pub(crate) tight: f64,
    /// For any tool.
    pub(crate) loose: f64,
}

impl Bounds {
    pub(crate) const NONE: Self = Self {
        exact: f64::NAN,
        tight: 0.0,
        loose: 0.0,
    };
}

/// What an element is made of and how.
pub(crate) struct Recipe<'a> {
    pub(crate) inputs: Vec<&'a Tensor>,
    pub(crate) extra: Option<Extra<'a>>,
    /// Stretches are whole multiples of this many elements.
    pub(crate) unit: u64,
    pub(crate) orders: Vec<Order<'a>>,
    pub(crate) bound: Bound<'a>,
}

/// Rounds to an element type and back.
pub(crate) fn rounded(kind: Dtype, value: f64) -> f64 {
    match kind {
        Dtype::F64 => value,
        Dtype::F32 => f64::from(value as f32),
        _ => {
            let mut bytes = Vec::with_capacity(8);
            encode(kind, Way::NEAREST, value, &mut bytes);
            kind.value(&bytes)
        }
    }
}

impl Recipe<'_> {
    /// Holds the target against the recipe.
    pub(crate) fn judge(&self, target: &Tensor, tell: Tell<'_>) -> TensorProof {
        let mut proof = TensorProof::of(target, Grade::Bounded);
        let Some(kind) = target.kind().filter(|kind| kind.is_float()) else {
            return TensorProof::refuted(
                target,
                format!("{} is no type to compute in", target.dtype),
            );
        };
        let sampled = match self.sample(target, kind) {
            Ok(sampled) => sampled,
            Err(why) => return TensorProof::unread(target, why),
        };
        let best = sampled
            .iter()
            .enumerate()
            .min_by_key(|(_, missed)| **missed)
            .map(|(at, _)| at);
        let outcome = self.run(target, kind, best, tell);
        let tally = match outcome {
            Ok(tally) => tally,
            Err(why) => return TensorProof::unread(target, why),
        };
        let elements = target.elements().max(1);
        proof.worst = tally.worst.map(|worst| worst.within(&target.shape));
        if tally.wrong > 0 {
            proof.grade = Grade::Refuted;
            proof.wrong = tally.wrong;
            return proof;
        }
        let missed = tally.changed;
        let outside = tally.sums.first().copied().unwrap_or(0.0) as u64;
        let name = best
            .and_then(|at| self.orders.get(at))
            .map_or("", |order| order.0);
        if missed == 0 && best.is_some() {
            return proof.with_note(format!("the same bit for bit, computed {name}"));
        }
        if outside > 0 && outside <= (elements / 200).max(1) {
            proof.grade = Grade::Refuted;
            proof.wrong = outside;
            return proof.with_note(
                "all but a few of its numbers are within the bound of 32-bit arithmetic",
            );
        }
        let few = missed <= (elements / 1000).max(1);
        let share =
            |missed: u64| missed as f64 / self.sample_size(target).max(1) as f64 * elements as f64;
        let own = best.and_then(|at| sampled.get(at)).copied().unwrap_or(0);
        let next = sampled
            .iter()
            .enumerate()
            .filter(|(at, other)| Some(*at) != best && **other > own)
            .map(|(_, missed)| share(*missed))
            .fold(f64::INFINITY, f64::min);
        // A short float a hair's breadth from the middle of two may go either way.
        let clear = kind.width() >= 4
            || proof
                .worst
                .as_ref()
                .is_some_and(|worst| worst.deviation > 1.5 * kind.ulp(worst.expected));
        if few && clear && best.is_some() && next.is_finite() && next > 20.0 * missed as f64 {
            proof.grade = Grade::Refuted;
            proof.wrong = missed;
            return proof.with_note(format!(
                "computed {name}, all but {missed} of its numbers are as they are, and no other way of computing gives these"
            ));
        }
        proof.with_note("within the bound")
    }

    fn sample_size(&self, target: &Tensor) -> u64 {
        self.stretches(target).iter().map(|(_, count)| count).sum()
    }

    /// Up to three stretches: the beginning, the middle and the end.
    fn stretches(&self, target: &Tensor) -> Vec<(u64, u64)> {
        let elements = target.elements();
        let unit = self.unit.max(1);
        let len = (CHUNK / 4 / unit).max(1) * unit;
        if elements <= 3 * len {
            return vec![(0, elements)];
        }
        let rows = elements / unit;
        vec![(0, len), (rows / 2 * unit, len), (elements - len, len)]
    }

    /// How many elements of the sample each order misses.
    fn sample(&self, target: &Tensor, kind: Dtype) -> Result<Vec<u64>, String> {
        let mut missed = vec![0; self.orders.len()];
        let mut is = Vec::new();
        for (start, count) in self.stretches(target) {
            let mut buffers = Vec::new();
            for tensor in &self.inputs {
                let mut buffer = Vec::new();
                tensor.read(start, count, &mut buffer)?;
                buffers.push(buffer);
            }
            target.read(start, count, &mut is)?;
            let columns = self.columns(start, &buffers, usize::try_from(count).unwrap_or(0));
            let mut element = vec![0.0; columns.len()];
            let mut must = Vec::with_capacity(8);
            for (at, is) in is.chunks_exact(kind.width()).enumerate() {
                gather(&columns, at, &mut element);
                for (missed, order) in missed.iter_mut().zip(&self.orders) {
                    must.clear();
                    encode(kind, Way::NEAREST, order.1(&element), &mut must);
                    *missed += u64::from(must != is);
                }
            }
        }
        Ok(missed)
    }

    fn columns(&self, start: u64, buffers: &[Vec<u8>], count: usize) -> Vec<Vec<f64>> {
        let mut columns = Vec::with_capacity(buffers.len() + 4);
        for (tensor, buffer) in self.inputs.iter().zip(buffers) {
            let mut values = Vec::with_capacity(count);
            if let Some(kind) = tensor.kind() {
                kind.decode(buffer, &mut values);
            }
            columns.push(values);
        }
        if let Some(extra) = self.extra {
            columns.extend(extra(start, count));
        }
        columns
    }

    /// Bound violations as `wrong`, misses of the chosen order as `changed`.
    fn run(
        &self,
        target: &Tensor,
        kind: Dtype,
        best: Option<usize>,
        tell: Tell<'_>,
    ) -> Result<Tally, String> {
        let mut tensors: Vec<&Tensor> = vec![target];
        tensors.extend(&self.inputs);
        let order = best.and_then(|at| self.orders.get(at));
        sweep_rows(&tensors, self.unit, tell, &|start, buffers| {
            let mut tally = Tally::default();
            let Some((is, inputs)) = buffers.split_first() else {
                return tally;
            };
            let count = is.len() / kind.width();
            let columns = self.columns(start, inputs, count);
            let mut element = vec![0.0; columns.len()];
            let mut must = Vec::with_capacity(8);
            for (at, raw) in is.chunks_exact(kind.width()).enumerate() {
                gather(&columns, at, &mut element);
                if let Some(order) = order {
                    must.clear();
                    encode(kind, Way::NEAREST, order.1(&element), &mut must);
                    if must == raw {
                        continue;
                    }
                    tally.changed += 1;
                }
                let value = kind.value(raw);
                let bounds = (self.bound)(&element);
                let expected = bounds.exact;
                let half = kind.ulp(expected.abs().max(value.abs())) / 2.0;
                let deviation = (value - expected).abs();
                let beyond = |slack: f64| {
                    deviation.is_nan() && !expected.is_nan() || deviation > slack + half
                };
                if let Some(outside) = tally.sums.first_mut()
                    && beyond(bounds.tight)
                {
                    *outside += 1.0;
                }
                tally.see(
                    beyond(bounds.loose),
                    Worst {
                        index: start + at as u64,
                        value,
                        expected,
                        deviation: if deviation.is_nan() {
                            f64::INFINITY
                        } else {
                            deviation
                        },
                        bound: bounds.tight + half,
                        ..Worst::default()
                    },
                );
            }
            tally
        })
    }
}

fn gather(columns: &[Vec<f64>], at: usize, element: &mut [f64]) {
    for (place, column) in element.iter_mut().zip(columns) {
        *place = column.get(at).copied().unwrap_or(f64::NAN);
    }
}
