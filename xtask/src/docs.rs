//! The part of the book that comes from the rules: a page per rule, which
//! includes the page beside the rule's code, the table of all rules, and their
//! place in the summary. Nothing is written twice by hand, and `--check` fails
//! when a rule was added, renamed or regraded without the book.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use modelward_rules::{RULES, Rule};

/// The line of the summary below which the rules stand.
const ENTRY: &str = "- [Rules](rules/README.md)";

pub(crate) fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    let check = match args {
        [] => false,
        [only] if only == "--check" => true,
        _ => bail!("docs knows one option, --check"),
    };
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src");
    let summary = book.join("SUMMARY.md");
    let text = fs::read_to_string(&summary).context("docs/src/SUMMARY.md cannot be read")?;
    let mut wanted: BTreeMap<PathBuf, String> = BTreeMap::new();
    wanted.insert(summary, summarise(&text)?);
    wanted.insert(book.join("rules/README.md"), table());
    for rule in RULES {
        wanted.insert(book.join(format!("rules/{}.md", rule.id)), page(rule));
    }
    let stale = differences(&book.join("rules"), &wanted)?;
    if !check {
        for path in &stale {
            match wanted.get(path) {
                Some(text) => {
                    fs::create_dir_all(path.parent().unwrap_or(&book))?;
                    fs::write(path, text)?;
                }
                None => fs::remove_file(path)?,
            }
        }
        println!(
            "{} rules in the book, {} files written",
            RULES.len(),
            stale.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    for path in &stale {
        let name = path.strip_prefix(&book).unwrap_or(path);
        eprintln!("docs/src/{} is not what the rules say", name.display());
    }
    if stale.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        eprintln!("run cargo xtask docs and commit what it writes");
        Ok(ExitCode::FAILURE)
    }
}

/// Files that differ, lack, or belong to no rule.
fn differences(folder: &Path, wanted: &BTreeMap<PathBuf, String>) -> anyhow::Result<Vec<PathBuf>> {
    let mut stale: Vec<PathBuf> = wanted
        .iter()
        .filter(|(path, text)| fs::read_to_string(path).ok().as_ref() != Some(*text))
        .map(|(path, _)| path.clone())
        .collect();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !wanted.contains_key(&path) {
                stale.push(path);
            }
        }
    }
    Ok(stale)
}

/// The summary with the rules listed below their entry, and everything else as
/// it was.
fn summarise(summary: &str) -> anyhow::Result<String> {
    if !summary.lines().any(|line| line == ENTRY) {
        bail!("docs/src/SUMMARY.md lacks the line {ENTRY}");
    }
    let mut out = String::new();
    let mut in_rules = false;
    for line in summary.lines() {
        if in_rules && line.starts_with("  - ") {
            continue;
        }
        in_rules = line == ENTRY;
        out.push_str(line);
        out.push('\n');
        if in_rules {
            for rule in RULES {
                out.push_str(&format!("  - [{}](rules/{}.md)\n", rule.id, rule.id));
            }
        }
    }
    Ok(out)
}

fn table() -> String {
    let mut out = format!(
        "# Rules\n\n\
A rule judges facts and gives findings.\n\
Each of the {} has a page that says what it finds, why it matters, what it looks like, what it does not take for one, and what to do.\n\
`modelward explain RULE` prints the same page.\n\n\
The severity is the usual one; a finding may be graded otherwise by what was seen.\n\n\
| rule | usually | what is the case | frameworks |\n|---|---|---|---|\n",
        RULES.len()
    );
    for rule in RULES {
        out.push_str(&format!(
            "| [{}]({}.md) | {} | {} | {} |\n",
            rule.id,
            rule.id,
            rule.severity.as_str(),
            rule.title.replace('|', "\\|"),
            rule.frameworks.join(", ")
        ));
    }
    out
}

fn page(rule: &Rule) -> String {
    let file = rule.id.replace('-', "_");
    format!(
        "{{{{#include ../../../crates/rules/src/{file}.md}}}}\n\n---\n\nUsually **{}** · {}\n",
        rule.severity.as_str(),
        rule.frameworks.join(" · ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_keeps_what_is_not_about_rules() {
        let summary = format!(
            "# Summary\n\n{ENTRY}\n  - [gone](rules/gone.md)\n\n- [More](more.md)\n  - [Sub](sub.md)\n"
        );
        let text = summarise(&summary).expect("the entry is there");
        assert!(!text.contains("gone"));
        assert!(text.ends_with("\n\n- [More](more.md)\n  - [Sub](sub.md)\n"));
        assert_eq!(text.matches("](rules/").count(), RULES.len() + 1);
        assert_eq!(summarise(&text).expect("again"), text);
    }

    #[test]
    fn a_summary_without_the_entry_is_refused() {
        assert!(summarise("# Summary\n").is_err());
    }

    #[test]
    fn every_included_page_exists() {
        for rule in RULES {
            let file = rule.id.replace('-', "_");
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("../crates/rules/src/{file}.md"));
            assert!(path.is_file(), "{}", path.display());
        }
    }
}
