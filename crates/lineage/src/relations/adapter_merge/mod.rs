//! A low-rank adapter added to its base: W' = W + s·B·A.
//!
//! Follows peft (`tuners/lora/layer.py`, `utils/save_and_load.py`): s is
//! alpha/r, or alpha/√r with `use_rslora`; `fan_in_fan_out` transposes;
//! `rank_pattern` and `alpha_pattern` name modules by the end of their name;
//! biases and `modules_to_save` replace whole tensors. DoRA and IA³ follow other
//! formulae and are only claimed.

mod adapter;
mod delta;
mod rank;

use rayon::prelude::*;

use self::adapter::Adapter;
use super::same::{check_names, compare, pairs_as_claimed};
use super::{Fit, Relation};
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::grade::Grade;
use crate::model::Model;
use crate::pairs;
use crate::proof::{Proof, TensorProof};

pub(super) static RELATION: Relation = Relation {
    name: "adapter-merge",
    fits,
    prove,
};

fn fits(case: &Case<'_>) -> Fit {
    if case.sources.len() == 2 && case.sources.iter().any(adapter::is_adapter) {
        return Fit::Yes;
    }
    Fit::No
}

fn prove(case: &Case<'_>) -> Proof {
    let mut proof = Proof::default();
    let base = base(case);
    let Some(base) = base else {
        proof.refute("it takes a base and an adapter");
        return proof;
    };
    let adapter = case.sources.iter().find(|model| adapter::is_adapter(model));
    let one = Case {
        sources: std::slice::from_ref(base),
        ..*case
    };
    let pairs = pairs_as_claimed(&one, base, &mut proof);
    match adapter {
        None => {
            proof.note("no adapter was given, so only the rank of the change is shown");
            let tensors = pairs
                .paired
                .par_iter()
                .map(|(target, source)| rank::judge(target, source, case))
                .collect();
            proof.take(tensors);
        }
        Some(files) => {
            let adapter = Adapter::read(files, base, case.claim, &mut proof);
            let tensors: Vec<TensorProof> = pairs
                .paired
                .par_iter()
                .map(|(target, source)| match adapter.change(&source.name) {
                    Some(change) => change.judge(target, source, case.tell),
                    None => {
                        let proof = compare(target, source, case.tell);
                        if proof.grade == Grade::Refuted {
                            proof.with_note("the adapter does not touch it, and it changed")
                        } else {
                            proof
                        }
                    }
                })
                .collect();
            proof.take(tensors);
            if let Some(other) = &adapter.other_formula {
                proof.lower(
                    Grade::Claimed,
                    format!("{other} merges by another formula, which is not recomputed"),
                );
            }
        }
    }
    check_names(&pairs, base, &one, &mut proof);
    beside::compare(
        &mut proof,
        base,
        case.target,
        &Rules {
            dtype: true,
            ..Rules::SAME
        },
    );
    proof
}

/// The source that is no adapter; the one the claim names, if it names one.
fn base<'a>(case: &Case<'a>) -> Option<&'a Model> {
    let named = case.claim.text("base").and_then(|path| {
        let place = |path: &str| std::path::absolute(path).ok();
        case.sources
            .iter()
            .find(|model| model.given == path || place(&model.given) == place(path))
    });
    named.or_else(|| {
        case.sources
            .iter()
            .filter(|model| !adapter::is_adapter(model))
            .max_by_key(|model| pairs::pair(model, case.target).paired.len())
    })
}
