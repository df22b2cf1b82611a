//! Inputs to judge: three use cases, and ways to bend them.
#![allow(dead_code, reason = "each test file uses its share")]
#![allow(clippy::expect_used, reason = "a test stops at what it did not expect")]

use modelward_policy::Policy;
use modelward_schema::{
    Approval, Confidence, Evidence, Exemption, Finding, Location, PolicyInput, Severity, Verdict,
};
use serde_json::{Value, json};

pub(crate) const BYTES: &str =
    "sha256:1111111111111111111111111111111111111111111111111111111111111111";
pub(crate) const OTHER: &str =
    "sha256:2222222222222222222222222222222222222222222222222222222222222222";
pub(crate) const MANIFEST: &str =
    "sha256:3333333333333333333333333333333333333333333333333333333333333333";

fn input(manifest: &Value, stage: &str) -> PolicyInput {
    serde_json::from_value(json!({
        "schema": "modelward.report/1",
        "tool": { "name": "modelward", "version": "0.1.0", "sandbox": {} },
        "artifact": {
            "name": "sentiment", "version": "1.4.0", "digest": BYTES,
            "source": { "kind": "folder", "given": "./sentiment" },
            "size": 10, "files": []
        },
        "manifest": manifest,
        "facts": { "coverage": { "complete": true, "bytes_read": 10, "gaps": [] } },
        "findings": [],
        "evidence": [],
        "context": {
            "now": "2026-06-01T12:00:00Z", "stage": stage, "actor": "ci@example.org",
            "manifest_digest": MANIFEST
        }
    }))
    .expect("the sample is an input")
}

/// Summarises internal notes, offline.
pub(crate) fn summary(stage: &str) -> PolicyInput {
    input(
        &json!({
            "schema": "modelward.manifest/1", "name": "notes", "version": "0.3.0",
            "owner": { "team": "research" },
            "use_case": { "id": "UC-1", "intended_use": "summarises internal notes", "influences": ["summarisation"] },
            "capabilities": { "offline": true },
            "tags": { "data": "internal", "exposure": "internal", "domain": "research" },
            "source": { "kind": "open-weights", "url": "https://huggingface.co/org/notes", "revision": "0123456789012345678901234567890123456789", "publisher": "org" },
            "parents": [{ "ref": "hf:org/base@0123456", "transformation": "fine-tune" }]
        }),
        stage,
    )
}

/// Sorts customers' letters.
pub(crate) fn letters(stage: &str) -> PolicyInput {
    input(
        &json!({
            "schema": "modelward.manifest/1", "name": "letters", "version": "2.0.0",
            "owner": { "team": "service" },
            "use_case": { "id": "UC-7", "intended_use": "sorts letters by subject", "influences": ["triage"] },
            "capabilities": { "customer_data": "customer" },
            "tags": { "data": "customer", "exposure": "internal", "domain": "service" },
            "source": { "kind": "internal", "revision": "v2.0.0" },
            "training": { "data": [{ "ref": "s3://data/letters@7" }], "code": { "ref": "git:train", "revision": "abc" }, "by": "tina@example.org" },
            "parents": [{ "ref": "hf:org/base", "digest": OTHER, "transformation": "fine-tune" }]
        }),
        stage,
    )
}

/// Decides who gets in, on regulated data.
pub(crate) fn access(stage: &str) -> PolicyInput {
    input(
        &json!({
            "schema": "modelward.manifest/1", "name": "door", "version": "1.0.0",
            "owner": { "person": "olga@example.org" },
            "use_case": { "id": "UC-9", "intended_use": "decides on access to records", "influences": ["access"] },
            "capabilities": { "makes_decisions": true, "customer_data": "regulated" },
            "tags": { "data": "regulated", "exposure": "internal", "domain": "health" },
            "source": { "kind": "internal", "revision": "v1.0.0" },
            "training": { "data": [{ "ref": "s3://data/access@1" }], "code": { "ref": "git:train", "revision": "abc" }, "by": "tina@example.org" },
            "parents": [{ "ref": "hf:org/base", "digest": OTHER, "transformation": "fine-tune" }],
            "scope": { "environments": ["production"] },
            "expires": "2026-12-31"
        }),
        stage,
    )
}

pub(crate) fn judge(input: &PolicyInput) -> Verdict {
    Policy::built_in()
        .and_then(|policy| policy.judge(input))
        .expect("the shipped policies judge")
}

pub(crate) fn codes(verdict: &Verdict) -> Vec<&str> {
    verdict
        .reasons
        .iter()
        .map(|reason| reason.code.as_str())
        .collect()
}

pub(crate) fn finding(rule: &str, severity: Severity) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity,
        confidence: Confidence::High,
        message: format!("{rule} was found"),
        locations: vec![Location::bytes("head.pt", 4, 2)],
        fix: "re-export it".to_owned(),
        frameworks: vec!["CWE-502".to_owned()],
    }
}

pub(crate) fn approval(role: &str, by: &str, stage: &str) -> Evidence {
    Evidence::Approval(Approval {
        id: format!("approval-{role}-{by}"),
        digest: BYTES.to_owned(),
        manifest: MANIFEST.to_owned(),
        stage: stage.to_owned(),
        role: role.to_owned(),
        by: by.to_owned(),
        reason: "looked at it".to_owned(),
        at: "2026-05-30T10:00:00Z".to_owned(),
    })
}

pub(crate) fn exemption(code: &str) -> Exemption {
    Exemption {
        id: format!("ex-{code}"),
        codes: vec![code.to_owned()],
        digest: BYTES.to_owned(),
        reason: "known class of our own".to_owned(),
        compensating_control: None,
        requested_by: "rita@example.org".to_owned(),
        approved_by: "sam@example.org".to_owned(),
        not_before: "2026-05-01T00:00:00Z".to_owned(),
        not_after: "2026-07-01T00:00:00Z".to_owned(),
    }
}
