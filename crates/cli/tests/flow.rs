//! What a user does, from a fresh folder to a decision on record.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

mod common;

use common::{World, json_lines};

#[test]
fn an_honest_model_is_allowed_and_on_record() {
    let world = World::new();
    let model = world.example("digits-safetensors");
    let gated = world.run(&[
        "gate",
        &model,
        "--for",
        "candidate",
        "--as",
        "bo@example.org",
    ]);
    assert_eq!(gated.code, 0, "{gated}");
    assert!(gated.stdout.contains("ALLOW"), "{gated}");

    let log = world.run(&["log", "--format", "json"]);
    let decisions = json_lines(&log.stdout);
    assert_eq!(decisions.len(), 1, "{log}");
    assert_eq!(decisions[0]["decision"], "allow");
    assert_eq!(decisions[0]["actor"], "bo@example.org");
    assert!(
        decisions[0]["artifact"]
            .as_str()
            .is_some_and(|d| d.starts_with("sha256:"))
    );

    assert_eq!(world.run(&["log", "--verify"]).code, 0);
    let shown = world.run(&["show", "digits"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(
        shown.stdout.contains("team digits") || shown.stdout.contains("digits"),
        "{shown}"
    );
    let replayed = world.run(&["replay", "1"]);
    assert_eq!(replayed.code, 0, "{replayed}");
    assert!(
        replayed.stdout.contains("the verdict is the same"),
        "{replayed}"
    );
}

#[test]
fn a_model_that_runs_a_command_is_denied_with_its_reason_and_fix() {
    let world = World::new();
    let model = world.example("attacked-forest");
    let gated = world.run(&["gate", &model, "--format", "json"]);
    assert_eq!(gated.code, 1, "{gated}");
    let report = &json_lines(&gated.stdout)[0];
    assert_eq!(report["verdict"]["decision"], "deny");
    let reasons = report["verdict"]["reasons"].as_array().expect("reasons");
    let call = reasons.iter().find(|r| {
        r["message"]
            .as_str()
            .is_some_and(|m| m.contains("os.system") || m.contains("posix.system"))
    });
    let call = call.unwrap_or_else(|| panic!("{reasons:#?}"));
    assert_eq!(call["severity"], "critical");
    for member in ["code", "fix", "policy"] {
        assert!(
            call[member].as_str().is_some_and(|text| !text.is_empty()),
            "{call}"
        );
    }
    assert!(
        call["frameworks"]
            .as_array()
            .is_some_and(|ids| !ids.is_empty()),
        "{call}"
    );
    let explained = world.run(&["explain", call["code"].as_str().unwrap_or_default()]);
    assert_eq!(explained.code, 0, "{explained}");
}

#[test]
fn the_bytes_of_an_allowed_version_cannot_be_swapped() {
    let world = World::new();
    let model = world.example("digits-safetensors");
    assert_eq!(world.run(&["gate", &model]).code, 0);
    let config = format!("{model}/config.json");
    std::fs::write(&config, "{\"model_type\": \"mlp\", \"hidden_size\": 33}\n").expect("a file");
    let gated = world.run(&["gate", &model, "--format", "json"]);
    assert_eq!(gated.code, 1, "{gated}");
    assert!(gated.stdout.contains("digest-changed"), "{gated}");
}

#[test]
fn approvals_and_exemptions_speak_of_these_bytes_only() {
    let world = World::new();
    let model = world.example("digits-safetensors");
    world.run(&[
        "gate",
        &model,
        "--for",
        "production",
        "--as",
        "bo@example.org",
    ]);
    let approve = |who: &str, role: &str| {
        world.run(&[
            "approve",
            "digits@1.0.0",
            "--role",
            role,
            "--reason",
            "reviewed",
            "--as",
            who,
        ])
    };
    assert_eq!(approve("cy@example.org", "owner").code, 0);
    let own = world.run(&[
        "exempt",
        "digits@1.0.0",
        "--code",
        "scope-missing",
        "--reason",
        "pilot",
        "--requested-by",
        "cy@example.org",
        "--as",
        "cy@example.org",
        "--until",
        "2099-01-01",
    ]);
    assert_eq!(own.code, 64, "nobody exempts themselves: {own}");
    let unknown = world.run(&[
        "approve",
        "digits@9.9.9",
        "--role",
        "owner",
        "--reason",
        "x",
    ]);
    assert_eq!(unknown.code, 64, "{unknown}");
    let shown = world.run(&["show", "digits@1.0.0", "--format", "json"]);
    assert!(shown.stdout.contains("cy@example.org"), "{shown}");
    assert_eq!(world.run(&["log", "--verify"]).code, 0);
}

#[test]
fn a_scan_records_nothing_and_its_exit_code_tells() {
    let world = World::new();
    let code = |args: &[&str]| world.run(args).code;
    assert_eq!(code(&["scan", &world.example("digits-forest")]), 0);
    assert_eq!(code(&["scan", &world.example("attacked-torch")]), 1);
    assert_eq!(code(&["scan", "/nowhere/at/all"]), 64);
    assert_eq!(code(&["scan"]), 64);
    assert_eq!(code(&["scan", "--fail-on", "terrible", "x"]), 64);
    assert!(!world.registry().exists(), "a scan leaves no registry");
}

#[test]
fn every_format_of_the_answer_is_written() {
    let world = World::new();
    let model = world.example("attacked-gguf");
    for format in [
        "text", "json", "sarif", "junit", "github", "gitlab", "markdown", "html",
    ] {
        let scanned = world.run(&["scan", &model, "--format", format]);
        assert_eq!(scanned.code, 1, "{format}: {scanned}");
        assert!(
            !scanned.stdout.is_empty() && !scanned.stdout.contains('\u{1b}'),
            "{format}"
        );
        assert!(scanned.stdout.contains("template"), "{format}: {scanned}");
    }
    let file = world.path("out.sarif");
    let scanned = world.run(&["scan", &model, "--output", &file]);
    assert_eq!((scanned.code, scanned.stdout.as_str()), (1, ""));
    let sarif = std::fs::read_to_string(&file).expect("the file is written");
    assert!(sarif.contains("\"2.1.0\""));
}
