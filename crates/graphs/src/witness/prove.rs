//! The proof itself: rest, search, confirm.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::candidates::dormant;
use super::effect::{Effect, effect};
use super::hunt::Hunt;
use super::ports::{Port, SIZES, Sizes, ports};
use super::slice::{Rest, Slice};
use super::stress::{MOODS, Mood, ORDINARY, feeds};
use crate::eval::{Array, Budget, Machine, Refusal, Run};

/// Inputs or values by their index in the wiring.
pub type Feeds = BTreeMap<u32, Array>;

/// How much may be spent. Counted in steps, not in time, so that the same graph
/// gets the same answer everywhere.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// For one run of the whole graph.
    pub whole: Budget,
    /// For all runs of one signal's slice.
    pub slice: Budget,
    /// For all movements over one signal's tape.
    pub tape: u64,
    /// Runs of the whole graph to confirm one signal.
    pub confirmations: u32,
    pub samples: u32,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            whole: Budget {
                elements: 60_000_000,
                steps: 400_000_000,
            },
            slice: Budget {
                elements: 300_000_000,
                steps: 300_000_000,
            },
            tape: 200_000_000,
            confirmations: 24,
            samples: 3_000,
        }
    }
}

/// Runs the whole graph: the evaluator, or an inference engine.
pub trait Whole {
    /// Values of the main graph's outputs, with some values held.
    fn outputs(&self, feeds: &Feeds, held: &Feeds) -> Result<Vec<Array>, Refusal>;
}

/// A witness and what it does.
#[derive(Debug, Clone)]
pub struct Proof {
    pub feeds: Feeds,
    pub rest: Array,
    pub fired: Array,
    pub effects: Vec<Effect>,
    /// How it was found: `stress`, `solved`, `sampled`, `residue`, `extreme`.
    pub method: &'static str,
    /// Ordinary inputs on which the signal rested, of how many.
    pub quiet: (usize, usize),
}

#[derive(Debug, Clone)]
pub enum Outcome {
    Proven(Box<Proof>),
    /// An input makes the signal fire; the whole graph could not be run to see
    /// what that does.
    Fires(Box<Proof>, String),
    /// It rests on all ordinary inputs, and no input was found that fires it.
    /// True when holding it at another value changes the outputs.
    Dormant(bool),
    /// Ordinary inputs move it and the outputs with it.
    Active,
    NotRun(String),
}

/// One signal's trial.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub signal: u32,
    pub name: String,
    pub outcome: Outcome,
}

/// A graph ready for trials.
pub struct Prover<'m, 'a> {
    pub machine: &'m Machine<'a>,
    pub ports: Vec<Port>,
    pub sizes: Sizes,
    pub(crate) effort: Effort,
    whole: Option<&'m dyn Whole>,
    /// Why the whole graph does not run in the evaluator.
    pub refusal: Option<String>,
    runs: Vec<Feeds>,
}

impl std::fmt::Debug for Prover<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prover").finish_non_exhaustive()
    }
}

impl<'m, 'a> Prover<'m, 'a> {
    /// Finds sizes on which the graph runs. `whole` runs what the evaluator
    /// cannot.
    pub fn new(
        machine: &'m Machine<'a>,
        whole: Option<&'m dyn Whole>,
        effort: Effort,
    ) -> Result<Self, String> {
        let ports = ports(machine).ok_or("an input that is no tensor")?;
        let none = BTreeMap::new();
        let outputs = machine.outputs();
        let mut refusal = None;
        let mut fitting = None;
        for sizes in SIZES {
            let Some(feeds) = feeds(&ports, sizes, &none, Mood::Normal, 0) else {
                continue;
            };
            let mut run = Run {
                feeds,
                budget: effort.whole,
                ..Run::default()
            };
            match machine.run(&mut run, &outputs) {
                Ok(_) => {
                    fitting = Some((sizes, None));
                    break;
                }
                Err(why @ (Refusal::Operator(_) | Refusal::Weights(_) | Refusal::Budget)) => {
                    fitting.get_or_insert((sizes, Some(why.to_string())));
                    if matches!(why, Refusal::Weights(_)) {
                        break;
                    }
                }
                Err(why) => refusal = Some(why.to_string()),
            }
        }
        let (sizes, why) = match fitting {
            Some(found) => found,
            None => (SIZES.first().copied().ok_or("no sizes")?, refusal),
        };
        Ok(Self {
            machine,
            ports,
            sizes,
            effort,
            whole,
            refusal: why,
            runs: Vec::new(),
        })
    }

    pub(crate) fn feeds(&self, mood: Mood, seed: u64) -> Option<Feeds> {
        feeds(&self.ports, self.sizes, &BTreeMap::new(), mood, seed)
    }

    /// Ordinary inputs.
    fn ordinary(&self, count: usize) -> Vec<Feeds> {
        (0..)
            .zip(MOODS)
            .take(count.min(ORDINARY))
            .filter_map(|(seed, mood)| self.feeds(mood, seed))
            .collect()
    }

    /// Signals that look dormant on a few runs of the whole graph.
    pub fn dormant(&mut self) -> Vec<u32> {
        if self.refusal.is_some() {
            return Vec::new();
        }
        if self.runs.is_empty() {
            let outputs = self.machine.outputs();
            let watched: BTreeSet<u32> =
                (0..u32::try_from(self.machine.wiring.values.len()).unwrap_or(0)).collect();
            for feeds in self.ordinary(7) {
                let mut run = Run {
                    feeds,
                    budget: self.effort.whole,
                    watched: watched.clone(),
                    ..Run::default()
                };
                if self.machine.run(&mut run, &outputs).is_ok() {
                    self.runs.push(run.seen);
                }
            }
        }
        let inputs = self.ports.iter().map(|port| port.value).collect();
        dormant(self.machine, &self.runs, &inputs)
    }

