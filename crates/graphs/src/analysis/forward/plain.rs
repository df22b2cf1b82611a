//! What plain operators leave of their operands.

use super::{Forward, highest, lowest};
use crate::analysis::shapes::Shapes;
use crate::analysis::state::{Entropy, State};
use crate::ir::{Flat, Op};
use crate::operators::{Class, Std};

impl Forward {
    pub(super) fn plain(
        &self,
        flat: &Flat<'_>,
        shapes: &Shapes,
        op: &Op,
        operands: &[State],
        varied: &[&State],
        out: &mut State,
    ) {
        let a = self.operand(op, 0);
        let b = self.operand(op, 1);
        let class = op.std.class();
        let weights = if op.std.is_lookup() {
            a.weights
        } else {
            operands.iter().any(|state| state.weights)
        };
        let learned = class == Class::Tree || op.std.learns() && weights;
        if learned {
            out.deepest = out.deepest.saturating_add(1);
            out.shallowest = out.shallowest.saturating_add(1);
        }
        match class {
            Class::Opaque => out.opaque = true,
            Class::Shape => {
                out.shape |= out.content;
                out.content = 0;
                out.random = false;
                (out.deepest, out.shallowest) = (0, 0);
                out.entropy = Entropy::Index;
                out.low = 0.0;
                out.steep = false;
                out.degree = 0;
            }
            Class::Fill if op.std == Std::Range => out.entropy = Entropy::Index,
            Class::Random => {
                out.random = true;
                if op.std != Std::Multinomial {
                    out.content = 0;
                }
            }
            Class::Test | Class::Logic => {
                out.tested = true;
                logic(op, varied, out);
            }
            Class::Select => {
                let alternatives = [b, self.operand(op, 2)];
                out.low = lowest(alternatives.iter());
                out.high = highest(alternatives.iter());
                let mut free = alternatives.iter().filter(|state| !state.fixed).peekable();
                out.entropy = if free.peek().is_none() {
                    Entropy::Binary
                } else if free
                    .any(|state| matches!(state.entropy, Entropy::Real | Entropy::Threshold))
                {
                    Entropy::Real
                } else {
                    Entropy::Soft
                };
            }
            Class::Keep => self.keep(flat, op, operands, varied, learned, out),
            Class::Arithmetic => self.arithmetic(flat, op, varied, (a, b), out),
            Class::Squash => squash(op, a, out),
            Class::Rectify => self.rectify(flat, op, a, out),
            Class::Step => {
                out.tested = true;
                out.entropy = match a.entropy {
                    Entropy::Binary => Entropy::Binary,
                    _ => Entropy::Index,
                };
                (out.low, out.high) = if op.std == Std::Sign {
                    (-1.0, 1.0)
                } else {
                    (a.low.floor(), a.high.ceil())
                };
            }
            Class::Grow => grow(op, a, out),
            Class::Smooth => smooth(op, a, out),
            Class::Reduce => Self::reduce(shapes, op, a, out),
            Class::Contract => {
                let switches = varied.iter().all(|state| state.is_switch());
                if !learned && switches && !varied.is_empty() {
                    out.entropy = Entropy::Soft;
                }
            }
            Class::Index => index(op, a, out),
            Class::Fill | Class::Foreign | Class::Normalize | Class::Tree | Class::Other => {}
        }
    }
}

fn logic(op: &Op, varied: &[&State], out: &mut State) {
    out.entropy = Entropy::Binary;
    (out.low, out.high) = (0.0, 1.0);
    let bits = matches!(
        op.std,
        Std::BitwiseAnd | Std::BitwiseOr | Std::BitwiseXor | Std::BitwiseNot
    );
    if bits && !varied.iter().all(|state| state.entropy == Entropy::Binary) {
        out.entropy = Entropy::Index;
        (out.low, out.high) = (f64::NEG_INFINITY, f64::INFINITY);
        out.wrapped = true;
    }
}

fn squash(op: &Op, a: State, out: &mut State) {
    out.entropy = match a.entropy {
        Entropy::Binary if op.std != Std::Softmax => Entropy::Binary,
        _ => Entropy::Soft,
    };
    (out.low, out.high) = match op.std {
        Std::Sigmoid
        | Std::HardSigmoid
        | Std::Softmax
        | Std::Hardmax
        | Std::BiasSoftmax
        | Std::QLinearSigmoid
        | Std::QLinearSoftmax => (0.0, 1.0),
        Std::Atan => (-1.6, 1.6),
        _ => (-1.0, 1.0),
    };
    // Waves repeat; they do not settle on a side.
    if matches!(op.std, Std::Sin | Std::Cos) && a.entropy == Entropy::Real {
        out.entropy = Entropy::Real;
    }
}

fn grow(op: &Op, a: State, out: &mut State) {
    out.steep = true;
    match op.std {
        Std::Exp => {
            out.low = if a.low > -700.0 { a.low.exp() } else { 0.0 };
            out.high = if a.high < 700.0 {
                a.high.exp()
            } else {
                f64::INFINITY
            };
        }
        Std::Reciprocal | Std::Rsqrt if a.low > 0.0 => {
            out.low = 0.0;
            out.high = 1.0
                / if op.std == Std::Rsqrt {
                    a.low.sqrt()
                } else {
                    a.low
                };
            // A guard's reciprocal is a division.
            out.steep = a.steep;
            if a.entropy == Entropy::Guard {
                out.entropy = Entropy::Guard;
                return;
            }
        }
        _ => {}
    }
    if out.is_bounded() {
        out.entropy = Entropy::Soft;
    }
    if a.entropy == Entropy::Binary {
        out.entropy = Entropy::Binary;
    }
}

fn smooth(op: &Op, a: State, out: &mut State) {
    match op.std {
        Std::Abs => {
            out.low = 0.0;
            out.high = a.low.abs().max(a.high.abs());
            out.entropy = match a.entropy {
                Entropy::Binary => Entropy::Soft,
                entropy => entropy,
            };
            return;
        }
        Std::Square => {
            out.low = 0.0;
            let most = a.low.abs().max(a.high.abs());
            out.high = most * most;
            out.degree = out.degree.saturating_mul(2).min(15);
            out.steep |= out.degree >= 5;
        }
        Std::Sqrt => {
            out.low = 0.0;
            out.high = a.high.max(0.0).sqrt();
            out.degree = out.degree.div_ceil(2);
        }
        Std::Softplus => out.low = 0.0,
        Std::LeakyRelu | Std::Elu => {}
        _ => return,
    }
    if op.std != Std::Softplus {
        out.entropy = a.entropy;
    }
}

fn index(op: &Op, a: State, out: &mut State) {
    out.entropy = match op.std {
        Std::TopK => Entropy::Real,
        Std::OneHot => Entropy::Binary,
        Std::CumSum if !matches!(a.entropy, Entropy::Binary | Entropy::Index) => Entropy::Real,
        _ => Entropy::Index,
    };
    match op.std {
        Std::TopK => (out.low, out.high) = (a.low, a.high),
        Std::OneHot => {}
        _ => out.low = 0.0,
    }
}
