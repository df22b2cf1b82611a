//! One tensor's change, computed anew.

use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::proof::TensorProof;
use crate::relations::cast_of;
use crate::relations::same::compare;
use crate::replay::{Bounds, Order, Recipe, rounded};
use crate::sweep::Tell;
use crate::tensor::Tensor;

/// What an adapter does to a tensor of the base.
#[derive(Debug)]
pub(super) enum Change<'a> {
    Low(Low<'a>),
    /// The tensor is put in its place.
    Replaced(&'a Tensor),
    /// The tensor is scaled and added.
    Added(&'a Tensor, f64),
    /// By a formula that is not known.
    Other,
}

/// Two small matrices whose product is added.
#[derive(Debug, Default)]
pub(super) struct Low<'a> {
    pub(super) a: Option<&'a Tensor>,
    pub(super) b: Option<&'a Tensor>,
    pub(super) bias: Option<&'a Tensor>,
    pub(super) rank: u64,
    pub(super) scale: Option<f64>,
    pub(super) transposed: bool,
    pub(super) embedding: bool,
}

/// The factors such that row i, column j of the change is Σ left[i][k]·right[k][j].
struct Factors {
    left: Vec<f64>,
    right: Vec<f64>,
    rank: usize,
    columns: usize,
}

impl Change<'_> {
    pub(super) fn judge(&self, target: &Tensor, source: &Tensor, tell: Tell<'_>) -> TensorProof {
        if target.shape != source.shape {
            return TensorProof::refuted(
                target,
                format!(
                    "its shape is {:?}, the base's {:?}",
                    target.shape, source.shape
                ),
            );
        }
        match self {
            Self::Low(low) => low.judge(target, source, tell),
            Self::Replaced(tensor) => {
                let proof = if tensor.dtype == target.dtype {
                    compare(target, tensor, tell)
                } else {
                    cast_of(target, tensor, tell)
                };
                proof.with_note("the adapter's own")
            }
            Self::Added(tensor, scale) => added(target, source, tensor, *scale, tell),
            Self::Other => TensorProof::of(target, Grade::Claimed)
                .with_note("changed by a formula that is not recomputed"),
        }
    }
}

impl Low<'_> {
    fn judge(&self, target: &Tensor, source: &Tensor, tell: Tell<'_>) -> TensorProof {
        let factors = match self.factors(source) {
            Ok(factors) => factors,
            Err(why) => return TensorProof::refuted(target, why),
        };
        let kind = target.kind().unwrap_or(Dtype::F32);
        let own = self.a.and_then(Tensor::kind).unwrap_or(Dtype::F32);
        let scale = self.scale.unwrap_or(1.0);
        let columns = factors.columns.max(1);
        let extra = |start: u64, count: usize| factors.rows(start, count);
        let gamma = (self.rank as f64 + 3.0) * 2f64.powi(-24);
        let bound = |values: &[f64]| {
            let [weight, exact, _, _, size, ..] = values else {
                return Bounds::NONE;
            };
            let change = exact * scale;
            let expected = weight + change;
            let tight =
                gamma * size * scale.abs() + 2f64.powi(-24) * (expected.abs() + change.abs());
            let mut slack = tight;
            if kind == Dtype::F32 || kind == Dtype::F64 {
                // The sum itself is the last rounding.
            } else {
                slack += kind.ulp(change) / 2.0;
            }
            if own.width() < 4 {
                slack += own.ulp(*exact) / 2.0 * scale.abs() + own.ulp(change) / 2.0;
            }
            Bounds {
                exact: expected,
                tight,
                loose: slack,
            }
        };
        let recipe = Recipe {
            inputs: vec![source],
            extra: Some(&extra),
            unit: columns as u64,
            orders: orders(kind, own, scale),
            bound: &bound,
        };
        recipe.judge(target, tell).from_source(source)
    }

    fn factors(&self, source: &Tensor) -> Result<Factors, String> {
        let (Some(a), Some(b)) = (self.a, self.b) else {
            return Err("the adapter has half of a pair for it".to_owned());
        };
        let rank = usize::try_from(self.rank).unwrap_or(0);
        let read = |tensor: &Tensor| -> Result<Vec<f64>, String> {
            if tensor.elements() > 64 << 20 {
                return Err("the adapter's tensor is larger than an adapter's".to_owned());
            }
            let (mut raw, mut values) = (Vec::new(), Vec::new());
            tensor.read(0, tensor.elements(), &mut raw)?;
            let kind = tensor.kind().ok_or("the adapter's tensor has no numbers")?;
            kind.decode(&raw, &mut values);
            Ok(values)
        };
        let (a, b) = (read(a)?, read(b)?);
        let rows = usize::try_from(source.shape.first().copied().unwrap_or(1)).unwrap_or(0);
        let columns = usize::try_from(source.columns()).unwrap_or(0);
        let (wide, tall) = (a.len() / rank.max(1), b.len() / rank.max(1));
        let flipped = self.transposed || self.embedding;
        let fits = if flipped {
            (wide, tall) == (rows, columns)
        } else {
            (tall, wide) == (rows, columns)
        };
        let square = wide == tall;
        if !fits {
            return Err(format!(
                "the adapter's factors give {tall} × {wide}, the tensor is {rows} × {columns}"
            ));
        }
        let _ = square;
        let (left, right) = if flipped {
            // Row i of the tensor is column i of B·A.
            (transpose(&a, rank, wide), transpose(&b, tall, rank))
        } else {
            (b, a)
        };
        Ok(Factors {
            left,
            right,
            rank,
            columns,
        })
    }
}

