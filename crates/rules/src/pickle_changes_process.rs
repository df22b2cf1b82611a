#![doc = include_str!("pickle_changes_process.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-changes-process",
    title: "loading the file changes the process that loads it",
    severity: Severity::High,
    frameworks: &["CWE-502", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it in a process that does anything else; ask for the weights alone",
    page: include_str!("pickle_changes_process.md"),
    check: |facts, out| report(Kind::ChangesProcess, facts, out),
};
