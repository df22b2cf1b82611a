#![doc = include_str!("xml_reads_other_file.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "xml-reads-other-file",
    title: "an XML document makes its reader open another file",
    severity: Severity::High,
    frameworks: &["CWE-611", "AML.T0011", "PR.PS-05"],
    fix: "remove the document type declaration; no model format needs one",
    page: include_str!("xml_reads_other_file.md"),
    check: |facts, out| report("xml-reads-other-file", facts, out),
};