    fn outputs(&self, feeds: &Feeds, held: &Feeds) -> Result<Vec<Array>, Refusal> {
        if self.refusal.is_some()
            && let Some(whole) = self.whole
        {
            return whole.outputs(feeds, held);
        }
        let mut run = Run {
            feeds: feeds.clone(),
            held: held.clone(),
            budget: self.effort.whole,
            ..Run::default()
        };
        self.machine.run(&mut run, &self.machine.outputs())
    }

    /// What holding the signal at rest would change on this input.
    pub fn effects(
        &self,
        feeds: &Feeds,
        signal: u32,
        rest: &Array,
    ) -> Result<Vec<Effect>, Refusal> {
        let fired = self.outputs(feeds, &Feeds::new())?;
        let held = self.outputs(feeds, &Feeds::from([(signal, rest.clone())]))?;
        Ok(self
            .machine
            .outputs()
            .iter()
            .zip(fired.iter().zip(&held))
            .map(|(value, (fired, held))| {
                let name = self
                    .machine
                    .value(*value)
                    .map_or_else(String::new, |value| value.name.clone());
                effect(name, held, fired)
            })
            .collect())
    }

    /// Tries to prove that a signal waits for a trigger.
    pub fn attempt(&self, signal: u32) -> Attempt {
        let name = self
            .machine
            .value(signal)
            .map_or_else(String::new, |value| value.name.clone());
        let outcome = match self.trial(signal) {
            Ok(outcome) => outcome,
            Err(why) => Outcome::NotRun(why.to_string()),
        };
        Attempt {
            signal,
            name,
            outcome,
        }
    }

    /// The signal, or what it is made of when that is narrower and rests as
    /// well: a payload that is switched is easier seen at its switch.
    pub fn core(&self, signal: u32) -> u32 {
        let mut best = (usize::MAX, signal);
        let mut at = signal;
        for _ in 0..12_u8 {
            let mut budget = self.effort.slice;
            let Ok(slice) = Slice::of(self.machine, at, &self.ports) else {
                break;
            };
            let seen: Vec<Array> = self
                .ordinary(7)
                .iter()
                .filter_map(|feeds| slice.run(self.machine, feeds, &mut budget).ok())
                .collect();
            let Some(rest) = Rest::of(&seen) else { break };
            if rest.active > 0.35 {
                break;
            }
            // The farthest of equals: whatever else it feeds is held with it.
            if rest.array.len() <= best.0 {
                best = (rest.array.len(), at);
            }
            let Some(node) = self.machine.maker(at).and_then(|at| self.machine.node(at)) else {
                break;
            };
            let moving: Vec<u32> = node
                .inputs
                .iter()
                .flatten()
                .copied()
                .filter(|value| !self.machine.is_fixed(*value, 4))
                .collect();
            let [one] = moving[..] else { break };
            at = one;
        }
        best.1
    }

    fn trial(&self, signal: u32) -> Result<Outcome, Refusal> {
        let slice = Slice::of(self.machine, signal, &self.ports)?;
        let mut budget = self.effort.slice;
        let ordinary = self.ordinary(ORDINARY);
        let mut seen = Vec::new();
        let mut why = Refusal::Nonsense("no input of any size fits".to_owned());
        for feeds in &ordinary {
            match slice.run(self.machine, feeds, &mut budget) {
                Ok(array) => seen.push(array),
                Err(refusal) => why = refusal,
            }
        }
        let Some(rest) = Rest::of(&seen).filter(|_| seen.len() >= 3) else {
            return Err(why);
        };
        if rest.active > 0.35 && !self.ablated(&ordinary, signal, &rest.array) {
            return Ok(Outcome::Active);
        }
        let still = seen.iter().filter(|array| !rest.left_by(array)).count();
        let hunt = Hunt {
            prover: self,
            slice: &slice,
            rest: &rest,
            quiet: (still, seen.len()),
            budget: RefCell::new(budget),
            left: RefCell::new(self.effort.confirmations),
            fires: RefCell::new(None),
            found: RefCell::new(None),
        };
        if let Some(outcome) = hunt.run() {
            return Ok(outcome);
        }
        Ok(Outcome::Dormant(self.forced(
            &ordinary,
            signal,
            &rest.array,
        )))
    }

    /// Whether holding the signal at rest changes nothing on most inputs.
    fn ablated(&self, ordinary: &[Feeds], signal: u32, rest: &Array) -> bool {
        let mut same = 0_u32;
        let mut all = 0_u32;
        for feeds in ordinary.iter().take(7) {
            let Ok(effects) = self.effects(feeds, signal, rest) else {
                continue;
            };
            all = all.saturating_add(1);
            if effects.iter().all(|effect| effect.change <= 1e-3) {
                same = same.saturating_add(1);
            }
        }
        all > 0 && f64::from(same) >= 0.7 * f64::from(all)
    }

    /// Whether another value of the signal would change the outputs.
    fn forced(&self, ordinary: &[Feeds], signal: u32, rest: &Array) -> bool {
        let Ok(reals) = rest.reals() else {
            return false;
        };
        for other in [
            |x: f64| 1.0 - x,
            |x: f64| x + 1.0,
            |x: f64| x - 1.0,
            |x: f64| -x,
        ] {
            let data: Vec<f64> = reals.iter().map(|x| other(*x)).collect();
            let Ok(held) = Array::numbers(rest.kind, rest.shape.clone(), data) else {
                continue;
            };
            for feeds in ordinary.iter().take(2) {
                if let Ok(effects) = self.effects(feeds, signal, &held)
                    && effects.iter().any(|effect| effect.change > 1e-2)
                {
                    return true;
                }
            }
        }
        false
    }
}
