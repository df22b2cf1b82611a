//! What kind of network the tensors are: parameters, precision, layers,
//! vocabulary, counted from the tensors themselves.

use std::collections::BTreeMap;

use modelward_schema::{Facts, Tensor};

/// Counted over the files of one format: the same weights are often delivered
/// in several.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Weights {
    /// The format whose files were counted: the one with the most elements.
    pub(crate) format: String,
    pub(crate) tensors: u64,
    pub(crate) parameters: u64,
    /// Elements by element type.
    pub(crate) dtypes: BTreeMap<String, u64>,
    /// One more than the largest layer index in the tensors' names.
    pub(crate) layers: Option<u64>,
    /// Rows of the token embedding.
    pub(crate) vocabulary: Option<u64>,
}

impl Weights {
    /// The element type that most parameters have.
    pub(crate) fn main_dtype(&self) -> Option<&str> {
        self.dtypes
            .iter()
            .max_by_key(|(_, count)| **count)
            .map(|(dtype, _)| dtype.as_str())
    }
}

pub(crate) fn weigh(facts: &Facts) -> Weights {
    let mut by_format: BTreeMap<&str, Weights> = BTreeMap::new();
    for tensor in facts.tensors.iter().filter(|tensor| is_number(tensor)) {
        let format = format_of(facts, &tensor.at.path);
        let weights = by_format.entry(format).or_default();
        let elements = tensor
            .shape
            .iter()
            .fold(1_u64, |product, dim| product.saturating_mul(*dim));
        weights.tensors += 1;
        weights.parameters = weights.parameters.saturating_add(elements);
        let of_type = weights.dtypes.entry(tensor.dtype.clone()).or_default();
        *of_type = of_type.saturating_add(elements);
        weights.layers = weights
            .layers
            .max(layer(&tensor.name).map(|index| index + 1));
        if is_embedding(&tensor.name) && tensor.shape.len() == 2 {
            weights.vocabulary = weights.vocabulary.max(tensor.shape.first().copied());
        }
    }
    let largest = by_format
        .into_iter()
        .max_by_key(|(_, weights)| weights.parameters);
    largest.map_or_else(Weights::default, |(format, weights)| Weights {
        format: format.to_owned(),
        ..weights
    })
}

fn is_number(tensor: &Tensor) -> bool {
    !matches!(tensor.dtype.as_str(), "object" | "string")
}

/// The format of the file on disk that holds it.
fn format_of<'f>(facts: &'f Facts, path: &str) -> &'f str {
    let outer = path.split("!/").next().unwrap_or(path);
    facts
        .files
        .iter()
        .find(|file| file.path == outer)
        .map_or("unknown", |file| file.format.as_str())
}

/// The index after `layers.`, `h.`, `blk.`, `block.`, `layer.`.
fn layer(name: &str) -> Option<u64> {
    let mut parts = name.split(['.', '/']);
    while let Some(part) = parts.next() {
        if matches!(part, "layers" | "h" | "blk" | "block" | "blocks" | "layer") {
            return parts.next()?.parse().ok().filter(|index| *index < 10_000);
        }
    }
    None
}

fn is_embedding(name: &str) -> bool {
    [
        "embed_tokens.weight",
        "wte.weight",
        "token_embd.weight",
        "word_embeddings.weight",
    ]
    .iter()
    .any(|end| name.ends_with(end))
}
