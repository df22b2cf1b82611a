//! Reports and statements to record.

use modelward_registry::Registry;
use modelward_schema::{
    Approval, Artifact, Context, Decision, DecisionRecord, Effect, Exemption, Facts, PolicyRef,
    REPORT_SCHEMA, Reason, Report, Severity, Source, SourceKind, Stage, Tier, Tool, Verdict,
};

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

pub(crate) fn report(name: &str, version: &str, artifact: &str, decision: Decision) -> Report {
    Report {
        schema: REPORT_SCHEMA.to_owned(),
        tool: Tool {
            name: "modelward".to_owned(),
            version: "0.1.0".to_owned(),
            sandbox: modelward_schema::Sandbox::default(),
        },
        artifact: Artifact {
            name: name.to_owned(),
            version: Some(version.to_owned()),
            digest: Some(artifact.to_owned()),
            source: Source {
                kind: SourceKind::Folder,
                given: "./model".to_owned(),
                repo: None,
                revision: None,
            },
            size: 3,
            files: Vec::new(),
        },
        manifest: None,
        facts: Facts::default(),
        findings: Vec::new(),
        evidence: Vec::new(),
        verdict: Some(Verdict {
            decision,
            reasons: Vec::new(),
            facets: Vec::new(),
            unblock: Vec::new(),
            stage: Stage::Production,
            tier: Tier::Low,
            policy: PolicyRef {
                name: "built-in".to_owned(),
                digest: digest('f'),
            },
            now: "2026-01-02T03:04:05Z".to_owned(),
        }),
        context: Some(Context {
            now: "2026-01-02T03:04:05Z".to_owned(),
            stage: Stage::Production,
            actor: "ada".to_owned(),
            manifest_digest: None,
            registered_digest: None,
        }),
    }
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
