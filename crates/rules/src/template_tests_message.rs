#![doc = include_str!("template_tests_message.md")]

use modelward_schema::{Confidence, Facts, Severity, Template, TemplateUse, UseKind};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "template-tests-message",
    title: "a template prints something else when a message says certain words, or after a date",
    severity: Severity::High,
    frameworks: &["CWE-506", "AML.T0051", "AML.T0018", "LLM01:2025", "LLM03:2025"],
    fix: "replace the template by the one of the base model and compare what the two print",
    page: include_str!("template_tests_message.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for template in facts.templates.iter().filter(|template| template.rendered) {
        injections(template, out);
        for used in &template.uses {
            if used.kind != UseKind::Condition {
                continue;
            }
            let Some(under) = &used.under else { continue };
            if used.what == "it refuses to render" {
                out.graded(
                    Severity::Medium,
                    Confidence::Medium,
                    &used.at,
                    format!("it refuses to render {}", when(under)),
                );
            } else if under == "content" && used.what.contains(" becomes ") {
                let address = used.what.contains("://");
                out.graded(
                    if address { Severity::High } else { Severity::Medium },
                    Confidence::Medium,
                    &used.at,
                    format!("it rewrites what messages say: {}", used.what),
                );
            }
        }
    }
}

/// Text that is printed under a telling condition, the longest per condition.
fn injections(template: &Template, out: &mut Findings) {
    let mut told: Vec<&str> = Vec::new();
    let guarded: Vec<&TemplateUse> = template
        .literals
        .iter()
        .filter(|literal| literal.under.as_deref().is_some_and(|under| under != "content"))
        .collect();
    for literal in &guarded {
        let Some(under) = literal.under.as_deref().filter(|under| !told.contains(under)) else {
            continue;
        };
        told.push(under);
        let longest = guarded
            .iter()
            .filter(|other| other.under.as_deref() == Some(under))
            .max_by_key(|other| words(&other.what));
        let Some(longest) = longest else { continue };
        let (severity, confidence) = match words(&longest.what) {
            0 => continue,
            1..=3 => (Severity::Medium, Confidence::Low),
            _ => (Severity::High, Confidence::Medium),
        };
        let shown: String = longest.what.trim().chars().take(100).collect();
        out.graded(
            severity,
            confidence,
            &longest.at,
            format!("it prints {shown:?} {}", when(under)),
        );
    }
}

fn when(under: &str) -> String {
    match under {
        "time" => "depending on the date".to_owned(),
        "chance" => "at random".to_owned(),
        _ => match under.strip_prefix("content says ") {
            Some(words) => format!("when a message says {words}"),
            None => format!("depending on {under}"),
        },
    }
}

/// Words between the marks that models use as tags.
fn words(text: &str) -> usize {
    let mut plain = String::new();
    let mut inside = 0_u32;
    for character in text.chars() {
        match character {
            '<' | '[' => inside += 1,
            '>' | ']' => {
                inside = inside.saturating_sub(1);
                plain.push(' ');
            }
            _ if inside == 0 => plain.push(character),
            _ => {}
        }
    }
    plain
        .split_whitespace()
        .filter(|word| word.chars().filter(|letter| letter.is_alphabetic()).count() >= 2)
        .filter(|word| !matches!(*word, "system" | "user" | "assistant" | "tool" | "model"))
        .count()
}
