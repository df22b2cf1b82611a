//! Weighted sums of models: linear, task arithmetic and spherical, as mergekit
//! and plain scripts compute them.
//!
//! Follows mergekit (`merge_methods/linear.py`, `slerp.py`,
//! `generalized_task_arithmetic.py`): a linear merge divides by the sum of the
//! weights unless told not to; a spherical one is linear when the two are nearly
//! parallel (|cos| > 0.9995).

mod orders;
mod plan;
mod sums;

use rayon::prelude::*;

use self::orders::orders_of;
use self::plan::{Plan, coefficients, plan};
use self::sums::Sums;

use super::same::{compare, is_same_type};
use super::{Fit, Relation};
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::dtype::Dtype;
use crate::model::Model;
use crate::pairs;
use crate::proof::{Proof, TensorProof};
use crate::replay::{Bounds, Order, Recipe};
use crate::sweep::Tell;
use crate::tensor::Tensor;

pub(super) static LINEAR: Relation = Relation {
    name: "merge-linear",
    fits: |case| fits(case),
    prove: |case| prove(case, false),
};

pub(super) static SLERP: Relation = Relation {
    name: "merge-slerp",
    fits: |case| {
        if case.sources.len() == 2 {
            fits(case)
        } else {
            Fit::No
        }
    },
    prove: |case| prove(case, true),
};

fn fits(case: &Case<'_>) -> Fit {
    if case.sources.len() < 2 || case.sources.iter().any(Model::is_gguf) {
        return Fit::No;
    }
    let all = case.sources.iter().all(|source| {
        let pairs = pairs::pair(source, case.target);
        pairs.paired.len() * 2 > case.target.tensors.len()
    });
    if all { Fit::Yes } else { Fit::No }
}

fn prove(case: &Case<'_>, spherical: bool) -> Proof {
    let mut proof = Proof::default();
    let Some(plan) = plan(case, spherical, &mut proof) else {
        return proof;
    };
    let Some(first) = plan.models.first() else {
        proof.refute("it takes two sources or more");
        return proof;
    };
    let tensors: Vec<TensorProof> = case
        .target
        .tensors
        .par_iter()
        .map(|target| one(target, &plan, case.tell))
        .collect();
    proof.take(tensors);
    for source in &first.tensors {
        let there = case.target.tensor(&source.name).is_some();
        let tied = || {
            first.tensors.iter().any(|other| {
                !std::ptr::eq(other, source)
                    && pairs::tie(first, source, other).is_some()
                    && case.target.tensor(&other.name).is_some()
            })
        };
        if !there && !pairs::is_recomputed(&source.name) && !tied() {
            proof.refute(format!("{} is missing in the target", source.name));
        }
    }
    beside::compare(
        &mut proof,
        plan.base.unwrap_or(first),
        case.target,
        &Rules {
            dtype: true,
            ..Rules::SAME
        },
    );
    proof
}

fn one(target: &Tensor, plan: &Plan<'_>, tell: Tell<'_>) -> TensorProof {
    let mut inputs: Vec<&Tensor> = Vec::new();
    for model in plan.models.iter().chain(plan.base.as_ref()) {
        match model.tensor(&target.name) {
            Some(tensor) if tensor.shape == target.shape => inputs.push(tensor),
            Some(tensor) => {
                return TensorProof::refuted(
                    target,
                    format!(
                        "its shape is {:?}, a source's {:?}",
                        target.shape, tensor.shape
                    ),
                );
            }
            None => {
                return TensorProof::refuted(target, format!("{} does not have it", model.given));
            }
        }
    }
    let floating = |tensor: &&Tensor| tensor.kind().is_some_and(Dtype::is_float);
    let Some(kind) = target.kind().filter(|kind| kind.is_float()) else {
        let same = inputs
            .iter()
            .find(|source| is_same_type(target, source))
            .map(|source| compare(target, source, tell));
        return same.unwrap_or_else(|| TensorProof::refuted(target, "no source has its type"));
    };
    if !inputs.iter().all(floating) {
        return TensorProof::refuted(target, "a source has other numbers there");
    }
    let mut weights = plan.weights.clone();
    let mut slack = 0.0;
    if let Some(t) = plan.slerp {
        let [a, b] = inputs.as_slice() else {
            return TensorProof::refuted(target, "it takes two sources");
        };
        let sums = match Sums::of(target, a, b, tell) {
            Ok(sums) => sums,
            Err(why) => return TensorProof::unread(target, why),
        };
        let cosine = sums.cosine();
        let (p, q) = coefficients(cosine, t);
        weights = vec![p, q];
        // The angle is computed in 32 bits, and small angles lose digits.
        slack = 4e-6 / (1.0 - cosine * cosine).sqrt().max(1e-2);
        // The coefficients that the tool had are in the numbers themselves.
        if let Some((p2, q2)) = sums.fitted()
            && kind == Dtype::F32
            && (p2 - p).abs() + (q2 - q).abs() <= slack * (p.abs() + q.abs())
        {
            weights = vec![p2, q2];
            slack = 2f64.powi(-24);
        }
    }
    let sum: f64 = weights.iter().sum();
    let divide = if plan.normalize == Some(true) {
        sum
    } else {
        1.0
    };
    let count = weights.len();
    let has_base = plan.base.is_some();
    // Tools compute in 32 bits, or in the type of the weights, rounding each step.
    let narrow = inputs
        .iter()
        .filter_map(|tensor| tensor.kind())
        .max_by_key(|kind| std::cmp::Reverse(kind.width()))
        .unwrap_or(kind);
    let mut orders: Vec<Order<'_>> = Vec::new();
    let mut seen: Vec<Dtype> = Vec::new();
    for step in [Dtype::F32, narrow, Dtype::F64] {
        if seen.contains(&step) {
            continue;
        }
        seen.push(step);
        let name = match step {
            Dtype::F32 => "in 32 bits",
            Dtype::F64 => "in 64 bits",
            _ => "in 16 bits or fewer",
        };
        orders.extend(orders_of(step, name, &weights, divide, has_base));
    }
    let unit = if narrow.width() < 4 {
        narrow.ulp(1.0)
    } else {
        2f64.powi(-23)
    };
    // Roundings of 2⁻²⁴ each before the last: products, sums, differences, a quotient.
    let operations = count as f64
        + 1.0
        + if has_base { 2.0 } else { 0.0 }
        + if divide.to_bits() == 1f64.to_bits() {
            0.0
        } else {
            1.0
        };
    let weights_here = weights.clone();
    let bound = move |values: &[f64]| {
        let bottom = if has_base {
            values.get(count).copied().unwrap_or(0.0)
        } else {
            0.0
        };
        let mut exact = if has_base { bottom } else { 0.0 };
        let mut size = bottom.abs();
        for (value, weight) in values.iter().zip(&weights_here) {
            exact += (value - bottom) * weight / divide;
            size += (value.abs() + bottom.abs()) * (weight / divide).abs();
        }
        let steps = (count + 2) as f64 / 2.0;
        let loose = size * (slack + unit * steps);
        let tight = if plan.found {
            loose
        } else {
            size * (slack + 2f64.powi(-24) * operations)
        };
        Bounds {
            exact,
            tight,
            loose,
        }
    };
    if plan.slerp.is_some() {
        // The coefficients are only known up to the slack.
        orders.clear();
    }
    let recipe = Recipe {
        inputs,
        extra: None,
        unit: 1,
        orders,
        bound: &bound,
    };
    recipe.judge(target, tell)
}
