//! Quantized arithmetic: linear quantization, integer products.

use super::array::{Array, Kind, spread};
use super::call::Call;
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Vec<Array>>, Refusal> {
    Ok(Some(match call.op {
        "QuantizeLinear" => {
            let x = call.input(0)?.clone();
            let kind = match call.given(2) {
                Some(zero) => zero.kind,
                None => call.kind("output_dtype")?.unwrap_or(Kind::U8),
            };
            let (scale, zero) = (call.input(1)?.clone(), call.given(2).cloned());
            call.budget.elements(x.len())?;
            vec![quantize(call, &x, &scale, zero.as_ref(), kind)?]
        }
        "DequantizeLinear" => {
            let x = call.input(0)?.clone();
            let (scale, zero) = (call.input(1)?.clone(), call.given(2).cloned());
            call.budget.elements(x.len())?;
            vec![dequantize(call, &x, &scale, zero.as_ref())?]
        }
        "DynamicQuantizeLinear" => dynamic(call)?,
        "MatMulInteger" => {
            let a = centred(call.input(0)?, call.given(2), true)?;
            let b = centred(call.input(1)?, call.given(3), false)?;
            vec![super::linear::matmul(call, &a, &b)?]
        }
        "ConvInteger" => {
            let x = centred(call.input(0)?, call.given(2), true)?;
            let w = centred(call.input(1)?, call.given(3), true)?;
            call.inputs.truncate(2);
            vec![super::window::convolve(call, &x, &w)?]
        }
        "QLinearMatMul" => {
            let a = dequantize(call, call.input(0)?, call.input(1)?, call.given(2))?;
            let b = dequantize(call, call.input(3)?, call.input(4)?, call.given(5))?;
            let product = super::linear::matmul(call, &a, &b)?;
            let (scale, zero) = (call.input(6)?.clone(), call.input(7)?.clone());
            vec![quantize(call, &product, &scale, Some(&zero), zero.kind)?]
        }
        "QLinearConv" => q_conv(call)?,
        _ => return Ok(None),
    }))
}

/// Scale or zero point at every element: one for all, one per slice along
/// `axis`, or one per block of `block_size`.
fn places(call: &Call<'_>, x: &Array, scale: &Array) -> Result<Vec<usize>, Refusal> {
    if scale.len() == 1 {
        return Ok(vec![0; x.len()]);
    }
    let axis = call.axis(1, x.rank())?;
    if scale.rank() == 1 {
        if scale.len() != x.dim(axis) {
            return Err(refuse("a scale that does not fit"));
        }
        let mut shape = vec![1; x.rank()];
        if let Some(dim) = shape.get_mut(axis) {
            *dim = scale.len();
        }
        return Ok(spread(&shape, &x.shape));
    }
    Err(call.unknown())
}

fn quantize(
    call: &Call<'_>,
    x: &Array,
    scale: &Array,
    zero: Option<&Array>,
    kind: Kind,
) -> Result<Array, Refusal> {
    let (low, high) = match kind {
        Kind::U8 => (0.0, 255.0),
        Kind::I8 => (-128.0, 127.0),
        Kind::U16 => (0.0, 65535.0),
        Kind::I16 => (-32768.0, 32767.0),
        _ => return Err(call.unknown()),
    };
    let data = elements(call, x, scale, zero, |x, scale, zero| {
        let even = Kind::F32.round(x / scale).round_ties_even();
        (even + zero).clamp(low, high)
    })?;
    Array::numbers(kind, x.shape.clone(), data)
}

/// Hands every element to `to` with the scale and the zero point of its place.
fn elements(
    call: &Call<'_>,
    x: &Array,
    scale: &Array,
    zero: Option<&Array>,
    to: impl Fn(f64, f64, f64) -> f64,
) -> Result<Vec<f64>, Refusal> {
    let at = places(call, x, scale)?;
    let scales = scale.reals()?;
    let zeros = zero.map(Array::reals).transpose()?;
    let zero_at = |at: usize| zeros.as_ref().and_then(|zeros| zeros.get(at)).copied();
    let reals = x.reals()?;
    let all = reals.iter().zip(&at).map(|(x, at)| {
        let scale = scales.get(*at).copied().unwrap_or(1.0);
        to(*x, scale, zero_at(*at).unwrap_or(0.0))
    });
    Ok(all.collect())
}

