//! Operators of one operand, element by element.

use super::array::{Array, Data, Kind};
use super::call::Call;
use super::number;
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Array>, Refusal> {
    let op = call.op;
    match op {
        "Identity" | "Dropout" | "StopGradient" | "Detach" => {
            return call.input(0).cloned().map(Some);
        }
        "Not" => {
            let a = call.input(0)?;
            let data = a.as_ints()?.iter().map(|n| *n == 0);
            return Array::bools(a.shape.clone(), data).map(Some);
        }
        "BitwiseNot" => {
            let a = call.input(0)?;
            let data = a.as_ints()?.iter().map(|n| !n).collect();
            return Array::ints(a.kind, a.shape.clone(), data).map(Some);
        }
        "IsNaN" => {
            let a = call.input(0)?;
            let data = a.as_floats()?.iter().map(|x| x.is_nan());
            return Array::bools(a.shape.clone(), data).map(Some);
        }
        "IsInf" => {
            let a = call.input(0)?;
            let up = call.flag("detect_positive", true);
            let down = call.flag("detect_negative", true);
            let data = a
                .as_floats()?
                .iter()
                .map(|x| x.is_infinite() && if *x > 0.0 { up } else { down });
            return Array::bools(a.shape.clone(), data).map(Some);
        }
        "Cast" => {
            let to = call
                .kind("to")?
                .ok_or_else(|| refuse("a cast to nothing"))?;
            let a = call.input(0)?.clone();
            call.budget.elements(a.len())?;
            return cast(&a, to).map(Some);
        }
        "CastLike" => {
            let to = call.input(1)?.kind;
            return cast(call.input(0)?, to).map(Some);
        }
        "Clip" => return clip(call).map(Some),
        "PRelu" => return Ok(None),
        _ => {}
    }
    let a = call.input(0)?.clone();
    if let Data::Int(data) = &a.data
        && let Some(data) = integer(op, a.kind, data)
    {
        call.budget.elements(a.len())?;
        return Array::ints(a.kind, a.shape, data).map(Some);
    }
    let Some(f) = function(call) else {
        return Ok(None);
    };
    call.budget.elements(a.len())?;
    let data = a.as_floats()?.iter().map(|x| f(*x)).collect();
    Array::floats(a.kind, a.shape.clone(), data).map(Some)
}

fn integer(op: &str, kind: Kind, data: &[i64]) -> Option<Vec<i64>> {
    Some(match op {
        "Abs" if kind.is_unsigned() => data.to_vec(),
        "Abs" => data.iter().map(|n| n.wrapping_abs()).collect(),
        "Neg" => data.iter().map(|n| n.wrapping_neg()).collect(),
        "Sign" if kind == Kind::U64 => data.iter().map(|n| i64::from(*n != 0)).collect(),
        "Sign" => data.iter().map(|n| n.signum()).collect(),
        "Relu" => data.iter().map(|n| (*n).max(0)).collect(),
        _ => return None,
    })
}

