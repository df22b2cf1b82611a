#![doc = include_str!("pickle_uses_persistent_id.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-uses-persistent-id",
    title: "the file asks its loader for objects by an id of its own",
    severity: Severity::Medium,
    frameworks: &["CWE-502", "AML.T0011.000", "ID.RA-01"],
    fix: "find out which loader the file is made for, and load it with nothing else",
    page: include_str!("pickle_uses_persistent_id.md"),
    check: |facts, out| report(Kind::UsesPersistentId, facts, out),
};
