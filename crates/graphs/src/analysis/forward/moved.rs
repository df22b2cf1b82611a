//! Operators that move elements.

use super::{Forward, highest, lowest};
use crate::analysis::state::{Entropy, State};
use crate::ir::Op;
use crate::operators::Std;

impl Forward {
    pub(super) fn keep(
        &self,
        op: &Op,
        operands: &[State],
        varied: &[&State],
        learned: bool,
        out: &mut State,
    ) {
        let a = self.operand(op, 0);
        let writes = matches!(
            op.std,
            Std::ScatterND | Std::ScatterElements | Std::Scatter | Std::TensorScatter
        );
        let joins = writes || matches!(op.std, Std::Concat | Std::QLinearConcat | Std::Stack);
        let moved: Vec<State> = if writes {
            vec![a, self.operand(op, 2)]
        } else if joins {
            operands.to_vec()
        } else {
            vec![a]
        };
        out.low = lowest(moved.iter());
        out.high = highest(moved.iter());
        if op.std == Std::Pad && op.input(2).is_none() {
            out.low = out.low.min(0.0);
            out.high = out.high.max(0.0);
        }
        if op.std == Std::Neg {
            (out.low, out.high) = (-out.high, -out.low);
        }
        let picks = matches!(
            op.std,
            Std::Gather | Std::GatherND | Std::GatherElements | Std::Slice
        );
        // What is looked up among constants is as telling as its index.
        out.entropy = if a.fixed && picks {
            if varied.iter().all(|state| state.is_switch()) {
                Entropy::Binary
            } else if varied.iter().all(|state| state.entropy <= Entropy::Index) {
                Entropy::Index
            } else {
                Entropy::Real
            }
        } else if joins {
            let kinds = varied.iter().map(|state| state.entropy);
            kinds.max().unwrap_or(Entropy::Real)
        } else {
            a.entropy
        };
        if learned {
            out.entropy = Entropy::Real;
            (out.low, out.high) = (f64::NEG_INFINITY, f64::INFINITY);
        }
    }
}
