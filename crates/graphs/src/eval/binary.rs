//! Operators of two or more operands, element by element, with broadcasting.

use super::array::{Array, Data, Kind, broadcast, product, spread};
use super::call::Call;
use super::number;
use super::refusal::{Budget, Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Array>, Refusal> {
    let op = call.op;
    Ok(Some(match op {
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "BitShift" | "BitwiseAnd" | "BitwiseOr"
        | "BitwiseXor" | "PRelu" => {
            let (a, b) = (call.input(0)?.clone(), call.input(1)?.clone());
            let b = if call.opset < 7 {
                old_broadcast(call, &a, b)?
            } else {
                b
            };
            arithmetic(call, &a, &b)?
        }
        "And" | "Or" | "Xor" => {
            let (a, b) = (call.input(0)?.clone(), call.input(1)?.clone());
            let f = |x: i64, y: i64| match op {
                "And" => x & y,
                "Or" => x | y,
                _ => x ^ y,
            };
            integers(call.budget, &a, &b, Kind::Bool, f)?
        }
        "Equal" | "Less" | "Greater" | "LessOrEqual" | "GreaterOrEqual" => compare(call)?,
        "Min" | "Max" | "Sum" | "Mean" => variadic(call)?,
        "Where" => select(call)?,
        _ => return Ok(None),
    }))
}

/// Before opset 7 the second operand is aligned at `axis`.
fn old_broadcast(call: &Call<'_>, a: &Array, b: Array) -> Result<Array, Refusal> {
    let Some(axis) = call.int("axis") else {
        return Ok(b);
    };
    let at = super::call::axis(axis, a.rank())?;
    let end = at.saturating_add(b.rank());
    let mut shape = b.shape.clone();
    shape.resize(shape.len().saturating_add(a.rank().saturating_sub(end)), 1);
    b.reshaped(shape)
}

/// `f` over two integer operands.
fn integers(
    budget: &mut Budget,
    a: &Array,
    b: &Array,
    kind: Kind,
    f: impl Fn(i64, i64) -> i64,
) -> Result<Array, Refusal> {
    let (shape, data) = zip(budget, a, b, a.as_ints()?, b.as_ints()?, f)?;
    Array::ints(kind, shape, data)
}

/// `f` over two sets of elements, broadcast.
fn zip<T: Copy, U>(
    budget: &mut Budget,
    a: &Array,
    b: &Array,
    x: &[T],
    y: &[T],
    f: impl Fn(T, T) -> U,
) -> Result<(Vec<usize>, Vec<U>), Refusal> {
    let shape = broadcast(&a.shape, &b.shape)?;
    budget.elements(product(&shape)?)?;
    let data = if a.shape == b.shape {
        x.iter().zip(y).map(|(x, y)| f(*x, *y)).collect()
    } else if let (1, Some(y), true) = (b.len(), y.first(), shape == a.shape) {
        x.iter().map(|x| f(*x, *y)).collect()
    } else if let (1, Some(x), true) = (a.len(), x.first(), shape == b.shape) {
        y.iter().map(|y| f(*x, *y)).collect()
    } else {
        let left = spread(&a.shape, &shape);
        let right = spread(&b.shape, &shape);
        left.iter()
            .zip(&right)
            .filter_map(|(i, j)| Some(f(*x.get(*i)?, *y.get(*j)?)))
            .collect()
    };
    Ok((shape, data))
}

fn arithmetic(call: &mut Call<'_>, a: &Array, b: &Array) -> Result<Array, Refusal> {
    let op = call.op;
    if let (Data::Float(x), "Pow") = (&a.data, op) {
        let y = b.reals()?;
        let (shape, data) = zip(call.budget, a, b, x, &y, power)?;
        return Array::floats(a.kind, shape, data);
    }
    if let (Data::Int(_), Data::Float(y), "Pow") = (&a.data, &b.data, op) {
        let (shape, data) = zip(call.budget, a, b, &a.reals()?, y, power)?;
        return Array::numbers(a.kind, shape, data);
    }
    match (&a.data, &b.data) {
        (Data::Float(x), Data::Float(y)) => {
            let fmod = call.flag("fmod", false);
            let f: fn(f64, f64) -> f64 = match op {
                "Add" => |x, y| x + y,
                "Sub" => |x, y| x - y,
                "Mul" => |x, y| x * y,
                "Div" => |x, y| x / y,
                "PRelu" => |x, y| if x < 0.0 { x * y } else { x },
                "Mod" if fmod => |x, y| x % y,
                _ => return Err(call.unknown()),
            };
            let (shape, data) = zip(call.budget, a, b, x, y, f)?;
            Array::floats(a.kind, shape, data)
        }
        (Data::Int(_), Data::Int(_)) => {
            let kind = a.kind;
            if matches!(op, "Div" | "Mod") && b.as_ints()?.contains(&0) {
                return Err(refuse("a division of integers by zero"));
            }
            let wide = kind == Kind::U64;
            let fmod = call.flag("fmod", false);
            let left = call.text("direction") == Some("LEFT");
            let f: Box<dyn Fn(i64, i64) -> i64> = match op {
                "Add" => Box::new(i64::wrapping_add),
                "Sub" => Box::new(i64::wrapping_sub),
                "Mul" => Box::new(i64::wrapping_mul),
                "Div" if wide => Box::new(|x, y| {
                    number::signed(
                        number::unsigned(x)
                            .checked_div(number::unsigned(y))
                            .unwrap_or(0),
                    )
                }),
                "Div" => Box::new(|x, y| x.checked_div(y).unwrap_or(if y == -1 { x } else { 0 })),
                "Mod" if wide => Box::new(|x, y| {
                    number::signed(
                        number::unsigned(x)
                            .checked_rem(number::unsigned(y))
                            .unwrap_or(0),
                    )
                }),
                // The sign follows the divisor, as in Python; with `fmod` the
                // dividend, as in C.
                "Mod" if fmod => Box::new(|x, y| x.checked_rem(y).unwrap_or(0)),
                "Mod" => Box::new(floor_mod),
                "Pow" => Box::new(int_power),
                "BitwiseAnd" => Box::new(|x, y| x & y),
                "BitwiseOr" => Box::new(|x, y| x | y),
                "BitwiseXor" => Box::new(|x, y| x ^ y),
                "PRelu" => Box::new(|x, y| if x < 0 { x.wrapping_mul(y) } else { x }),
                "BitShift" => Box::new(move |x, y| shift(kind, left, x, y)),
                _ => return Err(call.unknown()),
            };
            integers(call.budget, a, b, kind, f)
        }
        _ => Err(refuse("operands of two kinds")),
    }
}

fn shift(kind: Kind, left: bool, x: i64, by: i64) -> i64 {
    let bits = kind.bits();
    let Some(by) = u32::try_from(by).ok().filter(|by| *by < bits) else {
        return 0;
    };
    if left {
        x.wrapping_shl(by)
    } else {
        number::signed(number::unsigned(x).wrapping_shr(by))
    }
}

pub(crate) fn floor_mod(x: i64, y: i64) -> i64 {
    let rest = x.checked_rem(y).unwrap_or(0);
    if rest != 0 && (rest < 0) != (y < 0) {
        rest.wrapping_add(y)
    } else {
        rest
    }
}

fn power(x: f64, y: f64) -> f64 {
    x.powf(y)
}

fn int_power(x: i64, y: i64) -> i64 {
    match u32::try_from(y) {
        Ok(y) => x.wrapping_pow(y),
        // A negative power of an integer truncates to 0 but for units.
        Err(_) if x == 1 || (x == -1 && y & 1 == 0) => 1,
        Err(_) if x == -1 => -1,
        Err(_) => 0,
    }
}

fn compare(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (a, b) = (call.input(0)?.clone(), call.input(1)?.clone());
    let b = if call.opset < 7 {
        old_broadcast(call, &a, b)?
    } else {
        b
    };
    let op = call.op;
    let (shape, data) = match (&a.data, &b.data) {
        (Data::Float(x), Data::Float(y)) => zip(call.budget, &a, &b, x, y, |x, y| match op {
            "Equal" => x == y,
            "Less" => x < y,
            "Greater" => x > y,
            "LessOrEqual" => x <= y,
            _ => x >= y,
        })?,
        (Data::Int(x), Data::Int(y)) => {
            let flip = if a.kind == Kind::U64 { i64::MIN } else { 0 };
            zip(call.budget, &a, &b, x, y, |x, y| {
                let (x, y) = (x ^ flip, y ^ flip);
                match op {
                    "Equal" => x == y,
                    "Less" => x < y,
                    "Greater" => x > y,
                    "LessOrEqual" => x <= y,
                    _ => x >= y,
                }
            })?
        }
        (Data::Text(x), Data::Text(y)) if op == "Equal" => {
            let x: Vec<&str> = x.iter().map(String::as_str).collect();
            let y: Vec<&str> = y.iter().map(String::as_str).collect();
            zip(call.budget, &a, &b, &x, &y, |x, y| x == y)?
        }
        _ => return Err(refuse("a comparison of two kinds")),
    };
    Array::bools(shape, data)
}

fn variadic(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let op = call.op;
    let mut all = call
        .inputs
        .iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>()
        .into_iter();
    let mut total = all
        .next()
        .ok_or_else(|| refuse("an operand that is missing"))?;
    let mut terms = 1.0;
    for next in all {
        terms += 1.0;
        total = match (&total.data, &next.data) {
            (Data::Float(x), Data::Float(y)) => {
                let (shape, data) = zip(call.budget, &total, &next, x, y, |x, y| match op {
                    "Sum" | "Mean" => x + y,
                    _ if x.is_nan() || y.is_nan() => f64::NAN,
                    "Min" => x.min(y),
                    _ => x.max(y),
                })?;
                Array::floats(total.kind, shape, data)?
            }
            (Data::Int(_), Data::Int(_)) => {
                let wide = total.kind == Kind::U64;
                integers(call.budget, &total, &next, total.kind, |x, y| match op {
                    "Sum" => x.wrapping_add(y),
                    "Min" if wide => number::signed(number::unsigned(x).min(number::unsigned(y))),
                    "Max" if wide => number::signed(number::unsigned(x).max(number::unsigned(y))),
                    "Min" => x.min(y),
                    _ => x.max(y),
                })?
            }
            _ => return Err(refuse("operands of two kinds")),
        };
    }
    if op == "Mean" {
        let data = total.as_floats()?.iter().map(|x| x / terms).collect();
        return Array::floats(total.kind, total.shape.clone(), data);
    }
    Ok(total)
}

fn select(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (which, a, b) = (
        call.input(0)?.clone(),
        call.input(1)?.clone(),
        call.input(2)?.clone(),
    );
    if a.kind != b.kind {
        return Err(refuse("operands of two kinds"));
    }
    let shape = broadcast(&which.shape, &broadcast(&a.shape, &b.shape)?)?;
    call.budget.elements(product(&shape)?)?;
    // One tensor of both, so that any kind of element is chosen alike.
    let (both, second) = super::layout::beside(&a, &b)?;
    let choice = which.as_ints()?;
    let at: Vec<usize> = spread(&which.shape, &shape)
        .iter()
        .zip(spread(&a.shape, &shape))
        .zip(spread(&b.shape, &shape))
        .map(|((w, x), y)| {
            if choice.get(*w).is_some_and(|n| *n != 0) {
                x
            } else {
                y.wrapping_add(second)
            }
        })
        .collect();
    both.pick(shape, &at)
}
