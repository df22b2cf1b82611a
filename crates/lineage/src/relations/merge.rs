//! Weighted sums of models: linear, task arithmetic and spherical, as mergekit
//! and plain scripts compute them.
//!
//! Follows mergekit (`merge_methods/linear.py`, `slerp.py`,
//! `generalized_task_arithmetic.py`): a linear merge divides by the sum of the
//! weights unless told not to; a spherical one is linear when the two are nearly
//! parallel (|cos| > 0.9995).

use rayon::prelude::*;

use super::same::{compare, is_same_type};
use super::{Fit, Relation};
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::model::Model;
use crate::pairs;
use crate::proof::{Proof, TensorProof};
use crate::replay::{Bounds, Order, Recipe, rounded};
use crate::sweep::{Tally, Tell, sweep};
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

/// How the sources enter.
struct Plan<'a> {
    base: Option<&'a Model>,
    models: Vec<&'a Model>,
    weights: Vec<f64>,
    /// Divide by the sum of the weights: known, or to be found.
    normalize: Option<bool>,
    slerp: Option<f64>,
    /// The weights are a guess from the numbers.
    found: bool,
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

fn plan<'a>(case: &Case<'a>, spherical: bool, proof: &mut Proof) -> Option<Plan<'a>> {
    let mut models: Vec<&Model> = case.sources.iter().collect();
    let method = case
        .claim
        .text("method")
        .unwrap_or(if spherical { "slerp" } else { "linear" });
    let method = method.to_ascii_lowercase().replace('-', "_");
    let arithmetic = matches!(
        method.as_str(),
        "task_arithmetic" | "taskarithmetic" | "task"
    );
    if spherical != (method == "slerp") {
        proof.refute(format!("the claim says that the method was {method}"));
        return None;
    }
    if !arithmetic
        && !matches!(
            method.as_str(),
            "slerp" | "linear" | "lerp" | "average" | "mean" | "weighted" | "soup"
        )
    {
        proof.lower(
            Grade::Claimed,
            format!("merges by {method} are not recomputed"),
        );
        return None;
    }
    let mut base = None;
    if let Some(path) = case.claim.text("base") {
        let place = |path: &str| std::path::absolute(path).ok();
        let at = models
            .iter()
            .position(|model| model.given == path || place(&model.given) == place(path));
        if let Some(at) = at {
            let model = models.remove(at);
            if arithmetic {
                base = Some(model);
            } else {
                models.insert(0, model);
            }
        }
    }
    if arithmetic && base.is_none() {
        if models.len() < 2 {
            proof.refute("task arithmetic takes a base and one tuned model or more");
            return None;
        }
        base = Some(models.remove(0));
    }
    if !arithmetic && models.len() < 2 {
        proof.refute("it takes two sources or more");
        return None;
    }
    let mut weights = case.claim.numbers("weights");
    if let Some(weights) = &weights
        && weights.len() != models.len()
    {
        proof.refute(format!(
            "the claim has {} weights for {} models",
            weights.len(),
            models.len()
        ));
        return None;
    }
    let t = case.claim.number("t");
    if let (None, Some(t), 2) = (&weights, t, models.len()) {
        weights = Some(vec![1.0 - t, t]);
    }
    let claimed = weights.is_some();
    let weights = match weights {
        Some(weights) => weights,
        None => match solve(case.target, base, &models) {
            Some(weights) => {
                let shown: Vec<String> = weights
                    .iter()
                    .map(|weight| format!("{weight:.6}"))
                    .collect();
                proof.note(format!("the weights were found to be {}", shown.join(", ")));
                weights
            }
            None => {
                proof.refute("no weights give the target");
                return None;
            }
        },
    };
    let slerp = if spherical {
        match t.or_else(|| {
            (weights.len() == 2 && claimed)
                .then(|| weights.get(1).copied())
                .flatten()
        }) {
            Some(t) => Some(t),
            None => match find_t(case.target, &models) {
                Some(t) => {
                    proof.note(format!("t was found to be {t:.6}"));
                    Some(t)
                }
                None => {
                    proof.refute("no t gives the target");
                    return None;
                }
            },
        }
    } else {
        None
    };
    let mut plan = Plan {
        base,
        models,
        weights,
        normalize: case.claim.flag("normalize"),
        slerp,
        found: !claimed,
    };
    if plan.normalize.is_none() {
        plan.normalize =
            Some(claimed && !arithmetic && !spherical && is_normalized(case.target, &plan));
    }
    Some(plan)
}

/// A sample of a floating tensor and of its counterparts.
fn samples(target: &Model, models: &[&Model]) -> Vec<(Vec<f64>, Vec<Vec<f64>>)> {
    let mut found = Vec::new();
    for tensor in target
        .tensors
        .iter()
        .filter(|t| t.kind().is_some_and(Dtype::is_float))
    {
        let read = |tensor: &Tensor| {
            let (mut raw, mut values) = (Vec::new(), Vec::new());
            tensor.read(0, tensor.elements().min(2048), &mut raw).ok()?;
            tensor.kind()?.decode(&raw, &mut values);
            Some(values)
        };
        let others: Option<Vec<Vec<f64>>> = models
            .iter()
            .map(|model| {
                let other = model.tensor(&tensor.name)?;
                (other.shape == tensor.shape).then(|| read(other)).flatten()
            })
            .collect();
        if let (Some(mine), Some(others)) = (read(tensor), others) {
            found.push((mine, others));
        }
        if found.len() >= 16 {
            break;
        }
    }
    found
}

