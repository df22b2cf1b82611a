//! Folds, products and windows on the tape.

use modelward_schema::{Node, Setting};

use super::record::at_all;
use super::tape::{Curve, Id, Rule};
use super::trace::{Soft, Sort, Tracer, array};
use crate::eval::{Array, Refusal, axes_of, real_of, walk, window_of};

type One = Option<(Sort, Vec<Id>)>;

fn int(node: &Node, name: &str) -> Option<i64> {
    node.attributes
        .iter()
        .find_map(|attribute| match attribute.value {
            Setting::Int(n) if attribute.name == name => Some(n),
            _ => None,
        })
}

impl Tracer<'_, '_> {
    pub(crate) fn fold(
        &mut self,
        op: &str,
        node: &Node,
        inputs: &[Option<Soft>],
    ) -> Result<One, Refusal> {
        let Some(Some(a)) = inputs.first() else {
            return Ok(None);
        };
        let global = op.starts_with("Global");
        let wanted: Option<Vec<i64>> = if global {
            Some((2..a.hard.rank()).map(crate::eval::long_of).collect())
        } else {
            match inputs.get(1).and_then(Option::as_ref) {
                Some(soft) => Some(soft.hard.as_ints()?.to_vec()).filter(|axes| !axes.is_empty()),
                None => node
                    .attributes
                    .iter()
                    .find_map(|attribute| match &attribute.value {
                        Setting::Ints(all) if attribute.name == "axes" => Some(all.clone()),
                        _ => None,
                    }),
            }
        };
        if wanted.is_none() && int(node, "noop_with_empty_axes") == Some(1) {
            return Ok(None);
        }
        let Some(axes) = axes_of(wanted.as_deref(), a.hard.rank()) else {
            return Ok(None);
        };
        let lanes = walk(&a.hard, &axes, true);
        let kind = op.trim_start_matches("Reduce");
        if a.sort == Sort::Truth && matches!(kind, "Min" | "Prod" | "Max" | "GlobalMaxPool") {
            let mut out = Vec::with_capacity(lanes.outer.len());
            for base in &lanes.outer {
                let ids = lane(&a.ids, *base, &lanes.inner);
                out.push(match kind {
                    "Min" | "Prod" => self.tape.all(&ids),
                    _ => self.tape.largest(&ids, false),
                });
            }
            return Ok(Some((Sort::Truth, out)));
        }
        let ids = self.numbers(a)?;
        let share = 1.0 / real_of(lanes.inner.len().max(1));
        let mut out = Vec::with_capacity(lanes.outer.len());
        for base in &lanes.outer {
            let ids = lane(&ids, *base, &lanes.inner);
            if self.tape.is_full() {
                return Ok(None);
            }
            let each = |tracer: &mut Self, curve: Curve| -> Vec<(Id, f64)> {
                ids.iter()
                    .map(|id| (tracer.tape.curve(curve, *id), 1.0))
                    .collect()
            };
            out.push(match kind {
                "Sum" | "Mean" | "GlobalAveragePool" => {
                    let weight = if kind == "Sum" { 1.0 } else { share };
                    let terms: Vec<_> = ids.iter().map(|id| (*id, weight)).collect();
                    self.tape.sum(&terms)
                }
                "Max" | "GlobalMaxPool" => self.tape.largest(&ids, false),
                "Min" => self.tape.largest(&ids, true),
                "L1" => {
                    let terms = each(self, Curve::Abs);
                    self.tape.sum(&terms)
                }
                "SumSquare" | "L2" => {
                    let terms = each(self, Curve::Square);
                    let total = self.tape.sum(&terms);
                    if kind == "L2" {
                        self.tape.curve(Curve::Sqrt, total)
                    } else {
                        total
                    }
                }
                "LogSumExp" => {
                    let terms = each(self, Curve::Exp);
                    let total = self.tape.sum(&terms);
                    self.tape.curve(Curve::Log, total)
                }
                "LogSum" => {
                    let terms: Vec<_> = ids.iter().map(|id| (*id, 1.0)).collect();
                    let total = self.tape.sum(&terms);
                    self.tape.curve(Curve::Log, total)
                }
                "Prod" => {
                    let mut all = self.tape.constant(1.0);
                    for id in &ids {
                        all = self.tape.push(Rule::Product(all, *id));
                    }
                    all
                }
                _ => return Ok(None),
            });
        }
        Ok(Some((Sort::Real, out)))
    }

