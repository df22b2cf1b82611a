//! The suspects of an analysis, put to the proof; and a witness, replayed.

use std::collections::BTreeSet;

use modelward_schema::{Analysis, Severity, Suspect, SuspectKind, Wiring};
use serde_json::{Value as Json, json};

use super::effect::Effect;
use super::prove::{Attempt, Effort, Feeds, Outcome, Proof, Prover, Whole};
use crate::Flat;
use crate::eval::{Array, Machine, Weights};
use crate::npz;

/// Signals tried per graph.
const MOST: usize = 4;

/// The member of a witness that holds the signal's resting value; the signal's
/// name follows.
const REST: &str = "modelward-rest:";

/// A witness as it is kept.
#[derive(Debug, Clone)]
pub struct Witness {
    /// Which suspect of the analysis it proves.
    pub suspect: usize,
    /// Inputs and the signal at rest, as NumPy's `.npz`.
    pub npz: Vec<u8>,
}

/// What can be fired by an input.
fn fires(suspect: &Suspect) -> bool {
    suspect.severity >= Severity::Medium
        && matches!(
            suspect.kind,
            SuspectKind::HiddenBranch
                | SuspectKind::ThresholdInjection
                | SuspectKind::IndexSelector
                | SuspectKind::LearnedGate
                | SuspectKind::SteepPath
                | SuspectKind::PositionSwitch
                | SuspectKind::ModeSelector
                | SuspectKind::ShapeSelector
                | SuspectKind::CallCounter
                | SuspectKind::BatchLeak
                | SuspectKind::Checksum
        )
}

/// Looks for an input that fires each suspected signal, the worst first, until
/// one is proven. What is proven carries its proof; of the others the analysis
/// says what was tried.
pub fn prove(
    wiring: &Wiring,
    analysis: &mut Analysis,
    weights: &dyn Weights,
    whole: Option<&dyn Whole>,
    effort: Effort,
) -> Vec<Witness> {
    let mut witnesses = Vec::new();
    if !analysis.suspects.iter().any(fires) {
        return witnesses;
    }
    let flat = Flat::build(wiring);
    let machine = Machine::new(wiring, weights);
    let prover = match Prover::new(&machine, whole, effort) {
        Ok(prover) => prover,
        Err(why) => {
            for suspect in analysis
                .suspects
                .iter_mut()
                .filter(|suspect| fires(suspect))
            {
                suspect.reasons.push(format!("not tried: {why}"));
            }
            return witnesses;
        }
    };
    let mut tried = BTreeSet::new();
    for (nth, suspect) in analysis.suspects.iter_mut().enumerate() {
        if !fires(suspect) {
            continue;
        }
        let Some(signal) = suspect
            .signal
            .as_ref()
            .and_then(|spot| source(&flat, spot.flat))
        else {
            suspect
                .reasons
                .push("not tried: its signal has no name in the file".to_owned());
            continue;
        };
        if tried.contains(&signal) || tried.len() >= MOST || !witnesses.is_empty() {
            continue;
        }
        tried.insert(signal);
        let core = prover.core(signal);
        let mut attempt = prover.attempt(core);
        if core != signal && !matches!(attempt.outcome, Outcome::Proven(_)) {
            let second = prover.attempt(signal);
            if matches!(second.outcome, Outcome::Proven(_) | Outcome::Fires(..)) {
                attempt = second;
            }
        }
        if let Some(npz) = conclude(&prover, suspect, attempt) {
            witnesses.push(Witness { suspect: nth, npz });
        }
    }
    witnesses
}

/// The value of the file that a value of the flat form is.
fn source(flat: &Flat<'_>, id: u32) -> Option<u32> {
    let source = flat.val(id).source;
    (source != crate::NONE).then_some(source)
}

/// Says of a suspect what became of its trial.
fn conclude(prover: &Prover<'_, '_>, suspect: &mut Suspect, attempt: Attempt) -> Option<Vec<u8>> {
    match attempt.outcome {
        Outcome::Proven(proof) => {
            let npz = keep(prover, &attempt.name, &proof)?;
            suspect.reasons.insert(0, headline(&proof.effects));
            suspect.proof = Some(tell(prover, &attempt.name, &proof));
            Some(npz)
        }
        Outcome::Fires(_, why) => {
            suspect.reasons.push(format!(
                "an input fires it, but what that does was not run: {why}"
            ));
            None
        }
        Outcome::Dormant(true) => {
            suspect.reasons.push(
                "it rests on all ordinary inputs, and the outputs change when it is forced; no input that fires it was found"
                    .to_owned(),
            );
            None
        }
        Outcome::Dormant(false) => {
            suspect.reasons.push(
                "it rests on all ordinary inputs; no input that fires it was found".to_owned(),
            );
            None
        }
        Outcome::Active => {
            suspect
                .reasons
                .push("ordinary inputs move it, and the outputs with it".to_owned());
            None
        }
        Outcome::NotRun(why) => {
            suspect.reasons.push(format!("not tried: {why}"));
            None
        }
    }
}

