//! `modelward explain`: a rule's page at a terminal. Without colour the page is
//! printed as it was written, because Markdown reads well as it is.

use modelward_rules::Rule;

use super::paint::{Paint, wrap};
use super::{RenderOptions, escape};

/// A rule's page, with what the rule's declaration adds.
pub fn rule(rule: &Rule, options: &RenderOptions) -> String {
    let facts = format!(
        "{}.\nUsually {}; {}.\n",
        rule.title,
        rule.severity.as_str(),
        rule.frameworks.join(", ")
    );
    let (title, rest) = rule.page.split_once('\n').unwrap_or((rule.page, ""));
    page(&format!("{title}\n\n{facts}{rest}"), options)
}

/// One line per rule, with its title.
pub fn list(rules: &[&Rule], options: &RenderOptions) -> String {
    let paint = Paint::new(options.colour);
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for rule in rules {
        let gap = width - rule.id.len() + 2;
        let severity = paint.severity(rule.severity, &format!("{:<8}", rule.severity.as_str()));
        out.push_str(&format!(
            "{}{:gap$}{severity}  {}\n",
            paint.bold(rule.id),
            "",
            rule.title
        ));
    }
    out
}

/// A page of Markdown: headings bold, code dim, sentences of one paragraph
/// joined and wrapped.
pub fn page(markdown: &str, options: &RenderOptions) -> String {
    if !options.colour {
        let lines: Vec<String> = markdown.trim_end().lines().map(escape::plain).collect();
        return lines.join("\n") + "\n";
    }
    let mut page = Page {
        paint: Paint::new(true),
        width: options.width.clamp(40, 100),
        out: String::new(),
    };
    let mut paragraph = String::new();
    let mut in_code = false;
    for line in markdown.trim_end().lines().map(escape::plain) {
        if line.starts_with("```") {
            page.flush(&mut paragraph);
            in_code = !in_code;
        } else if in_code {
            page.push(&format!("    {}", page.paint.dim(&line)));
        } else if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ')
            && line.starts_with('#')
        {
            page.flush(&mut paragraph);
            page.push(&page.paint.bold(heading));
        } else if line.is_empty() {
            page.flush(&mut paragraph);
            page.push("");
        } else if line.starts_with("- ") || line.starts_with('|') || is_numbered(&line) {
            page.flush(&mut paragraph);
            paragraph.push_str(&line);
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line.trim());
        }
    }
    page.flush(&mut paragraph);
    page.out
}

fn is_numbered(line: &str) -> bool {
    line.split_once(". ").is_some_and(|(number, _)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

struct Page {
    paint: Paint,
    width: usize,
    out: String,
}

impl Page {
    fn push(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn flush(&mut self, paragraph: &mut String) {
        if paragraph.is_empty() {
            return;
        }
        let mut in_code = false;
        for (index, line) in wrap(paragraph, self.width.saturating_sub(4))
            .iter()
            .enumerate()
        {
            let mut shown = String::from(if index == 0 || !paragraph.starts_with("- ") {
                "  "
            } else {
                "    "
            });
            for (part, text) in line.split('`').enumerate() {
                if part > 0 {
                    in_code = !in_code;
                }
                shown.push_str(&if in_code {
                    self.paint.code(text)
                } else {
                    text.replace("**", "")
                });
            }
            self.push(&shown);
        }
        paragraph.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# a-rule\n\n## What it finds\n\nOne sentence.\nAnother with `code`.\n\n- a point\n- another\n\n```json facts\n{ \"a\": 1 }\n```\n";

    #[test]
    fn piped_it_is_the_page_itself() {
        assert_eq!(page(PAGE, &RenderOptions::default()), PAGE);
    }

    #[test]
    fn at_a_terminal_headings_stand_out_and_sentences_flow() {
        let options = RenderOptions {
            colour: true,
            ..RenderOptions::default()
        };
        insta::assert_snapshot!(page(PAGE, &options).replace('\u{1b}', "~"));
    }

    #[test]
    fn every_rule_can_be_explained() {
        for one in modelward_rules::RULES {
            assert!(rule(one, &RenderOptions::default()).contains(one.title));
        }
        assert!(
            list(modelward_rules::RULES, &RenderOptions::default())
                .lines()
                .count()
                >= 1
        );
    }
}
