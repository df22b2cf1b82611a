//! Normalisations.

use super::array::{Array, product, spread};
use super::call::Call;
use super::number::{count, index};
use super::reduce::walk;
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Vec<Array>>, Refusal> {
    Ok(Some(vec![match call.op {
        "BatchNormalization" => batch(call)?,
        "InstanceNormalization" => instance(call, None)?,
        "GroupNormalization" => {
            let groups = call.int("num_groups").and_then(index);
            instance(call, Some(groups.ok_or_else(|| refuse("no groups"))?))?
        }
        "LayerNormalization" | "RMSNormalization" | "SimplifiedLayerNormalization" => layer(call)?,
        "LpNormalization" => lp(call)?,
        "MeanVarianceNormalization" => {
            let wanted = call.ints("axes").unwrap_or(&[0, 2, 3]).to_vec();
            let x = call.input(0)?.clone();
            let axes = super::call::axes(Some(&wanted), x.rank())?;
            scaled(&x, &axes, 1e-9, true)?
        }
        "LRN" => lrn(call)?,
        _ => return Ok(None),
    }]))
}

/// Subtracts the mean and divides by the deviation over `axes`.
fn scaled(x: &Array, axes: &[usize], epsilon: f64, centre: bool) -> Result<Array, Refusal> {
    let walk = walk(x, axes, true);
    let data = x.as_floats()?;
    let n = count(walk.inner.len());
    let mut out = vec![0.0; data.len()];
    for base in &walk.outer {
        let lane = || walk.inner.iter().map(|step| base.wrapping_add(*step));
        let value = |at: usize| data.get(at).copied().unwrap_or(0.0);
        let mean = if centre {
            lane().map(value).sum::<f64>() / n
        } else {
            0.0
        };
        let spread = lane().map(|at| (value(at) - mean).powi(2)).sum::<f64>() / n;
        let deviation = (spread + epsilon).sqrt();
        for at in lane() {
            if let Some(slot) = out.get_mut(at) {
                *slot = (value(at) - mean) / deviation;
            }
        }
    }
    Array::floats(x.kind, x.shape.clone(), out)
}

/// `x × scale + bias`, both broadcast over `shape`-like axes.
fn affine(x: &Array, scale: &Array, bias: Option<&Array>) -> Result<Array, Refusal> {
    let times = scale.reals()?;
    let mut out: Vec<f64> = x
        .as_floats()?
        .iter()
        .zip(spread(&scale.shape, &x.shape))
        .map(|(x, at)| x * times.get(at).copied().unwrap_or(1.0))
        .collect();
    if let Some(bias) = bias {
        let plus = bias.reals()?;
        for (slot, at) in out.iter_mut().zip(spread(&bias.shape, &x.shape)) {
            *slot += plus.get(at).copied().unwrap_or(0.0);
        }
    }
    Array::floats(x.kind, x.shape.clone(), out)
}

/// A vector per channel, shaped so that it broadcasts over planes.
fn per_channel(x: &Array, v: &Array) -> Result<Array, Refusal> {
    if v.len() != x.dim(1) || x.rank() < 2 {
        return Err(refuse("a channel vector that does not fit"));
    }
    let mut shape = vec![v.len()];
    shape.extend(std::iter::repeat_n(1, x.rank().saturating_sub(2)));
    v.reshaped(shape)
}

fn batch(call: &mut Call<'_>) -> Result<Array, Refusal> {
    if call.flag("training_mode", false) {
        return Err(call.unknown());
    }
    let x = call.input(0)?.clone();
    let epsilon = call.float_or("epsilon", 1e-5);
    call.budget.elements(x.len().saturating_mul(2))?;
    let [scale, bias, mean, var] =
        [1, 2, 3, 4].map(|at| call.input(at).and_then(|v| per_channel(&x, v)));
    let (scale, bias, mean, var) = (scale?, bias?, mean?, var?);
    let (s, b, m, v) = (scale.reals()?, bias.reals()?, mean.reals()?, var.reals()?);
    let out = x
        .as_floats()?
        .iter()
        .zip(spread(&scale.shape, &x.shape))
        .map(|(x, at)| {
            let get = |list: &[f64]| list.get(at).copied().unwrap_or(0.0);
            (x - get(&m)) / (get(&v) + epsilon).sqrt() * get(&s) + get(&b)
        })
        .collect();
    Array::floats(x.kind, x.shape.clone(), out)
}

