//! One name for a graph's structure, whatever its weights: equal for renamed,
//! reordered and fine-tuned copies, different as soon as an operator, an edge or
//! a constant that is no weight differs.
//!
//! A Merkle hash over the canonical form: SHA-256, of which 128 bits are kept at
//! every step.

use crate::canon::{Canon, Form, Label, Labeler, Operand, hex};
use crate::ir::{Flat, at};

/// `graph:` and 32 hex digits; none when a part of the graph was cut, for then
/// it would name less than the graph.
pub fn fingerprint(flat: &Flat<'_>) -> Option<String> {
    (!flat.cut).then(|| of(&Canon::build(flat, Form::Exact)))
}

/// Of an exact canonical form.
pub(crate) fn of(canon: &Canon) -> String {
    let mut labels: Vec<Label> = vec![0; canon.pieces.len()];
    let label_of = |labels: &[Label], operand: &Operand| match operand {
        Operand::Made { piece, slot } => {
            let mut out = Labeler::new("made");
            // 0 for what a loop hands back: it is made later.
            out.label(labels.get(at(*piece)).copied().unwrap_or(0));
            out.number(u64::from(*slot));
            out.done()
        }
        Operand::Constant(label) | Operand::Input(label) => *label,
        Operand::Absent => 1,
        Operand::Free => 2,
    };
    let mut living: Vec<Label> = Vec::new();
    for (index, piece) in canon.living() {
        let mut parts: Vec<Label> = piece
            .operands
            .iter()
            .map(|o| label_of(&labels, o))
            .collect();
        if piece.commutes {
            parts.sort_unstable();
        }
        let mut out = Labeler::new("node");
        out.label(piece.own);
        for part in parts {
            out.label(part);
        }
        let label = out.done();
        living.push(label);
        if let Some(slot) = labels.get_mut(at(index)) {
            *slot = label;
        }
    }
    living.sort_unstable();
    let mut out = Labeler::new("graph");
    for output in &canon.outputs {
        out.label(label_of(&labels, output));
    }
    for label in living {
        out.label(label);
    }
    format!("graph:{}", hex(out.done()))
}
