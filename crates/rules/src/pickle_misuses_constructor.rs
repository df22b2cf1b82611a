#![doc = include_str!("pickle_misuses_constructor.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-misuses-constructor",
    title: "the file calls an ordinary constructor in a way that no serializer does",
    severity: Severity::High,
    frameworks: &["CWE-502", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "save the model again with the library's own writer; if the finding stays, do not load it",
    page: include_str!("pickle_misuses_constructor.md"),
    check: |facts, out| report(Kind::MisusesConstructor, facts, out),
};
