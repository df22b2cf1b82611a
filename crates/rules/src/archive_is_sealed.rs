#![doc = include_str!("archive_is_sealed.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "archive-is-sealed",
    title: "a member of an archive cannot be opened",
    severity: Severity::Low,
    frameworks: &["CWE-1059", "AML.T0076", "DE.CM-09"],
    fix: "get the archive without a password, packed with a common method",
    page: include_str!("archive_is_sealed.md"),
    check: |facts, out| report("archive-is-sealed", facts, out),
};
