#![doc = include_str!("pickle_names_function.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-names-function",
    title: "the file hands on a function that is not part of the known vocabulary",
    severity: Severity::Medium,
    frameworks: &["CWE-502", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "check what the model does with the function; replace it by a named step of the library",
    page: include_str!("pickle_names_function.md"),
    check: |facts, out| report(Kind::NamesFunction, facts, out),
};
