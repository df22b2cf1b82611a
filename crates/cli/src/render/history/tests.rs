use modelward_schema::{Chain, Custody, Hop, HopInput};

use super::*;
use crate::render::RenderOptions;

fn digest(byte: &str) -> String {
    format!("sha256:{}", byte.repeat(32))
}

fn hop(name: &str, byte: &str, operation: &str, inputs: &[(&str, &str)]) -> Hop {
    Hop {
        digest: digest(byte),
        name: Some(name.to_owned()),
        operation: Some(operation.to_owned()),
        recorded_by: Some("ci".to_owned()),
        statement: None,
        at: Some("2026-11-01T10:00:00Z".to_owned()),
        signed_by: vec!["ci".to_owned()],
        inputs: inputs
            .iter()
            .map(|(role, byte)| HopInput {
                role: (*role).to_owned(),
                name: None,
                digest: Some(digest(byte)),
            })
            .collect(),
        grade: (operation == "quantize").then(|| "nearest-code".to_owned()),
    }
}

fn history() -> History {
    let chain = Chain {
        digest: digest("aa"),
        hops: vec![
            hop(
                "tiny-q4",
                "aa",
                "quantize",
                &[("base", "bb"), ("tool", "ff")],
            ),
            hop("tiny", "bb", "merge", &[("base", "cc"), ("adapter", "dd")]),
            hop("base", "cc", "download", &[]),
            hop("adapter", "dd", "adapter-train", &[("base", "cc")]),
        ],
        completeness: 100,
        problems: Vec::new(),
        custody: Custody::default(),
        makers: Vec::new(),
    };
    History::new("tiny-q4", &digest("aa"), Some(&chain))
}

#[test]
fn origins_stand_above_what_was_made_from_them() {
    let drawn = text(&history(), &RenderOptions::default());
    let expected = "  \
  ├── ● base  sha256:cccccccccccc…  download  2026-11-01  signed by ci
  │     merge  claimed  recorded by ci
  │   ● base  sha256:cccccccccccc…  download  2026-11-01  signed by ci
  │   │ adapter-train  claimed  recorded by ci
  ├── ● adapter  sha256:dddddddddddd…  2026-11-01  signed by ci
  │     merge  claimed  recorded by ci
  ● tiny  sha256:bbbbbbbbbbbb…  2026-11-01  signed by ci
  │ quantize  nearest-code  recorded by ci
  ◆ tiny-q4  sha256:aaaaaaaaaaaa…  2026-11-01  signed by ci

  complete  every step is signed and told
";
    assert_eq!(drawn, expected.trim_start_matches("  \n"));
}

#[test]
fn a_base_that_is_only_named_stands_before_the_records_begin() {
    let mut history = history();
    history.add_named("acme/unknown");
    let edge = history.edges.last().expect("an edge");
    assert_eq!(edge.grade, "claimed");
    assert_eq!(history.nodes[edge.to].name, "base");
    history.add_named("hf:acme/base@main");
    assert_eq!(history.nodes.len(), 5, "base is known");
}

#[test]
fn names_close_no_label_and_no_element() {
    let mut history = history();
    history.nodes[0].name = "\"]<script>\u{202e}x".to_owned();
    let picture = svg(&history);
    assert!(!picture.contains("<script>") && !picture.contains('\u{202e}'));
    let chart = mermaid(&history);
    let line = chart.lines().nth(1).expect("a node");
    assert_eq!(line.matches('"').count(), 2, "{line}");
}

#[test]
fn a_history_in_a_circle_is_drawn_and_ends() {
    let mut history = history();
    history.edges.push(Edge {
        from: 0,
        to: 2,
        role: "base".to_owned(),
        operation: "merge".to_owned(),
        grade: "claimed".to_owned(),
        recomputed: false,
        because: None,
    });
    assert!(text(&history, &RenderOptions::default()).contains("as above"));
    assert!(svg(&history).ends_with("</svg>\n"));
}

#[test]
fn completeness_is_a_fraction_in_json() {
    let document: serde_json::Value = serde_json::from_str(&json(&history())).expect("json");
    assert_eq!(document["completeness"], 1.0);
    assert_eq!(document["edges"][0]["grade"], "nearest-code");
}
