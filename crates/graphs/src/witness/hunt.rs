//! The search for one witness: what is tried, in which order.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::ports::{Port, Role};
use super::prove::{Feeds, Outcome, Proof, Prover};
use super::slice::{Rest, Slice};
use super::solve::{Domain, Solver};
use super::stress::{MOODS, Mood, ORDINARY};
use super::tape::Id;
use super::trace::{Sort, Tracer, Variable};
use crate::eval::{Array, Budget, Kind};

/// The search for one witness.
pub(crate) struct Hunt<'p, 'm, 'a> {
    pub(crate) prover: &'p Prover<'m, 'a>,
    pub(crate) slice: &'p Slice,
    pub(crate) rest: &'p Rest,
    pub(crate) quiet: (usize, usize),
    pub(crate) budget: RefCell<Budget>,
    pub(crate) left: RefCell<u32>,
    pub(crate) fires: RefCell<Option<(Proof, String)>>,
    pub(crate) found: RefCell<Option<Proof>>,
}

impl Hunt<'_, '_, '_> {
    /// Whether an input fires the signal and changes an output.
    pub(crate) fn test(&self, feeds: &Feeds, method: &'static str) -> bool {
        if *self.left.borrow() == 0 {
            return false;
        }
        let ran = self
            .slice
            .run(self.prover.machine, feeds, &mut self.budget.borrow_mut());
        let Ok(fired) = ran else { return false };
        if !self.rest.left_by(&fired) {
            return false;
        }
        let count = self.left.borrow().saturating_sub(1);
        *self.left.borrow_mut() = count;
        let mut proof = Proof {
            feeds: feeds.clone(),
            rest: self.rest.array.clone(),
            fired,
            effects: Vec::new(),
            method,
            quiet: self.quiet,
        };
        match self
            .prover
            .effects(feeds, self.slice.signal, &self.rest.array)
        {
            Ok(effects) => {
                let real = effects.iter().any(|effect| effect.change > 1e-2);
                proof.effects = effects;
                if real {
                    *self.found.borrow_mut() = Some(proof);
                }
                real
            }
            Err(why) => {
                self.fires
                    .borrow_mut()
                    .get_or_insert((proof, why.to_string()));
                false
            }
        }
    }

    pub(crate) fn run(&self) -> Option<Outcome> {
        // What an ordinary input fires, and that changes the outputs, is how the
        // graph works, not what it waits for.
        if self.ordinary() {
            return Some(Outcome::Active);
        }
        let done = self.stress(false)
            || self.solve()
            || self.fills()
            || self.sample()
            || self.stress(true);
        if done && let Some(proof) = self.found.borrow_mut().take() {
            return Some(Outcome::Proven(Box::new(proof)));
        }
        let (proof, why) = self.fires.borrow_mut().take()?;
        Some(Outcome::Fires(Box::new(proof), why))
    }

    fn ordinary(&self) -> bool {
        let pictures = self.prover.ports.iter().any(|port| port.role == Role::Real);
        (0..).zip(MOODS).take(ORDINARY).any(|(seed, mood)| {
            // Numbers up to 255 are ordinary only where they are no pixels.
            !(pictures && mood == Mood::Bytes)
                && self
                    .prover
                    .feeds(mood, seed)
                    .is_some_and(|feeds| self.test(&feeds, "ordinary"))
        })
    }

    fn stress(&self, extreme: bool) -> bool {
        (0..).zip(MOODS).any(|(seed, mood)| {
            let wild = matches!(
                mood,
                Mood::Large | Mood::NotANumber | Mood::Infinite | Mood::MinusInfinite
            );
            wild == extreme
                && self.prover.feeds(mood, seed).is_some_and(|feeds| {
                    self.test(&feeds, if extreme { "extreme" } else { "stress" })
                })
        })
    }

    /// Inputs that may be changed.
    pub(crate) fn free(&self) -> Vec<&Port> {
        let read =
            |port: &&Port| self.slice.inputs.contains(&port.value) && port.kind != Kind::Text;
        let main: Vec<&Port> = self
            .prover
            .ports
            .iter()
            .filter(read)
            .filter(|port| matches!(port.role, Role::Real | Role::Token))
            .collect();
        if main.is_empty() {
            self.prover.ports.iter().filter(read).collect()
        } else {
            main
        }
    }

    fn solve(&self) -> bool {
        let free = self.free();
        let values: Vec<u32> = free.iter().map(|port| port.value).collect();
        let starts = [
            (Mood::Normal, 3),
            (Mood::Unit, 1),
            (Mood::Bytes, 2),
            (Mood::Zeros, 0),
            (Mood::Normal, 11),
            (Mood::Unit, 12),
        ];
        let each = self.prover.effort.tape / 6;
        for (mood, seed) in starts {
            let Some(mut feeds) = self.prover.feeds(mood, seed) else {
                continue;
            };
            // Where the graph itself depends on the numbers, the tape is
            // recorded anew from where the last one led.
            for again in 0..3_u8 {
                let mut tracer = Tracer::new(self.prover.machine, *self.budget.borrow());
                let Ok(variables) = tracer.trace(&self.slice.order, &feeds, &values) else {
                    return false;
                };
                *self.budget.borrow_mut() = tracer.budget;
                let goals = self.goals(&mut tracer);
                let domains = self.domains(&variables);
                let start = numbers(&feeds, &variables);
                if tracer.tape.is_full() {
                    return false;
                }
                let mut led = None;
                for goal in goals {
                    let mut solver = Solver::new(&tracer.tape, &domains, each);
                    let won = solver.climb(goal, &start, 24, |x| {
                        let next = place(&feeds, &variables, x);
                        let hit = self.test(&next, "solved");
                        led = Some(next);
                        hit
                    });
                    if won.is_some() {
                        return true;
                    }
                }
                if self.residues(&tracer, &feeds, &variables) {
                    return true;
                }
                let moved = led.filter(|_| tracer.blind || !tracer.ranks.is_empty());
                match moved {
                    Some(next) if again < 2 => feeds = next,
                    _ => break,
                }
            }
            if *self.left.borrow() == 0 {
                return false;
            }
        }
        false
    }

    /// What the tape is to make positive: the signal's leaving its rest.
    fn goals(&self, tracer: &mut Tracer<'_, '_>) -> Vec<Id> {
        let Some(soft) = tracer.values.get(&self.slice.signal).cloned() else {
            return Vec::new();
        };
        let Ok(rest) = self.rest.array.reals() else {
            return Vec::new();
        };
        let mut ids: Vec<(Id, f64)> = soft
            .ids
            .iter()
            .enumerate()
            .map(|(at, id)| (*id, rest.get(at).or(rest.first()).copied().unwrap_or(0.0)))
            .collect();
        ids.sort_by_key(|(id, _)| *id);
        ids.dedup_by_key(|(id, _)| *id);
        ids.truncate(512);
        let margin = self.rest.margin() * 1.02 + 1e-6;
        match soft.sort {
            Sort::Truth => {
                let wanted: Vec<Id> = ids
                    .iter()
                    .map(|(id, rest)| {
                        if *rest == 0.0 {
                            *id
                        } else {
                            tracer.tape.sum(&[(*id, -1.0)])
                        }
                    })
                    .collect();
                vec![tracer.tape.largest(&wanted, false)]
            }
            Sort::Real => [1.0, -1.0]
                .into_iter()
                .map(|sign| {
                    let all: Vec<Id> = ids
                        .iter()
                        .map(|(id, rest)| {
                            let slack = tracer.tape.constant(-sign * rest - margin);
                            tracer.tape.sum(&[(*id, sign), (slack, 1.0)])
                        })
                        .collect();
                    tracer.tape.largest(&all, false)
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn domains(&self, variables: &[Variable]) -> Vec<Domain> {
        let of = |value: u32| {
            let port = self.prover.ports.iter().find(|port| port.value == value);
            let Some(port) = port else {
                return Domain {
                    whole: false,
                    low: 0.0,
                    high: 0.0,
                };
            };
            let (low, high) = match (port.role, port.kind) {
                (Role::Token, kind) if kind != Kind::U8 => (
                    0.0,
                    crate::eval::real_of(
                        usize::try_from(port.limit.saturating_sub(1)).unwrap_or(0),
                    ),
                ),
                (Role::Mask | Role::Truth | Role::Segment, _) => (0.0, 1.0),
                (_, Kind::U8) => (0.0, 255.0),
                (_, Kind::I8) => (-128.0, 127.0),
                (_, kind) if kind.is_float() => (-1e4, 1e4),
                _ => (-2e9, 2e9),
            };
            Domain {
                whole: !port.kind.is_float(),
                low,
                high,
            }
        };
        let mut last: Option<(u32, Domain)> = None;
        variables
            .iter()
            .map(|(value, _)| match last {
                Some((known, domain)) if known == *value => domain,
                _ => {
                    let domain = of(*value);
                    last = Some((*value, domain));
                    domain
                }
            })
            .collect()
    }

    /// Numbers that the slice compares with and multiplies by.
    pub(crate) fn pool(&self) -> Vec<f64> {
        let mut pool = Vec::new();
        for node in self
            .slice
            .order
            .iter()
            .filter_map(|at| self.prover.machine.node(*at))
        {
            for value in node.inputs.iter().flatten() {
                if pool.len() < 512
                    && let Some(array) = self
                        .prover
                        .machine
                        .constant_of(*value)
                        .filter(|array| array.len() <= 64)
                    && let Ok(reals) = array.reals()
                {
                    pool.extend(reals.iter().filter(|x| x.is_finite()));
                }
            }
        }
        pool
    }
}

fn numbers(feeds: &Feeds, variables: &[Variable]) -> Vec<f64> {
    let mut cache: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (value, array) in feeds {
        if let Ok(reals) = array.reals() {
            cache.insert(*value, reals.into_owned());
        }
    }
    variables
        .iter()
        .map(|(value, at)| {
            cache
                .get(value)
                .and_then(|list| list.get(*at))
                .copied()
                .unwrap_or(0.0)
        })
        .collect()
}

/// The input with its variables at these numbers.
fn place(feeds: &Feeds, variables: &[Variable], x: &[f64]) -> Feeds {
    let mut lists: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for ((value, _), x) in variables.iter().zip(x) {
        lists.entry(*value).or_default().push(*x);
    }
    let mut out = feeds.clone();
    for (value, list) in lists {
        if let Some(slot) = out.get_mut(&value)
            && let Ok(array) = Array::numbers(slot.kind, slot.shape.clone(), list)
        {
            *slot = array;
        }
    }
    out
}
