//! What the artifact consists of, as a picture and as tables, and what of it
//! was not read.

use std::collections::BTreeMap;

use modelward_schema::Report;

use super::super::{escape::markup, words};
use super::treemap::{Kind, Node, draw, nodes};

/// Rows of a table; the report has them all.
const ROWS: usize = 100;

pub(super) fn write(report: &Report, number: usize, out: &mut String) {
    coverage(report, out);
    let nodes = nodes(report);
    if !nodes.is_empty() {
        out.push_str("<section><h2>What it consists of</h2><div class=\"panel\">\n");
        out.push_str(&draw(&nodes, number, &description(&nodes)));
        legend(&nodes, out);
        table(report, out);
        out.push_str("</div></section>\n");
    }
    outside(report, out);
}

/// The picture in words, for those who do not see it.
fn description(nodes: &[Node]) -> String {
    let mut parts: Vec<String> = nodes
        .iter()
        .take(12)
        .map(|node| {
            let found = node
                .hot
                .or_else(|| node.inside.iter().filter_map(|inner| inner.hot).max())
                .map_or_else(String::new, |severity| {
                    format!(", {} found", severity.as_str())
                });
            format!(
                "{} ({}, {}{found})",
                node.name,
                node.what,
                words::bytes(node.size)
            )
        })
        .collect();
    if nodes.len() > 12 {
        parts.push(format!("and {} more", nodes.len() - 12));
    }
    format!(
        "Boxes by size: {}. The table below has the same.",
        parts.join("; ")
    )
}

fn legend(nodes: &[Node], out: &mut String) {
    let all: Vec<&Node> = nodes
        .iter()
        .flat_map(|node| std::iter::once(node).chain(&node.inside))
        .collect();
    out.push_str("<ul class=\"legend\">");
    for kind in Kind::ALL {
        if all.iter().any(|node| node.kind == kind) {
            out.push_str(&format!(
                "<li><i class=\"{}\"></i>{}</li>",
                kind.class(),
                kind.name()
            ));
        }
    }
    if all.iter().any(|node| node.hot.is_some()) {
        out.push_str(
            "<li><span class=\"sign\">!</span>something found, drawn large enough to see</li>",
        );
    }
    if all.iter().any(|node| node.unread) {
        out.push_str("<li>broken edge: not fully read</li>");
    }
    out.push_str("</ul>\n");
}

fn table(report: &Report, out: &mut String) {
    let mut tensors: BTreeMap<&str, usize> = BTreeMap::new();
    for tensor in &report.facts.tensors {
        *tensors.entry(&tensor.at.path).or_default() += 1;
    }
    out.push_str("<details><summary>The same as a table</summary><table><thead><tr><th>file</th><th>format</th><th class=\"number\">tensors</th><th class=\"number\">size</th></tr></thead><tbody>\n");
    for file in report.facts.files.iter().take(ROWS) {
        let mut format = file.format.clone();
        if !file.also.is_empty() {
            format.push_str(&format!(", also {}", file.also.join(", ")));
        }
        let count = tensors
            .get(file.path.as_str())
            .map(ToString::to_string)
            .unwrap_or_default();
        out.push_str(&format!(
            "<tr><td class=\"mono\">{}</td><td>{}</td><td class=\"number\">{count}</td><td class=\"number\">{}</td></tr>\n",
            markup(&file.path.replace("!/", " › ")),
            markup(&format),
            words::bytes(file.size)
        ));
    }
    out.push_str("</tbody></table>");
    more(report.facts.files.len(), out);
    out.push_str("</details>\n");
}

fn more(rows: usize, out: &mut String) {
    if rows > ROWS {
        out.push_str(&format!("<p class=\"soft\">and {} more</p>", rows - ROWS));
    }
}

fn coverage(report: &Report, out: &mut String) {
    let gaps = &report.facts.coverage.gaps;
    out.push_str(&format!(
        "<section><h2>What was read</h2><div class=\"panel\"><p>{}; {}</p>",
        markup(&words::extent(report)),
        if gaps.is_empty() {
            "nothing left unread."
        } else {
            "not everything:"
        }
    ));
    if !gaps.is_empty() {
        out.push_str("<table><thead><tr><th>why</th><th>where</th><th>what happened</th></tr></thead><tbody>\n");
        for gap in gaps.iter().take(ROWS) {
            out.push_str(&format!(
                "<tr><td class=\"why\">{}</td><td class=\"mono\">{} {}</td><td>{}</td></tr>\n",
                words::why(gap.why),
                markup(&words::path(&gap.at)),
                words::position(&gap.at).unwrap_or_default(),
                markup(&gap.message)
            ));
        }
        out.push_str("</tbody></table>");
        more(gaps.len(), out);
    }
    if let Some(text) = words::unconfined(report) {
        out.push_str(&format!("<p class=\"note\">Sandbox {}.</p>", markup(&text)));
    }
    out.push_str("</div></section>\n");
}

/// Everything outside its files that the artifact names.
fn outside(report: &Report, out: &mut String) {
    let references = &report.facts.references;
    if references.is_empty() {
        return;
    }
    out.push_str("<section><h2>What it names outside itself</h2><div class=\"panel\"><table><thead><tr><th>kind</th><th>value</th><th>where</th></tr></thead><tbody>\n");
    for reference in references.iter().take(ROWS) {
        let kind = serde_json::to_value(reference.kind).unwrap_or_default();
        out.push_str(&format!(
            "<tr><td>{}</td><td class=\"mono\">{}</td><td class=\"mono\">{}</td></tr>\n",
            kind.as_str().unwrap_or_default().replace('-', " "),
            markup(&reference.value),
            markup(&words::path(&reference.at))
        ));
    }
    out.push_str("</tbody></table>");
    more(references.len(), out);
    out.push_str("</div></section>\n");
}
