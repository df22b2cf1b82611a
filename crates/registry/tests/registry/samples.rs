//! Reports and statements to record.

use modelward_registry::Registry;
use modelward_schema::{
    Approval, Decision, DecisionRecord, Effect, Exemption, REPORT_SCHEMA, Reason, Report, Severity,
};
use serde_json::json;

pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

pub(crate) fn reason(code: &str, effect: Effect) -> Reason {
    Reason {
        code: code.to_owned(),
        effect,
        severity: Severity::High,
        message: "loading it runs a command".to_owned(),
        fix: "remove it".to_owned(),
        policy: "core.rego:1".to_owned(),
        frameworks: Vec::new(),
        locations: Vec::new(),
        waived_by: None,
    }
}

/// From JSON, so that members added to a report later need no mention here.
pub(crate) fn report(name: &str, version: &str, artifact: &str, decision: Decision) -> Report {
    let now = "2026-01-02T03:04:05Z";
    serde_json::from_value(json!({
        "schema": REPORT_SCHEMA,
        "tool": {"name": "modelward", "version": "0.1.0", "sandbox": {}},
        "artifact": {
            "name": name,
            "version": version,
            "digest": artifact,
            "source": {"kind": "folder", "given": "./model"},
            "size": 3,
            "files": [],
        },
        "manifest": null,
        "facts": {},
        "findings": [],
        "evidence": [],
        "verdict": {
            "decision": decision,
            "reasons": [],
            "facets": [],
            "unblock": [],
            "stage": "production",
            "tier": "low",
            "policy": {"name": "built-in", "digest": digest('f')},
            "now": now,
        },
        "context": {"now": now, "stage": "production", "actor": "ada"},
    }))
    .unwrap()
}

pub(crate) fn decide(
    registry: &Registry,
    name: &str,
    version: &str,
    artifact: &str,
    decision: Decision,
) -> DecisionRecord {
    let report = report(name, version, artifact, decision);
    let json = serde_json::to_vec(&report).unwrap();
    registry
        .record_decision(&report, &json, Some("name: sentiment\n"))
        .unwrap()
}

pub(crate) fn approval(artifact: &str) -> Approval {
    Approval {
        id: String::new(),
        digest: artifact.to_owned(),
        manifest: digest('e'),
        stage: "production".to_owned(),
        role: "security".to_owned(),
        by: "grace".to_owned(),
        reason: "read the report".to_owned(),
        at: String::new(),
    }
}

pub(crate) fn exemption(artifact: &str) -> Exemption {
    Exemption {
        id: String::new(),
        codes: vec!["pickle-calls-code".to_owned()],
        digest: artifact.to_owned(),
        reason: "runs only in the test bench".to_owned(),
        compensating_control: Some("no network".to_owned()),
        requested_by: "ada".to_owned(),
        approved_by: "grace".to_owned(),
        not_before: "2026-01-01T00:00:00Z".to_owned(),
        not_after: "2026-02-01T00:00:00Z".to_owned(),
    }
}