/// The most telling effect in a few words.
fn headline(effects: &[Effect]) -> String {
    let worst = effects.iter().max_by(|a, b| a.change.total_cmp(&b.change));
    let Some(worst) = worst else {
        return "an input fires it".to_owned();
    };
    match worst.decision {
        Some((rest, fired)) if rest != fired => format!(
            "an input fires it and moves the largest element of {} from {rest} to {fired}",
            worst.output
        ),
        _ => format!(
            "an input fires it and changes {} of {} elements of {}",
            worst.changed, worst.elements, worst.output
        ),
    }
}

fn keep(prover: &Prover<'_, '_>, signal: &str, proof: &Proof) -> Option<Vec<u8>> {
    let mut arrays: Vec<(String, Array)> = prover
        .ports
        .iter()
        .filter_map(|port| Some((port.name.clone(), proof.feeds.get(&port.value)?.clone())))
        .collect();
    arrays.push((format!("{REST}{signal}"), proof.rest.clone()));
    npz::write(&arrays)
}

fn tell(prover: &Prover<'_, '_>, signal: &str, proof: &Proof) -> Json {
    let inputs: Vec<Json> = prover
        .ports
        .iter()
        .filter_map(|port| {
            let array = proof.feeds.get(&port.value)?;
            Some(json!({"name": port.name, "dtype": port.kind.word(), "shape": array.shape}))
        })
        .collect();
    json!({
        "signal": signal,
        "method": proof.method,
        "ordinary_inputs": proof.quiet.1,
        "rested_on": proof.quiet.0,
        "at_rest": brief(&proof.rest),
        "fired": brief(&proof.fired),
        "inputs": inputs,
        "effects": effects(&proof.effects),
        "run_by": if prover.refusal.is_some() { "engine" } else { "evaluator" },
    })
}

/// At most the first eight elements.
fn brief(array: &Array) -> Json {
    let reals = array
        .reals()
        .map(std::borrow::Cow::into_owned)
        .unwrap_or_default();
    Json::from(reals.iter().take(8).map(|x| number(*x)).collect::<Vec<_>>())
}

/// JSON has no infinity.
fn number(x: f64) -> Json {
    if x.is_finite() {
        Json::from(x)
    } else {
        Json::from(x.to_string())
    }
}

fn effects(all: &[Effect]) -> Json {
    all.iter()
        .map(|effect| {
            json!({
                "output": effect.output,
                "change": number(effect.change),
                "changed": effect.changed,
                "elements": effect.elements,
                "largest": effect.decision.map(|(rest, fired)| json!({"at_rest": rest, "fired": fired})),
            })
        })
        .collect()
}

/// Runs a kept witness again: what the signal, held at rest, would change.
pub fn replay(
    wiring: &Wiring,
    weights: &dyn Weights,
    whole: Option<&dyn Whole>,
    effort: Effort,
    witness: &[u8],
) -> Result<Json, String> {
    let arrays = npz::read(witness)?;
    let machine = Machine::new(wiring, weights);
    let prover = Prover::new(&machine, whole, effort)?;
    let (signal, rest) = arrays
        .iter()
        .find_map(|(name, array)| Some((name.strip_prefix(REST)?, array)))
        .ok_or("it names no signal, so it is no witness")?;
    let value = wiring
        .values
        .iter()
        .position(|value| value.name == signal)
        .and_then(|at| u32::try_from(at).ok())
        .ok_or_else(|| format!("the graph has no value {signal}"))?;
    let mut feeds = Feeds::new();
    for port in &prover.ports {
        let array = arrays.iter().find(|(name, _)| *name == port.name);
        let (_, array) = array.ok_or_else(|| format!("the witness has no input {}", port.name))?;
        feeds.insert(port.value, array.clone());
    }
    let done = prover
        .effects(&feeds, value, rest)
        .map_err(|why| why.to_string())?;
    let proven = done.iter().any(|effect| effect.change > 1e-2);
    Ok(json!({
        "signal": signal,
        "proven": proven,
        "effects": effects(&done),
    }))
}
