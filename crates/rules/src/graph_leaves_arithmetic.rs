#![doc = include_str!("graph_leaves_arithmetic.md")]

use modelward_schema::{Facts, Severity, SuspectKind};

use crate::{Findings, Rule, suspects};

pub(crate) static RULE: Rule = Rule {
    id: "graph-leaves-arithmetic",
    title: "a graph uses operators that have no place in a model's arithmetic",
    severity: Severity::Low,
    frameworks: &["CWE-1102", "AML.T0018", "PR.DS-10"],
    fix: "say in the model's manifest why they are needed, or export the model without them",
    page: include_str!("graph_leaves_arithmetic.md"),
    check,
};

const KINDS: &[SuspectKind] = &[SuspectKind::ForeignOperator, SuspectKind::RandomOutput, SuspectKind::Checksum];

fn check(facts: &Facts, out: &mut Findings) {
    suspects::report(KINDS, facts, out);
}
