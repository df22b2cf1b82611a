#![doc = include_str!("pickle_uses_extension_registry.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-uses-extension-registry",
    title: "the file names its functions by numbers of the process",
    severity: Severity::High,
    frameworks: &["CWE-502", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it: no published model needs the extension registry",
    page: include_str!("pickle_uses_extension_registry.md"),
    check: |facts, out| report(Kind::UsesExtensionRegistry, facts, out),
};
