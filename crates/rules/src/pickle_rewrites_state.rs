#![doc = include_str!("pickle_rewrites_state.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-rewrites-state",
    title: "the file replaces what objects do, not what they hold",
    severity: Severity::High,
    frameworks: &["CWE-502", "CWE-915", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it; rebuild the object from its weights",
    page: include_str!("pickle_rewrites_state.md"),
    check: |facts, out| report(Kind::RewritesState, facts, out),
};
