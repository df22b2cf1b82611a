//! Names for tensors that do not depend on the file they are in.
//!
//! A tensor's digest is SHA-256 over `name`, `dtype`, `shape` and the contiguous
//! little-endian row-major bytes. The fingerprint of a model is SHA-256 over the
//! sorted digests, so that it is the same before and after re-sharding, renaming
//! files, and conversion between PyTorch, safetensors and npz.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::Model;
use crate::sweep::{CHUNK, Tell};
use crate::tensor::Tensor;

/// One tensor and the digest of what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorDigest {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<u64>,
    /// `sha256:…` over the elements alone; absent when they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    pub file: String,
}

/// All tensors, and one name for them together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// `sha256:…`; absent when a tensor could not be read or there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    pub tensors: Vec<TensorDigest>,
    /// What could not be read, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// Reads every tensor once.
pub fn fingerprint(model: &Model, tell: Tell<'_>) -> Fingerprint {
    let mut unread = Vec::new();
    let digested: Vec<(TensorDigest, Option<String>)> = model
        .tensors
        .par_iter()
        .map(|tensor| {
            let (data, why) = match digest(tensor, tell) {
                Ok(digest) => (Some(digest), None),
                Err(why) => (None, Some(format!("{}: {why}", tensor.name))),
            };
            let told = TensorDigest {
                name: tensor.name.clone(),
                dtype: tensor.dtype.clone(),
                shape: tensor.shape.clone(),
                data,
                file: tensor.file.clone(),
            };
            (told, why)
        })
        .collect();
    let mut tensors = Vec::with_capacity(digested.len());
    for (tensor, why) in digested {
        unread.extend(why);
        tensors.push(tensor);
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.file.cmp(&b.file)));
    let fingerprint = (unread.is_empty() && !tensors.is_empty()).then(|| whole(&tensors));
    Fingerprint {
        fingerprint,
        tensors,
        unread,
    }
}

fn whole(tensors: &[TensorDigest]) -> String {
    let mut lines: Vec<String> = tensors
        .iter()
        .map(|tensor| {
            let data = tensor.data.as_deref().unwrap_or_default();
            format!(
                "{}\0{}\0{:?}\0{data}\n",
                tensor.name.replace('/', "."),
                tensor.dtype,
                tensor.shape
            )
        })
        .collect();
    lines.sort();
    lines.dedup();
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line.as_bytes());
    }
    written(&hash.finalize())
}

fn digest(tensor: &Tensor, tell: Tell<'_>) -> Result<String, String> {
    let mut hash = Sha256::new();
    let mut buffer = Vec::new();
    if tensor.width().is_some() {
        let elements = tensor.elements();
        let mut at = 0;
        while at < elements {
            let count = CHUNK.min(elements - at);
            tensor.read(at, count, &mut buffer)?;
            tell(buffer.len() as u64);
            hash.update(&buffer);
            at += count;
        }
    } else {
        let size = tensor.size();
        let mut at = 0;
        while at < size {
            let len = (1 << 20).min(size - at);
            buffer.clear();
            tensor.read_raw(at, len, &mut buffer)?;
            tell(len);
            hash.update(&buffer);
            at += len;
        }
    }
    Ok(written(&hash.finalize()))
}

fn written(digest: &[u8]) -> String {
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}
