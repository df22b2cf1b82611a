#![doc = include_str!("graph_hides_branch.md")]

use modelward_schema::{Facts, Severity, SuspectKind};

use crate::{Findings, Rule, suspects};

pub(crate) static RULE: Rule = Rule {
    id: "graph-hides-branch",
    title: "a graph carries a branch that waits for a trigger",
    severity: Severity::High,
    frameworks: &["CWE-506", "CWE-912", "AML.T0018", "LLM04:2025", "PR.DS-10"],
    fix: "rebuild the graph from source you trust, and compare it with its base: fine-tuning does not remove such a branch",
    page: include_str!("graph_hides_branch.md"),
    check,
};

const KINDS: &[SuspectKind] = &[SuspectKind::HiddenBranch, SuspectKind::ThresholdInjection, SuspectKind::IndexSelector, SuspectKind::LearnedGate, SuspectKind::SteepPath, SuspectKind::PositionSwitch, SuspectKind::ModeSelector, SuspectKind::ShapeSelector, SuspectKind::RandomSelector];

fn check(facts: &Facts, out: &mut Findings) {
    suspects::report(KINDS, facts, out);
}
