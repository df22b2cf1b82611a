#![doc = include_str!("function_shadows_operator.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::lies::report;

pub(crate) static RULE: Rule = Rule {
    id: "function-shadows-operator",
    title: "a local function takes the name of a standard operator",
    severity: Severity::High,
    frameworks: &["CWE-436", "CWE-506", "AML.T0018", "LLM03:2025"],
    fix: "rename the function, or export the model again without local functions",
    page: include_str!("function_shadows_operator.md"),
    check: |facts, out| report("function-shadows-operator", facts, out),
};
