//! That one model is the transformation of another, recomputed from both.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lacking;
use crate::evidence::{Kind, Predicate, Resource};

/// The subject is the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversionProof {
    /// By their roots, with `role` in the annotations.
    pub sources: Vec<Resource>,
    /// `format`, `quantize`, `finetune`…
    pub relation: String,
    /// `exact`, `nearest-code`, `bounded`, `structural`, `claimed` or `refuted`.
    pub grade: String,
    /// Name and version of the program that recomputed it.
    pub verifier: Map<String, Value>,
    #[serde(default)]
    pub tensors: ProofCounts,
    /// The tensor that deviates most: name, index, value, bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<Value>,
    /// RFC 3339, UTC.
    pub at: String,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// How many tensors have which grade.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProofCounts {
    pub exact: u64,
    pub nearest_code: u64,
    pub bounded: u64,
    pub structural: u64,
    pub refuted: u64,
    pub added: u64,
    pub dropped: u64,
    pub unexplained: u64,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Predicate for ConversionProof {
    const KIND: Kind = Kind::Proof;

    fn faults(&self) -> Vec<String> {
        let mut faults = lacking(&[
            ("relation", &self.relation),
            ("grade", &self.grade),
            ("at", &self.at),
        ]);
        if self.sources.iter().all(|s| s.sha256().is_none()) {
            faults.push("names no source by its digest".to_owned());
        }
        faults
    }
}
