#![doc = include_str!("archive_link_escapes.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "archive-link-escapes",
    title: "an archive holds a link or device that leads outside",
    severity: Severity::High,
    frameworks: &["CWE-59", "CWE-61", "AML.T0011", "PR.PS-05"],
    fix: "do not unpack it; get an archive of plain files and folders",
    page: include_str!("archive_link_escapes.md"),
    check: |facts, out| report("archive-link-escapes", facts, out),
};
