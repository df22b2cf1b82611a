//! ONNX: models exported from weights, quantized, and rewritten.
#![allow(
    clippy::float_cmp,
    reason = "codes and scales are compared bit for bit on purpose"
)]

mod attributes;
mod blocks;
mod codes;
mod constant;
mod export;
mod extras;
mod file;
mod folded;
mod half;
mod linear;
mod products;
mod quantize;
mod rearranged;
mod scope;
mod slots;
mod tensor;
mod view;
mod walk;
mod wire;

use crate::grade::Grade;
use crate::model::{Model, ModelFile};
use crate::proof::Proof;
use crate::tensor::Tensor;

pub use export::EXPORT;
pub use quantize::QUANTIZE;

/// There is an ONNX model among the files.
pub(crate) fn is_onnx(model: &Model) -> bool {
    model.files.iter().any(|file| file.format == "onnx")
}

/// Every tensor of an ONNX file, with its data wherever they lie: in it, typed
/// or raw, or in the files beside it. None when it cannot be read.
pub fn tensors(file: &ModelFile, files: &[ModelFile]) -> Option<Vec<Tensor>> {
    let onnx = file::Onnx::read(file, files).ok()?;
    Some(onnx.tensors())
}

/// Names of the files beside an ONNX file that hold its data and are not among
/// `files`.
pub fn absent(file: &ModelFile, files: &[ModelFile]) -> Vec<String> {
    file::Onnx::read(file, files).map_or_else(|_| Vec::new(), |onnx| onnx.absent)
}

/// For relations that compare tensors by name: the graphs of both must be the
/// same, or all that is said of tensors says nothing of the model.
pub(crate) fn compare_graphs(proof: &mut Proof, source: &Model, target: &Model) {
    if !is_onnx(target) || proof.relation.starts_with("onnx-") {
        return;
    }
    let Some(before) = file::Onnx::of(source) else {
        proof.lower(
            Grade::Claimed,
            "the operators of an ONNX model are not held against anything here; try onnx-export",
        );
        return;
    };
    match (before, file::Onnx::of(target)) {
        (Ok(before), Some(Ok(after))) => {
            let short = |onnx: &file::Onnx| onnx.tensors().iter().any(|t| t.dtype == "f16");
            let halved = short(&after) && !short(&before);
            let walked = walk::walk(&before.graph, &after.graph, halved);
            for wrong in walked.wrong {
                proof.unexplained(wrong);
            }
            quantize::functions(&before, &after, proof);
            extras::check(&after, target, &before.metadata, proof);
        }
        (Err(why), _) | (_, Some(Err(why))) => proof.lower(Grade::Claimed, why),
        (_, None) => {}
    }
}
