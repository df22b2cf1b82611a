#![doc = include_str!("graph_runs_code.md")]

use modelward_schema::{Code, Facts, Severity, Term, Via};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "graph-runs-code",
    title: "a graph calls an operator that runs code",
    severity: Severity::High,
    frameworks: &["CWE-94", "AML.T0011.000", "AML.T0018", "LLM03:2025", "PR.PS-05"],
    fix: "export the model again with standard operators, and load no operator library for this one",
    page: include_str!("graph_runs_code.md"),
    check,
};

/// Operators whose work is to call Python, whatever domain they stand in.
const RUNNERS: &[&str] = &[
    "PyOp", "PythonOp", "PythonOpGrad", "PyFunc", "PyFuncStateless", "EagerPyFunc", "PyCustomOp",
];

/// Whether a fact is about an operator of a graph.
pub(crate) fn is_graphs(code: &Code) -> bool {
    matches!(code.via, Via::Onnx | Via::Tensorflow | Via::Tflite)
}

/// What an attribute looks like when it is a program.
const PROGRAM: &[&str] = &[
    "__import__",
    "os.system",
    "os.popen",
    "subprocess",
    "eval(",
    "exec(",
    "import os",
    "/bin/sh",
    "powershell",
];

fn check(facts: &Facts, out: &mut Findings) {
    for code in facts.code.iter().filter(|code| is_graphs(code)) {
        if let Some(why) = reason(code) {
            out.push(&code.at, format!("running the graph calls {}, {why}", code.target));
        }
    }
}

/// Why the operator is taken for one that runs code.
pub(crate) fn reason(code: &Code) -> Option<String> {
    let program = code.kwargs.iter().find_map(|(name, term)| match term {
        Term::Str { text, .. } if PROGRAM.iter().any(|mark| text.contains(mark)) => {
            Some(format!("whose attribute {name:?} is a program: {}", shorten(text)))
        }
        _ => None,
    });
    let operator = code.target.rsplit("::").next().unwrap_or_default();
    program.or_else(|| {
        RUNNERS
            .contains(&operator)
            .then(|| "an operator that runs Python".to_owned())
    })
}

fn shorten(text: &str) -> String {
    let mut end = text.len().min(120);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = if end < text.len() { "…" } else { "" };
    format!("{}{cut}", &text[..end])
}
