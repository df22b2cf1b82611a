//! Remainders: a dividend that is a sum is driven to any residue by two or
//! three elements, each of whose effects on it is tabled.

use std::collections::{BTreeMap, BTreeSet};

use super::hunt::Hunt;
use super::prove::Feeds;
use super::sample::with;
use super::slice::Slice;
use super::trace::{Tracer, Variable};

impl Hunt<'_, '_, '_> {
    /// Pairs of elements whose effects on a dividend give any residue.
    pub(crate) fn residues(
        &self,
        tracer: &Tracer<'_, '_>,
        feeds: &Feeds,
        variables: &[Variable],
    ) -> bool {
        for (dividend, modulus) in tracer.moduli.iter().take(2) {
            let Ok(slice) = Slice::of(self.prover.machine, *dividend, &self.prover.ports) else {
                continue;
            };
            if !(2..=100_000).contains(modulus) {
                continue;
            }
            let read = |feeds: &Feeds| -> Option<i64> {
                let array = slice
                    .run(self.prover.machine, feeds, &mut self.budget.borrow_mut())
                    .ok()?;
                array.first_int().ok()
            };
            let Some(base) = read(feeds) else { continue };
            let mut tables: Vec<(Variable, Vec<(f64, i64)>)> = Vec::new();
            for variable in variables.iter().take(64) {
                let at = |x: f64| read(&with(feeds, variable.0, variable.1, x));
                if at(1.83) == Some(base) && at(90.0) == Some(base) && at(0.0) == Some(base) {
                    continue;
                }
                let table = self
                    .scales(variable.0)
                    .into_iter()
                    .map(|grid| -> Vec<(f64, i64)> {
                        let mut seen = BTreeSet::new();
                        grid.iter()
                            .filter_map(|x| Some((*x, at(*x)?.wrapping_sub(base))))
                            .filter(|(_, by)| seen.insert(*by))
                            .collect()
                    })
                    .max_by_key(|table| table.len().min(200))
                    .unwrap_or_default();
                tables.push((*variable, table));
                if tables.len() >= 5 {
                    break;
                }
            }
            let mut reached: BTreeMap<i64, [(Variable, f64); 2]> = BTreeMap::new();
            for (nth, (first, left)) in tables.iter().enumerate() {
                for (second, right) in tables.iter().skip(nth.saturating_add(1)) {
                    for (x, by) in left {
                        for (y, more) in right {
                            let sum = base.wrapping_add(*by).wrapping_add(*more);
                            let residue = sum.checked_rem_euclid(*modulus).unwrap_or(0);
                            reached
                                .entry(residue)
                                .or_insert([(*first, *x), (*second, *y)]);
                        }
                    }
                }
            }
            let place = |[(first, x), (second, y)]: &[(Variable, f64); 2]| {
                with(&with(feeds, first.0, first.1, *x), second.0, second.1, *y)
            };
            // A residue that the slice names is the likeliest.
            for wanted in self.pool() {
                let wanted = crate::eval::truncated(wanted);
                if !(0..*modulus).contains(&wanted) {
                    continue;
                }
                if reached
                    .get(&wanted)
                    .is_some_and(|pair| self.test(&place(pair), "residue"))
                {
                    return true;
                }
                for (third, table) in &tables {
                    for (z, by) in table {
                        let rest = wanted
                            .wrapping_sub(*by)
                            .checked_rem_euclid(*modulus)
                            .unwrap_or(0);
                        let pair = reached
                            .get(&rest)
                            .filter(|pair| pair.iter().all(|(used, _)| used != third));
                        if let Some(pair) = pair
                            && self.test(&with(&place(pair), third.0, third.1, *z), "residue")
                        {
                            return true;
                        }
                    }
                }
            }
            for pair in reached.values().take(1_000) {
                if self.test(&place(pair), "residue") {
                    return true;
                }
            }
        }
        false
    }

    /// Values to try for one element, the most natural range first.
    fn scales(&self, value: u32) -> Vec<Vec<f64>> {
        let port = self.prover.ports.iter().find(|port| port.value == value);
        let Some(port) = port else { return Vec::new() };
        if port.kind.is_float() {
            [64.0, 4.0, 0.5]
                .into_iter()
                .map(|fine| (-128..=128_i32).map(|n| f64::from(n) / fine).collect())
                .collect()
        } else {
            let high = port.limit.clamp(2, 256);
            vec![
                (0..u32::try_from(high).unwrap_or(2))
                    .map(f64::from)
                    .collect(),
            ]
        }
    }
}
