//! The one document: printed, stored, and judged by policy.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Artifact, Context, Evidence, Facts, Finding, Manifest, Verdict};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// [`crate::REPORT_SCHEMA`].
    pub schema: String,
    pub tool: Tool,
    pub artifact: Artifact,
    /// Absent (`null`) when the artifact has none.
    pub manifest: Option<Manifest>,
    pub facts: Facts,
    pub findings: Vec<Finding>,
    pub evidence: Vec<Evidence>,
    /// `null` for a scan, which decides nothing.
    pub verdict: Option<Verdict>,
    /// What the verdict was judged with; `null` for a scan.
    #[serde(default)]
    pub context: Option<Context>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tool {
    pub name: String,
    pub version: String,
    /// What confined the process that read the bytes.
    pub sandbox: Sandbox,
}

/// Each is true when it was in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own"
)]
pub struct Sandbox {
    /// The bytes were read in a child process.
    pub process: bool,
    pub landlock: bool,
    pub seccomp: bool,
    pub rlimits: bool,
}
