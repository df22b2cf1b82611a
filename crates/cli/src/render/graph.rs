//! A model's graphs, what is odd about them, and what was proven.

use modelward_schema::{Graph, Report, Suspect};
use serde_json::{Value, json};

use super::escape;

/// What came of a witness on one graph.
#[derive(Debug)]
pub struct Replayed {
    pub path: String,
    pub answer: Result<Value, String>,
}

pub fn shown(report: &Report, as_json: bool, tried: bool) -> String {
    if as_json {
        let graphs = json!({
            "schema": "modelward/graphs/v1",
            "artifact": report.artifact.name,
            "digest": report.artifact.digest,
            "graphs": report.facts.graphs,
        });
        return pretty(&graphs);
    }
    let mut out = format!("{}\n", escape::plain(&report.artifact.name));
    if report.facts.graphs.is_empty() {
        out.push_str("  no computation graph was read\n");
    }
    for graph in &report.facts.graphs {
        out.push_str(&one(graph, tried));
    }
    out
}

fn one(graph: &Graph, tried: bool) -> String {
    let mut out = format!(
        "\n  {}  {}  {} nodes\n",
        escape::plain(&graph.at.path),
        escape::plain(&graph.framework),
        graph.nodes
    );
    for (word, ports) in [("in ", &graph.inputs), ("out", &graph.outputs)] {
        for port in ports.iter().take(8) {
            out.push_str(&format!(
                "    {word}  {}  {}[{}]\n",
                escape::plain(&port.name),
                escape::plain(&port.dtype),
                escape::plain(&port.shape.join(", "))
            ));
        }
        if let Some(more) = ports.len().checked_sub(8).filter(|more| *more > 0) {
            out.push_str(&format!("    {word}  and {more} more\n"));
        }
    }
    let Some(analysis) = &graph.analysis else {
        return out + "    not analysed\n";
    };
    if analysis.suspects.is_empty() {
        out.push_str("    nothing odd was found; that is not a proof that nothing is there\n");
    }
    for suspect in analysis.suspects.iter().take(12) {
        out.push_str(&doubt(suspect, tried));
    }
    out
}

fn doubt(suspect: &Suspect, tried: bool) -> String {
    let severity = if suspect.proof.is_some() {
        "critical"
    } else {
        suspect.severity.as_str()
    };
    let mut out = format!("\n    {severity:<9} {}\n", escape::plain(&suspect.message));
    for (word, spot) in [
        ("signal", &suspect.signal),
        ("meets", &suspect.main),
        ("at", &suspect.merge),
    ] {
        if let Some(spot) = spot {
            out.push_str(&format!(
                "              {word:<7} {}  {}\n",
                escape::plain(&spot.name),
                escape::plain(&spot.operator)
            ));
        }
    }
    for reason in &suspect.reasons {
        out.push_str(&format!("              {}\n", escape::plain(reason)));
    }
    match &suspect.proof {
        Some(proof) => {
            let file = proof["witness"]["file"].as_str().unwrap_or("witness");
            out.push_str(&format!(
                "              proof   {file}; found: {}; the signal rested on {} of {} ordinary inputs\n",
                escape::plain(proof["method"].as_str().unwrap_or("?")),
                proof["rested_on"],
                proof["ordinary_inputs"]
            ));
            out.push_str(&effects(&proof["effects"]));
        }
        None if tried => {}
        None => {}
    }
    out
}

fn effects(all: &Value) -> String {
    let mut out = String::new();
    for effect in all.as_array().into_iter().flatten().take(8) {
        let name = effect["output"].as_str().unwrap_or("?");
        let largest = &effect["largest"];
        let moved = if largest["at_rest"] == largest["fired"] {
            String::new()
        } else {
            format!(
                ", largest element {} → {}",
                largest["at_rest"], largest["fired"]
            )
        };
        out.push_str(&format!(
            "              effect  {}: {} of {} elements change{moved}\n",
            escape::plain(name),
            effect["changed"],
            effect["elements"]
        ));
    }
    out
}

pub fn replayed(answers: &[Replayed], as_json: bool) -> String {
    if as_json {
        let all: Vec<Value> = answers
            .iter()
            .map(|one| match &one.answer {
                Ok(answer) => json!({"path": one.path, "answer": answer}),
                Err(why) => json!({"path": one.path, "not_run": why}),
            })
            .collect();
        return pretty(&json!({"schema": "modelward/witness-replay/v1", "graphs": all}));
    }
    if answers.is_empty() {
        return "no computation graph was read\n".to_owned();
    }
    let mut out = String::new();
    for one in answers {
        out.push_str(&format!("{}\n", escape::plain(&one.path)));
        match &one.answer {
            Err(why) => out.push_str(&format!("  not run: {}\n", escape::plain(why))),
            Ok(answer) => {
                let word = if answer["proven"] == true {
                    "proven: with the signal held at rest the same input gives other outputs"
                } else {
                    "not proven: the signal changes nothing on this input"
                };
                out.push_str(&format!(
                    "  signal {}\n  {word}\n",
                    escape::plain(answer["signal"].as_str().unwrap_or("?"))
                ));
                out.push_str(&effects(&answer["effects"]));
            }
        }
    }
    out
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
