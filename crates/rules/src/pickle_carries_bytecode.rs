#![doc = include_str!("pickle_carries_bytecode.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-carries-bytecode",
    title: "the file carries functions as byte code",
    severity: Severity::High,
    frameworks: &["CWE-502", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "review the function's source with its author, and ship it as a package instead of inside the model",
    page: include_str!("pickle_carries_bytecode.md"),
    check: |facts, out| report(Kind::CarriesBytecode, facts, out),
};