fn dequantize(
    call: &Call<'_>,
    x: &Array,
    scale: &Array,
    zero: Option<&Array>,
) -> Result<Array, Refusal> {
    let data = elements(call, x, scale, zero, |x, scale, zero| (x - zero) * scale)?;
    Array::floats(scale.kind, x.shape.clone(), data)
}

fn dynamic(call: &mut Call<'_>) -> Result<Vec<Array>, Refusal> {
    let x = call.input(0)?.clone();
    call.budget.elements(x.len())?;
    let data = x.as_floats()?;
    let low = data.iter().copied().fold(0.0, f64::min);
    let high = data.iter().copied().fold(0.0, f64::max);
    let scale = Kind::F32.round((high - low) / 255.0);
    let scale = if scale == 0.0 { 1.0 } else { scale };
    let zero = (-low / scale).clamp(0.0, 255.0).round_ties_even();
    let scale = Array::scalar(Kind::F32, scale)?;
    let zero = Array::scalar(Kind::U8, zero)?;
    let y = quantize(call, &x, &scale, Some(&zero), Kind::U8)?;
    Ok(vec![y, scale, zero])
}

/// Integers with their zero point taken away, as 32 bits.
fn centred(x: &Array, zero: Option<&Array>, rows: bool) -> Result<Array, Refusal> {
    let Some(zero) = zero else {
        return Array::ints(Kind::I32, x.shape.clone(), x.as_ints()?.to_vec());
    };
    let zeros = zero.as_ints()?;
    let shape = if zero.len() == 1 {
        vec![1]
    } else if rows {
        // One per row, or one per filter.
        let mut shape = vec![1; x.rank()];
        let at = if x.rank() > 2 {
            0
        } else {
            x.rank().saturating_sub(2)
        };
        if let Some(dim) = shape.get_mut(at) {
            *dim = zero.len();
        }
        shape
    } else {
        zero.shape.clone()
    };
    let data = x
        .as_ints()?
        .iter()
        .zip(spread(&shape, &x.shape))
        .map(|(n, at)| n.wrapping_sub(zeros.get(at).copied().unwrap_or(0)))
        .collect();
    Array::ints(Kind::I32, x.shape.clone(), data)
}

fn q_conv(call: &mut Call<'_>) -> Result<Vec<Array>, Refusal> {
    let x = centred(call.input(0)?, call.given(2), true)?;
    let w = centred(call.input(3)?, call.given(5), true)?;
    let (x_scale, w_scale) = (call.input(1)?.clone(), call.input(4)?.clone());
    let (y_scale, y_zero) = (call.input(6)?.clone(), call.input(7)?.clone());
    call.inputs = vec![None, None, call.given(8).cloned()];
    let sums = super::window::convolve(call, &x, &w)?;
    let filters = sums.dim(1).max(1);
    let area = sums
        .len()
        .checked_div(sums.dim(0).saturating_mul(filters))
        .unwrap_or(1);
    let (sx, sw) = (x_scale.first()?, w_scale.reals()?.into_owned());
    let data = sums
        .reals()?
        .iter()
        .enumerate()
        .map(|(at, n)| {
            let filter = at
                .checked_div(area)
                .and_then(|at| at.checked_rem(filters))
                .unwrap_or(0);
            n * sx * sw.get(filter).or(sw.first()).copied().unwrap_or(1.0)
        })
        .collect();
    let y = Array::floats(Kind::F32, sums.shape.clone(), data)?;
    Ok(vec![quantize(
        call,
        &y,
        &y_scale,
        Some(&y_zero),
        y_zero.kind,
    )?])
}
