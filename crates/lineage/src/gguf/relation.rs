//! The relations `hf2gguf` and `quantize`.

use super::block::Kind;
use super::convert::{self, Config};
use super::file::Head;
use super::judge::judge;
use super::rows::Recipe;
use super::weigh::{Importance, Job, stays_f32};
use super::{metadata, mix, tokenizer};
use crate::case::Case;
use crate::grade::Grade;
use crate::model::{Model, ModelFile};
use crate::proof::{Proof, TensorProof};
use crate::relations::{Fit, Relation};
use crate::tensor::Tensor;

/// A Hugging Face model converted to GGUF.
pub static HF2GGUF: Relation = Relation {
    name: "hf2gguf",
    fits: |case| match sources(case) {
        Some((source, _)) if case.target.is_gguf() && !source.is_gguf() => {
            if by_converter(case.target) {
                Fit::Yes
            } else {
                Fit::Maybe
            }
        }
        _ => Fit::No,
    },
    prove,
};

/// A model, of GGUF or not, quantized by llama.cpp.
pub static QUANTIZE: Relation = Relation {
    name: "quantize",
    fits: |case| match sources(case) {
        Some((source, _)) if case.target.is_gguf() => {
            let quantized = |t: &Tensor| Kind::from_name(&t.dtype).is_some_and(Kind::is_quantized);
            let any = case.target.tensors.iter().any(quantized);
            if any && (source.is_gguf() || !by_converter(case.target)) {
                Fit::Yes
            } else {
                Fit::Maybe
            }
        }
        _ => Fit::No,
    },
    prove,
};

/// The source model, and the importance matrix when one of the sources is that.
fn sources<'a>(case: &'a Case<'_>) -> Option<(&'a Model, Option<&'a Model>)> {
    let (matrices, models): (Vec<&Model>, Vec<&Model>) =
        case.sources.iter().partition(|model| Importance::is(model));
    match (models.as_slice(), matrices.as_slice()) {
        ([model], []) => Some((model, None)),
        ([model], [matrix]) => Some((model, Some(matrix))),
        _ => None,
    }
}

/// Only types that the converter itself writes.
fn by_converter(target: &Model) -> bool {
    target.tensors.iter().all(|tensor| {
        matches!(
            tensor.dtype.as_str(),
            "f32" | "f16" | "bf16" | "q8_0" | "tq1_0" | "tq2_0"
        )
    })
}

/// The heads of all GGUF files of a model, as one.
fn head(model: &Model, proof: &mut Proof, whose: &str) -> Option<Head> {
    let mut files: Vec<&ModelFile> = model.files.iter().filter(|f| f.format == "gguf").collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut whole: Option<Head> = None;
    for file in files {
        match Head::read(file.bytes.as_ref()) {
            Ok(read) => {
                for hidden in &read.hidden {
                    if whose == "target" {
                        proof.unexplained(format!("{}: {hidden}", file.path));
                    } else {
                        proof.note(format!("source {}: {hidden}", file.path));
                    }
                }
                match &mut whole {
                    Some(whole) => whole.join(read),
                    None => whole = Some(read),
                }
            }
            Err(why) => {
                proof.lower(Grade::Claimed, format!("the {whose} {}: {why}", file.path));
                return None;
            }
        }
    }
    whole
}

fn prove(case: &Case<'_>) -> Proof {
    let mut proof = Proof::of("quantize");
    let Some((source, matrix)) = sources(case) else {
        proof.lower(
            Grade::Claimed,
            "one source is needed, and at most one importance matrix",
        );
        return proof;
    };
    if !case.target.is_gguf() {
        proof.refute("the target is no GGUF file");
        return proof;
    }
    let importance = match matrix.map(Importance::read).transpose() {
        Ok(read) => read.unwrap_or_default(),
        Err(why) => {
            proof.lower(Grade::Claimed, why);
            return proof;
        }
    };
    let Some(target) = head(case.target, &mut proof, "target") else {
        return proof;
    };
    let arch = target
        .text("general.architecture")
        .unwrap_or_default()
        .to_owned();
    let jobs = if source.is_gguf() {
        let Some(before) = head(source, &mut proof, "source") else {
            return proof;
        };
        metadata::compare_heads(&before, &target, &mut proof);
        from_gguf(source, case.target, &mut proof)
    } else {
        let config = Config::read(source, &arch);
        metadata::compare(&target, &config, &mut proof);
        tokenizer::compare(&target, source, &config, &mut proof);
        from_hf(source, case.target, &config, &target, &mut proof)
    };
    mix::check(&target, &arch, &mut proof);
    mix::check_claim(&target, case.claim, &mut proof);
    judge(&jobs, &importance, &mut proof, case.tell);
    caveats(&mut proof);
    proof
}

