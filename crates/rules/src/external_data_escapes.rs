#![doc = include_str!("external_data_escapes.md")]

use modelward_schema::{Confidence, Facts, ReferenceKind, Severity};

use crate::{Findings, Rule, way_out};

pub(crate) static RULE: Rule = Rule {
    id: "external-data-escapes",
    title: "the model takes its weights from a file outside its folder",
    severity: Severity::High,
    frameworks: &["CWE-22", "CWE-73", "AML.T0010", "LLM03:2025", "PR.DS-01"],
    fix: "do not load it; save the model again with its data beside it, under a plain file name",
    page: include_str!("external_data_escapes.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for reference in &facts.references {
        let what = match reference.kind {
            ReferenceKind::ExternalData => "tensor data",
            ReferenceKind::Asset => "an asset",
            ReferenceKind::Shard => "a shard",
            _ => continue,
        };
        if let Some(way) = way_out::find(&reference.value) {
            out.graded(
                Severity::High,
                Confidence::High,
                &reference.at,
                format!("loading it reads {what} from {:?}, which {way}", reference.value),
            );
        }
    }
}