/// The function of a float operator.
pub(crate) fn function(call: &Call<'_>) -> Option<Box<dyn Fn(f64) -> f64>> {
    let alpha = |default| call.float_or("alpha", default);
    let beta = |default| call.float_or("beta", default);
    Some(match call.op {
        "Abs" => Box::new(f64::abs),
        "Neg" => Box::new(|x: f64| -x),
        "Sign" => Box::new(|x: f64| {
            if x.is_nan() {
                x
            } else if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }
        }),
        "Ceil" => Box::new(f64::ceil),
        "Floor" => Box::new(f64::floor),
        "Round" => Box::new(f64::round_ties_even),
        "Sqrt" => Box::new(f64::sqrt),
        "Exp" => Box::new(f64::exp),
        "Log" => Box::new(f64::ln),
        "Reciprocal" => Box::new(|x: f64| 1.0 / x),
        "Sin" => Box::new(f64::sin),
        "Cos" => Box::new(f64::cos),
        "Tan" => Box::new(f64::tan),
        "Asin" => Box::new(f64::asin),
        "Acos" => Box::new(f64::acos),
        "Atan" => Box::new(f64::atan),
        "Sinh" => Box::new(f64::sinh),
        "Cosh" => Box::new(f64::cosh),
        "Tanh" => Box::new(f64::tanh),
        "Asinh" => Box::new(f64::asinh),
        "Acosh" => Box::new(f64::acosh),
        "Atanh" => Box::new(f64::atanh),
        "Erf" => Box::new(erf),
        "Relu" => Box::new(|x: f64| if x.is_nan() { x } else { x.max(0.0) }),
        "Sigmoid" => Box::new(sigmoid),
        "Softplus" => Box::new(softplus),
        "Softsign" => Box::new(|x: f64| x / (1.0 + x.abs())),
        "Mish" => Box::new(|x: f64| x * softplus(x).tanh()),
        "HardSwish" => Box::new(|x: f64| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        "Swish" => {
            let a = alpha(1.0);
            Box::new(move |x| x * sigmoid(a * x))
        }
        "QuickGelu" => {
            let a = alpha(1.702);
            Box::new(move |x| x * sigmoid(a * x))
        }
        "Gelu" if call.text("approximate") == Some("tanh") => Box::new(|x: f64| {
            0.5 * x
                * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
        }),
        "Gelu" => Box::new(|x: f64| 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))),
        "HardSigmoid" => {
            let (a, b) = (alpha(0.2), beta(0.5));
            Box::new(move |x| {
                let y = a * x + b;
                if y.is_nan() { y } else { y.clamp(0.0, 1.0) }
            })
        }
        "LeakyRelu" => {
            let a = alpha(0.01);
            Box::new(move |x| if x < 0.0 { a * x } else { x })
        }
        "ThresholdedRelu" => {
            let a = alpha(1.0);
            Box::new(move |x| if x > a { x } else { 0.0 })
        }
        "Elu" => {
            let a = alpha(1.0);
            Box::new(move |x| if x < 0.0 { a * x.exp_m1() } else { x })
        }
        "Celu" => {
            let a = alpha(1.0);
            Box::new(move |x: f64| x.max(0.0) + (a * (x / a).exp_m1()).min(0.0))
        }
        "Selu" => {
            let a = alpha(1.673_263_192_176_818_8);
            let g = call.float_or("gamma", 1.050_701_022_148_132_3);
            Box::new(move |x| if x > 0.0 { g * x } else { g * a * x.exp_m1() })
        }
        "Shrink" => {
            let (bias, lambda) = (call.float_or("bias", 0.0), call.float_or("lambd", 0.5));
            Box::new(move |x| {
                if x < -lambda {
                    x + bias
                } else if x > lambda {
                    x - bias
                } else {
                    0.0
                }
            })
        }
        _ => return None,
    })
}

pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The error function by its series and its continued fraction (Abramowitz
/// and Stegun 7.1.5, 7.1.14), to double precision.
pub(crate) fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let a = x.abs();
    if a > 6.0 {
        return 1_f64.copysign(x);
    }
    let y = if a < 2.5 {
        let mut term = a;
        let mut sum = a;
        for n in 1..60_u8 {
            let n = f64::from(n);
            term *= -a * a / n;
            sum += term / (2.0 * n + 1.0);
        }
        2.0 / std::f64::consts::PI.sqrt() * sum
    } else {
        let mut fraction = 0.0;
        for n in (1..60_u8).rev() {
            fraction = f64::from(n) / 2.0 / (a + fraction);
        }
        1.0 - (-a * a).exp() / std::f64::consts::PI.sqrt() / (a + fraction)
    };
    y.copysign(x)
}

