//! What lies beside the tensors: configuration, tokenizer, templates, code,
//! shard indexes, and what a container holds besides.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::{Model, ModelFile};
use crate::proof::{Difference, Proof};

/// What may differ.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Configuration values other than bookkeeping.
    pub config: bool,
    /// Tokenizer, vocabulary and templates.
    pub tokenizer: bool,
    /// The types that configurations name.
    pub dtype: bool,
}

impl Rules {
    /// Nothing but bookkeeping may differ.
    pub const SAME: Self = Self {
        config: false,
        tokenizer: false,
        dtype: false,
    };
    /// Types may differ.
    pub const CAST: Self = Self {
        dtype: true,
        ..Self::SAME
    };
    /// Anything may differ; it is told.
    pub const FREE: Self = Self {
        config: true,
        tokenizer: true,
        dtype: true,
    };
}

/// Keys that every library writes anew and that change nothing.
const BOOKKEEPING: [&str; 8] = [
    "transformers_version",
    "_name_or_path",
    "_commit_hash",
    "name_or_path",
    "_diffusers_version",
    "peft_version",
    "_attn_implementation_autoset",
    "tokenizers_version",
];
/// What adding tokens changes.
const VOCABULARY_KEYS: [&str; 5] = [
    "vocab_size",
    "pad_token_id",
    "eos_token_id",
    "bos_token_id",
    "unk_token_id",
];
const DTYPE_KEYS: [&str; 2] = ["torch_dtype", "dtype"];

/// What a file beside the weights is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Config,
    Tokenizer,
    Index,
    Code,
    Note,
}

pub(crate) fn role(file: &ModelFile) -> Role {
    let name = file.name();
    if name.ends_with(".index.json") {
        return Role::Index;
    }
    if matches!(
        name,
        "tokenizer.json"
            | "tokenizer_config.json"
            | "special_tokens_map.json"
            | "added_tokens.json"
            | "vocab.json"
            | "vocab.txt"
            | "merges.txt"
            | "tokenizer.model"
            | "spiece.model"
            | "sentencepiece.bpe.model"
            | "chat_template.jinja"
            | "chat_template.json"
    ) || name.ends_with(".jinja")
    {
        return Role::Tokenizer;
    }
    if name.ends_with(".py") || name.ends_with(".so") || name.ends_with(".sh") {
        return Role::Code;
    }
    if name.ends_with(".json") || name.ends_with(".yaml") || name.ends_with(".yml") {
        return Role::Config;
    }
    Role::Note
}

/// Files without tensors, by name.
fn small(model: &Model) -> BTreeMap<&str, &ModelFile> {
    model
        .files
        .iter()
        // What is said of a model is no part of it.
        .filter(|file| !matches!(file.name(), "model.sig" | "claims.jsonl"))
        .filter(|file| !model.tensors.iter().any(|tensor| tensor.file == file.path))
        .map(|file| (file.name(), file))
        .collect()
}

/// Compares all that is not a tensor; what the rules do not allow refutes.
pub fn compare(proof: &mut Proof, source: &Model, target: &Model, rules: &Rules) {
    let (from, to) = (small(source), small(target));
    for (name, file) in &to {
        let role = role(file);
        match from.get(name) {
            _ if role == Role::Index => {}
            Some(twin) => compare_file(proof, twin, file, role, target, *rules),
            None if role == Role::Code => proof.differs(Difference {
                key: (*name).to_owned(),
                source: None,
                target: Some("code".to_owned()),
                refutes: true,
            }),
            None if role != Role::Note => proof.note(format!("{name} is in the target only")),
            None => {}
        }
    }
    for (name, file) in &from {
        if !to.contains_key(name) && !matches!(role(file), Role::Note | Role::Index) {
            proof.note(format!("{name} is in the source only"));
        }
    }
    check_indexes(proof, target);
    compare_metadata(proof, source, target);
    check_containers(proof, source, target);
    crate::onnx::compare_graphs(proof, source, target);
}

