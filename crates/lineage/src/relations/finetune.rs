//! Trained on: names and shapes are the base's, what was said to be frozen is,
//! and the change of every other tensor is measured.
//!
//! Which numbers training gives cannot be recomputed, so the grade is
//! structural at best. What training does not do is refuted all the same: two
//! tensors that changed places, a number that is none, one number changed among
//! many that did not.

use rayon::prelude::*;

use super::same::{check_names, compare, pairs_as_claimed};
use super::{Fit, Relation};
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::grade::Grade;
use crate::names::matches_any;
use crate::pairs;
use crate::proof::{Proof, TensorProof, Worst};
use crate::sweep::{Tally, Tell, sweep};
use crate::tensor::Tensor;

pub(super) static RELATION: Relation = Relation {
    name: "finetune",
    fits,
    prove,
};

fn fits(case: &Case<'_>) -> Fit {
    let [source] = case.sources else {
        return Fit::No;
    };
    if source.is_gguf() || case.target.is_gguf() {
        return Fit::No;
    }
    let pairs = pairs::pair(source, case.target);
    let like = pairs
        .paired
        .iter()
        .all(|(target, source)| target.shape == source.shape && target.dtype == source.dtype);
    let other_format = source.tensor_formats() != case.target.tensor_formats();
    if like
        && !other_format
        && pairs.added.is_empty()
        && pairs.missing.is_empty()
        && !pairs.paired.is_empty()
    {
        Fit::Maybe
    } else {
        Fit::No
    }
}

fn prove(case: &Case<'_>) -> Proof {
    let mut proof = Proof::default();
    let Some(source) = case.source() else {
        proof.refute("it takes the base as its source");
        return proof;
    };
    let claimed = case.claim.relation.is_some();
    let pairs = pairs_as_claimed(case, source, &mut proof);
    let frozen = case.claim.texts("frozen").unwrap_or_default();
    for pattern in &frozen {
        if !pairs
            .paired
            .iter()
            .any(|(target, _)| matches_any(&target.name, std::slice::from_ref(pattern)))
        {
            proof.note(format!(
                "no tensor is called {pattern:?}, which the claim says is frozen"
            ));
        }
    }
    let tensors: Vec<TensorProof> = pairs
        .paired
        .par_iter()
        .map(|(target, source)| {
            if matches_any(&target.name, &frozen) {
                let proof = compare(target, source, case.tell);
                let what = if proof.grade == Grade::Refuted {
                    "said to be frozen, and changed"
                } else {
                    "frozen"
                };
                return proof.with_note(what);
            }
            one(target, source, case.tell)
        })
        .collect();
    let changed: Vec<&TensorProof> = tensors
        .iter()
        .filter(|t| t.changed.unwrap_or(0) > 0)
        .collect();
    let broad = changed
        .iter()
        .filter(|t| t.changed.unwrap_or(0) * 4 > t.elements)
        .count();
    let pins: Vec<(String, Option<Worst>)> = changed
        .iter()
        .filter(|t| {
            t.elements >= 64
                && t.changed.unwrap_or(0) <= 2
                && t.dtype
                    .as_deref()
                    .is_some_and(|d| matches!(d, "f32" | "f64"))
        })
        .map(|t| (t.name.clone(), t.worst.clone()))
        .collect();
    let count = changed.len();
    proof.take(tensors);
    for (name, worst) in pins {
        let at = worst.map_or_else(String::new, |worst| {
            format!(" at {}: {}", worst.place(), worst.sentence())
        });
        proof.refute(format!(
            "{name} changed in one or two numbers only, which training does not do{at}"
        ));
    }
    if count == 0 {
        if claimed {
            proof.refute("no tensor changed, so nothing was trained");
        } else {
            proof.note("no tensor changed");
        }
    } else if broad == 0 && !claimed {
        proof.refute(format!(
            "{count} tensors changed in few numbers each, which training does not do"
        ));
    } else {
        proof.grade = proof.grade.max(Grade::Structural);
        proof.note(format!(
            "{count} of {} tensors changed; training cannot be recomputed, so what is shown is which",
            pairs.paired.len()
        ));
    }
    find_swaps(case, source, &mut proof);
    check_names(&pairs, source, case, &mut proof);
    beside::compare(&mut proof, source, case.target, &Rules::FREE);
    proof
}

