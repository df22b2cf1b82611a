//! `modelward explain`: what a rule or a reason means and what to do.

use modelward_cli::render;
use modelward_rules::RULES;

use crate::args::{Common, Explain};
use crate::failure::{FINE, Failure, usage};
use crate::output;

pub(crate) fn run(args: &Explain, common: &Common) -> Result<u8, Failure> {
    let options = output::options(common);
    let text = match args.code.as_deref() {
        None => render::explain::list(RULES, &options),
        Some(code) => match modelward_rules::find(code) {
            Some(rule) => render::explain::rule(rule, &options),
            None => return usage(unknown(code)),
        },
    };
    output::answer(common, &text)?;
    Ok(FINE)
}

fn unknown(code: &str) -> String {
    let close = RULES
        .iter()
        .map(|rule| rule.id)
        .min_by_key(|id| distance(id, code));
    let hint = close
        .filter(|id| distance(id, code) <= 4)
        .map(|id| format!("; did you mean {id}?"));
    format!(
        "there is no rule {code}{}",
        hint.unwrap_or_else(|| "; modelward explain lists all".to_owned())
    )
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
