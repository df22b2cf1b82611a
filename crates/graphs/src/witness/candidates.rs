//! Signals that rest: they depend on the input, yet are the same on every
//! ordinary one, and meet something that is not.

use std::collections::{BTreeMap, BTreeSet};

use super::slice::Rest;
use crate::eval::{Array, Machine};

/// How many are offered.
const MOST: usize = 12;

/// Values of the main graph that never moved while what they meet did, the
/// narrowest first. `runs` holds every watched value of each run.
pub fn dormant(
    machine: &Machine<'_>,
    runs: &[BTreeMap<u32, Array>],
    inputs: &BTreeSet<u32>,
) -> Vec<u32> {
    let Some(first) = runs.first() else {
        return Vec::new();
    };
    let mut moved: BTreeSet<u32> = inputs.clone();
    let mut resting: BTreeMap<u32, usize> = BTreeMap::new();
    let mut fed: BTreeSet<u32> = inputs.clone();
    let order = machine
        .order(&machine.outputs(), &BTreeSet::new())
        .unwrap_or_default();
    for at in &order {
        let Some(node) = machine.node(*at) else {
            continue;
        };
        let needs = machine.needs(node).unwrap_or_default();
        // A shape is no content.
        let depends = !matches!(node.op.as_str(), "Shape" | "Size")
            && needs.iter().any(|value| fed.contains(value));
        for value in node.outputs.iter().flatten() {
            if !depends {
                continue;
            }
            fed.insert(*value);
            let Some(array) = first.get(value) else {
                continue;
            };
            let seen: Vec<Array> = runs
                .iter()
                .filter_map(|run| run.get(value).cloned())
                .collect();
            let rest = Rest::of(&seen).filter(|_| seen.len() == runs.len());
            match rest {
                Some(rest) if rest.active == 0.0 => {
                    resting.insert(*value, array.len());
                }
                _ => {
                    moved.insert(*value);
                }
            }
        }
    }
    // Where one that rests meets one that moves.
    let mut found: Vec<(usize, u32)> = Vec::new();
    for at in order.iter().rev() {
        let Some(node) = machine.node(*at) else {
            continue;
        };
        let needs = machine.needs(node).unwrap_or_default();
        if !needs.iter().any(|value| moved.contains(value))
            || !node.outputs.iter().flatten().any(|v| moved.contains(v))
        {
            continue;
        }
        for value in node.inputs.iter().flatten() {
            if !resting.contains_key(value) {
                continue;
            }
            let best = narrowest(machine, *value, &resting);
            let width = resting.get(&best).copied().unwrap_or(usize::MAX);
            if !found.iter().any(|(_, known)| *known == best) {
                found.push((width, best));
            }
        }
    }
    found.sort_by_key(|(width, _)| *width);
    found
        .into_iter()
        .take(MOST)
        .map(|(_, value)| value)
        .collect()
}

/// The value with the fewest elements on the way back through what rests.
fn narrowest(machine: &Machine<'_>, from: u32, resting: &BTreeMap<u32, usize>) -> u32 {
    let mut best = from;
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(value) = open.pop() {
        if !seen.insert(value) || seen.len() > 64 {
            continue;
        }
        let width = |value: u32| resting.get(&value).copied().unwrap_or(usize::MAX);
        if width(value) < width(best) {
            best = value;
        }
        if let Some(node) = machine.maker(value).and_then(|at| machine.node(at)) {
            open.extend(
                node.inputs
                    .iter()
                    .flatten()
                    .filter(|value| resting.contains_key(value)),
            );
        }
    }
    best
}
