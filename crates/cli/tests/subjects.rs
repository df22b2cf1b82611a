//! Everything that can be named as a subject.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{World, json_lines};

#[cfg(unix)]
fn hub_cache(world: &World) -> (String, String) {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let repository = world.path("hub/models--acme--tiny");
    for folder in ["refs", "blobs", &format!("snapshots/{commit}")] {
        std::fs::create_dir_all(format!("{repository}/{folder}")).expect("a folder");
    }
    std::fs::write(format!("{repository}/refs/main"), commit).expect("a ref");
    std::fs::write(
        format!("{repository}/blobs/aa"),
        "{\"model_type\": \"tiny\"}",
    )
    .expect("a blob");
    let link = format!("{repository}/snapshots/{commit}/config.json");
    std::os::unix::fs::symlink("../../blobs/aa", link).expect("a link");
    (repository, commit.to_owned())
}

#[cfg(unix)]
#[test]
fn a_hub_cache_entry_is_found_by_name_by_snapshot_and_by_folder() {
    let world = World::new();
    let (repository, commit) = hub_cache(&world);
    let snapshot = format!("{repository}/snapshots/{commit}");
    let scan = |subject: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_modelward"))
            .args(["scan", "--format", "json", subject])
            .env_clear()
            .env("HF_HUB_CACHE", world.path("hub"))
            .output()
            .expect("the binary runs");
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        json_lines(&String::from_utf8_lossy(&output.stdout)).remove(0)
    };
    for subject in [
        "hf:acme/tiny",
        "hf:acme/tiny@main",
        &format!("hf:acme/tiny@{commit}"),
        &snapshot,
        &repository,
    ] {
        let report = scan(subject);
        let source = &report["artifact"]["source"];
        assert_eq!(source["kind"], "hugging-face-cache", "{subject}");
        assert_eq!(source["repo"], "acme/tiny", "{subject}");
        assert_eq!(source["revision"], commit, "{subject}");
        assert_eq!(
            report["facts"]["files"][0]["path"], "config.json",
            "{subject}"
        );
        assert!(
            report["facts"]["files"][0]["sha256"].is_string(),
            "{subject}"
        );
    }
}

#[test]
fn what_is_not_there_is_one_clear_sentence() {
    let world = World::new();
    std::fs::create_dir(world.path("hub")).expect("a folder");
    for (subject, says) in [
        ("hf:acme/none", "not in the local cache"),
        ("hf:../etc", "not a repository name"),
        ("hf:a/b/c", "not a repository name"),
        ("nothing-here", "no such file or folder"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_modelward"))
            .args(["scan", subject])
            .env_clear()
            .env("HF_HUB_CACHE", world.path("hub"))
            .output()
            .expect("the binary runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{subject}: {stderr}");
        assert!(
            stderr.contains(says) && stderr.trim_end().lines().count() == 1,
            "{stderr}"
        );
    }
}

#[test]
fn standard_input_is_a_subject() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_modelward"))
        .args(["scan", "--format", "json", "-"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"cposix\nsystem\n(S'id'\ntR.")
        .expect("sent");
    let output = child.wait_with_output().expect("an answer");
    let report = json_lines(&String::from_utf8_lossy(&output.stdout)).remove(0);
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    assert_eq!(report["artifact"]["source"]["kind"], "stdin");
    assert!(report["artifact"]["digest"].is_string());
}

#[test]
fn many_subjects_are_answered_one_by_one() {
    let world = World::new();
    let (good, bad) = (world.example("digits-gguf"), world.example("attacked-gguf"));
    let scanned = world.run(&[
        "scan",
        "--format",
        "json",
        &good,
        &bad,
        &format!("{good}/model.gguf"),
    ]);
    assert_eq!(scanned.code, 1, "{scanned}");
    let reports = json_lines(&scanned.stdout);
    assert_eq!(reports.len(), 3);
    assert_eq!(reports[2]["artifact"]["source"]["kind"], "file");
    let high = |at: usize| {
        let findings = reports[at]["findings"].as_array().expect("findings");
        findings
            .iter()
            .any(|f| f["severity"] == "high" || f["severity"] == "critical")
    };
    assert_eq!((high(0), high(1)), (false, true));
}

#[test]
fn settings_in_a_model_are_not_settings() {
    let world = World::new();
    let model = world.example("digits-gguf");
    std::fs::write(format!("{model}/modelward.toml"), "policy = \"/nowhere\"\n").expect("a file");
    let run = |folder: &str, subject: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_modelward"))
            .args(["gate", "--dry-run", subject])
            .env_clear()
            .env("HOME", world.path(""))
            .current_dir(folder)
            .output()
            .expect("the binary runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, remark) = run(&model, ".");
    assert_ne!(code, Some(64), "{remark}");
    assert!(
        remark.contains("lies in the model and is not used"),
        "{remark}"
    );
    std::fs::write(world.path("modelward.toml"), "polcy = \"x\"\n").expect("a file");
    let (code, complaint) = run(&world.path(""), &model);
    assert_eq!(code, Some(64), "{complaint}");
    assert!(complaint.contains("modelward.toml:1:1:"), "{complaint}");
}
