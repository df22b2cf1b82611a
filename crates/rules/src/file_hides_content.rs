#![doc = include_str!("file_hides_content.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "file-hides-content",
    title: "a file holds another one where its reader does not look",
    severity: Severity::Medium,
    frameworks: &["CWE-506", "AML.T0076", "DE.CM-09"],
    fix: "remove the hidden part, or get the file from its source again",
    page: include_str!("file_hides_content.md"),
    check: |facts, out| report("file-hides-content", facts, out),
};