/// How far one tensor went.
fn one(target: &Tensor, source: &Tensor, tell: Tell<'_>) -> TensorProof {
    if target.shape != source.shape
        || target.dtype != source.dtype
        || !target.kind().is_some_and(crate::dtype::Dtype::is_float)
    {
        return compare(target, source, tell);
    }
    let Some(kind) = target.kind() else {
        return compare(target, source, tell);
    };
    // Changed count; sums of (a-b)², b², a², ab; numbers that are none.
    let outcome = sweep(&[target, source], tell, &|start, buffers| {
        let mut tally = Tally::default();
        let [is, was] = buffers else { return tally };
        let (mut new, mut old) = (Vec::new(), Vec::new());
        kind.decode(is, &mut new);
        kind.decode(was, &mut old);
        let width = kind.width();
        let bits = is.chunks_exact(width).zip(was.chunks_exact(width));
        for (offset, ((a, b), (new_bits, old_bits))) in new.iter().zip(&old).zip(bits).enumerate() {
            if new_bits != old_bits {
                tally.changed += 1;
                let none = !a.is_finite() && b.is_finite();
                let worst =
                    super::same::worst(Some(kind), start + offset as u64, new_bits, old_bits);
                tally.see(
                    none,
                    Worst {
                        bits: None,
                        ..worst
                    },
                );
            }
            let more = [(a - b) * (a - b), b * b, a * a, a * b];
            for (sum, value) in tally.sums.iter_mut().zip(more) {
                *sum += value;
            }
        }
        tally
    });
    let mut proof = TensorProof::of(target, Grade::Structural).from_source(source);
    match outcome {
        Err(why) => TensorProof::unread(target, why),
        Ok(tally) => {
            proof.changed = Some(tally.changed);
            if tally.changed == 0 {
                proof.grade = Grade::Exact;
                return proof.with_note("unchanged");
            }
            let [difference, before, after, product, ..] = tally.sums;
            proof
                .measures
                .insert("change_norm".to_owned(), difference.sqrt());
            if before > 0.0 {
                proof
                    .measures
                    .insert("relative_change".to_owned(), (difference / before).sqrt());
            }
            if before > 0.0 && after > 0.0 {
                proof
                    .measures
                    .insert("cosine".to_owned(), product / (before * after).sqrt());
            }
            proof.worst = tally.worst.map(|worst| worst.within(&target.shape));
            if tally.wrong > 0 {
                proof.grade = Grade::Refuted;
                proof.wrong = tally.wrong;
                return proof.with_note("numbers became infinite or none");
            }
            let relative = proof
                .measures
                .get("relative_change")
                .copied()
                .unwrap_or(0.0);
            let changed = tally.changed;
            let of = proof.elements;
            proof.with_note(format!(
                "{changed} of {of} numbers changed, by {:.3} % of its norm",
                relative * 100.0
            ))
        }
    }
}

/// A tensor that went far and is now nearly another one of the base was not
/// trained but moved.
fn find_swaps(case: &Case<'_>, source: &crate::model::Model, proof: &mut Proof) {
    let far: Vec<String> = proof
        .tensors
        .iter()
        .filter(|tensor| {
            tensor
                .measures
                .get("cosine")
                .is_some_and(|cosine| *cosine < 0.5)
                && tensor.elements >= 16
        })
        .map(|tensor| tensor.name.clone())
        .collect();
    for name in moved(case, source, proof) {
        proof.refute(name);
    }
    for name in far {
        let Some(target) = case.target.tensor(&name) else {
            continue;
        };
        let kind = target.kind();
        let Some(kind) = kind else { continue };
        let sample = |tensor: &Tensor| {
            let (mut raw, mut values) = (Vec::new(), Vec::new());
            tensor.read(0, tensor.elements().min(4096), &mut raw).ok()?;
            kind.decode(&raw, &mut values);
            Some(values)
        };
        let Some(mine) = sample(target) else { continue };
        let twin = source
            .tensors
            .iter()
            .filter(|other| {
                other.name != name && other.shape == target.shape && other.dtype == target.dtype
            })
            .find(|other| sample(other).is_some_and(|theirs| cosine(&mine, &theirs) > 0.9));
        if let Some(twin) = twin {
            proof.refute(format!(
                "{name} is not what {name} was trained to, but nearly {} of the source",
                twin.name
            ));
        }
    }
}

/// Changed tensors that are another tensor of the base, bit for bit.
fn moved(case: &Case<'_>, source: &crate::model::Model, proof: &Proof) -> Vec<String> {
    let start = |tensor: &Tensor| {
        let mut raw = Vec::new();
        tensor.read(0, tensor.elements().min(1024), &mut raw).ok()?;
        Some(raw)
    };
    let mut firsts: std::collections::HashMap<Vec<u8>, Vec<&Tensor>> =
        std::collections::HashMap::new();
    for tensor in &source.tensors {
        if let Some(raw) = start(tensor) {
            firsts.entry(raw).or_default().push(tensor);
        }
    }
    let changed = proof
        .tensors
        .iter()
        .filter(|tensor| tensor.changed.unwrap_or(0) > 0);
    changed
        .filter_map(|told| {
            let target = case.target.tensor(&told.name)?;
            let twin = firsts.get(&start(target)?)?.iter().find(|other| {
                other.name != told.name
                    && other.shape == target.shape
                    && other.dtype == target.dtype
                    && compare(target, other, case.tell).grade == Grade::Exact
            })?;
            Some(format!(
                "{} is {} of the source, bit for bit: they changed places",
                told.name, twin.name
            ))
        })
        .collect()
}

pub(super) fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let norm = (dot(a, a) * dot(b, b)).sqrt();
    if norm > 0.0 { dot(a, b) / norm } else { 0.0 }
}
