//! The front matter of a [model card](https://huggingface.co/docs/hub/model-cards).

use super::{Hints, TextFile, add, set};
use crate::yaml::{self, Node};

pub(super) fn read(hints: &mut Hints, file: TextFile<'_>) {
    let Some(front) = front_matter(file.text) else {
        return;
    };
    let Ok(root) = yaml::read(front) else { return };
    let from = file.name;
    let text = |key: &str| root.get(key).and_then(|node| node.text()).unwrap_or("");
    set(&mut hints.license, text("license_name"), from);
    set(&mut hints.license, text("license"), from);
    set(&mut hints.name, text("model_name"), from);
    add(&mut hints.about, text("pipeline_tag"), from);
    add(&mut hints.about, text("library_name"), from);
    let transformation = match text("base_model_relation") {
        "finetune" => Some("fine-tune"),
        "adapter" => Some("adapter-train"),
        "merge" => Some("merge"),
        "quantized" => Some("quantize"),
        _ => None,
    };
    for base in one_or_many(&root, "base_model") {
        hints.parent(base, transformation, from);
    }
    for dataset in one_or_many(&root, "datasets") {
        add(&mut hints.datasets, dataset, from);
    }
    for tag in one_or_many(&root, "tags") {
        add(&mut hints.about, tag, from);
    }
}

fn one_or_many<'a>(root: &'a Node, key: &str) -> Vec<&'a str> {
    let Some(node) = root.get(key) else {
        return Vec::new();
    };
    match node.text() {
        Some(text) => vec![text],
        None => node.items().iter().filter_map(Node::text).collect(),
    }
}

/// What stands between a first line `---` and the next such line.
fn front_matter(text: &str) -> Option<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let body = text
        .strip_prefix("---\n")
        .or_else(|| text.strip_prefix("---\r\n"))?;
    let mut length: usize = 0;
    for line in body.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return body.get(..length);
        }
        length = length.saturating_add(line.len());
    }
    None
}
