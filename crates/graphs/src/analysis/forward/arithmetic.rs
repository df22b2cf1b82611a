//! Arithmetic of two values.

use super::Forward;
use crate::analysis::numbers;
use crate::analysis::state::{Entropy, State};
use crate::ir::{Flat, Op};
use crate::operators::Std;

impl Forward {
    pub(super) fn arithmetic(
        &self,
        flat: &Flat<'_>,
        op: &Op,
        varied: &[&State],
        (a, b): (State, State),
        out: &mut State,
    ) {
        out.entropy = mixed(varied);
        match op.std {
            Std::Add | Std::BiasAdd => (out.low, out.high) = (a.low + b.low, a.high + b.high),
            Std::Sub => (out.low, out.high) = (a.low - b.high, a.high - b.low),
            Std::Mul => {
                if op.input(0) == op.input(1) {
                    let most = a.low.abs().max(a.high.abs());
                    (out.low, out.high) = (0.0, most * most);
                } else {
                    (out.low, out.high) = times((a.low, a.high), (b.low, b.high));
                }
                if !a.fixed && !b.fixed {
                    out.degree = a.degree.saturating_add(b.degree).min(15);
                    out.steep |= out.degree >= 5;
                }
            }
            Std::SquaredDifference => {
                out.low = 0.0;
                out.degree = out.degree.saturating_mul(2).min(15);
            }
            Std::Div => divide(a, b, out),
            Std::Max | Std::Min => self.bound(flat, op, out),
            Std::Pow => power(flat, op, a, b, out),
            Std::Mod | Std::FloorMod => {
                let made = op.output(0).map_or("?", |id| flat.dtype(id));
                if out.entropy == Entropy::Real && made.starts_with(['i', 'u']) {
                    out.entropy = Entropy::Index;
                }
                out.wrapped = true;
                out.steep = true;
                if b.fixed && b.is_bounded() {
                    let most = b.low.abs().max(b.high.abs());
                    (out.low, out.high) = (if b.low > 0.0 { 0.0 } else { -most }, most);
                    // A remainder of whole numbers stays one below.
                    if out.entropy == Entropy::Index {
                        out.high = (most - 1.0).max(0.0);
                    }
                }
            }
            Std::BitShift => {
                out.wrapped = true;
                out.entropy = Entropy::Index;
            }
            Std::PRelu => out.entropy = Entropy::Real,
            _ => {}
        }
    }

    fn bound(&self, flat: &Flat<'_>, op: &Op, out: &mut State) {
        let largest = op.std == Std::Max;
        let operands: Vec<State> = op.operands().map(|id| self.get(id)).collect();
        let fold = if largest { f64::max } else { f64::min };
        let low = operands.iter().map(|state| state.low).reduce(fold);
        let high = operands.iter().map(|state| state.high).reduce(fold);
        out.low = low.unwrap_or(f64::NEG_INFINITY);
        out.high = high.unwrap_or(f64::INFINITY);
        if operands.iter().any(|state| state.fixed) && out.entropy == Entropy::Real {
            out.entropy = if largest {
                guard(flat, op)
            } else {
                Entropy::Threshold
            };
            if out.is_bounded() {
                out.entropy = Entropy::Soft;
            }
        }
    }
}

/// What can be told by a value that is calculated from several.
fn mixed(varied: &[&State]) -> Entropy {
    let kinds = || varied.iter().map(|state| state.entropy);
    match varied {
        [] => Entropy::Real,
        [one] if matches!(one.entropy, Entropy::Binary | Entropy::Guard) => one.entropy,
        _ if kinds().all(|kind| kind <= Entropy::Soft) => Entropy::Soft,
        _ if kinds().all(|kind| kind <= Entropy::Index) => Entropy::Index,
        _ if kinds().all(|kind| kind < Entropy::Real)
            && kinds().any(|kind| kind == Entropy::Threshold) =>
        {
            Entropy::Threshold
        }
        _ => Entropy::Real,
    }
}

fn divide(a: State, b: State, out: &mut State) {
    if b.low > 0.0 {
        let least = if b.high.is_finite() {
            1.0 / b.high
        } else {
            0.0
        };
        (out.low, out.high) = times((a.low, a.high), (least, 1.0 / b.low));
        // A constant over what may grow: near nothing far away.
        if a.fixed && out.is_bounded() && out.entropy == Entropy::Real {
            out.entropy = Entropy::Soft;
        }
    } else if !b.fixed && b.entropy != Entropy::Guard {
        out.steep |= a.fixed;
    }
    if !a.fixed && !b.fixed {
        out.degree = a.degree.saturating_sub(b.degree);
    }
}

fn power(flat: &Flat<'_>, op: &Op, a: State, b: State, out: &mut State) {
    let constant = op.input(1).and_then(|id| flat.constant(id));
    let exponent = constant
        .and_then(|constant| numbers::floats(constant, 1))
        .and_then(|all| all.first().copied());
    if a.low >= 0.0 {
        out.low = 0.0;
    }
    match exponent {
        Some(2.0) => {
            let most = a.low.abs().max(a.high.abs());
            (out.low, out.high) = (0.0, most * most);
            out.degree = out.degree.saturating_mul(2).min(15);
        }
        Some(4.0) => {
            out.low = 0.0;
            out.degree = out.degree.saturating_mul(4).min(15);
        }
        Some(3.0) => out.degree = out.degree.saturating_mul(3).min(15),
        Some(0.5) => out.degree = out.degree.div_ceil(2),
        Some(1.0) => {}
        Some(exponent @ (-0.5 | -1.0)) => {
            if a.low > 0.0 {
                (out.low, out.high) = (0.0, a.low.powf(exponent));
            }
        }
        _ => out.steep = true,
    }
    out.steep |= out.degree >= 5;
    if a.entropy == Entropy::Binary && b.fixed {
        out.entropy = Entropy::Binary;
    }
}

/// Clipping from below: what is a difference or product then is a threshold.
pub(super) fn guard(flat: &Flat<'_>, op: &Op) -> Entropy {
    let maker = op
        .operands()
        .find(|id| !flat.is_constant(*id))
        .and_then(|id| flat.maker(id));
    match maker.map(|maker| maker.std) {
        Some(Std::Sub | Std::Mul | Std::Add) => Entropy::Threshold,
        _ => Entropy::Guard,
    }
}

fn times(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for x in [a.0, a.1] {
        for y in [b.0, b.1] {
            let made = if x == 0.0 || y == 0.0 { 0.0 } else { x * y };
            low = low.min(made);
            high = high.max(made);
        }
    }
    (low, high)
}
