//! What slopes cannot solve: remainders, hashes and look-ups. Many inputs are
//! tried, each a little different from an ordinary one, then pairs of elements
//! whose effects on a dividend add up to the residue that is wanted.

use std::collections::BTreeMap;

use super::chance::Chance;
use super::hunt::Hunt;
use super::ports::{Port, Role};
use super::prove::Feeds;
use super::stress::Mood;
use crate::eval::{Array, Data};

/// The input with some elements drawn anew.
pub(crate) fn mutate(
    feeds: &BTreeMap<u32, Array>,
    ports: &[&Port],
    pool: &[f64],
    chance: &mut Chance,
) -> BTreeMap<u32, Array> {
    let mut out = feeds.clone();
    for port in ports {
        let Some(array) = out.get_mut(&port.value) else {
            continue;
        };
        let len = u64::try_from(array.len()).unwrap_or(0);
        if len == 0 {
            continue;
        }
        let times = 1_u64.saturating_add(chance.below(6));
        match &mut array.data {
            Data::Float(data) => {
                let data = std::sync::Arc::make_mut(data);
                for _ in 0..times {
                    let at = usize::try_from(chance.below(len)).unwrap_or(0);
                    let x = match chance.below(4) {
                        0 => pool
                            .get(
                                usize::try_from(
                                    chance.below(u64::try_from(pool.len()).unwrap_or(0)),
                                )
                                .unwrap_or(0),
                            )
                            .copied()
                            .unwrap_or(0.5),
                        1 => chance.unit(),
                        2 => chance.normal(),
                        _ => 255.0 * chance.unit(),
                    };
                    if let Some(slot) = data.get_mut(at) {
                        *slot = port.kind.round(x);
                    }
                }
            }
            Data::Int(data) => {
                let data = std::sync::Arc::make_mut(data);
                let limit = if port.role == Role::Token {
                    port.limit.max(1)
                } else {
                    16
                };
                for _ in 0..times {
                    // The first few elements are read by most predicates.
                    let near = chance.below(2) == 0;
                    let at = usize::try_from(chance.below(if near { len.min(8) } else { len }))
                        .unwrap_or(0);
                    let wanted = pool
                        .get(
                            usize::try_from(chance.below(u64::try_from(pool.len()).unwrap_or(0)))
                                .unwrap_or(0),
                        )
                        .copied();
                    let n = match wanted {
                        Some(x) if chance.below(2) == 0 && x >= 0.0 => {
                            crate::eval::index_of(x).map_or(0, crate::eval::long_of)
                        }
                        _ => i64::try_from(chance.below(u64::try_from(limit).unwrap_or(1)))
                            .unwrap_or(0),
                    };
                    if let Some(slot) = data.get_mut(at)
                        && (port.role != Role::Token || n < limit)
                    {
                        *slot = port.kind.wrap(n);
                    }
                }
            }
            Data::Text(_) => {}
        }
    }
    out
}

/// One element of one input at another value.
pub(crate) fn with(
    feeds: &BTreeMap<u32, Array>,
    value: u32,
    at: usize,
    x: f64,
) -> BTreeMap<u32, Array> {
    let mut out = feeds.clone();
    if let Some(array) = out.get_mut(&value) {
        let kind = array.kind;
        match &mut array.data {
            Data::Float(data) => {
                if let Some(slot) = std::sync::Arc::make_mut(data).get_mut(at) {
                    *slot = kind.round(x);
                }
            }
            Data::Int(data) => {
                if let Some(slot) = std::sync::Arc::make_mut(data).get_mut(at) {
                    *slot = kind.wrap(crate::eval::truncated(x));
                }
            }
            Data::Text(_) => {}
        }
    }
    out
}

impl Hunt<'_, '_, '_> {
    /// Pictures of one colour, in the numbers that the slice compares with.
    pub(crate) fn fills(&self) -> bool {
        let mut levels: Vec<f64> = self
            .pool()
            .into_iter()
            .filter(|x| x.abs() < 1e4)
            .flat_map(|x| [1.1 * x, 0.9 * x, x + 1.0, x - 1.0])
            .collect();
        levels.truncate(64);
        levels.extend([0.0, 1.0, -1.0, 255.0, -255.0, 3.0, -3.0]);
        let mut chance = Chance::new(5);
        let images: Vec<&Port> = self
            .free()
            .into_iter()
            .filter(|port| port.kind.is_float())
            .collect();
        for _ in 0..160_u32 {
            let Some(mut feeds) = self.prover.feeds(Mood::Normal, 3) else {
                return false;
            };
            for port in &images {
                let Some(slot) = feeds.get_mut(&port.value) else {
                    continue;
                };
                if slot.rank() < 3 {
                    return false;
                }
                let mut shape = vec![1; slot.rank()];
                // Channels come second, or last.
                let at = if slot.dim(1) <= 4 {
                    1
                } else {
                    slot.rank().saturating_sub(1)
                };
                let channels = slot.dim(at);
                if let Some(dim) = shape.get_mut(at) {
                    *dim = channels;
                }
                let colours: Vec<f64> = (0..channels)
                    .map(|_| {
                        let which = chance.below(u64::try_from(levels.len()).unwrap_or(1));
                        usize::try_from(which)
                            .ok()
                            .and_then(|at| levels.get(at))
                            .copied()
                            .unwrap_or(0.0)
                    })
                    .collect();
                let places = crate::eval::spread(&shape, &slot.shape);
                let data = places
                    .iter()
                    .map(|at| colours.get(*at).copied().unwrap_or(0.0))
                    .collect();
                if let Ok(array) = Array::floats(port.kind, slot.shape.clone(), data) {
                    *slot = array;
                }
            }
            if self.test(&feeds, "sampled") {
                return true;
            }
            if *self.left.borrow() == 0 || self.budget.borrow().steps < 1000 {
                return false;
            }
        }
        false
    }

    pub(crate) fn sample(&self) -> bool {
        let free = self.free();
        let pool = self.pool();
        let mut chance = Chance::new(7);
        let starts: Vec<Feeds> = [Mood::Normal, Mood::Unit, Mood::Bytes, Mood::Zeros]
            .into_iter()
            .zip(20..)
            .filter_map(|(mood, seed)| self.prover.feeds(mood, seed))
            .collect();
        for nth in 0..self.prover.effort.samples {
            let which = usize::try_from(nth).unwrap_or(0).checked_rem(starts.len());
            let Some(start) = which.and_then(|at| starts.get(at)) else {
                return false;
            };
            if *self.left.borrow() == 0 || self.budget.borrow().steps < 1000 {
                return false;
            }
            if self.test(&mutate(start, &free, &pool, &mut chance), "sampled") {
                return true;
            }
        }
        false
    }
}