/// Least squares over a sample.
fn solve(target: &Model, base: Option<&Model>, models: &[&Model]) -> Option<Vec<f64>> {
    let mut all: Vec<&Model> = models.to_vec();
    all.extend(base);
    let n = models.len();
    let mut matrix = vec![vec![0.0; n + 1]; n];
    for (mine, others) in samples(target, &all) {
        let zero = vec![0.0; mine.len()];
        let base = if base.is_some() {
            others.last().unwrap_or(&zero)
        } else {
            &zero
        };
        for (at, value) in mine.iter().enumerate() {
            let bottom = base.get(at).copied().unwrap_or(0.0);
            let column = |i: usize| {
                others
                    .get(i)
                    .and_then(|o| o.get(at))
                    .map_or(0.0, |v| v - bottom)
            };
            for (i, row) in matrix.iter_mut().enumerate() {
                for (j, cell) in row.iter_mut().enumerate() {
                    *cell += column(i) * if j < n { column(j) } else { value - bottom };
                }
            }
        }
    }
    let weights = eliminate(matrix)?;
    // People write weights with few digits.
    let tidy = |weight: f64| {
        let short = (weight * 1000.0).round() / 1000.0;
        if (short - weight).abs() < 1e-4 {
            short
        } else {
            weight
        }
    };
    Some(weights.into_iter().map(tidy).collect())
}

fn eliminate(mut matrix: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = matrix.len();
    for at in 0..n {
        let pivot = (at..n).max_by(|a, b| matrix[*a][at].abs().total_cmp(&matrix[*b][at].abs()))?;
        matrix.swap(at, pivot);
        let head = matrix[at].clone();
        if head[at].abs() < 1e-300 {
            return None;
        }
        for (other, row) in matrix.iter_mut().enumerate() {
            if other != at {
                let factor = row[at] / head[at];
                for (cell, top) in row.iter_mut().zip(&head) {
                    *cell -= factor * top;
                }
            }
        }
    }
    Some((0..n).map(|at| matrix[at][n] / matrix[at][at]).collect())
}

/// The `t` that fits a sample best.
fn find_t(target: &Model, models: &[&Model]) -> Option<f64> {
    let samples = samples(target, models);
    let error = |t: f64| {
        samples
            .iter()
            .map(|(mine, others)| {
                let [a, b] = others.as_slice() else {
                    return f64::INFINITY;
                };
                let (p, q) = coefficients(super::finetune::cosine(a, b), t);
                mine.iter()
                    .zip(a)
                    .zip(b)
                    .map(|((m, a), b)| (m - p * a - q * b).powi(2))
                    .sum::<f64>()
            })
            .sum::<f64>()
    };
    // The sample of a large tensor has another angle than the whole: this is a
    // guess, which the proof then checks.
    (0..=1000)
        .map(|step| f64::from(step) / 1000.0)
        .min_by(|a, b| error(*a).total_cmp(&error(*b)))
}

fn is_normalized(target: &Model, plan: &Plan<'_>) -> bool {
    let sum: f64 = plan.weights.iter().sum();
    if (sum - 1.0).abs() < 1e-9 || sum == 0.0 {
        return false;
    }
    let (mut plain, mut divided) = (0.0, 0.0);
    for (mine, others) in samples(target, &plan.models) {
        for (at, value) in mine.iter().enumerate() {
            let total: f64 = others
                .iter()
                .zip(&plan.weights)
                .map(|(o, w)| o.get(at).copied().unwrap_or(0.0) * w)
                .sum();
            plain += (value - total).powi(2);
            divided += (value - total / sum).powi(2);
        }
    }
    divided < plain
}

