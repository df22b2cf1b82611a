//! What the registry keeps.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Approval, Decision, Digest, Exemption, Stage};

/// One decision, as `modelward log` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionRecord {
    /// Counts up from 1 within a registry.
    pub number: i64,
    pub name: String,
    pub version: Option<String>,
    /// The artifact's digest, `unidentified` when it has none.
    pub artifact: Digest,
    pub stage: Stage,
    pub decision: Decision,
    pub actor: String,
    /// The codes that decided, or `nothing against it`.
    pub reason: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// SHA-256 of the stored report.
    pub report: Digest,
    /// Digest of the policy that judged.
    pub policy: Digest,
}

/// All that is kept of a model, or of one version of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Passport {
    pub name: String,
    /// By the age of their latest decision, the newest first.
    pub versions: Vec<VersionRecord>,
    /// The newest first.
    pub decisions: Vec<DecisionRecord>,
    /// For any artifact that was judged under this name and version.
    pub approvals: Vec<Approval>,
    pub exemptions: Vec<Exemption>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionRecord {
    pub version: String,
    /// The artifact that this version names for good: the first that was
    /// allowed under it.
    pub bound: Option<Digest>,
    pub latest: DecisionRecord,
    /// The manifest's text at the latest decision that had one.
    pub manifest: Option<String>,
}

/// One line of the append-only log. `hash` is SHA-256 over the canonical JSON
/// of `(sequence, at, event, body, previous)`; the first line's `previous` is
/// 64 zeros.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogEntry {
    pub sequence: i64,
    /// RFC 3339, UTC.
    pub at: String,
    pub event: LogEvent,
    /// The event's own document.
    pub body: serde_json::Value,
    pub previous: String,
    pub hash: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogEvent {
    Decision,
    Approval,
    Exemption,
    /// A signed statement.
    Evidence,
}
