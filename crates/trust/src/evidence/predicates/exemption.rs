//! Named reasons that somebody accepts for a while.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lacking;
use crate::evidence::{Kind, Predicate};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exemption {
    /// Reason codes; no wildcards.
    pub codes: Vec<String>,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensating_control: Option<String>,
    pub requested_by: String,
    /// Must be the signer's name in the trust root.
    pub approved_by: String,
    /// RFC 3339, UTC.
    pub not_before: String,
    pub not_after: String,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Predicate for Exemption {
    const KIND: Kind = Kind::Exemption;

    fn faults(&self) -> Vec<String> {
        let mut faults = lacking(&[
            ("reason", &self.reason),
            ("requestedBy", &self.requested_by),
            ("approvedBy", &self.approved_by),
            ("notBefore", &self.not_before),
            ("notAfter", &self.not_after),
        ]);
        if self.codes.is_empty() || self.codes.iter().any(|code| code.contains('*')) {
            faults.push("does not name its codes one by one".to_owned());
        }
        if self.requested_by.trim().to_lowercase() == self.approved_by.trim().to_lowercase() {
            faults.push("was approved by who asked for it".to_owned());
        }
        faults
    }
}
