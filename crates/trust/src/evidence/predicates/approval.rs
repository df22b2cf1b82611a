//! Somebody in a role says yes to these bytes at a stage.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lacking;
use crate::evidence::{Kind, Predicate};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// `owner`, `security`, `risk`…
    pub role: String,
    /// `experiment`, `candidate` or `production`.
    pub stage: String,
    /// Must be the signer's name in the trust root: a key speaks for one person.
    pub by: String,
    pub reason: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// Digest of the manifest that was approved; editing one field voids it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Predicate for Approval {
    const KIND: Kind = Kind::Approval;

    fn faults(&self) -> Vec<String> {
        lacking(&[
            ("role", &self.role),
            ("stage", &self.stage),
            ("by", &self.by),
            ("reason", &self.reason),
            ("at", &self.at),
        ])
    }
}
