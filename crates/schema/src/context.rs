//! What a decision depends on besides the artifact.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Artifact, Evidence, Facts, Finding, Manifest, ManifestFault, Tool};

/// Where the model wants to go.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Experiment,
    Candidate,
    Production,
}

impl Stage {
    pub const ALL: [Self; 3] = [Self::Experiment, Self::Candidate, Self::Production];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Candidate => "candidate",
            Self::Production => "production",
        }
    }
}

/// The clock and the question. Policies never read the time any other way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Context {
    /// RFC 3339, UTC.
    pub now: String,
    pub stage: Stage,
    /// Who asks.
    pub actor: String,
    /// Digest of the manifest's text, that approvals are compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<String>,
    /// What the registry already knows under this name and version: the digest
    /// on record, when it differs from the artifact's, voids the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_digest: Option<String>,
    /// What is wrong with the manifest's text, when there is one and it could
    /// not be accepted; the manifest itself is then absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manifest_errors: Vec<ManifestFault>,
}

/// What Rego sees as `input`: the report without its verdict, and the context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PolicyInput {
    pub schema: String,
    pub tool: Tool,
    pub artifact: Artifact,
    pub manifest: Option<Manifest>,
    pub facts: Facts,
    pub findings: Vec<Finding>,
    pub evidence: Vec<Evidence>,
    pub context: Context,
}
