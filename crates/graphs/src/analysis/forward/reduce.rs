//! Rectifiers and reductions.

use super::Forward;
use super::arithmetic::guard;
use crate::analysis::shapes::Shapes;
use crate::analysis::size::product;
use crate::analysis::state::{Entropy, State};
use crate::ir::{Flat, Id, Op};
use crate::operators::Std;

impl Forward {
    pub(super) fn rectify(&self, flat: &Flat<'_>, op: &Op, a: State, out: &mut State) {
        let bound = |index: usize, name: &str, none: f64| {
            let Some(id) = op.input(index) else {
                let stated = flat.float(op, name).unwrap_or(none);
                return Some((stated, stated));
            };
            let state = self.get(id);
            (state.fixed && state.is_bounded()).then_some((state.low, state.high))
        };
        let (low, high) = match op.std {
            Std::Relu => (0.0, f64::INFINITY),
            Std::Clip => (
                bound(1, "min", f64::NEG_INFINITY).map_or(f64::NEG_INFINITY, |(low, _)| low),
                bound(2, "max", f64::INFINITY).map_or(f64::INFINITY, |(_, high)| high),
            ),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        };
        out.low = a.low.max(low);
        out.high = a.high.min(high);
        out.entropy = match a.entropy {
            Entropy::Binary | Entropy::Soft | Entropy::Index => a.entropy,
            _ if out.is_bounded() => Entropy::Soft,
            _ if op.std == Std::Clip && high.is_infinite() => guard(flat, op),
            _ => Entropy::Threshold,
        };
    }

    pub(super) fn reduce(shapes: &Shapes, op: &Op, a: State, out: &mut State) {
        (out.low, out.high) = (a.low, a.high);
        out.entropy = a.entropy;
        match op.std {
            Std::ReduceSum | Std::SegmentSum => {
                let count = op.input(0).and_then(|id| count_of(shapes, id));
                let left = op.output(0).and_then(|id| count_of(shapes, id));
                (out.low, out.high) = match count.zip(left) {
                    Some((count, left)) => {
                        let times = count / left.max(1.0);
                        (a.low * times, a.high * times)
                    }
                    None => (
                        if a.low >= 0.0 { 0.0 } else { f64::NEG_INFINITY },
                        if a.high <= 0.0 { 0.0 } else { f64::INFINITY },
                    ),
                };
                out.entropy = match a.entropy {
                    Entropy::Binary => Entropy::Index,
                    Entropy::Soft => Entropy::Threshold,
                    entropy => entropy,
                };
            }
            Std::ReduceMean
            | Std::AveragePool
            | Std::GlobalAveragePool
            | Std::QLinearReduceMean
            | Std::QLinearAveragePool
            | Std::QLinearGlobalAveragePool => {
                out.entropy = match a.entropy {
                    Entropy::Binary => Entropy::Index,
                    entropy => entropy,
                };
            }
            Std::ReduceProd | Std::ReduceLogSum | Std::ReduceLogSumExp => {
                (out.low, out.high) = (f64::NEG_INFINITY, f64::INFINITY);
                if op.std == Std::ReduceProd && a.low >= 0.0 {
                    out.low = 0.0;
                    if a.high <= 1.0 {
                        out.high = 1.0;
                    }
                }
                out.steep |= op.std == Std::ReduceProd && !a.is_bounded();
            }
            Std::ReduceL1
            | Std::ReduceL2
            | Std::ReduceSumSquare
            | Std::LpPool
            | Std::GlobalLpPool => {
                (out.low, out.high) = (0.0, f64::INFINITY);
                if op.std == Std::ReduceSumSquare {
                    out.degree = out.degree.saturating_mul(2).min(15);
                }
            }
            _ => {}
        }
    }
}

#[allow(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "an interval may round"
)]
fn count_of(shapes: &Shapes, id: Id) -> Option<f64> {
    let count = product(shapes.get(id)?)?.number()?;
    Some(count as f64)
}