fn compare_file(
    proof: &mut Proof,
    from: &ModelFile,
    to: &ModelFile,
    role: Role,
    target: &Model,
    rules: Rules,
) {
    let (Some(before), Some(after)) = (from.content(), to.content()) else {
        if from.size != to.size {
            proof.note(format!(
                "{} is too large to compare and has another size",
                to.path
            ));
        }
        return;
    };
    if before == after {
        return;
    }
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let allowed = match role {
        Role::Tokenizer => rules.tokenizer,
        Role::Config => rules.config,
        Role::Code => false,
        Role::Index => true,
        Role::Note => {
            proof.note(format!("{} differs", to.path));
            return;
        }
    };
    let (Some(before), Some(after)) = (json(&before), json(&after)) else {
        proof.differs(Difference {
            key: to.name().to_owned(),
            source: Some(format!("{} bytes", before.len())),
            target: Some(format!("{} other bytes", after.len())),
            refutes: !allowed,
        });
        return;
    };
    for (key, before, after) in differences(&before, &after) {
        let last = key.rsplit('.').next().unwrap_or_default();
        if BOOKKEEPING.contains(&last) {
            continue;
        }
        let is_dtype = DTYPE_KEYS.contains(&last);
        let grows = rules.tokenizer && VOCABULARY_KEYS.contains(&last);
        let refutes = if is_dtype {
            !rules.dtype && !names_types_of(target, after.as_ref())
        } else {
            !allowed && !grows
        };
        proof.differs(Difference {
            key: format!("{}: {key}", to.name()),
            source: before.map(|value| value.to_string()),
            target: after.map(|value| value.to_string()),
            refutes,
        });
    }
}

/// Whether the type that a configuration names is one the weights have.
fn names_types_of(target: &Model, said: Option<&Value>) -> bool {
    let Some(said) = said.and_then(Value::as_str) else {
        return true;
    };
    crate::dtype::Dtype::of_any(said).is_some_and(|kind| {
        target
            .tensors
            .iter()
            .any(|tensor| tensor.kind() == Some(kind))
    })
}

