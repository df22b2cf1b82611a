#![doc = include_str!("external_data_missing.md")]

use std::collections::BTreeMap;

use modelward_schema::{Confidence, Facts, ReferenceKind, Severity};

use crate::{Findings, Rule, way_out};

pub(crate) static RULE: Rule = Rule {
    id: "external-data-missing",
    title: "tensor data that the model names are not all there",
    severity: Severity::Medium,
    frameworks: &["CWE-353", "AML.T0010", "ID.RA-01"],
    fix: "put the named file beside the model and judge both together",
    page: include_str!("external_data_missing.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    let sizes: BTreeMap<&str, u64> = facts
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.size))
        .collect();
    for reference in &facts.references {
        if reference.kind != ReferenceKind::ExternalData
            || way_out::find(&reference.value).is_some()
        {
            continue;
        }
        let path = way_out::resolve(&reference.at.path, &reference.value);
        let message = match (sizes.get(path.as_str()), reference.span) {
            (None, _) => format!(
                "its tensor data are in {:?}, which is not among the files that were read",
                reference.value
            ),
            (Some(size), Some(part)) if part.start.saturating_add(part.len) > *size => format!(
                "tensor data are said to reach beyond the end of {:?}",
                reference.value
            ),
            _ => continue,
        };
        out.graded(
            Severity::Medium,
            Confidence::Medium,
            &reference.at,
            message,
        );
    }
}
