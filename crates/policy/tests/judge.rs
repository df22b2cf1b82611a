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

#[test]
fn the_same_question_has_the_same_answer_byte_for_byte() {
    let mut input = access("production");
    input.findings = vec![
        finding("pickle-calls-code", Severity::Critical),
        finding("container-lies", Severity::Medium),
        finding("alpha", Severity::Medium),
    ];
    let text = |input: &_| serde_json::to_string(&judge(input)).expect("JSON");
    let first = text(&input);
    for _ in 0..3 {
        assert_eq!(text(&input), first);
    }
    input.findings.reverse();
    assert_eq!(text(&input), first, "the order of findings does not matter");
}

#[test]
fn an_explanation_tells_what_is_asked_and_what_is_met() {
    let explanation = modelward_policy::Policy::built_in()
        .and_then(|policy| policy.explain(&access("production")))
        .expect("explained");
    assert_eq!(explanation.derived, Tier::Critical);
    assert_eq!(
        explanation.causes[0].because,
        "it decides on regulated data"
    );
    let control = |name: &str| {
        explanation
            .required
            .iter()
            .find(|control| control.control == name)
            .expect("a control")
    };
    assert!(!control("approvals").met);
    assert!(control("scope").met);
    assert_eq!(explanation.fired[0].code, "approval-missing");
    assert_eq!(explanation.fired[0].count, 3);
    assert!(
        explanation.fired[0]
            .policy
            .starts_with("policies/gate/approvals.rego:")
    );
}

#[test]
fn thousands_of_findings_are_folded_without_changing_the_answer() {
    let mut input = summary("production");
    input.findings = (0..5000)
        .map(|number| {
            let mut one = finding("container-lies", Severity::Medium);
            one.message = format!("lie {number}");
            one
        })
        .collect();
    let verdict = judge(&input);
    assert_eq!(verdict.decision, Decision::Hold);
    assert_eq!(verdict.unblock, ["container-lies"]);
    assert!(verdict.reasons.len() <= 100);
}

#[test]
fn every_control_that_a_policy_names_is_in_the_requirements() {
    let files: Vec<_> = modelward_policy::shipped().collect();
    let requirements = files
        .iter()
        .find(|file| file.name.ends_with("requirements.json"))
        .expect("requirements");
    let known: serde_json::Value = serde_json::from_str(requirements.text).expect("JSON");
    let known = &known["modelward"]["requirements"]["controls"];
    for file in files
        .iter()
        .filter(|file| file.name.starts_with("policies/gate/"))
    {
        for part in file.text.split("{\"control\": \"").skip(1) {
            let name = part.split('"').next().expect("a name");
            assert!(known.get(name).is_some(), "{}: {name}", file.name);
        }
    }
}
