#![doc = include_str!("pickle_calls_unknown.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-calls-unknown",
    title: "loading the file calls something that no known serializer calls",
    severity: Severity::High,
    frameworks: &["CWE-502", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "ask the publisher what the call is for; if it is honest, save the model without it",
    page: include_str!("pickle_calls_unknown.md"),
    check: |facts, out| report(Kind::CallsUnknown, facts, out),
};
