//! Looking deeper: the suspects of graphs are put to the proof, in a child of
//! their own, so that a trial that fails costs nothing that was read.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use modelward_schema::{Graph, Report, Severity};
use modelward_trust::{hash_bytes, hex};
use serde_json::{Value, json};

use crate::source::Opened;
use crate::worker::{self, Tried};

/// An input that fires a suspected signal, as it is kept.
#[derive(Debug, Clone)]
pub struct Witness {
    /// `witness-1.npz`
    pub name: String,
    /// The file whose graph it fires.
    pub model: String,
    pub bytes: Vec<u8>,
    /// What it does, as in the suspect's proof.
    pub proof: Value,
}

/// Tries every graph with a suspect, puts what came of it in the report, and
/// judges again.
pub fn prove(opened: &Opened, report: &mut Report) -> io::Result<Vec<Witness>> {
    let mut witnesses = Vec::new();
    for index in suspicious(opened, report) {
        let (tried, death) = worker::try_graphs(opened, index, None)?;
        let path = opened.files.get(index).map(|file| file.path.clone());
        let model = path.unwrap_or_default();
        if let Some(death) = death {
            let why = format!("not tried to the end: {death}");
            let of_file = |graph: &&mut Graph| graph.at.path == model;
            for graph in report.facts.graphs.iter_mut().filter(of_file) {
                for suspect in graph.analysis.iter_mut().flat_map(|a| &mut a.suspects) {
                    suspect.reasons.push(why.clone());
                }
            }
        }
        let digest = report
            .artifact
            .files
            .iter()
            .find(|file| file.path == model)
            .and_then(|file| file.digest.clone());
        for graph in tried {
            place(graph, &model, digest.as_deref(), report, &mut witnesses);
        }
    }
    report.findings = modelward_rules::judge(&report.facts);
    Ok(witnesses)
}

/// Files with a graph that somebody should try.
fn suspicious(opened: &Opened, report: &Report) -> Vec<usize> {
    let odd = |graph: &Graph| {
        let suspects = graph.analysis.iter().flat_map(|a| &a.suspects);
        suspects.into_iter().any(|s| s.severity >= Severity::Medium)
    };
    let of = |path: &str, graph: &Graph| {
        graph.at.path == path
            || graph
                .at
                .path
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with("!/"))
    };
    opened
        .files
        .iter()
        .enumerate()
        .filter(|(_, file)| {
            let mut graphs = report.facts.graphs.iter();
            graphs.any(|graph| of(&file.path, graph) && odd(graph))
        })
        .map(|(index, _)| index)
        .collect()
}

fn place(
    tried: Tried,
    model: &str,
    digest: Option<&str>,
    report: &mut Report,
    witnesses: &mut Vec<Witness>,
) {
    let graph = report
        .facts
        .graphs
        .iter_mut()
        .filter(|graph| graph.analysis.is_some() && graph.at.path == tried.path)
        .nth(tried.nth);
    let Some(analysis) = graph.and_then(|graph| graph.analysis.as_mut()) else {
        return;
    };
    analysis.suspects = tried.suspects;
    for (suspect, text) in tried.witnesses {
        let (Some(suspect), Ok(bytes)) =
            (analysis.suspects.get_mut(suspect), STANDARD.decode(text))
        else {
            continue;
        };
        let name = format!("witness-{}.npz", witnesses.len() + 1);
        let mut proof = suspect.proof.take().unwrap_or_else(|| json!({}));
        proof["witness"] = json!({
            "file": name,
            "sha256": hex(&hash_bytes(&bytes)),
        });
        proof["model"] = json!({"path": model, "digest": digest});
        suspect.proof = Some(proof.clone());
        witnesses.push(Witness {
            name,
            model: model.to_owned(),
            bytes,
            proof,
        });
    }
}

/// Runs a kept witness on the artifact's graphs: for each file that has one,
/// what came of it.
pub fn replay(opened: &Opened, witness: &[u8]) -> io::Result<Vec<(String, Result<Value, String>)>> {
    let text = STANDARD.encode(witness);
    let mut out = Vec::new();
    for (index, file) in opened.files.iter().enumerate() {
        let (tried, death) = worker::try_graphs(opened, index, Some(&text))?;
        if let Some(death) = death {
            out.push((file.path.clone(), Err(death)));
        }
        for graph in tried {
            if let Some(answer) = graph.replayed {
                out.push((graph.path, answer));
            }
        }
    }
    Ok(out)
}
