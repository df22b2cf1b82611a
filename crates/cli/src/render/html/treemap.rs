//! A picture of the artifact: area is size, shade is kind, a red edge and a
//! mark is something found (never drawn too small to see), a broken edge
//! something not read.
#![allow(
    clippy::cast_precision_loss,
    reason = "sizes become areas of a picture"
)]

use std::collections::{BTreeMap, BTreeSet};

use modelward_schema::{Report, Severity};

use super::super::{escape::markup, points, words};
use super::squarify::{Area, layout};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 420.0;
/// Boxes on one level; smaller ones are drawn as one.
const MAX_BOXES: usize = 60;
/// Height of a box's own name above what it holds.
const CAPTION: f64 = 17.0;

/// What a file is for, as far as its format tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Weights,
    Program,
    Graph,
    Words,
    Container,
    Other,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Weights,
        Self::Program,
        Self::Graph,
        Self::Words,
        Self::Container,
        Self::Other,
    ];

    pub(super) fn of(format: &str) -> Self {
        match format {
            "safetensors" | "gguf" | "ggml" | "ggjt" | "npy" | "tensor-data" | "onnx-tensor"
            | "hdf5" => Self::Weights,
            "pickle" | "python" | "python-bytecode" | "script" | "jinja" | "elf" | "pe"
            | "macho" | "wasm" | "dex" => Self::Program,
            "onnx" | "tflite" | "tensorflow-graph" => Self::Graph,
            "json" | "yaml" | "text" | "xml" => Self::Words,
            "zip" | "pytorch-zip" | "torchscript" | "npz" | "wheel" | "keras" | "skops" | "7z"
            | "tar" | "gzip" | "bzip2" | "xz" | "zstd" | "lz4" | "zlib" => Self::Container,
            _ => Self::Other,
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Weights => "k-weights",
            Self::Program => "k-program",
            Self::Graph => "k-graph",
            Self::Words => "k-words",
            Self::Container => "k-box",
            Self::Other => "k-other",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Weights => "numbers",
            Self::Program => "code, or what runs as code",
            Self::Graph => "graph",
            Self::Words => "text and configuration",
            Self::Container => "container",
            Self::Other => "other or unknown",
        }
    }
}

/// One box: a file, a member, a tensor, or all that were too small.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) hot: Option<Severity>,
    pub(super) unread: bool,
    pub(super) inside: Vec<Node>,
}

/// Files with their members or tensors, largest first.
pub(super) fn nodes(report: &Report) -> Vec<Node> {
    let mut hot: BTreeMap<&str, Severity> = BTreeMap::new();
    let all = points::points(report);
    for point in all.iter().filter(|point| point.waived_by.is_none()) {
        for at in point.locations {
            let worst = hot.entry(&at.path).or_insert(point.severity);
            *worst = (*worst).max(point.severity);
        }
    }
    let unread: BTreeSet<&str> = report
        .facts
        .coverage
        .gaps
        .iter()
        .flat_map(|gap| [gap.at.path.as_str(), words::outermost(&gap.at.path)])
        .collect();
    let node = |path: &str, name: &str, what: &str, kind, size| Node {
        name: name.to_owned(),
        what: what.to_owned(),
        kind,
        size,
        hot: hot
            .get(path)
            .copied()
            .filter(|severity| *severity >= Severity::Medium),
        unread: unread.contains(path),
        inside: Vec::new(),
    };
    let mut inside: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
    let mut top = Vec::new();
    let parents: BTreeSet<&str> = report
        .facts
        .files
        .iter()
        .filter_map(|file| file.parent.as_deref())
        .collect();
    let listed: BTreeSet<&str> = report
        .facts
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    let mut has_members = BTreeSet::new();
    for file in &report.facts.files {
        let kind = Kind::of(&file.format);
        match words::member(&file.path) {
            // A container inside a container is shown by its own members.
            Some(_) if parents.contains(file.path.as_str()) => {}
            Some(member) => {
                let outer = words::outermost(&file.path);
                has_members.insert(outer);
                let name = member.replace("!/", " › ");
                let node = node(&file.path, &name, &file.format, kind, file.size);
                inside.entry(outer).or_default().push(node);
            }
            None => top.push((
                file.path.as_str(),
                node(&file.path, &file.path, &file.format, kind, file.size),
            )),
        }
    }
    for tensor in &report.facts.tensors {
        let path = tensor.at.path.as_str();
        let size = match tensor.at.span {
            // Where the member itself is listed, its tensors would count twice.
            Some(_) if listed.contains(path) && words::member(path).is_some() => continue,
            Some(_) if has_members.contains(path) => continue,
            Some(span) => span.len,
            None => numbers(&tensor.dtype, &tensor.shape),
        };
        let mut node = node("", &tensor.name, &tensor.dtype, Kind::Weights, size);
        node.what = format!("{} {:?}", tensor.dtype, tensor.shape);
        inside.entry(words::outermost(path)).or_default().push(node);
    }
    let top = top
        .into_iter()
        .map(|(path, mut node)| {
            node.inside = largest(inside.remove(path).unwrap_or_default());
            node
        })
        .collect();
    largest(top)
}

/// Bytes of so many numbers, as far as their type tells.
fn numbers(dtype: &str, shape: &[u64]) -> u64 {
    let each = match dtype {
        "f64" | "i64" | "u64" | "c64" => 8,
        "f32" | "i32" | "u32" => 4,
        "f16" | "bf16" | "i16" | "u16" => 2,
        _ => 1,
    };
    shape.iter().copied().fold(each, u64::saturating_mul)
}

