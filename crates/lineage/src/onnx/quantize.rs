//! The relation `onnx-quantize`: an ONNX model quantized, or converted to half
//! precision, and otherwise the same graph.

use std::collections::HashSet;

use rayon::prelude::*;

use super::file::Onnx;
use super::walk::{Job, Walked, walk};
use super::{blocks, codes, extras, half, is_onnx, view};
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::grade::Grade;
use crate::model::Model;
use crate::proof::{Proof, TensorProof};
use crate::relations::{Fit, Relation, cast_of};
use crate::sweep::Tell;
use crate::tensor::Tensor;

pub static QUANTIZE: Relation = Relation {
    name: "onnx-quantize",
    fits: |case| match case.sources {
        [source] if is_onnx(case.target) && is_onnx(source) => {
            let coded = |model: &Model| {
                let codes = |t: &&Tensor| {
                    matches!(
                        t.dtype.as_str(),
                        "i8" | "u8" | "i4" | "u4" | "i16" | "u16" | "f16"
                    )
                };
                model.tensors.iter().filter(codes).count()
            };
            if coded(case.target) > coded(source) {
                Fit::Yes
            } else {
                Fit::Maybe
            }
        }
        _ => Fit::No,
    },
    prove,
};

/// Both models; why not, lowers the proof.
fn read(case: &Case<'_>, proof: &mut Proof) -> Option<(Onnx, Onnx)> {
    let [source] = case.sources else {
        proof.refute("it takes one source");
        return None;
    };
    let mut open = |model: &Model, whose: &str| match Onnx::of(model) {
        None => {
            proof.refute(format!("the {whose} is no ONNX model"));
            None
        }
        Some(Err(why)) => {
            proof.lower(Grade::Claimed, format!("the {whose}: {why}"));
            None
        }
        Some(Ok(onnx)) => Some(onnx),
    };
    let before = open(source, "source")?;
    Some((before, open(case.target, "target")?))
}

fn prove(case: &Case<'_>) -> Proof {
    let mut proof = Proof::of("onnx-quantize");
    let Some((before, after)) = read(case, &mut proof) else {
        return proof;
    };
    let Some(source) = case.source() else {
        return proof;
    };
    let short = |onnx: &Onnx| onnx.tensors().iter().any(|tensor| tensor.dtype == "f16");
    let halved = short(&after) && !short(&before);
    let walked = walk(&before.graph, &after.graph, halved);
    compare(&before, &after, &walked, &mut proof, case.tell);
    if !walked.quantized && !halved && proof.grade < Grade::Claimed {
        proof.note("nothing is quantized: the graphs are the same");
    }
    activations(&walked, &mut proof);
    shapes(&walked, &mut proof);
    beside::compare(&mut proof, source, case.target, &Rules::CAST);
    extras::check(&after, case.target, &before.metadata, &mut proof);
    proof
}

/// Graphs and tensors of two models.
fn compare(before: &Onnx, after: &Onnx, walked: &Walked<'_>, proof: &mut Proof, tell: Tell<'_>) {
    for wrong in &walked.wrong {
        proof.unexplained(wrong.clone());
    }
    functions(before, after, proof);
    opsets(before, after, proof);
    let mut seen: HashSet<(&str, bool)> = HashSet::new();
    let mut jobs: Vec<&Job<'_>> = walked.jobs.iter().collect();
    // The one that knows more first.
    jobs.sort_by_key(|job| job.product.is_none());
    jobs.retain(|job| {
        let name = if job.target.name.is_empty() {
            job.source.name.as_str()
        } else {
            job.target.name.as_str()
        };
        let other = job.product.is_some() || !seen.contains(&(name, true));
        let new = seen.insert((name, job.product.is_some())) || job.scaled.is_none();
        new && (other || job.scaled.is_none())
    });
    let tensors: Vec<TensorProof> = jobs
        .par_iter()
        .map(|job| judge(job, walked.half, tell))
        .collect();
    let mut told: HashSet<(String, Option<String>)> = HashSet::new();
    let tensors = tensors
        .into_iter()
        .filter(|tensor| told.insert((tensor.name.clone(), tensor.source.clone())))
        .collect();
    proof.take(tensors);
}