/// Casts as ONNX says: floats to integers truncate (what is out of range is
/// undefined there; here it goes through 64 bits and wraps), anything to a
/// Boolean compares with zero, strings are parsed and printed.
pub(crate) fn cast(a: &Array, to: Kind) -> Result<Array, Refusal> {
    if a.kind == to {
        return Ok(a.clone());
    }
    let shape = a.shape.clone();
    match &a.data {
        Data::Text(all) => {
            let data: Option<Vec<f64>> = all.iter().map(|t| t.trim().parse().ok()).collect();
            let data = data.ok_or_else(|| refuse("a number in a string that has none"))?;
            Array::numbers(to, shape, data)
        }
        Data::Int(all) if to == Kind::Text => Array::texts(
            shape,
            all.iter()
                .map(|n| match a.kind {
                    Kind::U64 => number::unsigned(*n).to_string(),
                    Kind::Bool => if *n == 0 { "0" } else { "1" }.to_owned(),
                    _ => n.to_string(),
                })
                .collect(),
        ),
        Data::Float(_) if to == Kind::Text => Err(Refusal::Operator("Cast to string".to_owned())),
        Data::Int(all) if to.is_float() => {
            Array::floats(to, shape, all.iter().map(|n| a.kind.real(*n)).collect())
        }
        Data::Int(all) => Array::ints(to, shape, all.to_vec()),
        Data::Float(all) if to.is_float() => Array::floats(to, shape, all.to_vec()),
        Data::Float(all) if to == Kind::Bool => Array::bools(shape, all.iter().map(|x| *x != 0.0)),
        Data::Float(all) if to == Kind::U64 => Array::ints(
            to,
            shape,
            all.iter()
                .map(|x| {
                    if *x < 0.0 {
                        number::truncate(*x)
                    } else {
                        number::signed(number::truncate_unsigned(*x))
                    }
                })
                .collect(),
        ),
        Data::Float(all) => Array::ints(to, shape, all.iter().map(|x| to_int(*x, to)).collect()),
    }
}

/// As x86 converts: to `i64` and `i32` what does not fit, NaN included, is the
/// least number; narrower kinds go through 32 bits.
fn to_int(x: f64, to: Kind) -> i64 {
    const EDGE: f64 = 9_223_372_036_854_775_808.0;
    match to {
        Kind::I64 if !(-EDGE..EDGE).contains(&x) => i64::MIN,
        Kind::I64 | Kind::U32 => number::truncate(x),
        _ if !(-2_147_483_648.0..2_147_483_648.0).contains(&x.trunc()) => i64::from(i32::MIN),
        _ => number::truncate(x),
    }
}

fn clip(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let a = call.input(0)?.clone();
    let low = match call.given(1).filter(|bound| !bound.is_empty()) {
        Some(bound) => Some(bound.first()?),
        None => call.float("min"),
    };
    let high = match call.given(2).filter(|bound| !bound.is_empty()) {
        Some(bound) => Some(bound.first()?),
        None => call.float("max"),
    };
    call.budget.elements(a.len())?;
    match &a.data {
        Data::Float(data) => {
            let f = |x: f64| {
                let x = if low.is_some_and(|low| x < low) {
                    low.unwrap_or(x)
                } else {
                    x
                };
                if high.is_some_and(|high| x > high) {
                    high.unwrap_or(x)
                } else {
                    x
                }
            };
            Array::floats(
                a.kind,
                a.shape.clone(),
                data.iter().map(|x| f(*x)).collect(),
            )
        }
        Data::Int(data) => {
            let low = call
                .given(1)
                .map(Array::first_int)
                .transpose()?
                .or(low.map(number::truncate));
            let high = call
                .given(2)
                .map(Array::first_int)
                .transpose()?
                .or(high.map(number::truncate));
            let f = |n: i64| {
                let n = low.map_or(n, |low| n.max(low));
                high.map_or(n, |high| n.min(high))
            };
            Array::ints(
                a.kind,
                a.shape.clone(),
                data.iter().map(|n| f(*n)).collect(),
            )
        }
        Data::Text(_) => Err(refuse("a clipped string")),
    }
}
