//! A rule's judgement of facts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Location;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The rule's id, kebab-case: `pickle-calls-code`.
    pub rule: String,
    pub severity: Severity,
    pub confidence: Confidence,
    /// One sentence in the present tense, lower case, no full stop:
    /// loading it runs the command `os.system("id")`.
    pub message: String,
    /// Never empty; the first is the primary one. Repeated findings of one rule
    /// with one message are folded into one with many locations.
    pub locations: Vec<Location>,
    /// What to do about it, one sentence or a command to paste.
    pub fix: String,
    /// Ids in public frameworks: `CWE-502`, `AML.T0011.000`, `LLM03:2025`, `PR.PS-05`.
    pub frameworks: Vec<String>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 5] = [
        Self::Info,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How sure the rule is that what it says is true; not how bad it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    Low,
    Medium,
    High,
}
