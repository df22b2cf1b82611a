//! From a tape to an input that makes its goal positive.
//!
//! Every comparison, rectifier, absolute value and square on the way is a knot
//! that the goal wants one way or the other. Each round moves the variables so
//! that one knot after another is satisfied, by the shortest way there
//! (Kaczmarz 1937, on a linear piece); where that does not help, along the
//! goal's slope with a search over step lengths.

use std::collections::BTreeMap;

use super::tape::{Id, Knot, Rule, Tape, value};

/// What a variable may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Domain {
    pub(crate) whole: bool,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Domain {
    fn fit(&self, x: f64) -> f64 {
        let x = if self.whole { x.round() } else { x };
        if x.is_nan() {
            self.low.max(0.0).min(self.high)
        } else {
            x.clamp(self.low, self.high)
        }
    }
}

/// The most knots looked at in one round, and steps taken for them.
const KNOTS: usize = 20_000;
const STEPS: usize = 400_000;

pub(crate) struct Solver<'t> {
    pub(crate) tape: &'t Tape,
    pub(crate) domains: &'t [Domain],
    /// Steps over the tape that may yet be taken.
    pub(crate) work: u64,
    numbers: Vec<f64>,
    slopes: Vec<f64>,
}

impl<'t> Solver<'t> {
    pub(crate) fn new(tape: &'t Tape, domains: &'t [Domain], work: u64) -> Self {
        Self {
            tape,
            domains,
            work,
            numbers: Vec::new(),
            slopes: Vec::new(),
        }
    }

    fn forward(&mut self, x: &[f64], goal: Id) -> f64 {
        let cost = u64::try_from(self.tape.rules.len().saturating_add(self.tape.edges.len()))
            .unwrap_or(u64::MAX);
        self.work = self.work.saturating_sub(cost);
        self.tape.forward(x, &mut self.numbers);
        let got = value(&self.numbers, goal);
        if got.is_nan() { f64::NEG_INFINITY } else { got }
    }

    /// Moves from `start` until `check` is content with the variables.
    pub(crate) fn climb(
        &mut self,
        goal: Id,
        start: &[f64],
        rounds: usize,
        mut check: impl FnMut(&[f64]) -> bool,
    ) -> Option<Vec<f64>> {
        let mut best = start.to_vec();
        let mut reached = self.forward(&best, goal);
        let mut tried = f64::NEG_INFINITY;
        let mut still = 0_u32;
        for round in 0..rounds {
            if self.work == 0 {
                break;
            }
            if reached > 0.0 && reached > tried {
                tried = reached;
                if check(&best) {
                    return Some(best);
                }
            }
            self.forward(&best, goal);
            let numbers = std::mem::take(&mut self.numbers);
            let mut slopes = std::mem::take(&mut self.slopes);
            self.tape.backward(&numbers, goal, &mut slopes);
            let before = reached;
            let eager = [0.01, 0.3, 0.01, 1.0]
                .get(round % 4)
                .copied()
                .unwrap_or(0.01);
            let moved = self.satisfy(&numbers, &slopes, &best, eager);
            if let Some(moved) = moved {
                let got = self.forward(&moved, goal);
                // A proposal that satisfies every knot is worth a look even
                // when the soft goal does not see it.
                if got > 0.0 || round < 2 {
                    if check(&moved) {
                        return Some(moved);
                    }
                    tried = tried.max(got);
                }
                if got > reached || (round < 3 && got.is_finite()) {
                    reached = got;
                    best = moved;
                }
            }
            if reached <= before || round % 3 == 2 {
                let gradient = self.gradient(&slopes);
                if let Some((moved, got)) = self.search(goal, &best, &gradient, reached) {
                    reached = got;
                    best = moved;
                }
            }
            self.slopes = slopes;
            self.numbers = numbers;
            if reached <= before {
                still = still.saturating_add(1);
                if still > 5 {
                    break;
                }
            } else {
                still = 0;
            }
        }
        check(&best).then_some(best)
    }

    /// The slopes of the variables.
    fn gradient(&self, slopes: &[f64]) -> Vec<f64> {
        let mut gradient = vec![0.0; self.domains.len()];
        for (rule, slope) in self.tape.rules.iter().zip(slopes) {
            if let Rule::Variable(nth) = rule
                && let Some(slot) = usize::try_from(*nth)
                    .ok()
                    .and_then(|nth| gradient.get_mut(nth))
            {
                *slot = *slope;
            }
        }
        gradient
    }

