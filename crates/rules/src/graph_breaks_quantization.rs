#![doc = include_str!("graph_breaks_quantization.md")]

use modelward_schema::{Facts, Severity, SuspectKind};

use crate::{Findings, Rule, suspects};

pub(crate) static RULE: Rule = Rule {
    id: "graph-breaks-quantization",
    title: "quantization leaves nothing of a layer",
    severity: Severity::Medium,
    frameworks: &["CWE-1339", "AML.T0018", "PR.DS-10"],
    fix: "quantize the model again from its original",
    page: include_str!("graph_breaks_quantization.md"),
    check,
};

const KINDS: &[SuspectKind] = &[SuspectKind::BrokenQuantization];

fn check(facts: &Facts, out: &mut Findings) {
    suspects::report(KINDS, facts, out);
}
