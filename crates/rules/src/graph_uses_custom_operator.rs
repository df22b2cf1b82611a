#![doc = include_str!("graph_uses_custom_operator.md")]

use modelward_schema::{Facts, Severity};

use crate::{Findings, Rule, graph_reaches_outside, graph_runs_code};

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
    for code in facts.code.iter().filter(|code| graph_runs_code::is_graphs(code)) {
        if graph_runs_code::reason(code).is_none() && !graph_reaches_outside::is_known(code) {
            out.push(
                &code.at,
                format!("running the graph needs a library that brings {}", code.target),
            );
        }
    }
}
