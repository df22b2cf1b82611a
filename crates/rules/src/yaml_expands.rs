#![doc = include_str!("yaml_expands.md")]

use modelward_schema::{Confidence, Facts, Severity};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "yaml-expands",
    title: "aliases blow a small YAML file up beyond memory",
    severity: Severity::High,
    frameworks: &["CWE-776", "AML.T0029", "LLM10:2025"],
    fix: "remove the file or write the values out; honest configuration repeats a few values only",
    page: include_str!("yaml_expands.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for anomaly in &facts.anomalies {
        if matches!(anomaly.id.as_str(), "yaml-alias-bomb" | "yaml-alias-loop") {
            out.graded(
                Severity::High,
                Confidence::High,
                &anomaly.at,
                format!("following it, a program runs out of memory: {}", anomaly.message),
            );
        }
    }
}
