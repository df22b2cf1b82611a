#![doc = include_str!("structure_malformed.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "structure-malformed",
    title: "the bytes break the rules of their format",
    severity: Severity::Medium,
    frameworks: &["CWE-20", "CWE-436", "AML.T0076", "ID.RA-01"],
    fix: "write the file again with the format's own library, or get it from its source again",
    page: include_str!("structure_malformed.md"),
    check: |facts, out| report("structure-malformed", facts, out),
};
