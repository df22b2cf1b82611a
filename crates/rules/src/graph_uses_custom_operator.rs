#![doc = include_str!("graph_uses_custom_operator.md")]

use modelward_schema::{Facts, Severity, Via};

use crate::{Findings, Rule, graph_runs_code};

pub(crate) static RULE: Rule = Rule {
    id: "graph-uses-custom-operator",
    title: "a graph needs an operator library from somebody else",
    severity: Severity::Low,
    frameworks: &["CWE-829", "AML.T0010.001", "LLM03:2025", "GV.SC-05"],
    fix: "name the library that implements it, review it as code, and pin its version",
    page: include_str!("graph_uses_custom_operator.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for code in facts.code.iter().filter(|code| code.via == Via::Onnx) {
        if graph_runs_code::reason(code).is_none() {
            out.push(
                &code.at,
                format!("running the graph needs a library that brings {}", code.target),
            );
        }
    }
}
