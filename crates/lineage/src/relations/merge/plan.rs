//! What the claim says of a merge, and what the numbers tell when it says
//! nothing.

use crate::case::Case;
use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::model::Model;
use crate::proof::Proof;
use crate::relations::finetune::cosine;
use crate::tensor::Tensor;

/// How the sources enter.
pub(super) struct Plan<'a> {
    pub(super) base: Option<&'a Model>,
    pub(super) models: Vec<&'a Model>,
    pub(super) weights: Vec<f64>,
    /// Divide by the sum of the weights: known, or to be found.
    pub(super) normalize: Option<bool>,
    pub(super) slerp: Option<f64>,
    /// The weights are a guess from the numbers.
    pub(super) found: bool,
}

pub(super) fn plan<'a>(case: &Case<'a>, spherical: bool, proof: &mut Proof) -> Option<Plan<'a>> {
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
                let (p, q) = coefficients(cosine(a, b), t);
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

pub(super) fn coefficients(cosine: f64, t: f64) -> (f64, f64) {
    if cosine.abs() > 0.9995 {
        return (1.0 - t, t);
    }
    let angle = cosine.clamp(-1.0, 1.0).acos();
    (
        ((1.0 - t) * angle).sin() / angle.sin(),
        (t * angle).sin() / angle.sin(),
    )
}
