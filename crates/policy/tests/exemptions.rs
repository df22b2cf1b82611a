//! Exemptions waive what they name, for these bytes, for a while.
#![allow(clippy::expect_used, reason = "a test stops at what it did not expect")]

mod common;

use common::*;
use modelward_schema::{Decision, Effect, Evidence, PolicyInput, Severity, Verdict};

fn with(code: &str, severity: Severity, exemption: modelward_schema::Exemption) -> Verdict {
    let mut input = summary("production");
    input.findings = vec![finding(code, severity)];
    input.evidence = vec![Evidence::Exemption(exemption)];
    judge(&input)
}

#[test]
fn a_waived_reason_stays_listed_and_blocks_no_more() {
    let verdict = with(
        "pickle-calls-code",
        Severity::High,
        exemption("pickle-calls-code"),
    );
    assert_eq!(verdict.decision, Decision::Allow);
    assert_eq!(codes(&verdict), ["pickle-calls-code"]);
    let reason = &verdict.reasons[0];
    assert_eq!(reason.effect, Effect::Deny);
    assert_eq!(reason.waived_by.as_deref(), Some("ex-pickle-calls-code"));
    assert!(verdict.unblock.is_empty());
}

#[test]
fn an_ended_one_waives_nothing_and_is_reported() {
    let mut ended = exemption("pickle-calls-code");
    ended.not_after = "2026-06-01T12:00:00Z".to_owned();
    let verdict = with("pickle-calls-code", Severity::High, ended);
    assert_eq!(verdict.decision, Decision::Deny);
    assert_eq!(codes(&verdict), ["pickle-calls-code", "exemption-expired"]);
    assert!(
        verdict.reasons[1]
            .policy
            .starts_with("policies/exemptions.rego:")
    );
}

#[test]
fn one_that_matches_nothing_is_reported() {
    let verdict = with(
        "pickle-calls-code",
        Severity::High,
        exemption("graph-hides-branch"),
    );
    assert_eq!(verdict.decision, Decision::Deny);
    assert_eq!(codes(&verdict), ["pickle-calls-code", "exemption-unused"]);
}

#[test]
fn other_bytes_need_their_own() {
    let mut elsewhere = exemption("pickle-calls-code");
    elsewhere.digest = OTHER.to_owned();
    assert_eq!(
        with("pickle-calls-code", Severity::High, elsewhere).decision,
        Decision::Deny
    );
}

#[test]
fn nobody_grants_their_own_and_nobody_grants_everything() {
    let mut own = exemption("pickle-calls-code");
    own.approved_by = own.requested_by.clone();
    let mut all = exemption("pickle-calls-code");
    all.codes = vec!["*".to_owned()];
    for refused in [own, all] {
        let verdict = with("pickle-calls-code", Severity::High, refused);
        assert_eq!(verdict.decision, Decision::Deny);
        assert!(codes(&verdict).contains(&"exemption-invalid"));
    }
}

#[test]
fn what_is_critical_takes_a_compensating_control() {
    let mut plain = exemption("pickle-calls-code");
    assert_eq!(
        with("pickle-calls-code", Severity::Critical, plain.clone()).decision,
        Decision::Deny
    );
    plain.compensating_control = Some("runs in a sandbox without network".to_owned());
    assert_eq!(
        with("pickle-calls-code", Severity::Critical, plain).decision,
        Decision::Allow
    );
}

#[test]
fn an_incomplete_reading_is_never_allowed() {
    for stage in ["experiment", "candidate", "production"] {
        let mut input: PolicyInput = summary(stage);
        input.facts.coverage.complete = false;
        let mut all = exemption("read-incomplete");
        all.compensating_control = Some("none".to_owned());
        input.evidence = vec![Evidence::Exemption(all)];
        let verdict = judge(&input);
        assert_eq!(verdict.decision, Decision::Hold);
        assert_eq!(verdict.unblock, ["read-incomplete"]);
    }
}