fn judge(job: &Job<'_>, halved: bool, tell: Tell<'_>) -> TensorProof {
    let (target, source) = (job.target, job.source);
    let turned = if job.turned {
        turn(source)
    } else {
        Some(source.clone())
    };
    let Some(origin) = turned else {
        return TensorProof::unread(target, "the source cannot be read transposed");
    };
    if let Some(packed) = job.packed
        && let Some(scaled) = &job.scaled
    {
        return blocks::packed(target, &origin, scaled, packed, tell);
    }
    if target.dtype == "i32" && source.dtype != "i32" {
        let own = job.scaled.map(|scaled| scaled.scale);
        return codes::bias(target, source, own, job.product, tell);
    }
    if let Some(scaled) = &job.scaled {
        return codes::weight(target, &origin, scaled, tell);
    }
    if halved && target.dtype == "f16" && origin.dtype == "f32" {
        return half::check(target, &origin, tell);
    }
    if target.dtype != origin.dtype && !halved {
        return TensorProof::refuted(
            target,
            format!("it is {}, and nothing scales it back", target.dtype),
        )
        .from_source(source);
    }
    if let "string" | "unknown" | "i4" | "u4" = target.dtype.as_str() {
        return raw(target, source);
    }
    if target.shape != origin.shape {
        // The bias of a convolution in whole numbers is added reshaped.
        return TensorProof::refuted(
            target,
            format!(
                "its shape is {:?}, that of the source {:?}",
                target.shape, origin.shape
            ),
        )
        .from_source(source);
    }
    cast_of(target, &origin, tell)
}

/// Types that are not decoded, as they are stored.
fn raw(target: &Tensor, source: &Tensor) -> TensorProof {
    let (mut is, mut must) = (Vec::new(), Vec::new());
    if target.size() > 64 << 20 || source.size() > 64 << 20 {
        return TensorProof::unread(target, "it is too large to compare").from_source(source);
    }
    let read = target
        .read_raw(0, target.size(), &mut is)
        .and_then(|()| source.read_raw(0, source.size(), &mut must));
    match read {
        Err(why) => TensorProof::unread(target, why).from_source(source),
        Ok(()) if is == must && target.shape == source.shape => {
            TensorProof::of(target, Grade::Exact).from_source(source)
        }
        Ok(()) => TensorProof::refuted(target, "it is not that of the source").from_source(source),
    }
}

/// The last two dimensions exchanged.
fn turn(source: &Tensor) -> Option<Tensor> {
    if let [_, _] = source.shape.as_slice() {
        return view::transposed(source);
    }
    let [count, rows, columns] = *source.shape.as_slice() else {
        return None;
    };
    let crate::tensor::Data::Dense(parts) = &source.data else {
        return None;
    };
    let [part] = parts.as_slice() else {
        return None;
    };
    Some(Tensor {
        shape: vec![count, columns, rows],
        data: crate::tensor::Data::Strided {
            part: part.clone(),
            strides: vec![rows * columns, 1, columns],
        },
        ..source.clone()
    })
}

/// Bodies of functions must be the same.
pub(super) fn functions(before: &Onnx, after: &Onnx, proof: &mut Proof) {
    for (key, function) in &after.functions {
        let name = format!("{}::{}", key.0, key.1);
        let Some(twin) = before.functions.get(key) else {
            proof.unexplained(format!("the function {name}"));
            continue;
        };
        let inner = walk(twin, function, false);
        for wrong in inner.wrong {
            proof.unexplained(format!("in the function {name}: {wrong}"));
        }
    }
    for key in before.functions.keys() {
        if !after.functions.contains_key(key) {
            proof.refute(format!("the function {}::{} is missing", key.0, key.1));
        }
    }
}

fn opsets(before: &Onnx, after: &Onnx, proof: &mut Proof) {
    for (domain, version) in &after.opsets {
        match before.opsets.get(domain) {
            Some(held) if held != version => proof.note(format!(
                "operators {} are of version {version}, in the source {held}",
                if domain.is_empty() { "ai.onnx" } else { domain }
            )),
            _ => {}
        }
    }
}

/// Shapes that were computed and are constants now.
fn shapes(walked: &Walked<'_>, proof: &mut Proof) {
    if walked.shapes > 0 {
        proof.lower(
            Grade::Structural,
            format!(
                "{} computed shapes are constants in the target",
                walked.shapes
            ),
        );
    }
}

/// Ranges of activations come from calibration, which is not here.
fn activations(walked: &Walked<'_>, proof: &mut Proof) {
    let mut names: HashSet<&str> = HashSet::new();
    for scaled in &walked.activations {
        if !names.insert(&scaled.scale.name) {
            continue;
        }
        let scale = view::values(scaled.scale, 1 << 20).unwrap_or_default();
        if scale.is_empty() || scale.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            proof.refute(format!(
                "the scale {} of an activation is no positive number",
                scaled.scale.name
            ));
        }
    }
    if !names.is_empty() {
        proof.lower(
            Grade::Structural,
            format!(
                "the scales of {} activations come from calibration data, which are not here",
                names.len()
            ),
        );
    }
}
