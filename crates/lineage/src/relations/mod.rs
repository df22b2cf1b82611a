//! Every relation that can be shown, strictest first.

mod adapter_merge;
mod cast;
mod finetune;
mod merge;
mod prune;
mod same;
mod tokenizer_edit;

use crate::case::Case;
use crate::proof::Proof;

/// How well a case looks like a relation, before any weight is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    No,
    /// Possible; tried when nothing better fits.
    Maybe,
    Yes,
}

/// One kind of transformation.
#[derive(Debug)]
pub struct Relation {
    /// As `--as` and claims call it.
    pub name: &'static str,
    /// Looks at names, types, shapes and files only.
    pub fits: fn(&Case<'_>) -> Fit,
    pub prove: fn(&Case<'_>) -> Proof,
}

/// Every relation. When none is asked for, those that fit are tried in this
/// order.
pub static RELATIONS: &[&Relation] = &[
    &same::REPACKAGE,
    &same::RESHARD,
    &same::FORMAT,
    &crate::gguf::HF2GGUF,
    &crate::gguf::QUANTIZE,
    &crate::onnx::EXPORT,
    &crate::onnx::QUANTIZE,
    &tokenizer_edit::RELATION,
    &cast::RELATION,
    &prune::RELATION,
    &adapter_merge::RELATION,
    &merge::LINEAR,
    &merge::SLERP,
    &finetune::RELATION,
];

pub fn find(name: &str) -> Option<&'static Relation> {
    RELATIONS
        .iter()
        .copied()
        .find(|relation| relation.name == name)
}

/// A tensor of another type, rounded.
pub(crate) fn cast_of(
    target: &crate::tensor::Tensor,
    source: &crate::tensor::Tensor,
    tell: crate::sweep::Tell<'_>,
) -> crate::proof::TensorProof {
    cast::plain(target, source, tell)
}
