#![doc = include_str!("archive_path_escapes.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "archive-path-escapes",
    title: "unpacking an archive writes outside of its folder",
    severity: Severity::High,
    frameworks: &["CWE-22", "AML.T0011", "PR.PS-05"],
    fix: "do not unpack it; get an archive whose names stay inside, or remove the member",
    page: include_str!("archive_path_escapes.md"),
    check: |facts, out| report("archive-path-escapes", facts, out),
};