/// What a proof of quantization does not show.
fn caveats(proof: &mut Proof) {
    if proof.grade == Grade::Refuted {
        return;
    }
    if proof
        .tensors
        .iter()
        .any(|t| t.measures.contains_key("relative_rmse"))
    {
        proof.note(
            "a faithful conversion can carry a backdoor that only quantization wakes: \
             this shows the conversion, not harmlessness",
        );
    }
    let skew = proof
        .tensors
        .iter()
        .filter_map(|t| t.measures.get("residual_skew"))
        .fold(0.0f64, |m, v| m.max(*v));
    if skew > 0.25 {
        proof.note(format!(
            "residuals within rounding cells are not uniform (one tenth of a cell is off by {:.0} %): \
             weights that were fitted to the grid look like this",
            skew * 100.0
        ));
    }
    let free: f64 = proof
        .tensors
        .iter()
        .filter_map(|t| t.measures.get("free_codes"))
        .sum();
    if free > 0.0 {
        proof.note(format!(
            "{free} codes in blocks of scale zero say nothing and are not zero: room for hidden bits"
        ));
    }
}

fn from_gguf<'a>(source: &Model, target: &'a Model, proof: &mut Proof) -> Vec<Job<'a>> {
    let mut jobs = Vec::new();
    for tensor in &target.tensors {
        match source.tensor(&tensor.name) {
            None => unexplained(tensor, proof),
            Some(from) => push(tensor, Recipe::of(from), &mut jobs, proof),
        }
    }
    for tensor in &source.tensors {
        if target.tensor(&tensor.name).is_none() {
            proof.refute(format!("the tensor {} is missing", tensor.name));
        }
    }
    jobs
}

fn unexplained(tensor: &Tensor, proof: &mut Proof) {
    proof
        .tensors
        .push(TensorProof::refuted(tensor, "no source explains it"));
    proof.unexplained(format!("the tensor {}", tensor.name));
}

fn from_hf<'a>(
    source: &Model,
    target: &'a Model,
    config: &Config,
    head: &Head,
    proof: &mut Proof,
) -> Vec<Job<'a>> {
    let mut plan = convert::plan(source, config);
    let mut jobs = Vec::new();
    for tensor in &target.tensors {
        if let Some(why) = plan.failed.get(&tensor.name) {
            proof.take(vec![TensorProof::unread(tensor, why.clone())]);
            plan.recipes.remove(&tensor.name);
            continue;
        }
        let Some(mut recipe) = plan.recipes.remove(&tensor.name) else {
            if config.is_known() {
                unexplained(tensor, proof);
            } else {
                let why = "its name in the source is not known for this architecture";
                proof.take(vec![TensorProof::unread(tensor, why)]);
            }
            continue;
        };
        // Rows beyond the vocabulary are cut.
        if config.arch == "gemma3" && tensor.name == "token_embd.weight" {
            let tokens = head
                .get("tokenizer.ggml.tokens")
                .and_then(|t| t.array())
                .map_or(0, |t| t.len() as u64);
            let rows = tensor.shape.first().copied().unwrap_or(0);
            if let Some(first) = recipe.shape.first_mut()
                && rows >= tokens
                && rows <= *first
            {
                *first = rows;
            }
        }
        push(tensor, recipe, &mut jobs, proof);
    }
    for (name, recipe) in &plan.recipes {
        // A head that equals the embedding may be left out.
        if name == "output.weight" && (config.arch == "mamba" || tied(config)) {
            continue;
        }
        proof.refute(format!(
            "the tensor {name} is missing (from {})",
            recipe.names()
        ));
    }
    for name in &plan.unused {
        if config.is_known() {
            proof.refute(format!(
                "the source tensor {name} has no place in the target"
            ));
        } else {
            proof.lower(
                Grade::Claimed,
                format!("it is not known where the source tensor {name} went"),
            );
        }
    }
    jobs
}

fn tied(config: &Config) -> bool {
    config
        .json
        .get("tie_word_embeddings")
        .and_then(serde_json::Value::as_bool)
        == Some(true)
}

fn push<'a>(target: &'a Tensor, recipe: Recipe, jobs: &mut Vec<Job<'a>>, proof: &mut Proof) {
    if recipe.shape != target.shape {
        let why = format!(
            "its shape is {:?}, must be {:?}",
            target.shape, recipe.shape
        );
        proof.take(vec![TensorProof::refuted(target, why)]);
        return;
    }
    let Some(kind) = Kind::from_name(&target.dtype) else {
        let why = format!("elements of type {} are not decoded", target.dtype);
        proof.take(vec![TensorProof::unread(target, why)]);
        return;
    };
    if kind.is_quantized() && (recipe.shape.len() < 2 || stays_f32(&target.name)) {
        let why = format!("it is stored as {}, but is never quantized", target.dtype);
        proof.take(vec![TensorProof::refuted(target, why)]);
        return;
    }
    jobs.push(Job {
        target,
        kind,
        recipe,
    });
}
