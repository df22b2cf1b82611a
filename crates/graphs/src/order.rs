//! Brings the operators into an order in which they can run.
//!
//! An operator that waits for itself, other than through a loop, is a cycle: an
//! anomaly. The cycle is cut there, so that everything after it is still seen.

use modelward_schema::{Anomaly, Location};

use crate::ir::{Flat, Kind, NONE, at, number};

pub(crate) fn sort(flat: &mut Flat<'_>) {
    let order = postorder(flat);
    let mut place = vec![NONE; flat.ops.len()];
    for (new, old) in order.iter().enumerate() {
        if let Some(slot) = place.get_mut(at(*old)) {
            *slot = number(new);
        }
    }
    for value in &mut flat.values {
        if value.maker != NONE {
            value.maker = place.get(at(value.maker)).copied().unwrap_or(NONE);
        }
    }
    let mut old: Vec<_> = std::mem::take(&mut flat.ops)
        .into_iter()
        .map(Some)
        .collect();
    flat.ops = order
        .iter()
        .filter_map(|index| old.get_mut(at(*index)).and_then(Option::take))
        .collect();
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

fn postorder(flat: &mut Flat<'_>) -> Vec<u32> {
    let count = flat.ops.len();
    let mut marks = vec![Mark::New; count];
    let mut order = Vec::with_capacity(count);
    let mut stack: Vec<(u32, usize)> = Vec::new();
    let mut cycles = Vec::new();
    for root in 0..number(count) {
        if marks.get(at(root)) != Some(&Mark::New) {
            continue;
        }
        stack.push((root, 0));
        if let Some(mark) = marks.get_mut(at(root)) {
            *mark = Mark::Open;
        }
        while let Some((op, next)) = stack.last_mut() {
            let current = *op;
            let slot = *next;
            *next = next.saturating_add(1);
            let Some(operator) = flat.ops.get(at(current)) else {
                stack.pop();
                continue;
            };
            if slot >= operator.inputs.len() {
                if let Some(mark) = marks.get_mut(at(current)) {
                    *mark = Mark::Done;
                }
                order.push(current);
                stack.pop();
                continue;
            }
            if operator.kind == Kind::LoopPhi && slot > 0 {
                continue;
            }
            let Some(input) = operator.input(slot) else {
                continue;
            };
            let maker = flat.val(input).maker;
            match marks.get(at(maker)) {
                Some(Mark::New) => {
                    if let Some(mark) = marks.get_mut(at(maker)) {
                        *mark = Mark::Open;
                    }
                    stack.push((maker, 0));
                }
                Some(Mark::Open) => cycles.push((current, slot)),
                _ => {}
            }
        }
    }
    for (op, slot) in cycles {
        let Some(operator) = flat.ops.get_mut(at(op)) else {
            continue;
        };
        if let Some(input) = operator.inputs.get_mut(slot) {
            *input = None;
        }
        if flat.anomalies.len() < 1000 {
            let node = flat.wiring.nodes.get(at(operator.node));
            let mut place = Location::file(flat.wiring.at.path.clone());
            place.span = node.and_then(|node| node.span);
            flat.anomalies.push(Anomaly {
                id: "graph-cycle".to_owned(),
                message: format!(
                    "a {} waits for its own result",
                    node.map_or("node", |node| &node.op)
                ),
                at: place,
                says: std::collections::BTreeMap::new(),
            });
        }
    }
    order
}
