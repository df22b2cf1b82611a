//! The history as a Mermaid flow chart, for a README or a pull request.

use super::{History, operation, short};

pub fn mermaid(history: &History) -> String {
    let mut out = "flowchart LR\n".to_owned();
    for (index, node) in history.nodes.iter().enumerate() {
        let digest = node
            .digest
            .as_deref()
            .map_or("by name only".to_owned(), short);
        let signed = if node.signed_by.is_empty() {
            "not signed".to_owned()
        } else {
            format!("signed by {}", node.signed_by.join(", "))
        };
        out.push_str(&format!(
            "  n{index}[\"{}<br/>{}<br/>{}\"]\n",
            label(&node.name),
            label(&digest),
            label(&signed)
        ));
    }
    for edge in &history.edges {
        let arrow = if edge.grade == "claimed" { "-." } else { "--" };
        let head = if edge.grade == "claimed" {
            ".->"
        } else {
            "-->"
        };
        out.push_str(&format!(
            "  n{} {arrow} \"{} · {}\" {head} n{}\n",
            edge.from,
            label(operation(edge)),
            label(&edge.grade),
            edge.to
        ));
    }
    if history.nodes.iter().any(|node| node.here) {
        out.push_str("  style n0 stroke-width:3px\n");
    }
    out
}

/// Text inside quotes: Mermaid reads entity codes, and nothing else may close
/// the label or begin markup.
fn label(text: &str) -> String {
    let mut out = String::new();
    for character in super::super::escape::plain(text).chars() {
        if character.is_alphanumeric() || " -_.:/@…,·".contains(character) {
            out.push(character);
        } else {
            out.push_str(&format!("#{};", u32::from(character)));
        }
    }
    out
}
