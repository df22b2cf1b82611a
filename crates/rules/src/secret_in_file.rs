#![doc = include_str!("secret_in_file.md")]

use modelward_schema::{Confidence, Facts, Severity};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "secret-in-file",
    title: "a credential is in the file",
    severity: Severity::Medium,
    frameworks: &["CWE-798", "AML.T0055", "LLM02:2025", "PR.AA-01"],
    fix: "revoke it at its issuer first, then remove it from the file and from the history",
    page: include_str!("secret_in_file.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for entry in &facts.metadata {
        let Some(kind) = entry.key.strip_prefix("secret/") else {
            continue;
        };
        let (severity, confidence, what) = match kind {
            "by-its-key" => (
                Severity::Low,
                Confidence::Low,
                "what its key calls a secret".to_owned(),
            ),
            "private-key" => (Severity::Medium, Confidence::High, "a private key".to_owned()),
            _ => {
                let kind = kind.replace('-', " ");
                let article = if kind.starts_with(['a', 'o']) { "an" } else { "a" };
                (
                    Severity::Medium,
                    Confidence::High,
                    format!("{article} {kind}, {}", entry.value),
                )
            }
        };
        out.graded(severity, confidence, &entry.at, format!("it carries {what}"));
    }
}
