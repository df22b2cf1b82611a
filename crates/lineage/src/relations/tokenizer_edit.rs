//! Tokenizer, template or configuration edited, the weights left alone: but for
//! rows added to embeddings when tokens were.

use rayon::prelude::*;

use super::same::{check_names, compare, pairs_as_claimed};
use super::{Fit, Relation};
use crate::beside::{self, Role, Rules, role};
use crate::case::Case;
use crate::grade::Grade;
use crate::model::Model;
use crate::pairs;
use crate::proof::{Proof, TensorProof};
use crate::tensor::{Data, Tensor};

pub(super) static RELATION: Relation = Relation {
    name: "tokenizer-edit",
    fits,
    prove,
};

fn edited(source: &Model, target: &Model) -> Vec<String> {
    target
        .files
        .iter()
        .filter(|file| matches!(role(file), Role::Tokenizer))
        .filter(|file| {
            source
                .files
                .iter()
                .find(|other| other.name() == file.name())
                .is_none_or(|other| other.content() != file.content())
        })
        .map(|file| file.name().to_owned())
        .collect()
}

fn fits(case: &Case<'_>) -> Fit {
    let [source] = case.sources else {
        return Fit::No;
    };
    if source.is_gguf() || case.target.is_gguf() {
        return Fit::No;
    }
    let has = |model: &Model| model.files.iter().any(|file| role(file) == Role::Tokenizer);
    if has(source) && has(case.target) && !edited(source, case.target).is_empty() {
        Fit::Yes
    } else {
        Fit::No
    }
}

fn prove(case: &Case<'_>) -> Proof {
    let mut proof = Proof::default();
    let Some(source) = case.source() else {
        proof.refute("it takes one source");
        return proof;
    };
    let pairs = pairs_as_claimed(case, source, &mut proof);
    let tensors: Vec<TensorProof> = pairs
        .paired
        .par_iter()
        .map(|(target, source)| {
            grown(target, source, case).unwrap_or_else(|| compare(target, source, case.tell))
        })
        .collect();
    proof.take(tensors);
    check_names(&pairs, source, case, &mut proof);
    let edited = edited(source, case.target);
    beside::compare(
        &mut proof,
        source,
        case.target,
        &Rules {
            tokenizer: true,
            ..Rules::SAME
        },
    );
    // Adding tokens changes the size that the configuration tells, nothing else.
    if edited.is_empty() && proof.differences.is_empty() {
        proof.refute("no tokenizer, template or configuration was edited");
    } else {
        proof.note(format!("edited: {}", edited.join(", ")));
    }
    proof
}

/// An embedding with rows added: those that were there are the same.
fn grown(target: &Tensor, source: &Tensor, case: &Case<'_>) -> Option<TensorProof> {
    let (Some((rows, wide)), Some((before, same))) =
        (target.shape.split_first(), source.shape.split_first())
    else {
        return None;
    };
    if !pairs::is_embedding(&target.name) || rows <= before || wide != same {
        return None;
    }
    let Data::Dense(parts) = &target.data else {
        return None;
    };
    let first = Tensor {
        shape: source.shape.clone(),
        data: Data::Dense(parts.clone()),
        ..target.clone()
    };
    let proof = compare(&first, source, case.tell);
    if proof.grade != Grade::Exact {
        return Some(proof);
    }
    Some(TensorProof {
        grade: Grade::Structural,
        elements: target.elements(),
        note: Some(format!(
            "{} rows were added; the others are unchanged",
            rows - before
        )),
        ..proof
    })
}
