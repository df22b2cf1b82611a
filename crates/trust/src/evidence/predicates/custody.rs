//! Handing a model on: the sender's receipt and the receiver's. Two receipts,
//! because each side can only speak of what it held.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lacking;
use crate::evidence::{Kind, Predicate};

/// Signed by who gives the model away; the subject is what is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    pub from: String,
    pub to: String,
    /// RFC 3339, UTC.
    pub time: String,
    /// How it travels: `https`, `registry`, `disk`…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Digest of the accept receipt by which the sender got it; absent for who
    /// had it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_receipt: Option<String>,
    /// Digest of the verdict under which it was let go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Predicate for Release {
    const KIND: Kind = Kind::Release;

    fn faults(&self) -> Vec<String> {
        lacking(&[("from", &self.from), ("to", &self.to), ("time", &self.time)])
    }
}

/// Signed by who takes it; the subject is what arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accept {
    pub from: String,
    /// Who has it now.
    pub to: String,
    /// RFC 3339, UTC.
    pub time: String,
    /// `sha256:` of the release receipt's payload; absent when none came along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_receipt: Option<String>,
    /// The root that the receiver computed itself.
    pub received_root: String,
    /// Digests of the scan and verification made on receipt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Predicate for Accept {
    const KIND: Kind = Kind::Accept;

    fn faults(&self) -> Vec<String> {
        lacking(&[
            ("from", &self.from),
            ("to", &self.to),
            ("time", &self.time),
            ("receivedRoot", &self.received_root),
        ])
    }
}
