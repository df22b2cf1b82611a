//! The document that policies see. A bundle sees all of it; the shipped
//! policies see what they read, so that a model of a million tensors is judged
//! as fast as a small one.

use std::collections::BTreeMap;

use modelward_schema::{Confidence, Finding, PolicyInput, Reference, ReferenceKind, Severity};
use regorus::Value;
use serde_json::{Map, json};

use crate::PolicyError;

/// Findings kept for each rule, severity and confidence: more of the same
/// change no decision, and the report lists them all.
const MAX_ALIKE: usize = 100;
const MAX_GAPS: usize = 50;
const MAX_REFERENCES: usize = 100;

fn broken(error: &serde_json::Error) -> PolicyError {
    PolicyError::Evaluation(format!("the input is not a document: {error}"))
}

pub(crate) fn full(input: &PolicyInput) -> Result<Value, PolicyError> {
    serde_json::to_value(input)
        .map(Value::from)
        .map_err(|error| broken(&error))
}

pub(crate) fn trimmed(input: &PolicyInput) -> Result<Value, PolicyError> {
    let coverage = &input.facts.coverage;
    let gaps: Vec<_> = coverage.gaps.iter().take(MAX_GAPS).collect();
    let references: Vec<&Reference> = input
        .facts
        .references
        .iter()
        .filter(|reference| reference.kind == ReferenceKind::BaseModel)
        .take(MAX_REFERENCES)
        .collect();
    let artifact = &input.artifact;
    let document = || -> Result<serde_json::Value, serde_json::Error> {
        let mut out = Map::new();
        let mut put = |key: &str, value: serde_json::Value| out.insert(key.to_owned(), value);
        put("schema", json!(input.schema));
        let mut told = json!({
            "name": artifact.name,
            "source": serde_json::to_value(&artifact.source)?,
            "size": artifact.size,
        });
        if let Some(version) = &artifact.version {
            told["version"] = json!(version);
        }
        if let Some(digest) = &artifact.digest {
            told["digest"] = json!(digest);
        }
        put("artifact", told);
        put("manifest", serde_json::to_value(&input.manifest)?);
        put(
            "facts",
            json!({
                "coverage": {
                    "complete": coverage.complete,
                    "bytes_read": coverage.bytes_read,
                    "count": coverage.gaps.len(),
                    "gaps": serde_json::to_value(gaps)?,
                },
                "references": serde_json::to_value(references)?,
            }),
        );
        put("findings", serde_json::to_value(alike(&input.findings))?);
        put("evidence", serde_json::to_value(&input.evidence)?);
        put("context", serde_json::to_value(&input.context)?);
        Ok(serde_json::Value::Object(out))
    };
    document().map(Value::from).map_err(|error| broken(&error))
}

fn alike(findings: &[Finding]) -> Vec<&Finding> {
    let mut counts: BTreeMap<(&str, Severity, Confidence), usize> = BTreeMap::new();
    findings
        .iter()
        .filter(|finding| {
            let key = (finding.rule.as_str(), finding.severity, finding.confidence);
            let count = counts.entry(key).or_default();
            *count = count.saturating_add(1);
            *count <= MAX_ALIKE
        })
        .collect()
}
