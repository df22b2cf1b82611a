#![doc = include_str!("torchscript_reaches_outside.md")]

use modelward_schema::{Code, Confidence, Facts, Severity, Via};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "torchscript-reaches-outside",
    title: "a TorchScript model uses operators that reach outside of it",
    severity: Severity::High,
    frameworks: &["CWE-73", "AML.T0011.000", "LLM03:2025", "PR.PS-05"],
    fix: "do not load it; ask its publisher for the weights as safetensors, and for the code",
    page: include_str!("torchscript_reaches_outside.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for code in &facts.code {
        if code.via == Via::Torchscript {
            let (severity, what) = judge(code);
            out.graded(severity, Confidence::High, &code.at, what);
        }
    }
}

fn judge(code: &Code) -> (Severity, String) {
    let target = &code.target;
    match target.as_str() {
        "aten::save" => (Severity::High, format!("running it writes a file ({target})")),
        "aten::from_file" => (
            Severity::High,
            format!("running it maps a file, and may create or change it ({target})"),
        ),
        "aten::load" => (Severity::High, format!("running it reads a file ({target})")),
        _ if target.starts_with("rpc::") || target.starts_with("c10d::") => (
            Severity::High,
            format!("running it talks to other processes ({target})"),
        ),
        _ => (
            Severity::Low,
            format!("it needs the operator library that provides {target}"),
        ),
    }
}