    pub(crate) fn layer(
        &mut self,
        op: &str,
        node: &Node,
        inputs: &[Option<Soft>],
        made: &[Array],
    ) -> Result<One, Refusal> {
        let (Some(Some(a)), Some(made)) = (inputs.first(), made.first()) else {
            return Ok(None);
        };
        let b = inputs.get(1).and_then(Option::as_ref);
        match (op, b) {
            ("Conv", Some(w)) if w.sort == Sort::Known => {
                self.convolve(node, a, &w.hard, inputs.get(2).and_then(Option::as_ref))
            }
            ("AveragePool" | "MaxPool", _) => self.pool(op, node, a),
            ("MatMul", Some(b)) => self.product(a, b, made),
            ("Gemm", Some(b)) => {
                self.gemm(node, a, b, inputs.get(2).and_then(Option::as_ref), made)
            }
            ("BatchNormalization", _) => self.normalise(node, a, inputs),
            _ => Ok(None),
        }
    }

    /// Sums of products; one side is usually known.
    fn product(&mut self, a: &Soft, b: &Soft, made: &Array) -> Result<One, Refusal> {
        let inner = a.hard.shape.last().copied().unwrap_or(0);
        let wide = b.hard.rank() >= 2;
        let columns = if wide {
            b.hard.shape.last().copied().unwrap_or(0)
        } else {
            1
        };
        let shared = b.hard.rank() <= 2;
        if inner == 0 || columns == 0 || (!shared && a.hard.rank() != b.hard.rank()) {
            return Ok(None);
        }
        let rows_each = if a.hard.rank() >= 2 {
            a.hard.dim(a.hard.rank().saturating_sub(2))
        } else {
            1
        };
        let (known_a, known_b) = (a.sort == Sort::Known, b.sort == Sort::Known);
        let total = made.len().saturating_mul(inner);
        if total > 2_000_000 {
            return Ok(None);
        }
        let (xs, ys) = (a.hard.reals()?.into_owned(), b.hard.reals()?.into_owned());
        let left = if known_a {
            Vec::new()
        } else {
            self.numbers(a)?
        };
        let right = if known_b {
            Vec::new()
        } else {
            self.numbers(b)?
        };
        let rows = a.hard.len().checked_div(inner).unwrap_or(0);
        let mut out = Vec::with_capacity(made.len());
        for row in 0..rows {
            let block = if shared {
                0
            } else {
                row.checked_div(rows_each).unwrap_or(0)
            };
            for column in 0..columns {
                let mut terms = Vec::with_capacity(inner);
                for k in 0..inner {
                    let i = row.wrapping_mul(inner).wrapping_add(k);
                    let j = block
                        .wrapping_mul(inner)
                        .wrapping_add(k)
                        .wrapping_mul(columns)
                        .wrapping_add(column);
                    let id = |list: &[Id], at: usize| list.get(at).copied().unwrap_or(0);
                    let x = |list: &[f64], at: usize| list.get(at).copied().unwrap_or(0.0);
                    terms.push(if known_b {
                        (id(&left, i), x(&ys, j))
                    } else if known_a {
                        (id(&right, j), x(&xs, i))
                    } else {
                        (
                            self.tape.push(Rule::Product(id(&left, i), id(&right, j))),
                            1.0,
                        )
                    });
                }
                out.push(self.tape.sum(&terms));
            }
        }
        Ok(Some((Sort::Real, out)))
    }

