#![doc = include_str!("pickle_reaches_files.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-reaches-files",
    title: "loading the file reads or writes other files",
    severity: Severity::High,
    frameworks: &["CWE-502", "CWE-73", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it; a model file has no business with other files",
    page: include_str!("pickle_reaches_files.md"),
    check: |facts, out| report(Kind::ReachesFiles, facts, out),
};
