//! The gate's decision as a SLSA verification summary,
//! <https://slsa.dev/spec/v1.2/verification_summary>. A denial is stated as
//! plainly as an allowance.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use super::lacking;
use crate::evidence::{Kind, Predicate, Resource};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub verifier: Verifier,
    /// RFC 3339, UTC.
    pub time_verified: String,
    /// What was asked: the model and the stage it wants to go to.
    pub resource_uri: String,
    pub policy: PolicyReference,
    /// The statements that were looked at, by the digest of their payload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_attestations: Vec<Resource>,
    pub verification_result: Verification,
    /// `MODELWARD_STAGE_PRODUCTION`…
    #[serde(default)]
    pub verified_levels: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slsa_version: Option<String>,
    /// `allow`, `hold` or `deny`: a hold did not pass either.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub decision: String,
    /// The codes of what stands in the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verifier {
    pub id: String,
    #[serde(default)]
    pub version: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReference {
    pub uri: String,
    pub digest: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verification {
    Passed,
    Failed,
}

impl Predicate for Verdict {
    const KIND: Kind = Kind::Verdict;

    fn faults(&self) -> Vec<String> {
        lacking(&[
            ("timeVerified", &self.time_verified),
            ("resourceUri", &self.resource_uri),
        ])
    }
}
