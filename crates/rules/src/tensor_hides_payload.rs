#![doc = include_str!("tensor_hides_payload.md")]

use std::collections::BTreeMap;

use modelward_schema::{Confidence, Facts, Location, Severity};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "tensor-hides-payload",
    title: "another file hides where weights should be",
    severity: Severity::Medium,
    frameworks: &["CWE-506", "AML.T0018", "AML.T0076", "LLM03:2025"],
    fix: "do not use these weights; fetch the model from its source again and compare digests",
    page: include_str!("tensor_hides_payload.md"),
    check,
};

/// Formats that hold numbers and text, never a file.
const HOLD_NO_FILES: &[&str] = &["safetensors", "gguf", "onnx", "onnx-tensor"];

fn check(facts: &Facts, out: &mut Findings) {
    let formats: BTreeMap<&str, &str> = facts
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.format.as_str()))
        .collect();
    for file in &facts.files {
        let Some(parent) = file.parent.as_deref() else {
            continue;
        };
        let Some(holder) = formats
            .get(parent)
            .filter(|format| HOLD_NO_FILES.contains(format))
        else {
            continue;
        };
        let place = file.path.rsplit("!/").next().unwrap_or(&file.path);
        let at = Location {
            span: file.span,
            ..Location::file(parent)
        };
        out.graded(
            Severity::Medium,
            Confidence::High,
            &at,
            format!("a {} file of {} bytes hides in the {holder} file as {place:?}", file.format, file.size),
        );
    }
}