    fn gemm(
        &mut self,
        node: &Node,
        a: &Soft,
        b: &Soft,
        c: Option<&Soft>,
        made: &Array,
    ) -> Result<One, Refusal> {
        let turn = |tracer: &mut Self, soft: &Soft, flag: &str| -> Result<Soft, Refusal> {
            if int(node, flag).unwrap_or(0) == 0 {
                return Ok(soft.clone());
            }
            let mut shape = soft.hard.shape.clone();
            shape.reverse();
            let hard = crate::eval::turned(&soft.hard)?;
            let ids = if soft.sort == Sort::Known {
                Vec::new()
            } else {
                let ids = tracer.numbers(soft)?;
                tracer.moved_by(
                    "Transpose",
                    None,
                    vec![Some(array(&soft.hard.shape, &ids)?)],
                )?
            };
            let sort = if soft.sort == Sort::Known {
                Sort::Known
            } else {
                Sort::Real
            };
            Ok(Soft { hard, sort, ids })
        };
        let (a, b) = (turn(self, a, "transA")?, turn(self, b, "transB")?);
        let Some((_, ids)) = self.product(&a, &b, made)? else {
            return Ok(None);
        };
        let float = |name: &str| {
            node.attributes
                .iter()
                .find_map(|attribute| match attribute.value {
                    Setting::Float(x) if attribute.name == name => Some(x),
                    _ => None,
                })
                .unwrap_or(1.0)
        };
        let (alpha, beta) = (float("alpha"), float("beta"));
        let bias = match c {
            Some(c) => {
                let ids = self.numbers(c)?;
                at_all(&ids, &crate::eval::spread(&c.hard.shape, &made.shape))
            }
            None => vec![0; ids.len()],
        };
        let ids = ids
            .iter()
            .zip(&bias)
            .map(|(id, bias)| self.tape.sum(&[(*id, alpha), (*bias, beta)]))
            .collect();
        Ok(Some((Sort::Real, ids)))
    }

    fn convolve(
        &mut self,
        node: &Node,
        a: &Soft,
        w: &Array,
        bias: Option<&Soft>,
    ) -> Result<One, Refusal> {
        let (Some(window), Some(plane)) = (
            window_of(node, &a.hard, w.shape.get(2..).unwrap_or(&[])),
            a.hard.shape.get(2..),
        ) else {
            return Ok(None);
        };
        let area: usize = plane.iter().product();
        let (filters, depth) = (w.dim(0), w.dim(1));
        let groups = int(node, "group")
            .and_then(|g| usize::try_from(g).ok())
            .unwrap_or(1)
            .max(1);
        let each = filters.checked_div(groups).unwrap_or(1).max(1);
        let positions = window.taps.first().map_or(0, Vec::len);
        let taps = window.taps.len();
        let (batch, channels) = (a.hard.dim(0), a.hard.dim(1));
        if [batch, filters, depth, taps, positions]
            .iter()
            .try_fold(1_usize, |all, n| all.checked_mul(*n))
            .is_none_or(|n| n > 2_000_000)
        {
            return Ok(None);
        }
        let ids = self.numbers(a)?;
        let weights = w.reals()?.into_owned();
        let start = match bias {
            Some(bias) => self.numbers(bias)?,
            None => Vec::new(),
        };
        let mut out = Vec::new();
        for n in 0..batch {
            for filter in 0..filters {
                let group = filter.checked_div(each).unwrap_or(0);
                for position in 0..positions {
                    let mut terms = vec![(start.get(filter).copied().unwrap_or(0), 1.0)];
                    for d in 0..depth {
                        let channel = group.wrapping_mul(depth).wrapping_add(d);
                        let from = n
                            .wrapping_mul(channels)
                            .wrapping_add(channel)
                            .wrapping_mul(area);
                        for (tap, places) in window.taps.iter().enumerate() {
                            let place = places.get(position).copied().unwrap_or(usize::MAX);
                            if place == usize::MAX {
                                continue;
                            }
                            let at = filter
                                .wrapping_mul(depth)
                                .wrapping_add(d)
                                .wrapping_mul(taps)
                                .wrapping_add(tap);
                            let weight = weights.get(at).copied().unwrap_or(0.0);
                            if weight != 0.0 {
                                terms.push((
                                    ids.get(from.wrapping_add(place)).copied().unwrap_or(0),
                                    weight,
                                ));
                            }
                        }
                    }
                    out.push(self.tape.sum(&terms));
                }
            }
        }
        Ok(Some((Sort::Real, out)))
    }

