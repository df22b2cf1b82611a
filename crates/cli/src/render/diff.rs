//! `modelward diff`: one word, then what it rests on.

use modelward_engine::{GraphChange, Named};
use modelward_lineage::Proof;
use modelward_schema::{Gap, Suspect};
use serde::Serialize;

use super::RenderOptions;
use super::escape::{self, plain};
use super::paint::Paint;

/// Nodes and tensors that are named one by one, unless all are asked for.
const SHOWN: usize = 12;

/// What changed.
#[derive(Debug, Serialize)]
pub struct Changes {
    /// `identical`, `weights-only`, `equivalent`, `structure-drift` or
    /// `logic-added`.
    pub change: &'static str,
    pub graphs: Vec<GraphChange>,
    /// Planted logic that was there before, and since which model.
    pub carried: Vec<Carried>,
    /// Planted logic of the base that is gone.
    pub remediated: bool,
    pub weights: Weights,
    /// Tokenizer, template, configuration: each value that differs.
    pub beside: Vec<String>,
    pub gaps: Vec<Gap>,
}

#[derive(Debug, Serialize)]
pub struct Carried {
    pub message: String,
    pub since: String,
}

#[derive(Debug, Default, Serialize)]
pub struct Weights {
    pub compared: usize,
    /// Largest change first.
    pub changed: Vec<Changed>,
    /// Tensors on one side only.
    pub unpaired: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Changed {
    pub name: String,
    /// Elements that differ.
    pub elements: u64,
    /// Euclidean norm of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub norm: Option<f64>,
}

impl Changes {
    pub fn new(
        graphs: Vec<GraphChange>,
        carried: Vec<Carried>,
        weights: &Proof,
        gaps: Vec<Gap>,
    ) -> Self {
        let mut out = Weights {
            compared: weights.tensors.len(),
            unpaired: weights.unexplained.clone(),
            ..Weights::default()
        };
        for tensor in &weights.tensors {
            let differs = tensor.changed.unwrap_or(tensor.wrong);
            if differs > 0 {
                out.changed.push(Changed {
                    name: tensor.name.clone(),
                    elements: differs,
                    norm: tensor.measures.get("change_norm").copied(),
                });
            }
        }
        let norm = |changed: &Changed| changed.norm.unwrap_or(0.0);
        out.changed.sort_by(|a, b| norm(b).total_cmp(&norm(a)));
        let beside: Vec<String> = weights
            .differences
            .iter()
            .map(
                |difference| match (&difference.source, &difference.target) {
                    (Some(from), Some(to)) => format!("{}: {from} became {to}", difference.key),
                    (None, Some(to)) => format!("{}: {to} was added", difference.key),
                    (Some(from), None) => format!("{}: {from} is gone", difference.key),
                    (None, None) => difference.key.clone(),
                },
            )
            .collect();
        let has = |word: &str| graphs.iter().any(|graph| graph.change == word);
        let change = if has("logic-added") {
            "logic-added"
        } else if has("structure-drift") {
            "structure-drift"
        } else if has("equivalent") {
            "equivalent"
        } else if !out.changed.is_empty() {
            "weights-only"
        } else if graphs.is_empty() && !out.unpaired.is_empty() {
            "structure-drift"
        } else if beside.is_empty() && out.unpaired.is_empty() && gaps.is_empty() {
            "identical"
        } else {
            "equivalent"
        };
        Self {
            change,
            remediated: graphs.iter().any(|graph| !graph.remediated.is_empty()),
            graphs,
            carried,
            weights: out,
            beside,
            gaps,
        }
    }
}

/// One document.
pub fn json(changes: &Changes) -> String {
    let text = serde_json::to_string_pretty(changes).unwrap_or_else(|_| "{}".to_owned());
    escape::json(&text) + "\n"
}

pub fn text(changes: &Changes, options: &RenderOptions) -> String {
    let paint = Paint::new(options.colour);
    let meaning = match changes.change {
        "identical" => "nothing differs",
        "weights-only" => "the structure is the same, weights differ",
        "equivalent" => "the same after normalisation",
        "structure-drift" => "the structure differs, and nothing in the new part looks planted",
        _ => "the new part holds logic that waits for something",
    };
    let word = match changes.change {
        "logic-added" => paint.bad(changes.change),
        "structure-drift" => paint.warn(changes.change),
        word => paint.good(word),
    };
    let mut out = format!("\n  {word}  {meaning}\n");
    for carried in &changes.carried {
        out.push_str(&format!(
            "  {}  {}; it has been there since {}, and a fine-tune does not remove it\n",
            paint.bad("carried over"),
            plain(&carried.message),
            plain(&carried.since)
        ));
    }
    if changes.remediated {
        out.push_str(&format!(
            "  {}  logic that looked planted in the base is gone\n",
            paint.good("remediated")
        ));
    }
    let most = if options.verbose { usize::MAX } else { SHOWN };
    for graph in &changes.graphs {
        out.push_str(&format!(
            "\n  {}  {} of {} operators matched\n",
            paint.bold(&plain(&graph.path)),
            graph.matched,
            graph.operators[1]
        ));
        for suspect in &graph.suspects {
            out.push_str(&format!("    {}  {}\n", paint.bad("found"), found(suspect)));
        }
        nodes(&mut out, "added", &graph.added, most);
        nodes(&mut out, "removed", &graph.removed, most);
        nodes(&mut out, "rewired", &graph.rewired, most);
        if !graph.outputs.is_empty() {
            let places: Vec<String> = graph.outputs.iter().map(usize::to_string).collect();
            out.push_str(&format!(
                "    outputs   {} made by something else\n",
                places.join(", ")
            ));
        }
    }
    out.push_str(&format!(
        "\n  weights   {} of {} tensors differ\n",
        changes.weights.changed.len(),
        changes.weights.compared
    ));
    for changed in changes.weights.changed.iter().take(most) {
        let norm = changed
            .norm
            .map_or(String::new(), |norm| format!("  norm {norm:.3e}"));
        out.push_str(&format!(
            "            {}  {} elements{norm}\n",
            plain(&changed.name),
            changed.elements
        ));
    }
    more(&mut out, changes.weights.changed.len(), most);
    for name in changes.weights.unpaired.iter().take(most) {
        out.push_str(&format!("            {}\n", plain(name)));
    }
    for line in changes.beside.iter().take(most) {
        out.push_str(&format!("  beside    {}\n", plain(line)));
    }
    for gap in &changes.gaps {
        out.push_str(&format!(
            "  unread    {}: {}\n",
            plain(&gap.at.path),
            plain(&gap.message)
        ));
    }
    out.push('\n');
    out
}

fn found(suspect: &Suspect) -> String {
    plain(&suspect.message)
}

fn nodes(out: &mut String, what: &str, nodes: &[Named], most: usize) {
    if nodes.is_empty() {
        return;
    }
    let named: Vec<String> = nodes
        .iter()
        .take(most)
        .map(|node| {
            if node.name.is_empty() {
                format!("{} #{}", plain(&node.operator), node.node)
            } else {
                format!("{} {}", plain(&node.operator), plain(&node.name))
            }
        })
        .collect();
    out.push_str(&format!(
        "    {what:<8}  {}  {}\n",
        nodes.len(),
        named.join(", ")
    ));
    more(out, nodes.len(), most);
}

fn more(out: &mut String, all: usize, most: usize) {
    if all > most {
        out.push_str(&format!(
            "              … {} more; -v shows all\n",
            all - most
        ));
    }
}
