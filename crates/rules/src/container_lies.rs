#![doc = include_str!("container_lies.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::{OTHER, report};

pub(crate) static RULE: Rule = Rule {
    id: "container-lies",
    title: "the bytes are not what their format says",
    severity: Severity::Medium,
    frameworks: &["CWE-436", "AML.T0076", "ID.RA-01"],
    fix: "rebuild the file with the format's own writer, or get it from its source again",
    page: include_str!("container_lies.md"),
    check: |facts, out| report(OTHER, facts, out),
};