/// Sorted by size, the smallest ones told as one; what is empty has no area,
/// but what was found stays visible.
fn largest(mut nodes: Vec<Node>) -> Vec<Node> {
    nodes.retain(|node| node.size > 0);
    nodes.sort_by_key(|node| std::cmp::Reverse((node.hot, node.size)));
    let rest = nodes.split_off(nodes.len().min(MAX_BOXES));
    if let Some(first) = rest.first() {
        nodes.push(Node {
            name: format!("{} more", rest.len()),
            what: "too small to draw".to_owned(),
            kind: first.kind,
            size: rest
                .iter()
                .map(|node| node.size)
                .fold(0, u64::saturating_add),
            hot: rest.iter().filter_map(|node| node.hot).max(),
            unread: rest.iter().any(|node| node.unread),
            inside: Vec::new(),
        });
    }
    nodes.sort_by_key(|node| std::cmp::Reverse(node.size));
    nodes
}

pub(super) fn draw(nodes: &[Node], number: usize, description: &str) -> String {
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"map-{number} map-text-{number}\">\
<title id=\"map-{number}\">What the artifact consists of</title><desc id=\"map-text-{number}\">{}</desc>\n",
        markup(description)
    );
    let whole = Area {
        x: 0.0,
        y: 0.0,
        width: WIDTH,
        height: HEIGHT,
    };
    for (node, area) in nodes.iter().zip(layout(&weights(nodes), whole)) {
        draw_box(node, area, &mut out);
        let room = Area {
            x: area.x + 3.0,
            y: area.y + CAPTION,
            width: area.width - 6.0,
            height: area.height - CAPTION - 3.0,
        };
        if room.width < 12.0 || room.height < 12.0 {
            continue;
        }
        for (inner, area) in node.inside.iter().zip(layout(&weights(&node.inside), room)) {
            draw_box(inner, area, &mut out);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn draw_box(node: &Node, area: Area, out: &mut String) {
    let mut class = String::from(if node.inside.is_empty() {
        node.kind.class()
    } else {
        "k-box"
    });
    if node.hot.is_some() {
        class.push_str(" hot");
    }
    if node.unread {
        class.push_str(" dark");
    }
    let mut told = format!("{}: {}, {}", node.name, node.what, words::bytes(node.size));
    if let Some(severity) = node.hot {
        told.push_str(&format!(", {} found", severity.as_str()));
    }
    if node.unread {
        told.push_str(", not fully read");
    }
    // An edge is drawn half outside its box; marked boxes keep it inside.
    let inset = if node.hot.is_some() { 1.5 } else { 0.0 };
    out.push_str(&format!(
        "<g><title>{}</title><rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"2\"/>",
        markup(&told),
        area.x + inset,
        area.y + inset,
        (area.width - 2.0 * inset).max(1.0),
        (area.height - 2.0 * inset).max(1.0)
    ));
    let mut x = area.x + 5.0;
    if node.hot.is_some() && area.width > 14.0 && area.height > 16.0 {
        out.push_str(&format!(
            "<text class=\"bang\" x=\"{x:.1}\" y=\"{:.1}\">!</text>",
            area.y + 13.5
        ));
        x += 8.0;
    }
    let room = area.x + area.width - x - 3.0;
    if area.height > 15.0
        && let Some(label) = fit(&node.name, room)
    {
        out.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            area.y + 12.5,
            markup(&label)
        ));
        let size = words::bytes(node.size);
        if node.inside.is_empty() && area.height > 30.0 && fit(&size, room).as_ref() == Some(&size)
        {
            out.push_str(&format!(
                "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\">{size}</text>",
                area.x + 5.0,
                area.y + 25.0
            ));
        }
    }
    out.push_str("</g>\n");
}

/// As much of a name as fits, at about six pixels a character.
fn fit(name: &str, room: f64) -> Option<String> {
    const PER_CHARACTER: f64 = 6.4;
    let count = name.chars().count();
    if count as f64 * PER_CHARACTER <= room {
        return Some(name.to_owned());
    }
    let mut kept = String::new();
    let mut used = PER_CHARACTER;
    for character in name.chars() {
        used += PER_CHARACTER;
        if used > room {
            break;
        }
        kept.push(character);
    }
    (kept.chars().count() >= 4).then(|| kept + "…")
}

/// Sizes, with what was found raised to a share that can be seen.
fn weights(nodes: &[Node]) -> Vec<f64> {
    let total: f64 = nodes.iter().map(|node| node.size as f64).sum();
    nodes
        .iter()
        .map(|node| {
            let share = if node.inside.iter().any(|inner| inner.hot.is_some()) {
                0.06
            } else if node.hot.is_some() {
                0.03
            } else {
                0.0
            };
            (node.size as f64).max(total * share)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(size: u64) -> Node {
        Node {
            name: format!("{size}"),
            what: String::new(),
            kind: Kind::Weights,
            size,
            hot: None,
            unread: false,
            inside: Vec::new(),
        }
    }

    #[test]
    fn many_small_ones_become_one_and_extremes_draw() {
        let nodes = largest((0..1000).map(node).collect());
        assert_eq!(nodes.len(), MAX_BOXES + 1);
        let extremes = largest(vec![node(u64::MAX), node(1), node(0)]);
        assert!(!draw(&extremes, 0, "").contains("NaN"));
        assert!(draw(&[], 0, "").ends_with("</svg>\n"));
    }
}
