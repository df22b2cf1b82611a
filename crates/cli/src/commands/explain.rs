//! `modelward explain`: what a rule or a reason means and what to do.

use modelward_cli::render::{self, RenderOptions};
use modelward_policy::{ReasonPage, reason_codes, reason_page};
use modelward_rules::RULES;

use crate::args::{Common, Explain};
use crate::failure::{FINE, Failure, usage};
use crate::output;

pub(crate) fn run(args: &Explain, common: &Common) -> Result<u8, Failure> {
    let options = output::options(common);
    let text = match args.code.as_deref() {
        None => list(&options),
        Some(code) => match (modelward_rules::find(code), reason_page(code)) {
            (Some(rule), _) => render::explain::rule(rule, &options),
            (None, Some(reason)) => render::explain::page(&markdown(&reason), &options),
            (None, None) => return usage(unknown(code)),
        },
    };
    output::answer(common, &text)?;
    Ok(FINE)
}

fn list(options: &RenderOptions) -> String {
    let mut out = render::explain::list(RULES, options);
    out.push_str("\nreasons of the shipped policies\n");
    for page in reason_codes().iter().filter_map(|code| reason_page(code)) {
        let first = page.text.lines().next().unwrap_or_default();
        out.push_str(&format!(
            "  {:<22} {:<8}  {first}\n",
            page.code,
            page.severity.as_str()
        ));
    }
    out
}

fn markdown(page: &ReasonPage) -> String {
    format!(
        "# {}\n\nUsually {}; {}.\n\n{}\n",
        page.code,
        page.severity.as_str(),
        page.frameworks.join(", "),
        page.text
    )
}

fn unknown(code: &str) -> String {
    let reasons = reason_codes();
    let known = RULES
        .iter()
        .map(|rule| rule.id)
        .chain(reasons.iter().map(String::as_str));
    let close = known
        .map(|id| (distance(id, code), id))
        .min()
        .filter(|(edits, _)| *edits <= 4);
    let hint = close.map_or_else(
        || "modelward explain lists all".to_owned(),
        |(_, id)| format!("did you mean {id}?"),
    );
    format!("there is no rule or reason {code}; {hint}")
}

/// Edits that turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in b.iter().enumerate() {
            let cost = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