fn coefficients(cosine: f64, t: f64) -> (f64, f64) {
    if cosine.abs() > 0.9995 {
        return (1.0 - t, t);
    }
    let angle = cosine.clamp(-1.0, 1.0).acos();
    (
        ((1.0 - t) * angle).sin() / angle.sin(),
        (t * angle).sin() / angle.sin(),
    )
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

/// Every step rounded to `step`.
fn orders_of<'a>(
    step: Dtype,
    name: &'static str,
    weights: &[f64],
    divide: f64,
    has_base: bool,
) -> Vec<Order<'a>> {
    let count = weights.len();
    let r = move |value: f64| rounded(step, value);
    let given: Vec<f64> = weights.to_vec();
    let short: Vec<f64> = given
        .iter()
        .map(|weight| f64::from(*weight as f32))
        .collect();
    let scaled: Vec<f64> = given.iter().map(|weight| weight / divide).collect();
    let divisor = rounded(Dtype::F32, divide);
    let mut orders: Vec<Order<'a>> = Vec::new();
    if has_base {
        let sums = short.clone();
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let base = values.get(count).copied().unwrap_or(0.0);
                let mut total = base;
                for (value, weight) in values.iter().zip(&sums) {
                    total = r(total + r(r(value - base) * weight));
                }
                total
            }),
        ));
        let sums = short;
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let base = values.get(count).copied().unwrap_or(0.0);
                let mut total: Option<f64> = None;
                for (value, weight) in values.iter().zip(&sums) {
                    let part = r(r(value - base) * weight);
                    total = Some(total.map_or(part, |total| r(total + part)));
                }
                r(base + total.unwrap_or(0.0))
            }),
        ));
        let sums = given;
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let base = values.get(count).copied().unwrap_or(0.0);
                let mut total = base;
                for (value, weight) in values.iter().zip(&sums) {
                    // A fused multiply and add.
                    total = r(total + r(value - base) * weight);
                }
                total
            }),
        ));
        return orders;
    }
    for weights in [
        short,
        scaled
            .iter()
            .map(|weight| f64::from(*weight as f32))
            .collect(),
        given.clone(),
    ] {
        let fused = weights.clone();
        let last = divide;
        let again = weights.clone();
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let mut total: Option<f64> = None;
                for (value, weight) in values.iter().zip(&weights) {
                    let part = r(value * weight);
                    total = Some(total.map_or(part, |total| r(total + part)));
                }
                total.unwrap_or(0.0)
            }),
        ));
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let mut total: Option<f64> = None;
                for (value, weight) in values.iter().zip(&fused) {
                    total = Some(match total {
                        None => r(value * weight),
                        Some(total) => r(total + value * weight),
                    });
                }
                total.unwrap_or(0.0)
            }),
        ));
        if last.to_bits() != 1f64.to_bits() {
            orders.push((
                name,
                Box::new(move |values: &[f64]| {
                    let mut total: Option<f64> = None;
                    for (value, weight) in values.iter().zip(&again) {
                        let part = r(value * weight);
                        total = Some(total.map_or(part, |total| r(total + part)));
                    }
                    r(total.unwrap_or(0.0) / divisor)
                }),
            ));
        }
    }
    if count == 2 {
        let t = f64::from(scaled.get(1).copied().unwrap_or(0.0) as f32);
        // torch.lerp, both branches, with and without a fused step.
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let (a, b) = (
                    values.first().copied().unwrap_or(0.0),
                    values.get(1).copied().unwrap_or(0.0),
                );
                if t.abs() < 0.5 {
                    r(a + r(t * r(b - a)))
                } else {
                    r(b - r(r(b - a) * r(1.0 - t)))
                }
            }),
        ));
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let (a, b) = (
                    values.first().copied().unwrap_or(0.0),
                    values.get(1).copied().unwrap_or(0.0),
                );
                if t.abs() < 0.5 {
                    r(a + t * r(b - a))
                } else {
                    r(b - r(b - a) * r(1.0 - t))
                }
            }),
        ));
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let (a, b) = (
                    values.first().copied().unwrap_or(0.0),
                    values.get(1).copied().unwrap_or(0.0),
                );
                r(a + r(t * r(b - a)))
            }),
        ));
    }
    // Averages: the sum, then one division.
    let mean = given
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if (a - b).abs() < 1e-9));
    if mean {
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let total = values
                    .iter()
                    .take(count)
                    .copied()
                    .reduce(|a, b| r(a + b))
                    .unwrap_or(0.0);
                r(total / count as f64)
            }),
        ));
    }
    orders
}

/// Sums of products over two sources and the target.
struct Sums([f64; 6]);

impl Sums {
    fn of(target: &Tensor, a: &Tensor, b: &Tensor, tell: Tell<'_>) -> Result<Self, String> {
        let (Some(kind), Some(left), Some(right)) = (target.kind(), a.kind(), b.kind()) else {
            return Err("its type has no numbers".to_owned());
        };
        let tally = sweep(&[target, a, b], tell, &|_, buffers| {
            let mut tally = Tally::default();
            let [m, a, b] = buffers else { return tally };
            let (mut z, mut x, mut y) = (Vec::new(), Vec::new(), Vec::new());
            kind.decode(m, &mut z);
            left.decode(a, &mut x);
            right.decode(b, &mut y);
            for ((z, x), y) in z.iter().zip(&x).zip(&y) {
                let more = [x * x, y * y, x * y, x * z, y * z];
                for (sum, value) in tally.sums.iter_mut().zip(more) {
                    *sum += value;
                }
            }
            tally
        })?;
        Ok(Self(tally.sums))
    }

    fn cosine(&self) -> f64 {
        let [a, b, both, ..] = self.0;
        if a > 0.0 && b > 0.0 {
            both / (a * b).sqrt()
        } else {
            1.0
        }
    }

    /// The two coefficients of least squares.
    fn fitted(&self) -> Option<(f64, f64)> {
        let [a, b, both, left, right, _] = self.0;
        let determinant = a * b - both * both;
        (determinant > 1e-9 * a * b).then(|| {
            (
                (left * b - right * both) / determinant,
                (right * a - left * both) / determinant,
            )
        })
    }
}
