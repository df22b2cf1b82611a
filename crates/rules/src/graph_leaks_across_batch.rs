#![doc = include_str!("graph_leaks_across_batch.md")]

use modelward_schema::{Facts, Severity, SuspectKind};

use crate::{Findings, Rule, suspects};

pub(crate) static RULE: Rule = Rule {
    id: "graph-leaks-across-batch",
    title: "a graph lets one sample of a batch see another",
    severity: Severity::High,
    frameworks: &["CWE-200", "CWE-668", "AML.T0018", "LLM02:2025", "PR.DS-10"],
    fix: "do not serve it in batches, and rebuild the graph from source you trust",
    page: include_str!("graph_leaks_across_batch.md"),
    check,
};

const KINDS: &[SuspectKind] = &[SuspectKind::BatchLeak];

fn check(facts: &Facts, out: &mut Findings) {
    suspects::report(KINDS, facts, out);
}