fn instance(call: &mut Call<'_>, groups: Option<usize>) -> Result<Array, Refusal> {
    let x = call.input(0)?.clone();
    let epsilon = call.float_or("epsilon", 1e-5);
    call.budget.elements(x.len().saturating_mul(3))?;
    let groups = groups.unwrap_or(x.dim(1));
    let each = x.dim(1).checked_div(groups).unwrap_or(0);
    if each.checked_mul(groups) != Some(x.dim(1)) || x.rank() < 3 {
        return Err(refuse("groups that do not fit"));
    }
    let area = product(x.shape.get(2..).unwrap_or(&[]))?;
    let flat = x.reshaped(vec![x.dim(0), groups, each.saturating_mul(area)])?;
    let even = scaled(&flat, &[2], epsilon, true)?.reshaped(x.shape.clone())?;
    let widen = |v: &Array| -> Result<Array, Refusal> {
        // Before opset 21 group normalisation scaled whole groups.
        if v.len() == groups && groups != x.dim(1) {
            let from: Vec<usize> = (0..x.dim(1))
                .map(|c| c.checked_div(each).unwrap_or(0))
                .collect();
            return per_channel(&x, &v.pick(vec![x.dim(1)], &from)?);
        }
        per_channel(&x, v)
    };
    let (scale, bias) = (widen(call.input(1)?)?, widen(call.input(2)?)?);
    affine(&even, &scale, Some(&bias))
}

fn layer(call: &mut Call<'_>) -> Result<Array, Refusal> {
    if call.outputs > 1 && call.op != "LayerNormalization" {
        return Err(call.unknown());
    }
    let x = call.input(0)?.clone();
    let axis = call.axis(-1, x.rank())?;
    let epsilon = call.float_or("epsilon", 1e-5);
    let axes: Vec<usize> = (axis..x.rank()).collect();
    call.budget.elements(x.len().saturating_mul(3))?;
    let centre = call.op == "LayerNormalization";
    let even = scaled(&x, &axes, epsilon, centre)?;
    affine(&even, call.input(1)?, call.given(2).filter(|_| centre))
}

fn lp(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let x = call.input(0)?.clone();
    let axis = call.axis(-1, x.rank())?;
    let p = call.int_or("p", 2);
    call.budget.elements(x.len())?;
    let walk = walk(&x, &[axis], true);
    let data = x.as_floats()?;
    let mut out = data.to_vec();
    for base in &walk.outer {
        let value = |step: &usize| data.get(base.wrapping_add(*step)).copied().unwrap_or(0.0);
        let norm = if p == 1 {
            walk.inner.iter().map(|step| value(step).abs()).sum::<f64>()
        } else {
            walk.inner
                .iter()
                .map(|step| value(step).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        for step in &walk.inner {
            if let Some(slot) = out
                .get_mut(base.wrapping_add(*step))
                .filter(|_| norm != 0.0)
            {
                *slot /= norm;
            }
        }
    }
    Array::floats(x.kind, x.shape.clone(), out)
}

fn lrn(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let x = call.input(0)?.clone();
    let size = call
        .int("size")
        .and_then(index)
        .ok_or_else(|| refuse("no size"))?;
    let (alpha, beta) = (call.float_or("alpha", 1e-4), call.float_or("beta", 0.75));
    let bias = call.float_or("bias", 1.0);
    let channels = x.dim(1);
    let area = product(x.shape.get(2..).unwrap_or(&[]))?;
    call.budget.product(&[x.len(), size])?;
    call.budget.elements(x.len())?;
    let data = x.as_floats()?;
    let below = size.saturating_sub(1) / 2;
    let above = size.saturating_sub(1).saturating_sub(below);
    let mut out = Vec::with_capacity(data.len());
    for (at, value) in data.iter().enumerate() {
        let place = at.checked_div(area).unwrap_or(0);
        let channel = place.checked_rem(channels).unwrap_or(0);
        let first = channel.saturating_sub(below);
        let last = channel
            .saturating_add(above)
            .min(channels.saturating_sub(1));
        let mut sum = 0.0;
        for other in first..=last {
            let from = at
                .wrapping_sub(channel.wrapping_mul(area))
                .wrapping_add(other.wrapping_mul(area));
            sum += data.get(from).copied().unwrap_or(0.0).powi(2);
        }
        out.push(value / (bias + alpha / count(size) * sum).powf(beta));
    }
    Array::floats(x.kind, x.shape.clone(), out)
}
