//! Which tensor of the target comes from which of the source.
//!
//! Names are the same up to the separator (`/` or `.`) and up to one prefix
//! that all of them gain or lose. What is shared may be stored once or twice:
//! a name that is missing or added is only accepted with a reason for the tie
//! (one storage, `tie_word_embeddings`, safetensors' own record), never because
//! two tensors happen to be equal.

use std::collections::{HashMap, HashSet};

use crate::model::Model;
use crate::tensor::{Data, Tensor};

/// Who belongs to whom.
#[derive(Debug, Default)]
pub(crate) struct Pairs<'a> {
    /// Target and source, in the order of the target.
    pub(crate) paired: Vec<(&'a Tensor, &'a Tensor)>,
    /// In the target only.
    pub(crate) added: Vec<&'a Tensor>,
    /// In the source only.
    pub(crate) missing: Vec<&'a Tensor>,
    /// What all names of the source lost.
    pub(crate) removed: String,
    /// What all names of the target gained.
    pub(crate) gained: String,
    /// Two of one name in one file of the target.
    pub(crate) twice: Vec<&'a Tensor>,
}

/// Names of what is computed anew when a model is loaded and need not be kept.
pub(crate) fn is_recomputed(name: &str) -> bool {
    let last = |ends: &[&str]| {
        ends.iter()
            .any(|end| name == *end || name.ends_with(&format!(".{end}")))
    };
    last(&[
        "rotary_emb.inv_freq",
        "rotary_emb.original_inv_freq",
        "attn.masked_bias",
        "attention.masked_bias",
        "embeddings.position_ids",
    ]) || (last(&["attn.bias", "attention.bias"]) && name.contains('.'))
}

fn plain(name: &str) -> String {
    name.replace('/', ".")
}

pub(crate) fn pair<'a>(source: &'a Model, target: &'a Model) -> Pairs<'a> {
    let mut best = pair_by(source, target, "", "");
    // The only array of a file is called after the file.
    if let (true, [one], [other]) = (
        best.paired.is_empty(),
        target.tensors.as_slice(),
        source.tensors.as_slice(),
    ) {
        let named = |model: &Model| model.tensor_formats() == ["npy"];
        if one.name.is_empty() || other.name.is_empty() || named(source) || named(target) {
            return Pairs {
                paired: vec![(one, other)],
                ..Pairs::default()
            };
        }
    }
    if best.added.is_empty() && best.missing.is_empty() {
        return best;
    }
    for (removed, gained) in prefixes(source, target) {
        let other = pair_by(source, target, &removed, &gained);
        if other.paired.len() > best.paired.len() {
            best = other;
        }
    }
    best
}

/// Names by which every name of the target could begin in the source, and the
/// other way round.
fn prefixes(source: &Model, target: &Model) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut try_from = |from: &Model, to: &Model, swap: bool| {
        let Some(sample) = to
            .tensors
            .iter()
            .map(|tensor| plain(&tensor.name))
            .max_by_key(String::len)
        else {
            return;
        };
        for tensor in &from.tensors {
            let name = plain(&tensor.name);
            if let Some(prefix) = name.strip_suffix(&sample)
                && prefix.ends_with('.')
                && seen.insert((prefix.to_owned(), swap))
                && seen.len() < 64
            {
                let prefix = prefix.to_owned();
                found.push(if swap {
                    (String::new(), prefix)
                } else {
                    (prefix, String::new())
                });
            }
        }
    };
    try_from(source, target, false);
    try_from(target, source, true);
    found
}

