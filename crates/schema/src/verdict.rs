//! Allow, hold or deny, with every reason.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Digest, Location, Severity, Stage, Tier};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    pub decision: Decision,
    /// Every reason, most severe first; waived ones are listed too.
    pub reasons: Vec<Reason>,
    /// Provenance, custody, behaviour, in this order.
    pub facets: Vec<Facet>,
    /// Codes of the smallest set of reasons that, once resolved, would allow.
    pub unblock: Vec<String>,
    pub stage: Stage,
    pub tier: Tier,
    pub policy: PolicyRef,
    /// The `now` it was judged at, RFC 3339, UTC.
    pub now: String,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    Allow,
    Hold,
    Deny,
}

impl Decision {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// A rule's id, or a policy's own code: `owner-missing`.
    pub code: String,
    pub effect: Effect,
    pub severity: Severity,
    pub message: String,
    pub fix: String,
    /// `file:line` of the policy rule that gave it.
    pub policy: String,
    pub frameworks: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// The id of the exemption that waives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_by: Option<String>,
}

/// What a reason does to the decision.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Warn,
    Hold,
    Deny,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Facet {
    /// `provenance`, `custody` or `behaviour`.
    pub name: String,
    pub state: FacetState,
    /// A few words: `not tested`.
    pub note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FacetState {
    Shown,
    Partial,
    Missing,
}

/// Which policy judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyRef {
    /// `built-in`, or the folder's name.
    pub name: String,
    /// Over all policy files and data.
    pub digest: Digest,
}
