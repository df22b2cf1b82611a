//! What happens when the process that reads hostile bytes crashes, hangs or
//! tries something. Faults on demand exist in debug builds only.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]
#![cfg(debug_assertions)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn scan(folder: &Path) -> (Output, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_modelward"))
        .args(["scan", "--format", "json", "--no-cache"])
        .arg(folder)
        .env_clear()
        .output()
        .expect("the binary runs");
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "no report ({error}): {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    (output, report)
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("a file");
    }
    folder
}

fn gaps(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let gaps = report["facts"]["coverage"]["gaps"]
        .as_array()
        .expect("gaps");
    gaps.iter()
        .map(|gap| (text(&gap["why"]), text(&gap["at"]["path"])))
        .collect()
}

#[test]
fn a_crash_is_a_gap_and_the_other_files_are_read() {
    let model = folder(&[
        ("a.json", b"{}"),
        ("crash.bin", b"MODELWARD-FAULT abort"),
        ("memory.bin", b"MODELWARD-FAULT memory"),
        ("z.json", b"[1, 2]"),
    ]);
    let (output, report) = scan(model.path());
    assert_eq!(output.status.code(), Some(2), "{report:#}");
    let crashed = |name: &str| ("crashed".to_owned(), name.to_owned());
    assert_eq!(gaps(&report), [crashed("crash.bin"), crashed("memory.bin")]);
    assert_eq!(report["facts"]["files"].as_array().map(Vec::len), Some(4));
    assert_eq!(report["facts"]["files"][3]["path"], "z.json");
}

#[cfg(target_os = "linux")]
#[test]
fn a_hijacked_reader_can_do_nothing() {
    let model = folder(&[("try.bin", b"MODELWARD-FAULT attempts")]);
    let (_, report) = scan(model.path());
    let sandbox = &report["tool"]["sandbox"];
    let attempts = report["facts"]["metadata"].as_array().expect("attempts");
    assert_eq!(attempts.len(), 4);
    for attempt in attempts {
        let needed = match attempt["key"].as_str() {
            Some("read /etc/hostname") => "landlock",
            _ => "seccomp",
        };
        if sandbox[needed] == true {
            let outcome = attempt["value"].as_str().unwrap_or_default();
            assert!(outcome.starts_with("refused"), "{attempt}");
        } else {
            println!("skipped: this kernel has no {needed}");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_not_a_file_is_a_gap() {
    let model = folder(&[("a.json", b"{}")]);
    let at = |name: &str| model.path().join(name);
    std::os::unix::fs::symlink("loop-b", at("loop-a")).expect("a link");
    std::os::unix::fs::symlink("loop-a", at("loop-b")).expect("a link");
    std::os::unix::fs::symlink("/etc/hostname", at("outside")).expect("a link");
    std::os::unix::fs::symlink("a.json", at("inside")).expect("a link");
    let made = Command::new("mkfifo")
        .arg(at("pipe"))
        .status()
        .expect("mkfifo runs");
    assert!(made.success());
    std::fs::write(at("new\nline\u{1b}[31m.json"), b"{}").expect("a file");
    let (output, report) = scan(model.path());
    assert_eq!(output.status.code(), Some(2));
    let unreadable = |name: &str| ("unreadable".to_owned(), name.to_owned());
    assert_eq!(
        gaps(&report),
        ["loop-a", "loop-b", "outside", "pipe"].map(unreadable)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("new\\\\nline\\\\u{1b}[31m.json"),
        "names are escaped: {text}"
    );
}
