//! The shipped policies decide as their data say.
#![allow(clippy::expect_used, reason = "a test stops at what it did not expect")]

mod common;

use common::*;
use modelward_schema::{Decision, Gap, Location, Severity, Tier, Why};

#[test]
fn three_use_cases_take_three_paths_to_approval() {
    let low = judge(&summary("production"));
    assert_eq!(
        (low.tier, low.decision),
        (Tier::Low, Decision::Allow),
        "{:?}",
        codes(&low)
    );

    let mut medium = letters("production");
    let verdict = judge(&medium);
    assert_eq!(
        (verdict.tier, verdict.decision),
        (Tier::Medium, Decision::Deny)
    );
    assert_eq!(verdict.unblock, ["approval-missing"]);
    medium
        .evidence
        .push(approval("owner", "olga@example.org", "production"));
    assert_eq!(judge(&medium).decision, Decision::Allow);

    let mut critical = access("production");
    assert_eq!(judge(&critical).tier, Tier::Critical);
    for (role, by) in [("owner", "olga"), ("security", "sven"), ("risk", "rosa")] {
        assert_eq!(judge(&critical).decision, Decision::Deny);
        critical.evidence.push(approval(role, by, "production"));
    }
    let verdict = judge(&critical);
    assert_eq!(verdict.decision, Decision::Allow, "{:#?}", verdict.reasons);
}

#[test]
fn every_reason_names_its_rule() {
    let mut input = access("production");
    input.manifest = None;
    input.findings = vec![
        finding("pickle-calls-code", Severity::Critical),
        finding("container-lies", Severity::Medium),
    ];
    input.facts.coverage.complete = false;
    input.facts.coverage.gaps = vec![Gap {
        why: Why::Truncated,
        message: "the file ends early".to_owned(),
        at: Location::file("a"),
    }];
    let verdict = judge(&input);
    for reason in &verdict.reasons {
        let (file, line) = reason.policy.rsplit_once(':').expect("file:line");
        let file = modelward_policy::shipped()
            .find(|shipped| shipped.name == file)
            .expect("a file");
        let line: usize = line.parse().expect("a line");
        let text = file.text.lines().nth(line - 1).expect("in it");
        assert!(text.contains("contains "), "{}: {text}", reason.policy);
    }
    assert_eq!(verdict.decision, Decision::Deny);
}
