//! What the analysis says: suspects, worst first.

use std::collections::BTreeMap;

use modelward_schema::{Analysis, Confidence, Location, Severity, Spot, Suspect, SuspectKind};

use super::judge::{Origin, Verdict, judge};
use super::leak;
use super::merges::{self, Merge};
use super::oddities;
use super::positions;
use super::state::Entropy;
use super::view::View;
use crate::ir::{Flat, Id, NONE, Op, at};

/// Suspects kept.
const MOST: usize = 64;
/// Nodes of the signal that are named.
const SIDE: usize = 256;

/// Judges a graph. Never fails; what the limits kept out is said.
pub fn analyse(flat: &Flat<'_>) -> Analysis {
    let view = View::new(flat);
    let mut worst: BTreeMap<(Id, SuspectKind), (Merge, Verdict, usize)> = BTreeMap::new();
    for merge in merges::find(&view) {
        let Some(verdict) = judge(&view, &merge) else {
            continue;
        };
        let key = (view.core(merge.signal), verdict.kind);
        match worst.get_mut(&key) {
            Some((kept, old, count)) => {
                *count = count.saturating_add(1);
                if verdict.severity > old.severity {
                    (*kept, *old) = (merge, verdict);
                }
            }
            None => {
                worst.insert(key, (merge, verdict, 1));
            }
        }
    }
    let mut all: Vec<(Merge, Verdict, usize)> = worst.into_values().collect();
    all.sort_by_key(|(merge, verdict, _)| (std::cmp::Reverse(verdict.severity), merge.op));
    all.truncate(MOST);
    let counters = view.counters;
    let mut suspects: Vec<Suspect> = all
        .iter()
        .map(|(merge, verdict, count)| {
            let mut suspect = describe(&view, merge, verdict, *count);
            let signal = view.state(merge.signal);
            if signal.content & counters != 0 && signal.is_switch() {
                suspect.kind = SuspectKind::CallCounter;
                suspect.severity = suspect.severity.max(Severity::High);
                let reads = view.inputs(signal.content & counters);
                suspect.message = format!(
                    "the state {} grows by itself at each call and decides in {}",
                    list(&reads),
                    suspect.merge.as_ref().map_or("", |merge| &merge.operator)
                );
            }
            suspect
        })
        .collect();
    suspects.extend(leaks(&view));
    let odd = oddities::find(&view);
    suspects.extend(odd.into_iter().map(|odd| {
        let op = flat.ops.get(at(odd.op));
        Suspect {
            merge: op.map(|op| op_spot(flat, op, odd.op)),
            ..bare(flat, op, odd.kind, odd.severity, odd.message)
        }
    }));
    suspects.sort_by_key(|suspect| std::cmp::Reverse(suspect.severity));
    suspects.truncate(MOST);
    Analysis {
        operators: u64::try_from(flat.ops.len()).unwrap_or(u64::MAX),
        depth: u32::from(view.depth),
        opaque: oddities::opaque(&view).into_iter().take(MOST).collect(),
        suspects,
        cut: flat.cut,
    }
}

/// The first place where samples are mixed, for each kind of operator.
fn leaks(view: &View<'_, '_>) -> Vec<Suspect> {
    let flat = view.flat;
    let mut seen = std::collections::BTreeSet::new();
    let mut out = Vec::new();
    for leak in leak::find(view) {
        let Some(op) = flat.ops.get(at(leak.op)) else {
            continue;
        };
        if !seen.insert((op.std, leak.severity)) || out.len() >= MOST {
            continue;
        }
        let operand = op.input(leak.operand);
        let message = format!("the samples of a batch are mixed in {}", flat.word(op));
        out.push(Suspect {
            signal: operand.map(|id| value_spot(flat, id)),
            merge: Some(op_spot(flat, op, leak.op)),
            reads: operand.map_or_else(Vec::new, |id| view.inputs(view.state(id).content)),
            outputs: view.outputs(view.reaches.get(at(leak.op)).copied().unwrap_or(0)),
            ..bare(
                flat,
                Some(op),
                SuspectKind::BatchLeak,
                leak.severity,
                message,
            )
        });
    }
    out
}

