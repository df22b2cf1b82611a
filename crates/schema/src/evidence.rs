//! Statements about an artifact: what the registry vouches for, and signed ones
//! that travel with the model.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Digest;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Evidence {
    Approval(Approval),
    Exemption(Exemption),
    /// A signed statement and whether it counts.
    Statement(SignedStatement),
    /// What the statements that count amount to, from origin to artifact.
    Chain(Chain),
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

/// An in-toto statement as it was found, and what the trust root says to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SignedStatement {
    /// Digest of the signed payload; absent when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Digest>,
    /// `claims.jsonl:3`, `model.sig`, `registry`.
    pub place: String,
    /// `provenance`, `approval`…; the predicate's URI when it is of another kind.
    pub claim: String,
    pub predicate_type: String,
    /// The digests it speaks of.
    pub subjects: Vec<Digest>,
    pub about: About,
    pub standing: Standing,
    /// Why it does not count: a stable word and a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<EvidenceProblem>,
    /// Who signed it, by the trust root's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The key's hint, or the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it existed at the latest, as somebody else than the signer proves:
    /// RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What it says; `null` when that is very long.
    #[serde(default)]
    pub predicate: serde_json::Value,
}

/// Whose bytes a statement speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The artifact's.
    Artifact,
    /// Those of something that it was made from.
    Ancestor,
    /// Others with the same tensors: another container, or a copy whose metadata
    /// are gone. Nothing that was said of those bytes counts for these.
    SameTensors,
    /// Others.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Verified,
    Refused,
    /// There was no trust root to judge it by.
    Unjudged,
}

/// Something wrong with evidence: a stable code, a sentence, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceProblem {
    pub code: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fix: String,
}

/// How the artifact came to be, step by step, as signed and counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Chain {
    pub digest: Digest,
    /// The artifact first, then what it was made from, breadth first.
    pub hops: Vec<Hop>,
    /// Of 100: how many hops are signed and tell how they came to be.
    pub completeness: u8,
    /// Gaps, each naming its hop.
    pub problems: Vec<EvidenceProblem>,
    pub custody: Custody,
    /// Who signed how the artifact or an ancestor was made; they cannot approve it.
    pub makers: Vec<String>,
}

/// One model on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hop {
    pub digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it was made: `quantize`, `fine-tune`…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Who signed that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<String>,
    /// The provenance statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Digest>,
    /// When it was made, as the record says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Who signed its bytes.
    pub signed_by: Vec<String>,
    /// What it was made from and with.
    pub inputs: Vec<HopInput>,
    /// The best grade that a conversion proof states of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HopInput {
    /// `base`, `dataset`, `code`, `tool`…
    pub role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `sha256:…`, or `gitCommit:…`; absent when nothing pins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Who had the model, when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Custody {
    pub holders: Vec<Holder>,
    /// Gaps, overlaps, roots that changed with no record.
    pub problems: Vec<EvidenceProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holder {
    pub who: String,
    pub digest: Digest,
    /// RFC 3339, UTC; absent for who had it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Absent for who has it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}
