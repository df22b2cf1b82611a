//! The relation `onnx-export`: every number of an ONNX model comes from the
//! weights that were exported, or is one that needs no source.
//!
//! Names are kept by exporters for what they leave as it is; an equal name is
//! no equal value (batch normalization is folded under the old name), and what
//! is transposed gets a new name. So: by name when there is one, by the module
//! of the node that uses it, then by value. The weights are no graph: what the
//! operators do with them is not shown by them, and the proof says so.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::file::Onnx;
use super::rearranged::{View, parts, plain, recurrent};
use super::slots::{Names, Slot, expected, slots};
use super::{constant, extras, folded, view};
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::model::Model;
use crate::pairs::{is_embedding, is_recomputed, tie};
use crate::proof::{Proof, TensorProof, Worst};
use crate::relations::{Fit, Relation, cast_of};
use crate::round::{Way, encode};
use crate::sweep::{Tally, Tell, sweep};
use crate::tensor::Tensor;

pub static EXPORT: Relation = Relation {
    name: "onnx-export",
    fits: |case| match case.sources {
        [source] if super::is_onnx(case.target) && !super::is_onnx(source) && !source.is_gguf() => {
            Fit::Yes
        }
        _ => Fit::No,
    },
    prove,
};

fn prove(case: &Case<'_>) -> Proof {
    let mut proof = Proof::of("onnx-export");
    let [source] = case.sources else {
        proof.refute("it takes one source");
        return proof;
    };
    let onnx = match Onnx::of(case.target) {
        None => {
            proof.refute("the target is no ONNX model");
            return proof;
        }
        Some(Err(why)) => {
            proof.lower(Grade::Claimed, why);
            return proof;
        }
        Some(Ok(onnx)) => onnx,
    };
    let names = Names::of(source);
    let slots = slots(&onnx);
    let outcomes: Vec<Outcome> = slots
        .par_iter()
        .map(|slot| explain(slot, source, &names, case.tell))
        .collect();
    modules(&slots, &outcomes, &mut proof);
    let mut used: HashSet<String> = HashSet::new();
    let mut constants = 0;
    for (slot, outcome) in slots.iter().zip(outcomes) {
        match outcome {
            Outcome::Proof(proven, from) => {
                used.extend(from);
                proof.take(vec![*proven]);
            }
            Outcome::Constant(why) => {
                constants += 1;
                if slot.tensor.elements() > 64 {
                    proof.note(format!("{}: {why}, no learned number", slot.name));
                }
            }
            Outcome::Unexplained => {
                proof
                    .tensors
                    .push(TensorProof::refuted(slot.tensor, "no source explains it"));
                proof.unexplained(format!("the tensor {}", slot.name));
            }
        }
    }
    if constants > 0 {
        proof.note(format!(
            "{constants} constants are shapes, indices, masks or single numbers"
        ));
    }
    missing(source, &used, &mut proof);
    beside::compare(&mut proof, source, case.target, &Rules::CAST);
    extras::check(&onnx, case.target, &[], &mut proof);
    if proof.grade < Grade::Refuted {
        proof.note(
            "weights are compared; the source has no graph that the operators could be held against",
        );
    }
    proof
}

