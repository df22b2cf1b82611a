//! The history as a picture: origins left, the artifact right, one card for a
//! model, one line for a step, its colour and stroke the grade.

use super::super::escape::markup;
use super::{Edge, History, operation, short};

/// Pixels.
const CARD: (usize, usize) = (230, 78);
const GAP: (usize, usize) = (190, 26);
const MARGIN: usize = 24;
/// Characters that fit in a card.
const WIDE: usize = 27;

/// Self-contained: light and dark, with a text alternative.
pub fn svg(history: &History) -> String {
    let places = place(history);
    let columns = places.iter().map(|place| place.0).max().unwrap_or(0);
    let rows = places.iter().map(|place| place.1).max().unwrap_or(0);
    let width = 2 * MARGIN + CARD.0 + columns * (CARD.0 + GAP.0);
    let height = 2 * MARGIN + CARD.1 + rows * (CARD.1 + GAP.1) + 28;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t d\">\n\
         <title id=\"t\">Lineage of {}</title>\n<desc id=\"d\">{}</desc>\n{STYLE}",
        markup(history.nodes.first().map_or("", |node| &node.name)),
        markup(&told(history))
    );
    let corner = |index: usize| {
        let (column, row) = places.get(index).copied().unwrap_or_default();
        (
            MARGIN + (columns - column) * (CARD.0 + GAP.0),
            MARGIN + row * (CARD.1 + GAP.1),
        )
    };
    for edge in &history.edges {
        line(&mut out, edge, corner(edge.from), corner(edge.to));
    }
    for (index, node) in history.nodes.iter().enumerate() {
        let (x, y) = corner(index);
        let class = if node.here { "card here" } else { "card" };
        let digest = node
            .digest
            .as_deref()
            .map_or("by name only".to_owned(), short);
        let (signed, state) = if node.signed_by.is_empty() {
            ("not signed".to_owned(), "lacks")
        } else {
            (format!("signed by {}", node.signed_by.join(", ")), "dim")
        };
        let made = match (&node.recorded_by, &node.at) {
            (Some(by), Some(at)) => {
                format!("{} {by}", at.split('T').next().unwrap_or(at))
            }
            (Some(by), None) => format!("recorded by {by}"),
            (None, Some(at)) => at.split('T').next().unwrap_or(at).to_owned(),
            (None, None) => "no record".to_owned(),
        };
        out.push_str(&format!(
            "<g class=\"{class}\"><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"8\"/>",
            CARD.0, CARD.1
        ));
        let lines = [
            ("name", node.name.as_str()),
            ("dim mono", digest.as_str()),
            ("dim", made.as_str()),
            (state, signed.as_str()),
        ];
        for (offset, (class, text)) in [20, 37, 53, 69].into_iter().zip(lines) {
            out.push_str(&format!(
                "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
                x + 12,
                y + offset,
                markup(&cut(text))
            ));
        }
        out.push_str("</g>\n");
    }
    let state = match history.completeness {
        Some(percent) => format!("complete to {percent} of 100"),
        None => "not judged: no trust root".to_owned(),
    };
    out.push_str(&format!(
        "<text class=\"dim\" x=\"{MARGIN}\" y=\"{}\">{state}; {} missing</text>\n</svg>\n",
        height - MARGIN / 2,
        history.missing.len() + history.custody.problems.len()
    ));
    out
}

const STYLE: &str = "<style>
svg { background: #fff; font: 12px system-ui, sans-serif; }
rect { fill: #f6f8fa; stroke: #8c959f; } .here rect { stroke: #0969da; stroke-width: 2.5; }
text { fill: #1f2328; } .name { font-weight: 600; font-size: 13px; } .dim { fill: #59636e; } .mono { font-family: ui-monospace, monospace; font-size: 11px; }
.lacks { fill: #9a6700; } path { fill: none; stroke: #1a7f37; stroke-width: 2; }
.claimed path { stroke: #9a6700; stroke-dasharray: 5 4; } .refuted path { stroke: #cf222e; stroke-width: 3; }
.claimed text { fill: #9a6700; } .refuted text { fill: #cf222e; } .step text { text-anchor: middle; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; } rect { fill: #161b22; stroke: #6e7681; } .here rect { stroke: #58a6ff; } text { fill: #e6edf3; } .dim { fill: #9198a1; }
.lacks, .claimed text { fill: #d29922; } path { stroke: #3fb950; } .claimed path { stroke: #d29922; } .refuted path { stroke: #f85149; } .refuted text { fill: #f85149; }
}
</style>
";

/// Column (steps from the artifact, the longest way) and row of every node.
fn place(history: &History) -> Vec<(usize, usize)> {
    let count = history.nodes.len();
    let mut column = vec![0_usize; count];
    // As many rounds as the longest way can have; a circle stops there too.
    for _ in 0..count.min(64) {
        let mut moved = false;
        for edge in &history.edges {
            let least = column.get(edge.to).copied().unwrap_or(0) + 1;
            if let Some(own) = column.get_mut(edge.from)
                && *own < least
                && least < count
            {
                *own = least;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let mut used = vec![0_usize; count + 1];
    column
        .into_iter()
        .map(|column| {
            let row = used.get(column).copied().unwrap_or(0);
            if let Some(next) = used.get_mut(column) {
                *next += 1;
            }
            (column, row)
        })
        .collect()
}

fn line(out: &mut String, edge: &Edge, from: (usize, usize), to: (usize, usize)) {
    let (x1, y1) = (from.0 + CARD.0, from.1 + CARD.1 / 2);
    let (x2, y2) = (to.0, to.1 + CARD.1 / 2);
    let middle = usize::midpoint(x1, x2);
    let class = match edge.grade.as_str() {
        "claimed" | "refuted" => edge.grade.as_str(),
        _ => "proven",
    };
    let mark = if edge.recomputed { " ✓" } else { "" };
    out.push_str(&format!(
        "<g class=\"step {class}\"><path d=\"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}\"/>\
         <text x=\"{middle}\" y=\"{}\">{}</text><text x=\"{middle}\" y=\"{}\">{}{mark}</text></g>\n",
        usize::midpoint(y1, y2).saturating_sub(8),
        markup(&cut(operation(edge))),
        usize::midpoint(y1, y2) + 18,
        markup(&edge.grade)
    ));
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDE {
        text.to_owned()
    } else {
        text.chars().take(WIDE - 1).chain(['…']).collect()
    }
}

/// The picture in words.
fn told(history: &History) -> String {
    let name = |index: usize| history.nodes.get(index).map_or("", |node| &node.name);
    let steps: Vec<String> = history
        .edges
        .iter()
        .map(|edge| {
            format!(
                "{} from {} ({}, {})",
                name(edge.to),
                name(edge.from),
                operation(edge),
                edge.grade
            )
        })
        .collect();
    if steps.is_empty() {
        "Nothing is known of how it came to be.".to_owned()
    } else {
        steps.join("; ")
    }
}
