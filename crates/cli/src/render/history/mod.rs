//! `modelward lineage`: how a model came to be, from origin to deployed file.
//!
//! A history is drawn from statements that count, and beside them from what is
//! only said (manifest, model card): every edge has its grade, and an edge that
//! nobody signed or recomputed is `claimed`.

mod build;
mod mermaid;
mod svg;
#[cfg(test)]
mod tests;
mod text;

use modelward_schema::{Custody, EvidenceProblem};
use serde::Serialize;
use serde_json::json;

pub use mermaid::mermaid;
pub use svg::svg;
pub use text::text;

/// A model on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    pub name: String,
    /// Absent for a model that is only named.
    pub digest: Option<String>,
    /// How it was made, as its record says: `download`, `quantize`…
    pub operation: Option<String>,
    /// When, as its record says.
    pub at: Option<String>,
    /// Who signed the record of how it was made.
    pub recorded_by: Option<String>,
    /// Who signed its bytes.
    pub signed_by: Vec<String>,
    /// The artifact itself.
    pub here: bool,
}

/// One was made from the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Index of the source among the nodes.
    pub from: usize,
    /// Index of what was made.
    pub to: usize,
    /// `base`, `adapter`…; `manifest`, `named` or `given` for what no record says.
    pub role: String,
    /// `quantize`…; empty when nobody says.
    pub operation: String,
    /// `exact`, `nearest-code`, `bounded`, `structural`, `claimed` or `refuted`.
    pub grade: String,
    /// Recomputed just now, from the bytes of both.
    pub recomputed: bool,
    /// Why it is not better, when it was recomputed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct History {
    /// Origins may stand anywhere; the artifact is the first.
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    /// Of 100: steps that are signed and tell how they came to be; absent when
    /// there is no trust root to say whose word counts.
    pub completeness: Option<u8>,
    pub missing: Vec<EvidenceProblem>,
    pub custody: Custody,
}

impl Edge {
    /// A signed record says so, not only the manifest, a card, or whoever asks.
    pub fn is_recorded(&self) -> bool {
        !matches!(self.role.as_str(), "manifest" | "named" | "given")
    }
}

impl History {
    /// Edges into a node.
    fn steps_into(&self, node: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.to == node)
    }

    pub fn is_refuted(&self) -> bool {
        self.edges.iter().any(|edge| edge.grade == "refuted")
    }

    /// Every step is signed and told, and nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.completeness == Some(100)
            && self.missing.is_empty()
            && self.custody.problems.is_empty()
    }
}

/// One document.
pub fn json(history: &History) -> String {
    let mut document = json!(history);
    if let Some(completeness) = history.completeness {
        document["completeness"] = json!(f64::from(completeness) / 100.0);
    }
    let text = serde_json::to_string_pretty(&document).unwrap_or_else(|_| "{}".to_owned());
    super::escape::json(&text) + "\n"
}

/// `sha256:9f3c41d2…`.
fn short(digest: &str) -> String {
    let cut: String = digest.chars().take(19).collect();
    if cut.len() < digest.len() {
        cut + "…"
    } else {
        cut
    }
}

/// What was done, for a line or a label.
fn operation(edge: &Edge) -> &str {
    if edge.operation.is_empty() {
        "made from"
    } else {
        &edge.operation
    }
}
