//! Labels that take in ever more of an operator's surroundings.

use crate::canon::{Canon, Label, Labeler, Operand};
use crate::ir::{at, number};

/// Who uses a piece: the user, at which operand (0 where operands may change
/// places), which result.
pub(super) type Use = (u32, u32, u32);

/// The rounds, the widest last. Dead pieces have the label 0 in all.
pub(super) fn rounds(canon: &Canon, uses: &[Vec<Use>], count: usize) -> Vec<Vec<Label>> {
    let mut first: Vec<Label> = vec![0; canon.pieces.len()];
    for (index, piece) in canon.living() {
        let mut parts: Vec<Label> = piece
            .operands
            .iter()
            .map(|operand| match operand {
                Operand::Constant(label) | Operand::Input(label) => *label,
                Operand::Made { .. } => 3,
                Operand::Absent => 1,
                Operand::Free => 2,
            })
            .collect();
        if piece.commutes {
            parts.sort_unstable();
        }
        let mut out = Labeler::new("alone");
        out.label(piece.own);
        for part in parts {
            out.label(part);
        }
        if let Some(slot) = first.get_mut(at(index)) {
            *slot = out.done();
        }
    }
    let mut gives = vec![u64::MAX; canon.pieces.len()];
    for (place, output) in canon.outputs.iter().enumerate() {
        if let Operand::Made { piece, .. } = output
            && let Some(slot) = gives.get_mut(at(*piece))
        {
            *slot = u64::from(number(place));
        }
    }
    let mut all = vec![first];
    for _ in 0..count {
        let Some(current) = all.last() else { break };
        let mut next = vec![0; canon.pieces.len()];
        let of = |piece: u32| current.get(at(piece)).copied().unwrap_or(0);
        for (index, piece) in canon.living() {
            let mut up: Vec<Label> = Vec::with_capacity(piece.operands.len());
            for operand in &piece.operands {
                if let Operand::Made { piece, slot } = operand {
                    up.push(of(*piece).wrapping_add(u128::from(*slot)));
                }
            }
            if piece.commutes {
                up.sort_unstable();
            }
            let mut down: Vec<(Label, u32, u32)> = uses
                .get(at(index))
                .into_iter()
                .flatten()
                .map(|(user, operand, slot)| (of(*user), *operand, *slot))
                .collect();
            down.sort_unstable();
            let mut out = Labeler::new("around");
            out.label(of(index));
            out.number(gives.get(at(index)).copied().unwrap_or(u64::MAX));
            for label in up {
                out.label(label);
            }
            for (label, operand, slot) in down {
                out.label(label);
                out.number(u64::from(operand));
                out.number(u64::from(slot));
            }
            if let Some(slot) = next.get_mut(at(index)) {
                *slot = out.done();
            }
        }
        all.push(next);
    }
    all
}

/// Who uses each piece.
pub(super) fn uses(canon: &Canon) -> Vec<Vec<Use>> {
    let mut out: Vec<Vec<Use>> = vec![Vec::new(); canon.pieces.len()];
    for (index, piece) in canon.living() {
        for (place, operand) in piece.operands.iter().enumerate() {
            if let Operand::Made { piece: from, slot } = operand
                && let Some(users) = out.get_mut(at(*from))
            {
                let place = if piece.commutes { 0 } else { number(place) };
                users.push((index, place, *slot));
            }
        }
    }
    out
}
