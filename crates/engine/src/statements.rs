//! What this program itself states of a model: what a scan found, what the gate
//! decided.

use std::collections::BTreeMap;

use modelward_schema::{Decision, Evidence, Report, Standing};
use modelward_trust::evidence::{
    PolicyReference, Resource, ScanCoverage, ScanFinding, ScanReport, Verdict, Verification,
    Verifier,
};
use serde_json::{Map, json};

use crate::gate::digest_of_bytes;

/// A scan, without its facts.
pub fn scan(report: &Report, now: &str) -> Result<ScanReport, serde_json::Error> {
    let mut counted: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for finding in &report.findings {
        let key = (finding.rule.as_str(), finding.severity.as_str());
        let count = counted.entry(key).or_default();
        *count = count.saturating_add(1);
    }
    let coverage = &report.facts.coverage;
    Ok(ScanReport {
        scanner: Map::from_iter([
            ("name".to_owned(), json!(report.tool.name)),
            ("version".to_owned(), json!(report.tool.version)),
        ]),
        at: now.to_owned(),
        report: digest_of_bytes(&serde_json::to_vec(report)?),
        coverage: ScanCoverage {
            complete: coverage.complete,
            files: report.artifact.files.len() as u64,
            bytes: coverage.bytes_read,
            gaps: coverage.gaps.len() as u64,
        },
        findings: counted
            .into_iter()
            .map(|((rule, severity), count)| ScanFinding {
                rule: rule.to_owned(),
                severity: severity.to_owned(),
                count,
            })
            .collect(),
        rest: Map::new(),
    })
}

/// A decision, passed or not; absent for a report without a verdict.
pub fn verdict(report: &Report) -> Option<Verdict> {
    let verdict = report.verdict.as_ref()?;
    let name = &report.artifact.name;
    let version = report.artifact.version.as_deref().unwrap_or("unversioned");
    let passed = verdict.decision == Decision::Allow;
    let looked_at = report.evidence.iter().filter_map(|stated| match stated {
        Evidence::Statement(statement) if statement.standing == Standing::Verified => {
            Some(Resource::named(&statement.claim, statement.id.as_deref()?))
        }
        _ => None,
    });
    let hex = verdict.policy.digest.trim_start_matches("sha256:");
    Some(Verdict {
        verifier: Verifier {
            id: "https://modelward.dev/gate".to_owned(),
            version: BTreeMap::from([(report.tool.name.clone(), report.tool.version.clone())]),
        },
        time_verified: verdict.now.clone(),
        resource_uri: format!("modelward:{name}@{version}?for={}", verdict.stage.as_str()),
        policy: PolicyReference {
            uri: format!("modelward:policy/{}", verdict.policy.name),
            digest: BTreeMap::from([("sha256".to_owned(), hex.to_owned())]),
        },
        input_attestations: looked_at.collect(),
        verification_result: if passed {
            Verification::Passed
        } else {
            Verification::Failed
        },
        verified_levels: if passed {
            vec![format!(
                "MODELWARD_STAGE_{}",
                verdict.stage.as_str().to_uppercase()
            )]
        } else {
            Vec::new()
        },
        slsa_version: Some("1.2".to_owned()),
        decision: verdict.decision.as_str().to_owned(),
        reasons: verdict.unblock.clone(),
        rest: Map::new(),
    })
}