fn transpose(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(values.len());
    for column in 0..columns {
        out.extend((0..rows).filter_map(|row| values.get(row * columns + column)));
    }
    out
}

impl Factors {
    /// Of each element: the exact product, the product in 32 bits with and
    /// without fused steps, and the sum of magnitudes.
    fn rows(&self, start: u64, count: usize) -> Vec<Vec<f64>> {
        let columns = self.columns.max(1);
        let first = usize::try_from(start).unwrap_or(usize::MAX) / columns;
        let mut exact = vec![0_f64; count];
        let mut fused = vec![0_f32; count];
        let mut plain = vec![0_f32; count];
        let mut size = vec![0_f64; count];
        for (row, at) in (0..count).step_by(columns).enumerate() {
            let end = (at + columns).min(count);
            let left = self
                .left
                .get((first + row) * self.rank..(first + row + 1) * self.rank)
                .unwrap_or_default();
            for (k, left) in left.iter().enumerate() {
                let right = self
                    .right
                    .get(k * columns..(k + 1) * columns)
                    .unwrap_or_default();
                let (exact, size) = (&mut exact[at..end], &mut size[at..end]);
                for ((sum, size), right) in exact.iter_mut().zip(size).zip(right) {
                    *sum += left * right;
                    *size += (left * right).abs();
                }
                let (fused, plain) = (&mut fused[at..end], &mut plain[at..end]);
                for ((fused, plain), right) in fused.iter_mut().zip(plain).zip(right) {
                    // The product is exact in 64 bits.
                    *fused = (f64::from(*fused) + left * right) as f32;
                    *plain += (left * right) as f32;
                }
            }
        }
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        vec![exact, wide(fused), wide(plain), size]
    }
}

/// The product in three ways, the scale, the sum: rounded where tools round.
fn orders<'a>(kind: Dtype, own: Dtype, scale: f64) -> Vec<Order<'a>> {
    let mut orders: Vec<Order<'a>> = Vec::new();
    let single = |value: f64| f64::from(value as f32);
    // PyTorch multiplies by the scalar in the tensor's own precision.
    let (exact_scale, scale) = (scale, single(scale));
    let names = [
        "with fused steps",
        "without fused steps",
        "with an exact product",
    ];
    for (at, name) in [(2, names[0]), (3, names[1]), (1, names[2])] {
        let take = move |values: &[f64]| {
            let product = values.get(at).copied().unwrap_or(f64::NAN);
            (values.first().copied().unwrap_or(f64::NAN), single(product))
        };
        orders.push((
            name,
            Box::new(move |values| {
                let (weight, product) = take(values);
                single(weight + single(product * scale))
            }),
        ));
        if kind.width() < 4 {
            orders.push((
                name,
                Box::new(move |values| {
                    let (weight, product) = take(values);
                    single(weight + rounded(kind, single(product * scale)))
                }),
            ));
        }
        if own.width() < 4 {
            orders.push((
                name,
                Box::new(move |values| {
                    let (weight, product) = take(values);
                    let change = rounded(own, rounded(own, product) * scale);
                    single(weight + rounded(kind, change))
                }),
            ));
            orders.push((
                name,
                Box::new(move |values| {
                    let (weight, product) = take(values);
                    let change = rounded(own, single(product * scale));
                    single(weight + change)
                }),
            ));
        }
    }
    if kind == Dtype::F64 {
        orders.push((
            "in 64 bits",
            Box::new(move |values| {
                values.first().copied().unwrap_or(f64::NAN)
                    + values.get(1).copied().unwrap_or(f64::NAN) * exact_scale
            }),
        ));
    }
    orders
}

fn added(
    target: &Tensor,
    source: &Tensor,
    tensor: &Tensor,
    scale: f64,
    tell: Tell<'_>,
) -> TensorProof {
    let kind = target.kind().unwrap_or(Dtype::F32);
    let orders: Vec<Order<'_>> = vec![(
        "in 32 bits",
        Box::new(move |values: &[f64]| match values {
            [weight, bias, ..] => f64::from((weight + f64::from((bias * scale) as f32)) as f32),
            _ => f64::NAN,
        }),
    )];
    let bound = move |values: &[f64]| match values {
        [weight, bias, ..] => {
            let change = bias * scale;
            let tight = 2f64.powi(-23) * (weight.abs() + change.abs());
            Bounds {
                exact: weight + change,
                tight,
                loose: tight + kind.ulp(change) / 2.0,
            }
        }
        _ => Bounds::NONE,
    };
    let recipe = Recipe {
        inputs: vec![source, tensor],
        extra: None,
        unit: 1,
        orders,
        bound: &bound,
    };
    recipe.judge(target, tell)
}