    fn pool(&mut self, op: &str, node: &Node, a: &Soft) -> Result<One, Refusal> {
        let kernel: Vec<usize> = node
            .attributes
            .iter()
            .find_map(|attribute| match &attribute.value {
                Setting::Ints(all) if attribute.name == "kernel_shape" => Some(
                    all.iter()
                        .filter_map(|n| usize::try_from(*n).ok())
                        .collect(),
                ),
                _ => None,
            })
            .unwrap_or_default();
        let Some(window) = window_of(node, &a.hard, &kernel) else {
            return Ok(None);
        };
        let area: usize = a.hard.shape.get(2..).unwrap_or(&[]).iter().product();
        let truth = a.sort == Sort::Truth && op == "MaxPool";
        let ids = if truth {
            a.ids.clone()
        } else {
            self.numbers(a)?
        };
        let lines = a.hard.len().checked_div(area).unwrap_or(0);
        let positions = window.taps.first().map_or(0, Vec::len);
        let mut out = Vec::new();
        for line in 0..lines {
            let from = line.wrapping_mul(area);
            for position in 0..positions {
                let these: Vec<Id> = window
                    .taps
                    .iter()
                    .filter_map(|places| places.get(position).filter(|place| **place != usize::MAX))
                    .filter_map(|place| ids.get(from.wrapping_add(*place)).copied())
                    .collect();
                if self.tape.is_full() {
                    return Ok(None);
                }
                out.push(if op == "MaxPool" {
                    self.tape.largest(&these, false)
                } else {
                    let share = 1.0 / real_of(these.len().max(1));
                    let terms: Vec<_> = these.iter().map(|id| (*id, share)).collect();
                    self.tape.sum(&terms)
                });
            }
        }
        Ok(Some((if truth { Sort::Truth } else { Sort::Real }, out)))
    }

    fn normalise(
        &mut self,
        node: &Node,
        a: &Soft,
        inputs: &[Option<Soft>],
    ) -> Result<One, Refusal> {
        let epsilon = node
            .attributes
            .iter()
            .find_map(|attribute| match attribute.value {
                Setting::Float(x) if attribute.name == "epsilon" => Some(x),
                _ => None,
            })
            .unwrap_or(1e-5);
        let mut vectors = Vec::new();
        for at in 1..5 {
            let Some(Some(soft)) = inputs.get(at) else {
                return Ok(None);
            };
            vectors.push(soft.hard.reals()?.into_owned());
        }
        let ids = self.numbers(a)?;
        let area: usize = a.hard.shape.get(2..).unwrap_or(&[]).iter().product();
        let mut out = Vec::with_capacity(ids.len());
        for (at, id) in ids.iter().enumerate() {
            let channel = at
                .checked_div(area)
                .and_then(|n| n.checked_rem(a.hard.dim(1)))
                .unwrap_or(0);
            let get = |nth: usize| {
                vectors
                    .get(nth)
                    .and_then(|v: &Vec<f64>| v.get(channel))
                    .copied()
                    .unwrap_or(0.0)
            };
            let scale = get(0) / (get(3) + epsilon).sqrt();
            let bias = self.tape.constant(get(1) - get(2) * scale);
            out.push(self.tape.sum(&[(*id, scale), (bias, 1.0)]));
        }
        Ok(Some((Sort::Real, out)))
    }
}

fn lane(ids: &[Id], base: usize, inner: &[usize]) -> Vec<Id> {
    inner
        .iter()
        .filter_map(|step| ids.get(base.wrapping_add(*step)).copied())
        .collect()
}
