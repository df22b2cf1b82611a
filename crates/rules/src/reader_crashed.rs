#![doc = include_str!("reader_crashed.md")]

use modelward_schema::{Confidence, Facts, Severity, Why};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "reader-crashed",
    title: "the process that reads it crashed, hung or ran out of memory",
    severity: Severity::Medium,
    frameworks: &["CWE-400", "AML.T0076", "DE.CM-09"],
    fix: "treat the file as hostile until it is explained, and report it as a bug of the reader",
    page: include_str!("reader_crashed.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for gap in facts.coverage.gaps.iter().filter(|gap| gap.why == Why::Crashed) {
        out.graded(Severity::Medium, Confidence::Medium, &gap.at, gap.message.clone());
    }
}
