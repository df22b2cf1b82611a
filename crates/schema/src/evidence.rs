//! Statements about an artifact. Signed envelopes come with the trust room;
//! until then these are what the registry vouches for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Digest;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Evidence {
    Approval(Approval),
    Exemption(Exemption),
}

/// Somebody in a role says yes to these bytes at this stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    pub id: String,
    /// The artifact's digest: an approval never outlives a changed byte.
    pub digest: Digest,
    /// Digest of the manifest that was approved, so that editing one field voids it.
    pub manifest: Digest,
    pub stage: String,
    /// `owner`, `security`, `risk`…
    pub role: String,
    pub by: String,
    pub reason: String,
    /// RFC 3339, UTC.
    pub at: String,
}

/// A finding or requirement that somebody accepts for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exemption {
    pub id: String,
    /// The reason codes it covers; no wildcards.
    pub codes: Vec<String>,
    pub digest: Digest,
    pub reason: String,
    /// What reduces the risk meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensating_control: Option<String>,
    pub requested_by: String,
    /// Must differ from `requested_by`.
    pub approved_by: String,
    /// RFC 3339, UTC.
    pub not_before: String,
    /// RFC 3339, UTC.
    pub not_after: String,
}
