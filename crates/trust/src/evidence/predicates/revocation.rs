//! That a model, or a statement about it, no longer counts. It has no end: what
//! was withdrawn comes back under a new digest only.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lacking;
use crate::evidence::{Kind, Predicate};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    pub reason: String,
    pub by: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// `sha256:` of the payloads withdrawn; when empty, the subject itself and
    /// all that was made from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Predicate for Revocation {
    const KIND: Kind = Kind::Revocation;

    fn faults(&self) -> Vec<String> {
        lacking(&[("reason", &self.reason), ("by", &self.by), ("at", &self.at)])
    }
}
