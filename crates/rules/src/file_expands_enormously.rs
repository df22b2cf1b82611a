#![doc = include_str!("file_expands_enormously.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "file-expands-enormously",
    title: "a small file becomes an enormous one when it is read",
    severity: Severity::Medium,
    frameworks: &["CWE-409", "AML.T0029", "PR.IR-04"],
    fix: "do not load it outside of a memory limit; get it from its source again",
    page: include_str!("file_expands_enormously.md"),
    check: |facts, out| report("file-expands-enormously", facts, out),
};
