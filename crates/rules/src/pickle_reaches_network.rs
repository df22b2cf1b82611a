#![doc = include_str!("pickle_reaches_network.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-reaches-network",
    title: "loading the file reaches the network",
    severity: Severity::High,
    frameworks: &["CWE-502", "CWE-918", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it; block outgoing traffic of whatever loaded it already and look at the logs",
    page: include_str!("pickle_reaches_network.md"),
    check: |facts, out| report(Kind::ReachesNetwork, facts, out),
};
