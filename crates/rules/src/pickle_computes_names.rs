#![doc = include_str!("pickle_computes_names.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-computes-names",
    title: "the file computes which function it names",
    severity: Severity::High,
    frameworks: &["CWE-502", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it: honest serializers write names down",
    page: include_str!("pickle_computes_names.md"),
    check: |facts, out| report(Kind::ComputesNames, facts, out),
};
