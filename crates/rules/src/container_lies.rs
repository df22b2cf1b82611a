#![doc = include_str!("container_lies.md")]

use modelward_schema::{Confidence, Facts, Severity};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "container-lies",
    title: "the bytes are not what their format says",
    severity: Severity::Medium,
    frameworks: &["CWE-436", "AML.T0076", "ID.RA-01"],
    fix: "rebuild the file with the format's own writer, or get it from its source again",
    page: include_str!("container_lies.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for anomaly in &facts.anomalies {
        out.graded(Severity::Medium, Confidence::High, &anomaly.at, anomaly.message.clone());
    }
}
