//! `modelward evidence`: every statement, who signed it, whether it counts, and
//! the history that they tell.

use modelward_schema::{About, Chain, Evidence, SignedStatement, Standing};
use serde_json::json;

use super::paint::{Paint, columns};
use super::{RenderOptions, escape, words};

/// One document.
pub fn json(name: &str, digest: &str, stated: &[Evidence]) -> String {
    let statements: Vec<&SignedStatement> = statements(stated).collect();
    let document = json!({
        "name": name,
        "digest": digest,
        "statements": statements,
        "chain": chain(stated),
    });
    let text = serde_json::to_string_pretty(&document).unwrap_or_else(|_| "{}".to_owned());
    escape::json(&text) + "\n"
}

/// A line for each statement; with `whole` the history below.
pub fn text(
    name: &str,
    digest: &str,
    stated: &[Evidence],
    whole: bool,
    options: &RenderOptions,
) -> String {
    let paint = Paint::new(options.colour);
    let mut out = format!("{}  {}\n\n", paint.bold(&escape::plain(name)), digest);
    if statements(stated).next().is_none() {
        out.push_str("  no statement comes with it or is on record\n");
        return out;
    }
    let rows: Vec<[String; 4]> = statements(stated).map(row).collect();
    let mut widths = [0; 4];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    for (statement, row) in statements(stated).zip(&rows) {
        let state = match statement.standing {
            Standing::Verified => paint.good("counts  "),
            Standing::Refused => paint.bad("refused "),
            Standing::Unjudged => paint.warn("unjudged"),
        };
        let mut line = format!("  {state}");
        for (cell, width) in row.iter().zip(widths) {
            let gap = width.saturating_sub(columns(cell));
            line.push_str(&format!("  {cell}{}", " ".repeat(gap)));
        }
        out.push_str(line.trim_end());
        out.push('\n');
        if let Some(refused) = &statement.refused {
            out.push_str(&format!(
                "            {}  {}\n",
                paint.code(&refused.code),
                escape::plain(&refused.message)
            ));
        }
    }
    if let Some(chain) = chain(stated).filter(|_| whole) {
        out.push_str(&history(chain, paint));
    }
    out
}

fn row(statement: &SignedStatement) -> [String; 4] {
    let about = match statement.about {
        About::Artifact => String::new(),
        About::Ancestor => "of an ancestor".to_owned(),
        About::SameTensors => "of other bytes with the same tensors".to_owned(),
        About::Other => "of other bytes".to_owned(),
    };
    let who = match (&statement.signer, &statement.key) {
        (Some(who), _) => escape::plain(who),
        (None, Some(key)) => words::short(key),
        (None, None) => "–".to_owned(),
    };
    let id = statement
        .id
        .as_deref()
        .map_or_else(String::new, words::short);
    let when = statement
        .time
        .as_deref()
        .map_or_else(String::new, words::moment);
    let mut place = escape::plain(&statement.place);
    for more in [about, when] {
        if !more.is_empty() {
            place.push_str("  ");
            place.push_str(&more);
        }
    }
    [escape::plain(&statement.claim), who, id, place]
}

fn history(chain: &Chain, paint: Paint) -> String {
    let mut out = format!("\n  history  {} of 100 whole\n", chain.completeness);
    for (at, hop) in chain.hops.iter().enumerate() {
        let name = hop.name.as_deref().map_or_else(String::new, escape::plain);
        let made = match (&hop.operation, &hop.recorded_by) {
            (Some(operation), Some(who)) => {
                format!("{operation}, recorded by {}", escape::plain(who))
            }
            (Some(operation), None) => operation.clone(),
            (None, _) => "not recorded".to_owned(),
        };
        let signed = if hop.signed_by.is_empty() {
            "not signed".to_owned()
        } else {
            format!("signed by {}", escape::plain(&hop.signed_by.join(", ")))
        };
        let grade = hop.grade.as_ref().map_or_else(String::new, |grade| {
            format!(", proven {}", escape::plain(grade))
        });
        out.push_str(&format!(
            "  {:>3}  {name}  {}  {made}; {signed}{grade}\n",
            at,
            words::short(&hop.digest)
        ));
        for input in &hop.inputs {
            let what = input
                .name
                .as_deref()
                .map_or_else(String::new, escape::plain);
            let digest = input
                .digest
                .as_deref()
                .map_or("not pinned".to_owned(), words::short);
            out.push_str(&paint.dim(&format!(
                "         {}  {what}  {}\n",
                escape::plain(&input.role),
                escape::plain(&digest)
            )));
        }
    }
    for holder in &chain.custody.holders {
        let since = holder
            .since
            .as_deref()
            .map_or("the beginning".to_owned(), words::moment);
        let until = holder
            .until
            .as_deref()
            .map_or("now".to_owned(), words::moment);
        out.push_str(&format!(
            "  held by {} from {since} to {until}  {}\n",
            escape::plain(&holder.who),
            words::short(&holder.digest)
        ));
    }
    for problem in chain.problems.iter().chain(&chain.custody.problems) {
        out.push_str(&format!(
            "  {}  {}\n",
            paint.bad(&problem.code),
            escape::plain(&problem.message)
        ));
        if !problem.fix.is_empty() {
            out.push_str(&format!("      fix  {}\n", escape::plain(&problem.fix)));
        }
    }
    out
}

fn statements(stated: &[Evidence]) -> impl Iterator<Item = &SignedStatement> {
    stated.iter().filter_map(|one| match one {
        Evidence::Statement(statement) => Some(statement),
        _ => None,
    })
}

fn chain(stated: &[Evidence]) -> Option<&Chain> {
    stated.iter().find_map(|one| match one {
        Evidence::Chain(chain) => Some(chain),
        _ => None,
    })
}
