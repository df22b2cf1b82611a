#![doc = include_str!("graph_counts_calls.md")]

use modelward_schema::{Facts, Severity, SuspectKind};

use crate::{Findings, Rule, suspects};

pub(crate) static RULE: Rule = Rule {
    id: "graph-counts-calls",
    title: "a graph counts its calls and acts on the count",
    severity: Severity::High,
    frameworks: &["CWE-511", "AML.T0018", "LLM04:2025", "PR.DS-10"],
    fix: "rebuild the graph from source you trust",
    page: include_str!("graph_counts_calls.md"),
    check,
};

const KINDS: &[SuspectKind] = &[SuspectKind::CallCounter];

fn check(facts: &Facts, out: &mut Findings) {
    suspects::report(KINDS, facts, out);
}
