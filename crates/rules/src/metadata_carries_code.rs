#![doc = include_str!("metadata_carries_code.md")]

use modelward_schema::{Confidence, Facts, Severity};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "metadata-carries-code",
    title: "metadata carry a program, a script or a path of the machine",
    severity: Severity::Medium,
    frameworks: &["CWE-506", "CWE-79", "AML.T0011", "LLM03:2025"],
    fix: "save the model again without this entry, and show metadata as plain text only",
    page: include_str!("metadata_carries_code.md"),
    check,
};

/// Markup that a page which shows the value would run.
const SCRIPTS: &[&str] = &["<script", "javascript:", "<iframe", "<img src=x onerror"];
/// Calls, found where the name stands alone: `model.eval()` is not one.
const CALLS: &[&str] = &["eval(", "exec(", "__import__(", "compile("];
const PROGRAMS: &[&str] = &[
    "os.system(",
    "os.popen(",
    "os.execv",
    "subprocess.run(",
    "subprocess.call(",
    "subprocess.popen(",
    "subprocess.check_",
    "pickle.loads(",
    "marshal.loads(",
    "socket.socket(",
    "powershell -",
    "/bin/sh -",
    "/bin/bash -",
    "bash -i",
    "rm -rf /",
];
const FETCHERS: &[&str] = &["curl ", "wget "];
const SHELLS: &[&str] = &["| sh", "|sh", "| bash", "|bash"];
const HOST_FILES: &[&str] = &[
    "/etc/passwd",
    "/etc/shadow",
    "/proc/self/",
    ".ssh/id_",
    ".aws/credentials",
    "\\windows\\system32",
];

fn check(facts: &Facts, out: &mut Findings) {
    for entry in &facts.metadata {
        if let Some(what) = carried(&entry.value) {
            out.graded(
                Severity::Medium,
                Confidence::Medium,
                &entry.at,
                format!("its metadata {:?} carry {what}", entry.key),
            );
        }
    }
}

fn carried(value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let any = |marks: &[&'static str]| marks.iter().copied().find(|mark| lower.contains(mark));
    if let Some(mark) = any(SCRIPTS) {
        return Some(format!("a script for a browser, {mark:?}"));
    }
    if let Some(mark) = any(PROGRAMS) {
        return Some(format!("a program, {mark:?}"));
    }
    if let Some(mark) = CALLS.iter().find(|call| stands_alone(&lower, call)) {
        return Some(format!("a program, {mark:?}"));
    }
    if any(FETCHERS).is_some() && any(SHELLS).is_some() {
        return Some("a command that runs what it downloads".to_owned());
    }
    any(HOST_FILES).map(|mark| format!("the path of a file of the machine, {mark:?}"))
}

fn stands_alone(text: &str, call: &str) -> bool {
    text.match_indices(call).any(|(at, _)| {
        !text[..at].ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | '.'))
    })
}
