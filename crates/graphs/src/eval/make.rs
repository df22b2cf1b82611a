//! Operators that make tensors from shapes, ranges and constants.

use super::array::{Array, Kind, product};
use super::call::Call;
use super::layout::dims;
use super::number::{self, long};
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Array>, Refusal> {
    Ok(Some(match call.op {
        "Constant" => constant(call)?,
        "ConstantOfShape" => {
            let shape = dims(call.input(0)?)?;
            call.budget.elements(product(&shape)?)?;
            let value = match call.constant("value") {
                Some(value) => value.clone(),
                None => Array::scalar(Kind::F32, 0.0)?,
            };
            value.pick(shape.clone(), &vec![0; product(&shape)?])?
        }
        "Shape" => {
            let a = call.input(0)?;
            let rank = long(a.rank());
            let bound = |n: i64| {
                let n = if n < 0 { n.saturating_add(rank) } else { n };
                number::index(n.clamp(0, rank)).unwrap_or(0)
            };
            let (from, to) = (
                bound(call.int_or("start", 0)),
                bound(call.int_or("end", rank)),
            );
            let all = a.shape.get(from..to.max(from)).unwrap_or(&[]);
            Array::longs(all.iter().map(|dim| long(*dim)).collect())?
        }
        "Size" => Array::ints(Kind::I64, vec![], vec![long(call.input(0)?.len())])?,
        "Range" => range(call)?,
        "EyeLike" => {
            let a = call.input(0)?.clone();
            let kind = call.kind("dtype")?.unwrap_or(a.kind);
            let k = call.int_or("k", 0);
            let [_, columns] = a.shape[..] else {
                return Err(refuse("a matrix that is none"));
            };
            call.budget.elements(a.len())?;
            let data = (0..a.len())
                .map(|n| {
                    let row = long(n.checked_div(columns).unwrap_or(0));
                    let column = long(n.checked_rem(columns).unwrap_or(0));
                    f64::from(u8::from(column.saturating_sub(row) == k))
                })
                .collect();
            Array::numbers(kind, a.shape, data)?
        }
        _ => return Ok(None),
    }))
}

fn constant(call: &Call<'_>) -> Result<Array, Refusal> {
    if let Some(value) = call.constant("value") {
        return Ok(value.clone());
    }
    if let Some(n) = call.int("value_int") {
        return Array::ints(Kind::I64, vec![], vec![n]);
    }
    if let Some(x) = call.float("value_float") {
        return Array::floats(Kind::F32, vec![], vec![x]);
    }
    if let Some(all) = call.ints("value_ints") {
        return Array::longs(all.to_vec());
    }
    if let Some(all) = call.floats("value_floats") {
        return Array::floats(Kind::F32, vec![all.len()], all.to_vec());
    }
    if let Some(text) = call.text("value_string") {
        return Array::texts(vec![], vec![text.to_owned()]);
    }
    if let Some(all) = call.texts("value_strings") {
        return Array::texts(vec![all.len()], all.to_vec());
    }
    Err(call.unknown())
}

fn range(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let kind = call.input(0)?.kind;
    if kind.is_float() {
        let (from, to, step) = (
            call.input(0)?.first()?,
            call.input(1)?.first()?,
            call.input(2)?.first()?,
        );
        let steps = ((to - from) / step).ceil();
        if steps.is_nan() {
            return Err(refuse("a range with step 0"));
        }
        let count = number::index(number::truncate(steps.max(0.0))).ok_or(Refusal::Budget)?;
        call.budget.elements(count)?;
        // Each element from the one before, as the reference does.
        let mut data = Vec::with_capacity(count);
        let mut x = from;
        for _ in 0..count {
            data.push(x);
            x = kind.round(x + step);
        }
        return Array::floats(kind, vec![count], data);
    }
    let (from, to, step) = (
        call.input(0)?.first_int()?,
        call.input(1)?.first_int()?,
        call.input(2)?.first_int()?,
    );
    if step == 0 {
        return Err(refuse("a range with step 0"));
    }
    let span = i128::from(to).saturating_sub(i128::from(from));
    let step_wide = i128::from(step);
    let count = span
        .checked_div(step_wide)
        .unwrap_or(0)
        .saturating_add(i128::from(
            span.checked_rem(step_wide).unwrap_or(0) != 0 && (span > 0) == (step > 0),
        ))
        .max(0);
    let count = usize::try_from(count).map_err(|_| Refusal::Budget)?;
    call.budget.elements(count)?;
    let data = (0..count)
        .map(|n| from.wrapping_add(long(n).wrapping_mul(step)))
        .collect();
    Array::ints(kind, vec![count], data)
}
