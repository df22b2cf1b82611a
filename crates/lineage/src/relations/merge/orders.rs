//! The orders of operations in which weighted sums are computed.

use crate::dtype::Dtype;
use crate::replay::{Order, rounded};

/// Every step rounded to `step`.
pub(super) fn orders_of<'a>(
    step: Dtype,
    name: &'static str,
    weights: &[f64],
    divide: f64,
    has_base: bool,
) -> Vec<Order<'a>> {
    let count = weights.len();
    let r = move |value: f64| rounded(step, value);
    let given: Vec<f64> = weights.to_vec();
    let short: Vec<f64> = given
        .iter()
        .map(|weight| f64::from(*weight as f32))
        .collect();
    let scaled: Vec<f64> = given.iter().map(|weight| weight / divide).collect();
    let divisor = rounded(Dtype::F32, divide);
    let mut orders: Vec<Order<'a>> = Vec::new();
    if has_base {
        let sums = short.clone();
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let base = values.get(count).copied().unwrap_or(0.0);
                let mut total = base;
                for (value, weight) in values.iter().zip(&sums) {
                    total = r(total + r(r(value - base) * weight));
                }
                total
            }),
        ));
        let sums = short;
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let base = values.get(count).copied().unwrap_or(0.0);
                let mut total: Option<f64> = None;
                for (value, weight) in values.iter().zip(&sums) {
                    let part = r(r(value - base) * weight);
                    total = Some(total.map_or(part, |total| r(total + part)));
                }
                r(base + total.unwrap_or(0.0))
            }),
        ));
        let sums = given;
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let base = values.get(count).copied().unwrap_or(0.0);
                let mut total = base;
                for (value, weight) in values.iter().zip(&sums) {
                    // A fused multiply and add.
                    total = r(total + r(value - base) * weight);
                }
                total
            }),
        ));
        return orders;
    }
    for weights in [
        short,
        scaled
            .iter()
            .map(|weight| f64::from(*weight as f32))
            .collect(),
        given.clone(),
    ] {
        let fused = weights.clone();
        let last = divide;
        let again = weights.clone();
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let mut total: Option<f64> = None;
                for (value, weight) in values.iter().zip(&weights) {
                    let part = r(value * weight);
                    total = Some(total.map_or(part, |total| r(total + part)));
                }
                total.unwrap_or(0.0)
            }),
        ));
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let mut total: Option<f64> = None;
                for (value, weight) in values.iter().zip(&fused) {
                    total = Some(match total {
                        None => r(value * weight),
                        Some(total) => r(total + value * weight),
                    });
                }
                total.unwrap_or(0.0)
            }),
        ));
        if last.to_bits() != 1f64.to_bits() {
            orders.push((
                name,
                Box::new(move |values: &[f64]| {
                    let mut total: Option<f64> = None;
                    for (value, weight) in values.iter().zip(&again) {
                        let part = r(value * weight);
                        total = Some(total.map_or(part, |total| r(total + part)));
                    }
                    r(total.unwrap_or(0.0) / divisor)
                }),
            ));
        }
    }
    if count == 2 {
        let t = f64::from(scaled.get(1).copied().unwrap_or(0.0) as f32);
        // torch.lerp, both branches, with and without a fused step.
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let (a, b) = (
                    values.first().copied().unwrap_or(0.0),
                    values.get(1).copied().unwrap_or(0.0),
                );
                if t.abs() < 0.5 {
                    r(a + r(t * r(b - a)))
                } else {
                    r(b - r(r(b - a) * r(1.0 - t)))
                }
            }),
        ));
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let (a, b) = (
                    values.first().copied().unwrap_or(0.0),
                    values.get(1).copied().unwrap_or(0.0),
                );
                if t.abs() < 0.5 {
                    r(a + t * r(b - a))
                } else {
                    r(b - r(b - a) * r(1.0 - t))
                }
            }),
        ));
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let (a, b) = (
                    values.first().copied().unwrap_or(0.0),
                    values.get(1).copied().unwrap_or(0.0),
                );
                r(a + r(t * r(b - a)))
            }),
        ));
    }
    // Averages: the sum, then one division.
    let mean = given
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if (a - b).abs() < 1e-9));
    if mean {
        orders.push((
            name,
            Box::new(move |values: &[f64]| {
                let total = values
                    .iter()
                    .take(count)
                    .copied()
                    .reduce(|a, b| r(a + b))
                    .unwrap_or(0.0);
                r(total / count as f64)
            }),
        ));
    }
    orders
}
