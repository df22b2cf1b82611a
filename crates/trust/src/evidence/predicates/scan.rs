//! What a scan read and found, without the facts, which may be large: the
//! report's digest names them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lacking;
use crate::evidence::{Kind, Predicate};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanReport {
    /// Name and version of the program.
    pub scanner: Map<String, Value>,
    /// RFC 3339, UTC.
    pub at: String,
    /// `sha256:` of the whole report's JSON.
    pub report: String,
    pub coverage: ScanCoverage,
    /// One for each rule and severity.
    pub findings: Vec<ScanFinding>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanCoverage {
    /// Whether everything was read; when not, nothing found means nothing.
    pub complete: bool,
    pub files: u64,
    pub bytes: u64,
    pub gaps: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanFinding {
    pub rule: String,
    pub severity: String,
    pub count: u64,
}

impl Predicate for ScanReport {
    const KIND: Kind = Kind::Scan;

    fn faults(&self) -> Vec<String> {
        lacking(&[("at", &self.at), ("report", &self.report)])
    }
}
