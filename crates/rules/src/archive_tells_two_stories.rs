#![doc = include_str!("archive_tells_two_stories.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "archive-tells-two-stories",
    title: "an archive describes its members in two ways that differ",
    severity: Severity::Medium,
    frameworks: &["CWE-436", "AML.T0076", "ID.RA-01"],
    fix: "rebuild the archive with its format's own writer, or get it from its source again and compare digests",
    page: include_str!("archive_tells_two_stories.md"),
    check: |facts, out| report("archive-tells-two-stories", facts, out),
};
