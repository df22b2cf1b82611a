//! A signal's slice: what it needs of the graph, and how it rests.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::Port;
use crate::eval::{Array, Budget, Kind, Machine, Refusal, Run};

/// A signal and the nodes behind it.
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    pub(crate) signal: u32,
    pub(crate) order: Vec<u32>,
    /// Inputs that it reads.
    pub(crate) inputs: BTreeSet<u32>,
}

/// What a signal is when nothing happens.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    pub(crate) array: Array,
    /// How far ordinary inputs move it.
    pub(crate) spread: f64,
    /// The share of ordinary inputs that move it noticeably.
    pub(crate) active: f64,
}

impl Slice {
    pub(crate) fn of(machine: &Machine<'_>, signal: u32, ports: &[Port]) -> Result<Self, Refusal> {
        let nested = machine
            .anchor(signal)
            .and_then(|at| machine.node(at))
            .filter(|node| !node.outputs.contains(&Some(signal)));
        let targets: Vec<u32> = match nested {
            Some(node) => node.outputs.iter().flatten().copied().collect(),
            None => vec![signal],
        };
        let order = machine.order(&targets, &BTreeSet::new())?;
        let mut read = BTreeSet::from([signal]);
        for node in &order {
            if let Some(node) = machine.node(*node) {
                read.extend(machine.needs(node)?);
            }
        }
        let inputs = ports
            .iter()
            .map(|port| port.value)
            .filter(|value| read.contains(value))
            .collect();
        Ok(Self {
            signal,
            order,
            inputs,
        })
    }

    /// The signal on an input.
    pub(crate) fn run(
        &self,
        machine: &Machine<'_>,
        feeds: &BTreeMap<u32, Array>,
        budget: &mut Budget,
    ) -> Result<Array, Refusal> {
        let mut run = Run {
            feeds: feeds.clone(),
            budget: *budget,
            watched: BTreeSet::from([self.signal]),
            ..Run::default()
        };
        let made = machine.run_in(&mut run, &self.order, &[]);
        *budget = run.budget;
        made?;
        run.seen
            .remove(&self.signal)
            .ok_or_else(|| Refusal::Nonsense("a signal in a branch that is not taken".to_owned()))
    }
}

impl Rest {
    /// The element-wise median of what was seen; only of the shape seen first.
    pub(crate) fn of(seen: &[Array]) -> Option<Self> {
        let first = seen.first()?;
        if first.kind == Kind::Text || first.is_empty() {
            return None;
        }
        let alike: Vec<Vec<f64>> = seen
            .iter()
            .filter(|array| array.shape == first.shape)
            .filter_map(|array| array.reals().ok().map(std::borrow::Cow::into_owned))
            .collect();
        let mut middle = Vec::with_capacity(first.len());
        for at in 0..first.len() {
            let mut column: Vec<f64> = alike
                .iter()
                .filter_map(|row| row.get(at).copied())
                .filter(|x| x.is_finite())
                .collect();
            column.sort_by(f64::total_cmp);
            middle.push(column.get(column.len() / 2).copied().unwrap_or(0.0));
        }
        let array = Array::numbers(first.kind, first.shape.clone(), middle.clone()).ok()?;
        let size = middle.iter().fold(0.0_f64, |all, x| all.max(x.abs()));
        let mut distances: Vec<f64> = alike.iter().map(|row| distance(row, &middle)).collect();
        distances.sort_by(f64::total_cmp);
        let most = crate::eval::real_of(distances.len());
        let moved = distances
            .iter()
            .filter(|d| **d > 1e-3 * (1.0 + size))
            .count();
        let odd = seen.len().saturating_sub(alike.len());
        Some(Self {
            array,
            spread: distances
                .get(distances.len().saturating_mul(3) / 4)
                .copied()
                .unwrap_or(0.0),
            active: crate::eval::real_of(moved.saturating_add(odd))
                / (most + crate::eval::real_of(odd)).max(1.0),
        })
    }

    /// How far from its rest the signal counts as fired. One that ordinary
    /// inputs do not move at all may fire by little.
    pub(crate) fn margin(&self) -> f64 {
        let size = self.array.reals().map_or(0.0, |rest| {
            rest.iter().fold(0.0_f64, |all, x| all.max(x.abs()))
        });
        if self.active == 0.0 && self.spread <= 1e-9 {
            return 1e-3 * (1.0 + size);
        }
        0.25_f64.max(0.25 * size).min(0.25 + size) + 3.0 * self.spread
    }

    /// Whether a value of the signal is clearly another.
    pub(crate) fn left_by(&self, array: &Array) -> bool {
        if array.shape != self.array.shape {
            return true;
        }
        let (Ok(now), Ok(rest)) = (array.reals(), self.array.reals()) else {
            return false;
        };
        let gap = now
            .iter()
            .zip(rest.iter())
            .map(|(x, y)| {
                if x.is_nan() {
                    f64::INFINITY
                } else {
                    (x - y).abs()
                }
            })
            .fold(0.0_f64, f64::max);
        gap > self.margin()
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| if x.is_finite() { (x - y).abs() } else { 1e9 })
        .fold(0.0, f64::max)
}