/// Pairs names of the source without `removed` with those of the target
/// without `gained`.
pub(crate) fn pair_by<'a>(
    source: &'a Model,
    target: &'a Model,
    removed: &str,
    gained: &str,
) -> Pairs<'a> {
    let mut by_name: HashMap<String, Vec<&'a Tensor>> = HashMap::new();
    for tensor in &source.tensors {
        let name = plain(&tensor.name);
        if let Some(name) = name.strip_prefix(removed) {
            by_name.entry(name.to_owned()).or_default().push(tensor);
        }
    }
    let mut pairs = Pairs {
        removed: removed.to_owned(),
        gained: gained.to_owned(),
        ..Pairs::default()
    };
    let mut used: HashSet<String> = HashSet::new();
    let mut places: HashSet<(String, &str)> = HashSet::new();
    for tensor in &target.tensors {
        let name = plain(&tensor.name);
        if !places.insert((name.clone(), tensor.file.as_str())) {
            pairs.twice.push(tensor);
        }
        let stripped = name.strip_prefix(gained).map(str::to_owned);
        let found = stripped.and_then(|name| {
            let all = by_name.get(&name)?;
            // Several files may hold the same weights: the like comes from the like.
            let like = all
                .iter()
                .find(|source| source.dtype == tensor.dtype && source.shape == tensor.shape)
                .or(all.first())
                .copied();
            used.insert(name);
            like
        });
        match found {
            Some(source) => pairs.paired.push((tensor, source)),
            None => pairs.added.push(tensor),
        }
    }
    let mut told: HashSet<&str> = HashSet::new();
    for tensor in &source.tensors {
        let name = plain(&tensor.name);
        let known = name
            .strip_prefix(removed)
            .is_some_and(|name| used.contains(name));
        if !known && told.insert(&tensor.name) {
            pairs.missing.push(tensor);
        }
    }
    pairs
}

/// Why `one` and `other` of the same model are one tensor.
pub(crate) fn tie(model: &Model, one: &Tensor, other: &Tensor) -> Option<&'static str> {
    if one.shape != other.shape || one.dtype != other.dtype {
        return None;
    }
    if shares(one, other) {
        return Some("both are views of one storage");
    }
    let recorded = |a: &Tensor, b: &Tensor| model.metadata(&a.name).any(|value| value == b.name);
    if recorded(one, other) || recorded(other, one) {
        return Some("safetensors' metadata records that they are one");
    }
    let tied = model
        .files
        .iter()
        .filter(|file| file.name() == "config.json")
        .filter_map(|file| serde_json::from_slice::<serde_json::Value>(&file.content()?).ok())
        .any(|config| ties_embeddings(&config));
    let ends = |tensor: &Tensor| is_embedding(&tensor.name);
    (tied && ends(one) && ends(other)).then_some("the configuration ties them")
}

/// Transformers' default is true, and configurations leave defaults out; what
/// is not said is not taken as said unless the model type is known for it.
fn ties_embeddings(config: &serde_json::Value) -> bool {
    if let Some(said) = config
        .get("tie_word_embeddings")
        .and_then(serde_json::Value::as_bool)
    {
        return said;
    }
    if let Some(inner) = config.get("text_config") {
        return ties_embeddings(inner);
    }
    matches!(
        config.get("model_type").and_then(serde_json::Value::as_str),
        Some(
            "gpt2"
                | "gemma"
                | "gemma2"
                | "gemma3"
                | "gemma3_text"
                | "bert"
                | "roberta"
                | "distilbert"
                | "albert"
                | "electra"
                | "t5"
                | "bart"
                | "opt"
                | "bloom"
                | "gpt_neo"
                | "phi3small"
                | "mpt"
                | "falcon"
        )
    )
}

pub(crate) fn is_embedding(name: &str) -> bool {
    [
        "lm_head.weight",
        "embed_tokens.weight",
        "wte.weight",
        "embed_out.weight",
        "word_embeddings.weight",
        "shared.weight",
        "decoder.weight",
        "decoder.bias",
        "predictions.bias",
        "lm_head.bias",
        "lm_head.decoder.weight",
        "lm_head.decoder.bias",
        "embed_in.weight",
        "vocab_projector.weight",
    ]
    .iter()
    .any(|end| name.ends_with(end))
}

/// The same bytes in the same file.
pub(crate) fn shares(one: &Tensor, other: &Tensor) -> bool {
    let place = |tensor: &Tensor| match &tensor.data {
        Data::Dense(parts) => match parts.as_slice() {
            [part] => Some((part.start, part.len, None)),
            _ => None,
        },
        Data::Strided { part, strides } => Some((part.start, part.len, Some(strides.clone()))),
        Data::Missing(_) => None,
    };
    one.file == other.file
        && one.elements() > 0
        && place(one).is_some()
        && place(one) == place(other)
}
