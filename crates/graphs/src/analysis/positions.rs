//! Which parts of the inputs a signal reads, where that can be said.

use super::numbers;
use super::view::View;
use crate::ir::{Flat, Kind, NONE, Op, at};
use crate::operators::Std;

/// Parts that are named.
const MOST: usize = 8;

/// The parts that the operators of a signal cut out of graph inputs.
pub(crate) fn find(view: &View<'_, '_>, side: &std::collections::BTreeSet<u32>) -> Vec<String> {
    let mut out = Vec::new();
    for op in side.iter().filter_map(|op| view.flat.ops.get(at(*op))) {
        let Some(part) = part(view, op) else { continue };
        if !out.contains(&part) {
            out.push(part);
        }
        if out.len() >= MOST {
            break;
        }
    }
    out
}

fn part(view: &View<'_, '_>, op: &Op) -> Option<String> {
    if op.kind != Kind::Plain || !matches!(op.std, Std::Slice | Std::Gather | Std::GatherND) {
        return None;
    }
    let flat = view.flat;
    let root = view.root(op.input(0)?);
    let from = flat.val(root);
    if from.maker != NONE || from.constant != NONE {
        return None;
    }
    let name = flat.name(root);
    if op.std == Std::Slice {
        let (starts, ends) = (list(flat, op, "starts", 1)?, list(flat, op, "ends", 2)?);
        let axes = list(flat, op, "axes", 3);
        let axis = axes.map_or_else(|| "0".to_owned(), |axes| join(&axes, ", "));
        let ranges: Vec<String> = starts
            .iter()
            .zip(&ends)
            .map(|(start, end)| match end {
                end if *end > 1 << 30 => format!("{start}.."),
                end => format!("{start}..{end}"),
            })
            .collect();
        return Some(format!("{name}[{}] along axis {axis}", ranges.join(", ")));
    }
    let index = list(flat, op, "", 1)?;
    Some(format!("{name}[{}]", join(&index, ", ")))
}

fn list(flat: &Flat<'_>, op: &Op, name: &str, operand: usize) -> Option<Vec<i64>> {
    if let Some(ints) = flat.ints(op, name) {
        return Some(ints.to_vec());
    }
    numbers::ints(flat.constant(op.input(operand)?)?, 16)
}

fn join(numbers: &[i64], with: &str) -> String {
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    texts.join(with)
}
