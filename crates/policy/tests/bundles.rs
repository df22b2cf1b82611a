//! A user's bundle adds to the shipped policies or stands in for the gate, and
//! cannot touch the core.
#![allow(clippy::expect_used, reason = "a test stops at what it did not expect")]

mod common;

use common::*;
use modelward_policy::{Policy, PolicyFile, run_tests};
use modelward_schema::{Decision, Severity};

fn load(files: &[(&str, &str)]) -> Result<Policy, String> {
    let files: Vec<PolicyFile<'_>> = files
        .iter()
        .map(|(name, text)| PolicyFile { name, text })
        .collect();
    Policy::load("ours", &files).map_err(|error| error.to_string())
}

const NAMES: &str = r#"package modelward.user.names

deny contains {
	"code": "name-banned",
	"severity": "high",
	"message": sprintf("the name %s is banned", [input.artifact.name]),
	"fix": "rename it",
	"frameworks": [],
} if {
	input.artifact.name in data.user.banned.names
}

warn contains {"code": "many-tensors", "message": "more than a name's worth"} if {
	count(input.facts.tensors) > 0
	data.modelward.tier.effective == "low"
}
"#;

#[test]
fn a_bundle_adds_its_reasons_with_their_places() {
    let policy = load(&[
        ("names.rego", NAMES),
        ("banned.yaml", "names: [sentiment]\n"),
    ])
    .expect("it loads");
    let mut input = summary("production");
    input.facts.tensors = vec![modelward_schema::Tensor {
        name: "w".to_owned(),
        dtype: "f32".to_owned(),
        shape: vec![1],
        at: modelward_schema::Location::file("a"),
        ..modelward_schema::Tensor::default()
    }];
    let verdict = policy.judge(&input).expect("judged");
    assert_eq!(verdict.decision, Decision::Deny);
    assert_eq!(codes(&verdict), ["name-banned", "many-tensors"]);
    assert_eq!(verdict.reasons[0].policy, "names.rego:3");
    assert_eq!(verdict.reasons[1].policy, "names.rego:13");
    assert_eq!(verdict.policy.name, "ours");
    assert_ne!(
        policy.digest(),
        Policy::built_in().expect("built in").digest()
    );
}

#[test]
fn a_bundle_that_replaces_the_gate_keeps_the_core() {
    let policy = load(&[
        ("ours.rego", "package modelward.user\n\nhold contains {\"code\": \"later\", \"message\": \"not today\"}\n"),
        ("bundle.toml", "replaces = true\n"),
    ])
    .expect("it loads");
    let mut input = access("production");
    assert_eq!(codes(&policy.judge(&input).expect("judged")), ["later"]);
    input.findings = vec![finding("pickle-calls-code", Severity::Critical)];
    input.facts.coverage.complete = false;
    let verdict = policy.judge(&input).expect("judged");
    assert_eq!(verdict.decision, Decision::Deny);
    assert_eq!(
        codes(&verdict),
        ["pickle-calls-code", "read-incomplete", "later"]
    );
}

#[test]
fn the_core_cannot_be_reached() {
    for (text, told) in [
        (
            "package modelward.core\n\ndeny := set()\n",
            "x.rego:1: package modelward.core is compiled in",
        ),
        (
            "package modelward[\"core\"]\n",
            "x.rego:1: package modelward.core is compiled in",
        ),
        (
            "# a\npackage modelward\n\ncore.deny := set()\n",
            "x.rego:2: package modelward is compiled in",
        ),
        (
            "package modelward.exemptions\n",
            "x.rego:1: package modelward.exemptions is compiled in",
        ),
        (
            "package modelward.gate\n",
            "x.rego:1: package modelward.gate is compiled in",
        ),
    ] {
        let error = load(&[("x.rego", text)]).expect_err("refused");
        assert!(error.starts_with(told), "{error}");
    }
}

#[test]
fn the_core_is_judged_apart_from_the_bundle() {
    // Whatever a bundle makes of the core's rules, it does so for itself.
    let policy = load(&[(
        "x.rego",
        "package modelward.user.x\n\nwarn contains {\"code\": \"seen\", \"message\": \"m\"} if count(data.modelward.core.deny) == 0 with data.modelward.core.deny as set()\n",
    )])
    .expect("it loads");
    let mut input = summary("experiment");
    input.findings = vec![finding("pickle-calls-code", Severity::Critical)];
    assert_eq!(
        policy.judge(&input).expect("judged").decision,
        Decision::Deny
    );
}

#[test]
fn errors_are_one_sentence_with_a_place() {
    for (text, told) in [
        (
            "package modelward.user\n\ndeny contains 1 if time.now_ns() > 0\n",
            "x.rego:3: time.now_ns reads the clock; use input.context.now",
        ),
        (
            "package modelward.user\n\ndeny contains {\n",
            "x.rego:4:1: ",
        ),
        (
            "package modelward.user\n\ndeny contains x if { x := http.send({}) }\n",
            "x.rego:3: http.send reaches the network; put what is needed into a data file",
        ),
    ] {
        let error = load(&[("x.rego", text)]).expect_err("refused");
        assert!(error.starts_with(told), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let policy =
        load(&[("x.rego", "package modelward.user\n\ndeny contains \"no\"\n")]).expect("it loads");
    let error = policy
        .judge(&summary("production"))
        .expect_err("no reason")
        .to_string();
    assert!(
        error.starts_with("x.rego:3: a member of deny is not a reason"),
        "{error}"
    );
}

#[test]
fn an_endless_policy_is_stopped() {
    let text = "package modelward.user\n\ndeny contains {\"code\": \"x\", \"message\": \"m\"} if {\n\tcount([1 | some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); a == b + 200000]) > 0\n}\n";
    let policy = load(&[("x.rego", text)]).expect("it loads");
    let start = std::time::Instant::now();
    assert!(policy.judge(&summary("production")).is_err());
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn a_bundles_tests_run() {
    let test = "package modelward.user.names_test\n\nimport data.modelward.user.names\n\ntest_a_banned_name_is_denied if {\n\tcount(names.deny) == 1 with input as {\"artifact\": {\"name\": \"evil\"}} with data.user.banned.names as [\"evil\"]\n}\n\ntest_this_fails if count(names.deny) == 5 with input as {}\n";
    let outcomes = run_tests(&[
        PolicyFile {
            name: "names.rego",
            text: NAMES,
        },
        PolicyFile {
            name: "names_test.rego",
            text: test,
        },
        PolicyFile {
            name: "banned.json",
            text: "{\"names\": []}",
        },
    ])
    .expect("they load");
    let passed: Vec<bool> = outcomes.iter().map(|outcome| outcome.passed).collect();
    assert_eq!(passed, [true, false], "{outcomes:?}");
    assert_eq!(outcomes[0].place, "names_test.rego:5");
}
