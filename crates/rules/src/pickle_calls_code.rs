#![doc = include_str!("pickle_calls_code.md")]

use modelward_schema::Severity;

use crate::Rule;
use crate::judgement::{Kind, report};

pub(crate) static RULE: Rule = Rule {
    id: "pickle-calls-code",
    title: "loading the file runs code",
    severity: Severity::Critical,
    frameworks: &["CWE-502", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it; ask its publisher for safetensors or ONNX, or rebuild it from trusted weights",
    page: include_str!("pickle_calls_code.md"),
    check: |facts, out| report(Kind::CallsCode, facts, out),
};
