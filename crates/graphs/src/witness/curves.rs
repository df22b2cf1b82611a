//! Functions of one number, and those along an axis, on the tape.

use modelward_schema::Node;

use super::record::at_all;
use super::tape::{Curve, Id, Rule};
use super::trace::{Soft, Sort, Tracer};
use crate::eval::{Refusal, walk};

impl Tracer<'_, '_> {
    pub(crate) fn curve(
        &mut self,
        op: &str,
        node: &Node,
        a: &Soft,
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let setting = |name: &str, default: f64| {
            node.attributes
                .iter()
                .find_map(|attribute| match attribute.value {
                    modelward_schema::Setting::Float(x) if attribute.name == name => Some(x),
                    _ => None,
                })
                .unwrap_or(default)
        };
        if op == "Neg" && a.sort == Sort::Truth {
            let ids = self.numbers(a)?;
            return Ok(Some((Sort::Real, self.negate(&ids))));
        }
        if matches!(op, "Relu" | "Sign" | "Abs" | "Ceil" | "Floor" | "Round")
            && a.sort == Sort::Truth
        {
            return Ok(Some((Sort::Truth, a.ids.clone())));
        }
        if !matches!(a.sort, Sort::Real | Sort::Truth) {
            return Ok(None);
        }
        let ids = self.numbers(a)?;
        let mut out = Vec::with_capacity(ids.len());
        for id in ids {
            out.push(match op {
                "Neg" => self.tape.sum(&[(id, -1.0)]),
                "Abs" => self.tape.curve(Curve::Abs, id),
                "Exp" => self.tape.curve(Curve::Exp, id),
                "Log" => self.tape.curve(Curve::Log, id),
                "Sqrt" => self.tape.curve(Curve::Sqrt, id),
                "Sigmoid" => self.tape.curve(Curve::Sigmoid, id),
                "Tanh" | "Erf" | "Softsign" => self.tape.curve(Curve::Tanh, id),
                "Sin" => self.tape.curve(Curve::Sin, id),
                "Cos" => self.tape.curve(Curve::Cos, id),
                "Softplus" => self.tape.curve(Curve::Softplus, id),
                "Floor" => self.tape.curve(Curve::Floor, id),
                "Ceil" => self.tape.curve(Curve::Ceil, id),
                "Round" => self.tape.curve(Curve::Round, id),
                "Relu" | "LeakyRelu" | "PRelu" | "Elu" | "Celu" | "Selu" | "Gelu"
                | "ThresholdedRelu" | "HardSwish" | "Mish" => self.tape.curve(Curve::Relu, id),
                "Sign" => {
                    let (up, minus) = (
                        self.tape.curve(Curve::Step, id),
                        self.tape.sum(&[(id, -1.0)]),
                    );
                    let down = self.tape.curve(Curve::Step, minus);
                    self.tape.sum(&[(up, 1.0), (down, -1.0)])
                }
                "Reciprocal" => {
                    let one = self.tape.constant(1.0);
                    self.tape.push(Rule::Quotient(one, id))
                }
                "HardSigmoid" => {
                    let beta = self.tape.constant(setting("beta", 0.5));
                    let line = self.tape.sum(&[(id, setting("alpha", 0.2)), (beta, 1.0)]);
                    self.tape.clip(line, 0.0, 1.0)
                }
                _ => return Ok(None),
            });
        }
        Ok(Some((Sort::Real, out)))
    }

    pub(crate) fn softmax(
        &mut self,
        node: &Node,
        a: &Soft,
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let ids = self.numbers(a)?;
        let axis = node
            .attributes
            .iter()
            .find_map(|attribute| match attribute.value {
                modelward_schema::Setting::Int(n) if attribute.name == "axis" => Some(n),
                _ => None,
            });
        let Some(axis) = crate::eval::axis_of(axis.unwrap_or(-1), a.hard.rank()) else {
            return Ok(None);
        };
        let lanes = walk(&a.hard, &[axis], true);
        let mut out = vec![0; ids.len()];
        for base in &lanes.outer {
            let here: Vec<usize> = lanes
                .inner
                .iter()
                .map(|step| base.wrapping_add(*step))
                .collect();
            let powers: Vec<Id> = at_all(&ids, &here)
                .iter()
                .map(|id| self.tape.curve(Curve::Exp, *id))
                .collect();
            let terms: Vec<_> = powers.iter().map(|id| (*id, 1.0)).collect();
            let total = self.tape.sum(&terms);
            for (at, power) in here.iter().zip(&powers) {
                if let Some(slot) = out.get_mut(*at) {
                    *slot = self.tape.push(Rule::Quotient(*power, total));
                }
            }
        }
        Ok(Some((Sort::Real, out)))
    }

    pub(crate) fn running(
        &mut self,
        inputs: &[Option<Soft>],
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let (Some(Some(a)), Some(Some(axis))) = (inputs.first(), inputs.get(1)) else {
            return Ok(None);
        };
        let ids = self.numbers(a)?;
        let Some(axis) = crate::eval::axis_of(axis.hard.first_int()?, a.hard.rank()) else {
            return Ok(None);
        };
        let lanes = walk(&a.hard, &[axis], true);
        let mut out = vec![0; ids.len()];
        for base in &lanes.outer {
            let mut total = 0;
            for step in &lanes.inner {
                let at = base.wrapping_add(*step);
                let id = ids.get(at).copied().unwrap_or(0);
                total = self.tape.sum(&[(total, 1.0), (id, 1.0)]);
                if let Some(slot) = out.get_mut(at) {
                    *slot = total;
                }
            }
        }
        Ok(Some((Sort::Real, out)))
    }
}
