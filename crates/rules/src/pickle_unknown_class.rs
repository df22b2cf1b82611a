#![doc = include_str!("pickle_unknown_class.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-unknown-class",
    title: "the file makes instances of a class that is not known",
    severity: Severity::Medium,
    frameworks: &["CWE-502", "AML.T0010", "LLM03:2025", "GV.SC-06"],
    fix: "find out which package the class comes from, and gate that package like the model",
    page: include_str!("pickle_unknown_class.md"),
    check: |facts, out| report(Kind::UnknownClass, facts, out),
};
