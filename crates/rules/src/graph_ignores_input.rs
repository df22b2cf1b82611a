#![doc = include_str!("graph_ignores_input.md")]

use modelward_schema::{Facts, Severity, SuspectKind};

use crate::{Findings, Rule, suspects};

pub(crate) static RULE: Rule = Rule {
    id: "graph-ignores-input",
    title: "a graph has outputs, inputs or layers that are connected to nothing",
    severity: Severity::High,
    frameworks: &["CWE-561", "AML.T0018", "PR.DS-10"],
    fix: "export the model again, and compare it with its base",
    page: include_str!("graph_ignores_input.md"),
    check,
};

const KINDS: &[SuspectKind] = &[SuspectKind::ConstantOutput, SuspectKind::IgnoredInput, SuspectKind::DeadLayer];

fn check(facts: &Facts, out: &mut Findings) {
    suspects::report(KINDS, facts, out);
}
