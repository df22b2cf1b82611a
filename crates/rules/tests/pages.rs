//! The facts under *Found* and *Not found* of every page are run against its
//! rule, and every page and list entry is in order.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

use modelward_rules::{RULES, judge};
use modelward_schema::Facts;

const HEADINGS: [&str; 5] = [
    "What it finds",
    "Why it matters",
    "Found",
    "Not found",
    "What to do",
];

/// The text between `## heading` and the next heading of that level.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("\n## {heading}\n")).unwrap_or_else(|| {
        panic!("the page lacks the heading {heading:?}:\n{page}");
    });
    let body = &page[start + 4..];
    body.find("\n## ").map_or(body, |end| &body[..end])
}

fn examples(section: &str) -> Vec<Facts> {
    let mut out = Vec::new();
    let mut rest = section;
    while let Some(start) = rest.find("```json facts\n") {
        let body = &rest[start + 14..];
        let end = body.find("\n```").expect("an example block is closed");
        out.push(serde_json::from_str(&body[..end]).unwrap_or_else(|error| {
            panic!("an example is not facts: {error}\n{}", &body[..end]);
        }));
        rest = &body[end..];
    }
    out
}

#[test]
fn examples_on_every_page_hold() {
    for rule in RULES {
        for heading in HEADINGS {
            section(rule.page, heading);
        }
        let found = examples(section(rule.page, "Found"));
        let not_found = examples(section(rule.page, "Not found"));
        assert!(
            !found.is_empty() && !not_found.is_empty(),
            "{}: an example each",
            rule.id
        );
        for facts in &found {
            assert!(
                judge(facts).iter().any(|f| f.rule == rule.id),
                "{}: not found in {facts:?}",
                rule.id
            );
        }
        for facts in &not_found {
            assert!(
                !judge(facts).iter().any(|f| f.rule == rule.id),
                "{}: found in {facts:?}",
                rule.id
            );
        }
    }
}

#[test]
fn the_list_is_sorted_and_every_page_is_titled_by_its_id() {
    assert!(RULES.is_sorted_by_key(|rule| rule.id));
    for rule in RULES {
        assert!(
            rule.page.starts_with(&format!("# {}\n", rule.id)),
            "{}",
            rule.id
        );
        assert!(
            !rule.frameworks.is_empty() && !rule.fix.is_empty(),
            "{}",
            rule.id
        );
    }
}
