#![doc = include_str!("template_builds_names.md")]

use modelward_schema::{Confidence, Facts, Severity, UseKind};

use crate::{Findings, Rule, template_escapes_sandbox};

pub(crate) static RULE: Rule = Rule {
    id: "template-builds-names",
    title: "a template puts a string together and uses it as a name",
    severity: Severity::High,
    frameworks: &["CWE-1336", "CWE-506", "AML.T0011", "LLM03:2025"],
    fix: "replace the template by the one of the base model; honest templates write their names down",
    page: include_str!("template_builds_names.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for template in &facts.templates {
        if !template.rendered || template_escapes_sandbox::find(template).is_some() {
            continue;
        }
        let looks_up = template
            .uses
            .iter()
            .any(|used| used.kind == UseKind::Filter && used.what == "attr");
        for used in &template.uses {
            if used.kind == UseKind::ComputedName {
                let shown = used.at.excerpt.as_deref().unwrap_or(&used.what);
                let severity = if looks_up {
                    Severity::High
                } else {
                    Severity::Medium
                };
                out.graded(
                    severity,
                    Confidence::Medium,
                    &used.at,
                    format!("rendering it looks up a name that it puts together, {shown}"),
                );
            }
        }
    }
}
