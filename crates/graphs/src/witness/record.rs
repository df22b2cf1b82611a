//! How each operator is put on the tape.

use modelward_schema::Node;

use super::tape::{Curve, Id, Knot, Rule};
use super::trace::{Rank, Soft, Sort, Tracer, array};
use crate::eval::{Array, Kind, Refusal, broadcast, spread};

/// What the outputs became; a missing one is blind.
pub(crate) type Made = Vec<(Sort, Vec<Id>)>;

/// Operators whose first operand is moved and whose others say where.
const MOVES: &[&str] = &[
    "Identity",
    "Dropout",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Expand",
    "Tile",
    "Slice",
    "Split",
    "DepthToSpace",
    "SpaceToDepth",
    "Trilu",
    "Gather",
    "GatherElements",
    "GatherND",
    "Compress",
    "ReverseSequence",
];

impl Tracer<'_, '_> {
    pub(crate) fn record(
        &mut self,
        node: &Node,
        inputs: &[Option<Soft>],
        made: &[Array],
    ) -> Result<Made, Refusal> {
        let Some(Some(a)) = inputs.first() else {
            return Ok(Vec::new());
        };
        let op = node.op.as_str();
        if MOVES.contains(&op) {
            return self.moves(node, inputs, a);
        }
        let one = match op {
            "Concat" | "ScatterND" | "ScatterElements" | "Pad" => return self.places(node, inputs),
            "Where" => self.select(inputs, made)?,
            "Cast" => self.cast(a, made)?,
            "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "Equal" => {
                self.compare(op, inputs, made)?
            }
            "And" | "Or" | "Xor" => self.logic(op, inputs, made)?,
            "IsInf" if a.sort == Sort::Real => {
                let far = self.tape.constant(-1e30);
                let mut ids = Vec::with_capacity(a.ids.len());
                for id in &a.ids {
                    let size = self.tape.push(Rule::Curve(Curve::Abs, *id));
                    ids.push(self.tape.sum(&[(size, 1.0), (far, 1.0)]));
                }
                Some((Sort::Truth, ids))
            }
            "Not" => {
                let ids = self.truths(a)?;
                Some((Sort::Truth, self.negate(&ids)))
            }
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "BitShift" => {
                self.arithmetic(op, node, inputs, made)?
            }
            "Min" | "Max" | "Sum" | "Mean" => self.variadic(op, inputs, made)?,
            "Clip" => self.clip(node, inputs)?,
            "TopK" | "ArgMax" | "ArgMin" => return self.ranked(op, node, a, made),
            "Softmax" => self.softmax(node, a)?,
            "CumSum" => self.running(inputs)?,
            _ if op.starts_with("Reduce") || op.starts_with("Global") => {
                self.fold(op, node, inputs)?
            }
            "MatMul" | "Gemm" | "Conv" | "AveragePool" | "MaxPool" | "BatchNormalization" => {
                self.layer(op, node, inputs, made)?
            }
            _ => self.curve(op, node, a)?,
        };
        Ok(one.into_iter().collect())
    }

    pub(crate) fn negate(&mut self, ids: &[Id]) -> Vec<Id> {
        ids.iter().map(|id| self.tape.sum(&[(*id, -1.0)])).collect()
    }

    /// Both operands' places, broadcast.
    pub(crate) fn pair(
        &mut self,
        inputs: &[Option<Soft>],
        truth: bool,
    ) -> Result<Option<(Vec<Id>, Vec<Id>)>, Refusal> {
        let (Some(Some(a)), Some(Some(b))) = (inputs.first(), inputs.get(1)) else {
            return Ok(None);
        };
        let shape = broadcast(&a.hard.shape, &b.hard.shape)?;
        self.budget.elements(crate::eval::product(&shape)?)?;
        let (x, y) = if truth {
            (self.truths(a)?, self.truths(b)?)
        } else {
            (self.numbers(a)?, self.numbers(b)?)
        };
        Ok(Some((
            at_all(&x, &spread(&a.hard.shape, &shape)),
            at_all(&y, &spread(&b.hard.shape, &shape)),
        )))
    }

    fn cast(&mut self, a: &Soft, made: &[Array]) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let to = made.first().map_or(Kind::F32, |array| array.kind);
        Ok(Some(match a.sort {
            Sort::Truth | Sort::Rank => (a.sort, a.ids.clone()),
            Sort::Real if to == Kind::Bool => {
                let slack = self
                    .tape
                    .constant(if a.hard.kind.is_float() { -1e-6 } else { -0.5 });
                let mut ids = Vec::with_capacity(a.ids.len());
                for id in &a.ids {
                    let size = self.tape.curve(Curve::Abs, *id);
                    let id = self.tape.sum(&[(size, 1.0), (slack, 1.0)]);
                    self.tape.knots.push(Knot::Sign(id));
                    ids.push(id);
                }
                (Sort::Truth, ids)
            }
            Sort::Real if !to.is_float() && a.hard.kind.is_float() => (
                Sort::Real,
                a.ids
                    .iter()
                    .map(|id| self.tape.push(Rule::Curve(Curve::Truncate, *id)))
                    .collect(),
            ),
            Sort::Real => (Sort::Real, a.ids.clone()),
            _ => return Ok(None),
        }))
    }

    fn arithmetic(
        &mut self,
        op: &str,
        node: &Node,
        inputs: &[Option<Soft>],
        made: &[Array],
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let (Some(Some(a)), Some(Some(b))) = (inputs.first(), inputs.get(1)) else {
            return Ok(None);
        };
        if op == "Mul" && a.sort == Sort::Truth && b.sort == Sort::Truth {
            let Some((x, y)) = self.pair(inputs, true)? else {
                return Ok(None);
            };
            let ids = x
                .iter()
                .zip(&y)
                .map(|(x, y)| self.tape.all(&[*x, *y]))
                .collect();
            return Ok(Some((Sort::Truth, ids)));
        }
        if op == "Sub"
            && b.sort == Sort::Truth
            && a.sort == Sort::Known
            && a.hard.reals()?.iter().all(|x| *x == 1.0)
        {
            let shape = broadcast(&a.hard.shape, &b.hard.shape)?;
            let ids = self.negate(&b.ids);
            return Ok(Some((
                Sort::Truth,
                at_all(&ids, &spread(&b.hard.shape, &shape)),
            )));
        }
        let whole = made.first().is_some_and(|array| !array.kind.is_float());
        let Some((x, y)) = self.pair(inputs, false)? else {
            return Ok(None);
        };
        let mut ids = Vec::with_capacity(x.len());
        for (x, y) in x.iter().zip(&y) {
            let by = self.tape.known(*y);
            ids.push(match op {
                "Add" => self.tape.sum(&[(*x, 1.0), (*y, 1.0)]),
                "Sub" => self.tape.sum(&[(*x, 1.0), (*y, -1.0)]),
                "Mul" if x == y => self.tape.curve(Curve::Square, *x),
                "Mul" => match (self.tape.known(*x), by) {
                    (_, Some(c)) => self.tape.sum(&[(*x, c)]),
                    (Some(c), None) => self.tape.sum(&[(*y, c)]),
                    _ => self.tape.push(Rule::Product(*x, *y)),
                },
                "Div" => {
                    let quotient = match by.filter(|c| *c != 0.0) {
                        Some(c) => self.tape.sum(&[(*x, 1.0 / c)]),
                        None => self.tape.push(Rule::Quotient(*x, *y)),
                    };
                    if whole {
                        self.tape.push(Rule::Curve(Curve::Truncate, quotient))
                    } else {
                        quotient
                    }
                }
                "Pow" => match by {
                    Some(2.0) => self.tape.curve(Curve::Square, *x),
                    Some(p) => self.tape.push(Rule::Power(*x, p)),
                    None => return Ok(None),
                },
                "Mod" => match by {
                    Some(m) => self.tape.push(Rule::Modulo(*x, m)),
                    None => return Ok(None),
                },
                _ => {
                    let left = node
                        .attributes
                        .iter()
                        .any(|a| a.value == modelward_schema::Setting::Text("LEFT".to_owned()));
                    let Some(n) = by else { return Ok(None) };
                    let moved = self
                        .tape
                        .sum(&[(*x, 2_f64.powf(if left { n } else { -n }))]);
                    self.tape.push(Rule::Curve(Curve::Floor, moved))
                }
            });
        }
        if op == "Mod"
            && let (Some(Some(value)), Ok(m)) = (node.inputs.first(), b.hard.first_int())
        {
            self.moduli.push((*value, m));
        }
        Ok(Some((Sort::Real, ids)))
    }

    fn variadic(
        &mut self,
        op: &str,
        inputs: &[Option<Soft>],
        made: &[Array],
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let Some(shape) = made.first().map(|array| array.shape.clone()) else {
            return Ok(None);
        };
        let mut all = Vec::new();
        for soft in inputs.iter().flatten() {
            let ids = self.numbers(soft)?;
            all.push(at_all(&ids, &spread(&soft.hard.shape, &shape)));
        }
        let share = if op == "Mean" {
            1.0 / crate::eval::real_of(all.len())
        } else {
            1.0
        };
        let count = made.first().map_or(0, Array::len);
        let mut ids = Vec::with_capacity(count);
        for at in 0..count {
            let these: Vec<Id> = all
                .iter()
                .filter_map(|list| list.get(at).copied())
                .collect();
            ids.push(match op {
                "Min" | "Max" => self.tape.largest(&these, op == "Min"),
                _ => {
                    let terms: Vec<_> = these.iter().map(|id| (*id, share)).collect();
                    self.tape.sum(&terms)
                }
            });
        }
        Ok(Some((Sort::Real, ids)))
    }

    fn clip(
        &mut self,
        node: &Node,
        inputs: &[Option<Soft>],
    ) -> Result<Option<(Sort, Vec<Id>)>, Refusal> {
        let Some(Some(a)) = inputs.first() else {
            return Ok(None);
        };
        let bound = |at: usize, name: &str, default: f64| -> Result<f64, Refusal> {
            match inputs
                .get(at)
                .and_then(Option::as_ref)
                .filter(|soft| !soft.hard.is_empty())
            {
                Some(soft) => soft.hard.first(),
                None => Ok(node
                    .attributes
                    .iter()
                    .find_map(|a| match a.value {
                        modelward_schema::Setting::Float(x) if a.name == name => Some(x),
                        _ => None,
                    })
                    .unwrap_or(default)),
            }
        };
        let (low, high) = (
            bound(1, "min", f64::NEG_INFINITY)?,
            bound(2, "max", f64::INFINITY)?,
        );
        if a.sort == Sort::Truth && low <= 0.0 && high >= 1.0 {
            return Ok(Some((Sort::Truth, a.ids.clone())));
        }
        let ids = self.numbers(a)?;
        Ok(Some((
            Sort::Real,
            ids.iter()
                .map(|id| self.tape.clip(*id, low, high))
                .collect(),
        )))
    }

    fn ranked(&mut self, op: &str, node: &Node, a: &Soft, made: &[Array]) -> Result<Made, Refusal> {
        if !matches!(a.sort, Sort::Real | Sort::Truth) {
            return Ok(Vec::new());
        }
        let ids = self.numbers(a)?;
        let axis = node
            .attributes
            .iter()
            .find_map(|attribute| match attribute.value {
                modelward_schema::Setting::Int(n) if attribute.name == "axis" => Some(n),
                _ => None,
            });
        let axis = axis.unwrap_or(if op == "TopK" { -1 } else { 0 });
        let Some(places) = made.last() else {
            return Ok(Vec::new());
        };
        let mut out = Vec::new();
        if op == "TopK" {
            let given = vec![Some(array(&a.hard.shape, &ids)?), Some(places.clone())];
            out.push((
                Sort::Real,
                self.moved_by("GatherElements", Some(("axis", axis)), given)?,
            ));
        }
        // Ranks are followed where there is one lane.
        if op != "ArgMin" && crate::eval::lanes(&a.hard, axis) == Some(1) {
            let mut entries = Vec::with_capacity(places.len());
            for (nth, now) in places.as_ints()?.iter().enumerate() {
                entries.push(u32::try_from(self.ranks.len()).unwrap_or(0));
                self.ranks.push(Rank {
                    lane: ids.clone(),
                    nth,
                    now: usize::try_from(*now).unwrap_or(0),
                });
            }
            out.push((Sort::Rank, entries));
        }
        Ok(out)
    }
}

pub(crate) fn at_all(ids: &[Id], places: &[usize]) -> Vec<Id> {
    places
        .iter()
        .map(|at| ids.get(*at).copied().unwrap_or(0))
        .collect()
}