    /// Steps of many lengths along a direction and along its signs.
    fn search(
        &mut self,
        goal: Id,
        from: &[f64],
        gradient: &[f64],
        reached: f64,
    ) -> Option<(Vec<f64>, f64)> {
        let size = gradient.iter().fold(0.0_f64, |all, g| all.max(g.abs()));
        if size == 0.0 || !size.is_finite() {
            return None;
        }
        let mut best: Option<(Vec<f64>, f64)> = None;
        for signs in [false, true] {
            for step in [
                300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.001,
            ] {
                let moved: Vec<f64> = from
                    .iter()
                    .zip(gradient)
                    .zip(self.domains)
                    .map(|((x, g), domain)| {
                        if *g == 0.0 {
                            return *x;
                        }
                        domain.fit(x + step * if signs { g.signum() } else { g / size })
                    })
                    .collect();
                let got = self.forward(&moved, goal);
                if got > reached && best.as_ref().is_none_or(|(_, old)| got > *old) {
                    best = Some((moved, got));
                }
                if self.work == 0 {
                    return best;
                }
            }
        }
        best
    }

    /// Satisfies knots one after another.
    fn satisfy(
        &mut self,
        numbers: &[f64],
        slopes: &[f64],
        from: &[f64],
        eager: f64,
    ) -> Option<Vec<f64>> {
        let mut delta: BTreeMap<u32, f64> = BTreeMap::new();
        let mut steps = STEPS;
        for zeros in [false, true] {
            for knot in self.tape.knots.iter().take(KNOTS) {
                let (id, target) = match *knot {
                    Knot::Sign(id) if !zeros => {
                        let (v, slope) = (value(numbers, id), value(slopes, id));
                        let margin = eager * v.abs() + 1e-4;
                        if slope > 0.0 && v <= 0.0 {
                            (id, margin)
                        } else if slope < 0.0 && v > 0.0 {
                            (id, -margin)
                        } else {
                            continue;
                        }
                    }
                    Knot::Zero(id, made) if zeros => {
                        if value(slopes, made) < 0.0 && value(numbers, id) != 0.0 {
                            (id, 0.0)
                        } else {
                            continue;
                        }
                    }
                    _ => continue,
                };
                let Some(gradient) = self.local(numbers, id, &mut steps) else {
                    continue;
                };
                let length: f64 = gradient.iter().map(|(_, g)| g * g).sum();
                if length <= 1e-30 || !length.is_finite() {
                    continue;
                }
                let shift: f64 = gradient
                    .iter()
                    .map(|(nth, g)| g * delta.get(nth).copied().unwrap_or(0.0))
                    .sum();
                let now = value(numbers, id) + shift;
                // Another knot may have done it already.
                if target != 0.0 && now.signum() == target.signum() && now.abs() >= target.abs() {
                    continue;
                }
                let step = (target - now) / length;
                for (nth, g) in gradient {
                    *delta.entry(nth).or_insert(0.0) += step * g;
                }
            }
        }
        let chosen = self.entries(slopes);
        if delta.is_empty() && chosen.is_empty() {
            return None;
        }
        let mut moved = from.to_vec();
        for (nth, x) in chosen {
            if let (Some(slot), Some(domain)) = (moved.get_mut(nth), self.domains.get(nth)) {
                *slot = domain.fit(x);
            }
        }
        for (nth, by) in delta {
            let Ok(nth) = usize::try_from(nth) else {
                continue;
            };
            if let (Some(x), Some(domain)) = (moved.get_mut(nth), self.domains.get(nth)) {
                *x = domain.fit(*x + by);
            }
        }
        Some(moved)
    }

    /// For every variable that picks from a table, the entry that is wanted.
    fn entries(&self, slopes: &[f64]) -> Vec<(usize, f64)> {
        let mut chosen = Vec::new();
        for knot in self.tape.knots.iter().take(KNOTS) {
            let Knot::Entry(made) = *knot else { continue };
            let (Rule::Table(picker, from, to), slope) =
                (self.tape.rule(made), value(slopes, made))
            else {
                continue;
            };
            let Rule::Variable(nth) = self.tape.rule(picker) else {
                continue;
            };
            if slope == 0.0 {
                continue;
            }
            let best = self
                .tape
                .terms(from, to)
                .iter()
                .enumerate()
                .max_by(|(_, (_, x)), (_, (_, y))| (slope * x).total_cmp(&(slope * y)));
            if let (Some((row, _)), Ok(nth)) = (best, usize::try_from(nth)) {
                chosen.push((nth, crate::eval::real_of(row)));
            }
        }
        chosen
    }

    /// How one number changes with the variables, when few are concerned.
    fn local(&mut self, numbers: &[f64], id: Id, steps: &mut usize) -> Option<Vec<(u32, f64)>> {
        let mut open: BTreeMap<Id, f64> = BTreeMap::from([(id, 1.0)]);
        let mut found = Vec::new();
        while let Some((id, slope)) = open.pop_last() {
            *steps = steps.checked_sub(1)?;
            let rule = self.tape.rule(id);
            if let Rule::Variable(nth) = rule {
                found.push((nth, slope));
                continue;
            }
            self.tape.pass(&rule, slope, numbers, |id, part| {
                if part != 0.0 && !matches!(self.tape.rule(id), Rule::Constant(_)) {
                    *open.entry(id).or_insert(0.0) += part;
                }
            });
        }
        self.work = self
            .work
            .saturating_sub(u64::try_from(found.len()).unwrap_or(0));
        Some(found)
    }
}
