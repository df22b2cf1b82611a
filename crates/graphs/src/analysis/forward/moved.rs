//! Operators that move elements.

use super::{Forward, highest, lowest};
use crate::analysis::state::{Entropy, State};
use crate::ir::{Flat, Op};
use crate::operators::Std;

impl Forward {
    pub(super) fn keep(
        &self,
        flat: &Flat<'_>,
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
        if op.std == Std::Cast {
            let made = op.output(0).map_or("?", |id| flat.dtype(id));
            out.entropy = match made {
                "bool" => Entropy::Binary,
                "i64" | "i32" | "u8" | "i8" | "u32" | "u64" | "i16" | "u16"
                    if out.entropy > Entropy::Index =>
                {
                    Entropy::Index
                }
                _ => match flat.int(op, "to") {
                    Some(9) => Entropy::Binary,
                    Some(2..=7 | 12 | 13) if out.entropy > Entropy::Index => Entropy::Index,
                    _ => out.entropy,
                },
            };
            if out.entropy == Entropy::Binary {
                (out.low, out.high) = (0.0, 1.0);
            }
        }
        if learned {
            out.entropy = Entropy::Real;
            (out.low, out.high) = (f64::NEG_INFINITY, f64::INFINITY);
        }
    }
}
