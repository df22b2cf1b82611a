//! A digest for each tensor, so that a later look can say which of them
//! changed, and a fingerprint over all that no container changes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::evidence::{Kind, Predicate};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TensorDigests {
    pub tensors: Vec<TensorDigest>,
    /// Over all tensors whatever the files that hold them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TensorDigest {
    /// The file it lies in.
    pub file: String,
    pub name: String,
    pub dtype: String,
    pub shape: Vec<u64>,
    /// `blake3:` or `sha256:` of its stored bytes.
    pub digest: String,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Predicate for TensorDigests {
    const KIND: Kind = Kind::Tensors;
}
