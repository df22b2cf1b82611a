#![doc = include_str!("config_runs_remote_code.md")]

use std::collections::BTreeSet;

use modelward_schema::{Confidence, Facts, Location, ReferenceKind, Severity};

use crate::judgement::render;
use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "config-runs-remote-code",
    title: "loading it takes code from a repository",
    severity: Severity::Low,
    frameworks: &["CWE-829", "AML.T0010.001", "LLM03:2025", "GV.SC-05"],
    fix: "load it without trust_remote_code, or review the code and pin its revision",
    page: include_str!("config_runs_remote_code.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    // Attention implementations, which may be a repository of the hub.
    let kernels: BTreeSet<&Location> = facts
        .metadata
        .iter()
        .filter(|entry| entry.key.contains("attn_implementation"))
        .map(|entry| &entry.at)
        .collect();
    for reference in &facts.references {
        if reference.kind != ReferenceKind::RemoteCode {
            continue;
        }
        let shown = render::name(&reference.value);
        if kernels.contains(&reference.at) {
            out.graded(
                Severity::High,
                Confidence::Medium,
                &reference.at,
                format!("loading it downloads and runs the kernel {shown} without being asked"),
            );
        } else if reference.value.contains("--") || reference.value.contains('/') {
            out.graded(
                Severity::Medium,
                Confidence::High,
                &reference.at,
                format!("its code comes from another repository, {shown}"),
            );
        } else {
            out.graded(
                Severity::Low,
                Confidence::High,
                &reference.at,
                format!("it brings code of its own, {shown}, that runs with trust_remote_code"),
            );
        }
    }
    for entry in &facts.metadata {
        if entry.key.ends_with("trust_remote_code") && entry.value == "true" {
            out.graded(
                Severity::Low,
                Confidence::Medium,
                &entry.at,
                "it asks for trust_remote_code by itself",
            );
        }
    }
}
