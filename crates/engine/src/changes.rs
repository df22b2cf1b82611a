//! What changed in the graphs of an artifact against another's.

use std::collections::BTreeSet;
use std::io;

use modelward_graphs::{Comparison, Flat, compare};
use modelward_lineage::Model;
use modelward_schema::{Graph, Severity, Suspect, Wiring};
use serde::Serialize;

use crate::scan::Options;
use crate::source::Opened;
use crate::{tensors, worker};

/// An artifact with its graphs in full.
#[derive(Debug)]
pub struct Whole {
    pub wirings: Vec<Wiring>,
    /// The summary and analysis of each, in the same order.
    pub graphs: Vec<Graph>,
    /// Its tensors, and what was not read.
    pub model: Model,
}

/// Reads an artifact in the sandbox, once: graphs and tensors.
pub fn open_whole(opened: &Opened, options: &Options<'_>) -> io::Result<Whole> {
    let mut facts = worker::read_with_graphs(opened, options.jobs)?.facts;
    let wirings = std::mem::take(&mut facts.wirings);
    let mut left: Vec<Option<Graph>> = facts.graphs.iter().cloned().map(Some).collect();
    let graphs = wirings
        .iter()
        .map(|wiring| {
            let of = |graph: &Graph| {
                graph.framework == wiring.framework && graph.at.path == wiring.at.path
            };
            let found = left
                .iter_mut()
                .find(|graph| graph.as_ref().is_some_and(&of))
                .and_then(Option::take);
            found.unwrap_or_default()
        })
        .collect();
    Ok(Whole {
        wirings,
        graphs,
        model: tensors::model_of(opened, facts)?,
    })
}

/// A node by its place in the file and its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    pub node: u32,
    pub operator: String,
    pub name: String,
}

/// One graph against its counterpart.
#[derive(Debug, Clone, Serialize)]
pub struct GraphChange {
    /// The target's file or member.
    pub path: String,
    /// `identical`, `equivalent`, `structure-drift` or `logic-added`; of
    /// structure alone, weights aside.
    pub change: &'static str,
    /// Of the base and of the target.
    pub fingerprints: [Option<String>; 2],
    /// Operators of the canonical forms, of the base and of the target.
    pub operators: [usize; 2],
    pub matched: usize,
    pub added: Vec<Named>,
    pub removed: Vec<Named>,
    /// Same operator, other operands.
    pub rewired: Vec<Named>,
    /// Outputs that something else makes.
    pub outputs: Vec<usize>,
    /// What the rules see in the part that is new.
    pub suspects: Vec<Suspect>,
    /// What they see in the part that the base has too.
    pub inherited: Vec<Suspect>,
    /// What they saw in the part of the base that is gone.
    pub remediated: Vec<Suspect>,
}

/// Compares the graphs of two artifacts: those of one path with each other, the
/// rest in order. Graphs without counterpart are compared with an empty one.
pub fn change_of(base: &Whole, target: &Whole) -> Vec<GraphChange> {
    let mut free: Vec<usize> = (0..base.wirings.len()).collect();
    let mut out = Vec::new();
    let path = |wiring: &Wiring| {
        let path = wiring.at.path.as_str();
        path.rsplit('/').next().unwrap_or(path).to_owned()
    };
    let empty = (Wiring::default(), Graph::default());
    for (index, wiring) in target.wirings.iter().enumerate() {
        let same_name = free.iter().position(|at| {
            base.wirings
                .get(*at)
                .is_some_and(|b| path(b) == path(wiring))
        });
        let place = same_name.or((!free.is_empty()).then_some(0));
        let counterpart = place.map(|place| free.remove(place));
        let before = counterpart.and_then(|at| base.wirings.get(at).zip(base.graphs.get(at)));
        let (from, graph) = before.unwrap_or((&empty.0, &empty.1));
        let after = target.graphs.get(index).unwrap_or(&empty.1);
        out.push(one(from, graph, wiring, after));
    }
    for at in free {
        if let (Some(wiring), Some(graph)) = (base.wirings.get(at), base.graphs.get(at)) {
            out.push(one(wiring, graph, &empty.0, &empty.1));
        }
    }
    out
}

/// The place of the earliest comparison that has a suspect's nodes in both
/// models; `comparisons` are of each ancestor, the oldest first, with the target.
pub fn since(comparisons: &[Vec<GraphChange>], suspect: &Suspect) -> Option<usize> {
    let same =
        |inherited: &Suspect| inherited.kind == suspect.kind && inherited.side == suspect.side;
    comparisons.iter().position(|changes| {
        let mut inherited = changes.iter().flat_map(|change| &change.inherited);
        inherited.any(same)
    })
}

fn one(from: &Wiring, before: &Graph, to: &Wiring, after: &Graph) -> GraphChange {
    let comparison = compare(&Flat::build(from), &Flat::build(to));
    let rewired: Vec<u32> = comparison.rewired.iter().map(|(_, node)| *node).collect();
    let new: BTreeSet<u32> = comparison.added.iter().chain(&rewired).copied().collect();
    let fresh = |suspect: &Suspect| mostly_in(suspect, &new);
    let (suspects, inherited): (Vec<Suspect>, Vec<Suspect>) =
        serious(after).cloned().partition(fresh);
    let gone: BTreeSet<u32> = comparison.removed.iter().copied().collect();
    let remediated = serious(before)
        .filter(|suspect| mostly_in(suspect, &gone))
        .cloned()
        .collect();
    GraphChange {
        path: if to.nodes.is_empty() {
            from.at.path.clone()
        } else {
            to.at.path.clone()
        },
        change: word(&comparison, &suspects),
        fingerprints: [before.fingerprint.clone(), after.fingerprint.clone()],
        operators: [comparison.operators.0, comparison.operators.1],
        matched: comparison.matched,
        added: name(to, &comparison.added),
        removed: name(from, &comparison.removed),
        rewired: name(to, &rewired),
        outputs: comparison.outputs,
        suspects,
        inherited,
        remediated,
    }
}

fn word(comparison: &Comparison, suspects: &[Suspect]) -> &'static str {
    if !suspects.is_empty() {
        "logic-added"
    } else if comparison.same {
        "identical"
    } else if comparison.equivalent {
        "equivalent"
    } else {
        "structure-drift"
    }
}

/// Suspects that a reviewer must see; lesser oddities are no reason to call a
/// new node planted.
fn serious(graph: &Graph) -> impl Iterator<Item = &Suspect> {
    let analysis = graph.analysis.iter();
    analysis
        .flat_map(|analysis| &analysis.suspects)
        .filter(|suspect| suspect.severity >= Severity::Medium)
}

/// At least half of what computes the signal: optimisers rewrite single nodes
/// of anything.
fn mostly_in(suspect: &Suspect, nodes: &BTreeSet<u32>) -> bool {
    let merge = suspect.merge.iter().filter_map(|merge| merge.node);
    let all: Vec<u32> = if suspect.side.is_empty() {
        merge.collect()
    } else {
        suspect.side.clone()
    };
    let there = all.iter().filter(|node| nodes.contains(node)).count();
    !all.is_empty() && there * 2 >= all.len()
}

fn name(wiring: &Wiring, nodes: &[u32]) -> Vec<Named> {
    nodes
        .iter()
        .filter_map(|node| {
            let found = wiring.nodes.get(usize::try_from(*node).ok()?)?;
            Some(Named {
                node: *node,
                operator: found.op.clone(),
                name: found.name.clone(),
            })
        })
        .collect()
}