/// Weight and bias of one module of the target come from one of the source,
/// whatever the modules are called there.
fn modules(slots: &[Slot<'_>], outcomes: &[Outcome], proof: &mut Proof) {
    let mut homes: HashMap<&str, (&str, &str)> = HashMap::new();
    for (slot, outcome) in slots.iter().zip(outcomes) {
        let (Some(scope), Outcome::Proof(proven, from)) = (&slot.scope, outcome) else {
            continue;
        };
        let places = matches!(
            (slot.operator, slot.input),
            ("MatMul" | "Conv" | "Gemm", 1) | ("Conv" | "Gemm", 2) | ("Add", _)
        );
        let ([only], true) = (from.as_slice(), proven.grade < Grade::Claimed && places) else {
            continue;
        };
        let Some((module, "weight" | "bias")) = only.rsplit_once('.') else {
            continue;
        };
        // A head takes its weight from the embedding.
        if is_embedding(only) {
            continue;
        }
        match homes.get(scope.as_str()) {
            Some((held, other)) if *held != module => proof.refute(format!(
                "{} holds the values of {only}, and {other}, of the same module, those of {held}",
                slot.name
            )),
            Some(_) => {}
            None => {
                homes.insert(scope, (module, slot.name));
            }
        }
    }
}

enum Outcome {
    /// And the source tensors that it took.
    Proof(Box<TensorProof>, Vec<String>),
    Constant(String),
    Unexplained,
}

fn proven(proof: TensorProof, slot: &Slot<'_>, view: &View) -> Outcome {
    let mut proof = rename(proof, slot);
    let from = view.from.join(" + ");
    proof.source = (from != proof.name).then_some(from);
    if !view.how.is_empty() {
        let note = proof
            .note
            .take()
            .map_or_else(String::new, |note| format!(", {note}"));
        proof.note = Some(format!("{}{note}", view.how));
    }
    Outcome::Proof(Box::new(proof), view.from.clone())
}

fn rename(mut proof: TensorProof, slot: &Slot<'_>) -> TensorProof {
    slot.name.clone_into(&mut proof.name);
    proof
}

/// The likeliest view and how like it is.
fn best(target: &Tensor, views: Vec<View>) -> Option<(f64, View)> {
    let mut best: Option<(f64, View)> = None;
    for view in views {
        let like = view::likeness(target, &view.tensor);
        if like > 0.0 && best.as_ref().is_none_or(|(held, _)| like > *held) {
            best = Some((like, view));
        }
    }
    best
}

fn explain(slot: &Slot<'_>, source: &Model, names: &Names<'_>, tell: Tell<'_>) -> Outcome {
    let target = slot.tensor;
    if let crate::tensor::Data::Missing(why) = &target.data {
        let proof = rename(TensorProof::unread(target, why.clone()), slot);
        return Outcome::Proof(Box::new(proof), Vec::new());
    }
    let check = |view: &View| {
        let proof = cast_of(target, &view.tensor, tell);
        match view::by_way_of(target, &view.tensor) {
            Some(short) if proof.grade == Grade::Refuted => shortened(target, view, short, tell),
            _ => proof,
        }
    };
    let belongs = expected(slot, names);
    let mut near: Option<(TensorProof, View)> = None;
    if let Some((origin, _)) = belongs
        && let Some((like, view)) = best(target, plain(target, origin))
        && like > 0.5
    {
        let proof = check(&view);
        if proof.grade < Grade::Claimed {
            return proven(proof, slot, &view);
        }
        near = Some((proof, view));
    }
    if target.kind().is_some_and(Dtype::is_float) && near.is_none() {
        // Folding comes before other sources: an equal name is no equal value.
        if let Some(outcome) = fold(slot, belongs.map(|(origin, _)| origin), source, tell) {
            return outcome;
        }
    }
    let learned = constant::kind(target);
    if belongs.is_none()
        && let Some(why) = &learned
        && slot.used
    {
        return Outcome::Constant(why.clone());
    }
    // By value: the name says nothing, or says another thing.
    let mut views: Vec<View> = recurrent(target, slot.operator, slot.input, source);
    views.extend(
        source
            .tensors
            .iter()
            .flat_map(|origin| plain(target, origin)),
    );
    let mut by_value = best(target, views);
    if by_value.as_ref().is_none_or(|(like, _)| *like < 0.5) {
        let views = source
            .tensors
            .iter()
            .filter(|origin| origin.dtype == target.dtype || origin.kind().is_some())
            .flat_map(|origin| parts(target, origin))
            .collect();
        let cut = best(target, views);
        if cut.as_ref().is_some_and(|(like, _)| *like > 0.5) {
            by_value = cut;
        }
    }
    if let Some((like, view)) = by_value
        && like > 0.5
    {
        let proof = check(&view);
        if proof.grade < Grade::Claimed {
            return match belongs {
                Some((origin, true)) if !view.from.contains(&origin.name) => {
                    let why = format!(
                        "it holds the values of {} where those of {} belong",
                        view.from.join(" + "),
                        origin.name
                    );
                    let proof = rename(TensorProof::refuted(target, why), slot);
                    Outcome::Proof(Box::new(proof), view.from)
                }
                _ => proven(proof, slot, &view),
            };
        }
        near = near.or(Some((proof, view)));
    }
    match (near, belongs) {
        (Some((proof, view)), _) => proven(proof, slot, &view),
        (None, Some((origin, true))) => {
            let proof = match plain(target, origin).first() {
                Some(view) => return proven(check(view), slot, view),
                None => TensorProof::refuted(
                    target,
                    format!(
                        "its shape is {:?}, that of the source is {:?}",
                        target.shape, origin.shape
                    ),
                ),
            };
            Outcome::Proof(Box::new(rename(proof, slot)), vec![origin.name.clone()])
        }
        _ => match learned {
            Some(why) if slot.used => Outcome::Constant(why),
            _ => Outcome::Unexplained,
        },
    }
}

/// Numbers that were short for a while and are long again.
fn shortened(target: &Tensor, view: &View, short: Dtype, tell: Tell<'_>) -> TensorProof {
    let tally = sweep(&[target, &view.tensor], tell, &|start, buffers| {
        let mut tally = Tally::default();
        let [is, origin] = buffers else { return tally };
        let (Some(to), Some(from)) = (target.kind(), view.tensor.kind()) else {
            return tally;
        };
        let (mut values, mut must) = (Vec::new(), Vec::new());
        to.decode(is, &mut values);
        from.decode(origin, &mut must);
        for (offset, (value, origin)) in values.into_iter().zip(must).enumerate() {
            let mut raw = Vec::new();
            encode(short, Way::NEAREST, origin, &mut raw);
            let expected = short.value(&raw);
            if value.to_bits() != expected.to_bits() && !(value.is_nan() && expected.is_nan()) {
                let worst = Worst {
                    index: start + offset as u64,
                    value,
                    expected,
                    deviation: (value - expected).abs(),
                    ..Worst::default()
                };
                tally.see(true, worst);
            }
        }
        tally
    });
    match tally {
        Err(why) => TensorProof::unread(target, why),
        Ok(tally) => TensorProof {
            wrong: tally.wrong,
            worst: tally.worst.map(|worst| worst.within(&target.shape)),
            ..TensorProof::of(
                target,
                if tally.wrong == 0 {
                    Grade::Exact
                } else {
                    Grade::Refuted
                },
            )
        }
        .with_note(format!("by way of {}", short.name())),
    }
}

fn fold(
    slot: &Slot<'_>,
    belongs: Option<&Tensor>,
    source: &Model,
    tell: Tell<'_>,
) -> Option<Outcome> {
    let target = slot.tensor;
    let layer = matches!(slot.operator, "Conv" | "ConvTranspose" | "Gemm" | "MatMul");
    if !layer {
        return None;
    }
    if slot.input == 2 {
        let (proof, used) = folded::bias(target, slot.sibling, source, tell)?;
        return Some(Outcome::Proof(Box::new(rename(proof, slot)), used));
    }
    let origins: Vec<&Tensor> = match belongs {
        Some(origin) => vec![origin],
        None => source
            .tensors
            .iter()
            .filter(|tensor| tensor.shape == target.shape)
            .collect(),
    };
    for origin in origins {
        if let Some((proof, mut used)) = folded::weight(target, origin, source, tell) {
            used.push(origin.name.clone());
            return Some(Outcome::Proof(Box::new(rename(proof, slot)), used));
        }
    }
    None
}

/// Source tensors that went nowhere.
fn missing(source: &Model, used: &HashSet<String>, proof: &mut Proof) {
    let mut told: HashSet<&str> = HashSet::new();
    let module = |name: &str| name.rsplit_once('.').map(|(module, _)| module.to_owned());
    let modules: HashSet<String> = used.iter().filter_map(|name| module(name)).collect();
    for tensor in &source.tensors {
        let name = tensor.name.as_str();
        if used.contains(name) || !told.insert(name) {
            continue;
        }
        if is_recomputed(name) || name.ends_with("num_batches_tracked") {
            continue;
        }
        let tied = source
            .tensors
            .iter()
            .any(|other| used.contains(&other.name) && tie(source, tensor, other).is_some());
        if tied {
            continue;
        }
        let filled = constant::kind(tensor).is_some();
        if filled {
            proof.note(format!("{name} is not in the target; it says nothing"));
        } else if module(name).is_some_and(|module| modules.contains(&module)) {
            proof.refute(format!(
                "the tensor {name} is missing, and others of its module are there"
            ));
        } else {
            proof.note(format!("{name} was not exported"));
            proof.lower(
                Grade::Structural,
                "some modules of the source were not exported",
            );
        }
    }
}
