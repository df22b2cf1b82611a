#![doc = include_str!("yaml_expands.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "yaml-expands",
    title: "aliases blow a small YAML file up beyond memory",
    severity: Severity::High,
    frameworks: &["CWE-776", "AML.T0029", "LLM10:2025"],
    fix: "remove the file or write the values out; honest configuration repeats a few values only",
    page: include_str!("yaml_expands.md"),
    check: |facts, out| report("yaml-expands", facts, out),
};
