#![doc = include_str!("template_under_unread_name.md")]

use modelward_schema::{Confidence, Facts, Severity};

use crate::{Findings, Rule, template_escapes_sandbox};

pub(crate) static RULE: Rule = Rule {
    id: "template-under-unread-name",
    title: "a hostile template lies where no known loader renders it",
    severity: Severity::Low,
    frameworks: &["CWE-1336", "AML.T0011", "LLM03:2025"],
    fix: "remove the file, and find out who put it there",
    page: include_str!("template_under_unread_name.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for template in facts.templates.iter().filter(|template| !template.rendered) {
        if let Some(escape) = template_escapes_sandbox::find(template)
            && escape.severity == Severity::Critical
        {
            out.graded(
                Severity::Low,
                Confidence::Medium,
                &escape.by.at,
                format!(
                    "no known loader renders {:?} from here; one that did {}",
                    template.name,
                    escape.what.replacen("reaches", "would reach", 1)
                ),
            );
        }
    }
}
