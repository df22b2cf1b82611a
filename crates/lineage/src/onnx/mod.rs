//! ONNX: models exported from weights, quantized, and rewritten.

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

use crate::model::{Model, ModelFile};
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