fn bare(
    flat: &Flat<'_>,
    op: Option<&Op>,
    kind: SuspectKind,
    severity: Severity,
    message: String,
) -> Suspect {
    Suspect {
        kind,
        severity,
        confidence: Confidence::Medium,
        message,
        signal: None,
        merge: None,
        main: None,
        alternative: None,
        operand: 0,
        reads: Vec::new(),
        positions: Vec::new(),
        outputs: Vec::new(),
        side: Vec::new(),
        reasons: Vec::new(),
        at: op.map_or_else(
            || Location::file(flat.wiring.at.path.clone()),
            |op| place(flat, op),
        ),
        proof: None,
    }
}

fn describe(view: &View<'_, '_>, merge: &Merge, verdict: &Verdict, count: usize) -> Suspect {
    let flat = view.flat;
    let op = flat.ops.get(at(merge.op));
    let signal = view.state(merge.signal);
    let reads = view.inputs(signal.content | signal.shape);
    let outputs = view.outputs(view.reaches.get(at(merge.op)).copied().unwrap_or(0));
    let ops = view.side(merge.signal);
    let positions = positions::find(view, &ops);
    let mut side: Vec<u32> = ops
        .iter()
        .filter_map(|op| flat.ops.get(at(*op)))
        .map(|op| op.node)
        .collect();
    side.sort_unstable();
    side.dedup();
    side.truncate(SIDE);
    let mut reasons = Vec::new();
    if !positions.is_empty() {
        reasons.push(format!("reads {}", positions.join(" and ")));
    }
    reasons.push(match verdict.origin {
        Origin::Content => format!("computed from {}", list(&reads)),
        Origin::Mode => format!("chosen by the control input {}", list(&reads)),
        Origin::Shape => format!("computed from the shape of {}", list(&reads)),
        Origin::Random => "left to chance".to_owned(),
    });
    reasons.push(if signal.collapsed {
        "one element per sample".to_owned()
    } else {
        "at each position".to_owned()
    });
    reasons.push(match signal.deepest {
        0 => "passes no learned layer".to_owned(),
        depth => format!(
            "passes {depth} learned layers, the main value {}",
            merge.depth
        ),
    });
    reasons.push(
        match signal.entropy {
            Entropy::Constant | Entropy::Binary => "is on or off",
            Entropy::Soft => "lies between two bounds, like a switch",
            Entropy::Index => "is an index",
            Entropy::Guard | Entropy::Threshold => "is flat until a threshold is passed",
            Entropy::Real => "grows steeply",
        }
        .to_owned(),
    );
    if count > 1 {
        reasons.push(format!("takes effect at {count} places"));
    }
    let operator = op.map_or("", |op| flat.word(op));
    Suspect {
        kind: verdict.kind,
        severity: verdict.severity,
        confidence: verdict.confidence,
        message: format!(
            "a signal computed from {} past the learned layers takes effect in {operator}",
            list(&reads)
        ),
        signal: Some(value_spot(flat, merge.signal)),
        merge: op.map(|op| op_spot(flat, op, merge.op)),
        main: Some(value_spot(flat, merge.main)),
        alternative: merge.constant.then(|| "constant".to_owned()),
        operand: u32::try_from(merge.operand).unwrap_or(0),
        reads,
        positions,
        outputs,
        side,
        reasons,
        at: op.map_or_else(Location::default, |op| place(flat, op)),
        proof: None,
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "the input".to_owned(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

fn value_spot(flat: &Flat<'_>, id: Id) -> Spot {
    let maker = flat.maker(id);
    Spot {
        name: flat.name(id).to_owned(),
        operator: maker.map_or(String::new(), |op| flat.word(op).to_owned()),
        node: maker.map(|op| op.node).filter(|node| *node != NONE),
        flat: id,
    }
}

fn op_spot(flat: &Flat<'_>, op: &Op, index: u32) -> Spot {
    Spot {
        name: flat
            .node(op)
            .map_or(String::new(), |node| node.name.clone()),
        operator: flat.word(op).to_owned(),
        node: Some(op.node).filter(|node| *node != NONE),
        flat: index,
    }
}

fn place(flat: &Flat<'_>, op: &Op) -> Location {
    let mut at = Location::file(flat.wiring.at.path.clone());
    at.span = flat.node(op).and_then(|node| node.span);
    at
}
