#![doc = include_str!("graph_passes_opaque_operator.md")]

use modelward_schema::{Facts, Severity, SuspectKind};

use crate::{Findings, Rule, suspects};

pub(crate) static RULE: Rule = Rule {
    id: "graph-passes-opaque-operator",
    title: "what reaches an output went through an operator whose meaning is not known",
    severity: Severity::Medium,
    frameworks: &["CWE-829", "AML.T0018", "GV.SC-05"],
    fix: "review the library that brings the operator as code, or export the model with standard operators",
    page: include_str!("graph_passes_opaque_operator.md"),
    check,
};

const KINDS: &[SuspectKind] = &[SuspectKind::OpaqueOperator];

fn check(facts: &Facts, out: &mut Findings) {
    suspects::report(KINDS, facts, out);
}
