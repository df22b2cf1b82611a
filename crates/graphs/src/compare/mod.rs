//! What changed between two graphs: which operators of the second the first
//! does not have, which are gone, which are wired differently.
//!
//! Anchors are operators whose surroundings, up to eight steps both ways, occur
//! once in each graph (labels after Weisfeiler and Lehman); from there
//! neighbours are paired as far as they agree. What is left is the difference.

mod pairs;
mod surroundings;
#[cfg(test)]
mod tests;

use crate::canon::{Canon, Form, Operand};
use crate::fingerprint;
use crate::ir::{Flat, at};

/// The difference of two graphs, in nodes of their wirings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Neither an operator nor a constant that is no weight differs.
    pub same: bool,
    /// The same after normalisation: casts, quantisation, fusion, folding.
    pub equivalent: bool,
    /// Operators of the canonical forms.
    pub operators: (usize, usize),
    pub matched: usize,
    /// Nodes of the second graph that the first does not have.
    pub added: Vec<u32>,
    /// Nodes of the first graph that the second does not have.
    pub removed: Vec<u32>,
    /// Pairs whose operands come from elsewhere: `(first, second)`.
    pub rewired: Vec<(u32, u32)>,
    /// Outputs that something else makes, by their place.
    pub outputs: Vec<usize>,
}

/// Compares `second` with `first`. Two graphs of which a part was cut are never
/// the same.
pub fn compare(first: &Flat<'_>, second: &Flat<'_>) -> Comparison {
    let both = |form| (Canon::build(first, form), Canon::build(second, form));
    let (a, b) = both(Form::Exact);
    let whole = !first.cut && !second.cut;
    let same = whole && fingerprint::of(&a) == fingerprint::of(&b);
    let exact = by_pairs(&a, &b);
    let mut out = if exact.added.is_empty() && exact.removed.is_empty() && exact.rewired.is_empty()
    {
        exact
    } else {
        let (a, b) = both(Form::Loose);
        let loose = by_pairs(&a, &b);
        // The form that explains more is the better account.
        if loose.added.len() < exact.added.len()
            || loose.added.len() == exact.added.len() && loose.removed.len() <= exact.removed.len()
        {
            loose
        } else {
            exact
        }
    };
    out.same = same;
    out.equivalent = whole
        && out.added.is_empty()
        && out.removed.is_empty()
        && out.rewired.is_empty()
        && out.outputs.is_empty();
    out
}

/// Compares two canonical forms of one kind.
fn by_pairs(a: &Canon, b: &Canon) -> Comparison {
    let pairs = pairs::find(a, b);
    let mut out = Comparison {
        operators: (a.living().count(), b.living().count()),
        matched: pairs.count(),
        ..Comparison::default()
    };
    for (index, piece) in b.living() {
        if pairs.of_second(index).is_none() {
            out.added.extend(&piece.covers);
        }
    }
    for (index, piece) in a.living() {
        match pairs.of_first(index) {
            None => out.removed.extend(&piece.covers),
            Some(other) => {
                let there = b.pieces.get(at(other));
                if let Some(there) = there
                    && !pairs::same_operands(piece, there, &pairs)
                    && let (Some(x), Some(y)) = (piece.covers.first(), there.covers.first())
                {
                    out.rewired.push((*x, *y));
                }
            }
        }
    }
    for list in [&mut out.added, &mut out.removed] {
        list.sort_unstable();
        list.dedup();
    }
    // A node is changed in part when one of the pieces it was taken into is.
    for place in 0..a.outputs.len().max(b.outputs.len()) {
        let (x, y) = (a.outputs.get(place), b.outputs.get(place));
        let same = match (x, y) {
            (
                Some(Operand::Made { piece, slot }),
                Some(Operand::Made {
                    piece: other,
                    slot: there,
                }),
            ) => pairs.of_first(*piece) == Some(*other) && slot == there,
            (x, y) => x == y,
        };
        if !same {
            out.outputs.push(place);
        }
    }
    out
}