/// Values that are not the same on both sides, by path.
pub(crate) fn differences(
    before: &Value,
    after: &Value,
) -> Vec<(String, Option<Value>, Option<Value>)> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), before.clone(), after.clone())];
    while let Some((path, before, after)) = open.pop() {
        match (before, after) {
            (Value::Object(mut before), Value::Object(after)) => {
                for (key, value) in after {
                    let path = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    match before.remove(&key) {
                        Some(old) => open.push((path, old, value)),
                        None => found.push((path, None, Some(value))),
                    }
                }
                for (key, value) in before {
                    let path = if path.is_empty() {
                        key
                    } else {
                        format!("{path}.{key}")
                    };
                    found.push((path, Some(value), None));
                }
            }
            (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
                for (index, (old, new)) in before.into_iter().zip(after).enumerate() {
                    open.push((format!("{path}[{index}]"), old, new));
                }
            }
            (before, after) => {
                let same = match (before.as_f64(), after.as_f64()) {
                    (Some(a), Some(b)) => a.to_bits() == b.to_bits(),
                    _ => before == after,
                };
                if !same {
                    found.push((path, Some(before), Some(after)));
                }
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// A shard index must name the file that each tensor is in, all of them, and
/// their size.
fn check_indexes(proof: &mut Proof, target: &Model) {
    for file in target.files.iter().filter(|file| role(file) == Role::Index) {
        let Some(index) = file
            .content()
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        else {
            proof.refute(format!("{} is no JSON", file.path));
            continue;
        };
        let Some(map) = index.get("weight_map").and_then(Value::as_object) else {
            proof.refute(format!("{} has no weight_map", file.path));
            continue;
        };
        let folder = file.path.strip_suffix(file.name()).unwrap_or_default();
        let mut shards: Vec<String> = Vec::new();
        for (name, shard) in map {
            let shard = format!("{folder}{}", shard.as_str().unwrap_or_default());
            let there = target
                .tensors
                .iter()
                .any(|tensor| tensor.name == *name && tensor.file == shard);
            if !there {
                proof.refute(format!(
                    "{} says that {name} is in {shard}, and it is not",
                    file.path
                ));
            }
            if !shards.contains(&shard) {
                shards.push(shard);
            }
        }
        let mut size = 0_u64;
        let mut once = 0_u64;
        let mut elements = 0_u64;
        let mut seen: Vec<&crate::tensor::Tensor> = Vec::new();
        for tensor in target
            .tensors
            .iter()
            .filter(|tensor| shards.contains(&tensor.file))
        {
            if !map.contains_key(&tensor.name) {
                proof.refute(format!(
                    "{} does not name {}, which is in {}",
                    file.path, tensor.name, tensor.file
                ));
            }
            size += tensor.size();
            if !seen.iter().any(|other| crate::pairs::shares(other, tensor)) {
                once += tensor.size();
                elements += tensor.elements();
                seen.push(tensor);
            }
        }
        let said = |key: &str| {
            index
                .get("metadata")
                .and_then(|meta| meta.get(key))
                .and_then(Value::as_f64)
        };
        if let Some(total) = said("total_size")
            && total.to_bits() != (size as f64).to_bits()
            && total.to_bits() != (once as f64).to_bits()
        {
            proof.refute(format!(
                "{} says that all tensors take {total} bytes, and they take {once}",
                file.path
            ));
        }
        if let Some(total) = said("total_parameters")
            && total.to_bits() != (elements as f64).to_bits()
        {
            proof.note(format!(
                "{} counts {total} parameters, the files hold {elements}",
                file.path
            ));
        }
    }
}

/// What containers tell about themselves.
fn compare_metadata(proof: &mut Proof, source: &Model, target: &Model) {
    let told_by = |model: &Model, format: &str| -> BTreeMap<String, String> {
        model
            .facts
            .metadata
            .iter()
            .filter(|entry| {
                model
                    .files
                    .iter()
                    .any(|file| file.format == format && file.path == entry.at.path)
            })
            .map(|entry| (entry.key.clone(), entry.value.clone()))
            .collect()
    };
    // Values of a checkpoint that are no arrays: a step, an epoch.
    let (from, to) = (told_by(source, "msgpack"), told_by(target, "msgpack"));
    for (key, before) in &from {
        if let Some(after) = to.get(key)
            && before != after
        {
            proof.differs(Difference {
                key: key.clone(),
                source: Some(before.clone()),
                target: Some(after.clone()),
                refutes: true,
            });
        }
    }
    let (from, to) = (
        told_by(source, "safetensors"),
        told_by(target, "safetensors"),
    );
    let torch = source
        .tensor_formats()
        .iter()
        .any(|format| format.starts_with("pytorch") || *format == "pickle");
    for (key, value) in &to {
        let alias = target.tensor(value).is_some() || source.tensor(value).is_some();
        let refutes = match from.get(key) {
            Some(before) => before != value,
            None if key == "format" && torch => !matches!(value.as_str(), "pt" | "np"),
            None if key == "format" => !matches!(
                value.as_str(),
                "pt" | "np" | "tf" | "flax" | "jax" | "mlx" | "paddle"
            ),
            None => !alias && key != "total_size",
        };
        if refutes {
            proof.differs(Difference {
                key: format!("safetensors metadata: {key}"),
                source: from.get(key).cloned(),
                target: Some(value.clone()),
                refutes,
            });
        }
    }
    for (key, value) in &from {
        if !to.contains_key(key) && !to.is_empty() {
            proof.note(format!("the safetensors metadata {key} = {value} is gone"));
        }
    }
}

/// Lies and hidden bytes in the target's containers. What the source's had too
/// came with it.
fn check_containers(proof: &mut Proof, source: &Model, target: &Model) {
    for entry in &target.facts.metadata {
        let what = match entry.key.as_str() {
            "pytorch-zip.unviewed" => {
                format!("{}: {} are in no tensor", entry.at.path, entry.value)
            }
            "zip.comment" => format!("{}: the archive's comment {:?}", entry.at.path, entry.value),
            _ => continue,
        };
        let known = source
            .facts
            .metadata
            .iter()
            .any(|other| other.key == entry.key && other.value == entry.value);
        if known {
            proof.note(format!("{what} (so has the source)"));
        } else {
            proof.unexplained(what);
        }
    }
    for fact in &target.facts.files {
        let Some(parent) = &fact.parent else { continue };
        let container = target.facts.files.iter().find(|file| file.path == *parent);
        let stray = match container.map(|file| file.format.as_str()) {
            Some("pytorch-zip") => !matches!(fact.format.as_str(), "pickle" | "tensor-data"),
            Some("npz") => fact.format != "npy",
            _ => false,
        };
        let inner = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let known = || {
            source.facts.files.iter().any(|other| {
                other.parent.is_some()
                    && inner(&other.path) == inner(&fact.path)
                    && other.size == fact.size
            })
        };
        if stray && !known() {
            proof.unexplained(format!(
                "{}: a member that no loader of tensors reads",
                fact.path
            ));
        }
    }
    for anomaly in &target.facts.anomalies {
        let known = source
            .facts
            .anomalies
            .iter()
            .any(|other| other.id == anomaly.id && other.message == anomaly.message);
        if known {
            proof.note(format!(
                "{}: {} (so has the source)",
                anomaly.at.path, anomaly.message
            ));
        } else {
            proof.unexplained(format!("{}: {}", anomaly.at.path, anomaly.message));
        }
    }
}
