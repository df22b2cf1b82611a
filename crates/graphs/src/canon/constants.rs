//! Constants modulo weights: a learned tensor counts by its shape, every other
//! constant by its value, so that a threshold or a trigger word is part of the
//! graph and a fine-tune is not.

use modelward_schema::{Constant, Setting};

use super::Form;
use super::label::{Label, Labeler};
use crate::eval::{Array, Kind, from_bytes};

/// Whole numbers and truth values up to this many elements count by value.
const MAX_LITERAL: usize = 64;
/// Real numbers that take so few values are a mask or a table, not weights.
const FEW: usize = 2;

/// The numbers of a constant that carries its bytes.
fn numbers(constant: &Constant) -> Option<Array> {
    let kind = Kind::of(&constant.dtype)?;
    let mut shape = Vec::with_capacity(constant.shape.len());
    for dim in &constant.shape {
        shape.push(usize::try_from(*dim).ok()?);
    }
    from_bytes(kind, shape, constant.bytes.as_deref()?).ok()
}

/// Whole numbers of a small constant, for operands that say what an operator
/// does (axes, pads, a shape).
pub(super) fn whole(constant: &Constant) -> Option<Vec<i64>> {
    let array = numbers(constant)?;
    if array.len() > MAX_LITERAL {
        return None;
    }
    array.as_ints().ok().map(<[i64]>::to_vec)
}

/// The one real number of a constant.
pub(super) fn real(constant: &Constant) -> Option<f64> {
    let array = numbers(constant)?;
    (array.len() == 1).then(|| array.first().ok())?
}

/// `learned`: it stands where a layer keeps its weights, so one element alone is
/// a weight too.
pub(super) fn label(constant: &Constant, learned: bool, form: Form) -> Label {
    if let Some(texts) = &constant.texts {
        let mut out = Labeler::new("texts");
        for text in texts {
            out.text(text);
        }
        return out.done();
    }
    let Some(array) = numbers(constant) else {
        return by_summary(constant, form);
    };
    let Ok(reals) = array.reals() else {
        return weight(&constant.shape, form);
    };
    let whole = !array.kind.is_float();
    let one = reals.len() <= 1;
    if one && (whole || !learned) || whole && reals.len() <= MAX_LITERAL {
        // The shape of a scalar is a matter of the exporter's taste.
        let mut out = Labeler::new("literal");
        for real in reals.iter() {
            out.real(*real, digits(form));
        }
        return out.done();
    }
    let mut distinct: Vec<f64> = Vec::new();
    for real in reals.iter() {
        if !distinct
            .iter()
            .any(|known| known.to_bits() == real.to_bits())
        {
            distinct.push(*real);
        }
        if distinct.len() > FEW {
            return weight(&constant.shape, form);
        }
    }
    if learned {
        return weight(&constant.shape, form);
    }
    distinct.sort_by(f64::total_cmp);
    let mut out = Labeler::new("few");
    shape(&mut out, &constant.shape, form);
    for real in distinct {
        out.real(real, digits(form));
    }
    out.done()
}

fn by_summary(constant: &Constant, form: Form) -> Label {
    match &constant.summary {
        Some(summary) if summary.distinct <= 2 && summary.not_finite == 0 => {
            let mut out = Labeler::new("few");
            shape(&mut out, &constant.shape, form);
            out.real(summary.min, digits(form));
            if summary.distinct > 1 {
                out.real(summary.max, digits(form));
            }
            out.done()
        }
        _ => weight(&constant.shape, form),
    }
}

/// A learned tensor. Where forms are loosened it counts by its elements alone:
/// converters transpose and reshape weights.
pub(super) fn weight(dims: &[u64], form: Form) -> Label {
    let mut out = Labeler::new("weight");
    shape(&mut out, dims, form);
    out.done()
}

fn shape(out: &mut Labeler, dims: &[u64], form: Form) {
    match form {
        Form::Exact => {
            out.number(u64::try_from(dims.len()).unwrap_or(u64::MAX));
            for dim in dims {
                out.number(*dim);
            }
        }
        Form::Loose => {
            let count = dims.iter().fold(1_u64, |all, dim| all.saturating_mul(*dim));
            out.number(count);
        }
    }
}

fn digits(form: Form) -> usize {
    match form {
        Form::Exact => 5,
        // Half precision keeps three.
        Form::Loose => 2,
    }
}

/// An attribute's value.
pub(super) fn setting(out: &mut Labeler, value: &Setting, constants: &[Constant], form: Form) {
    match value {
        Setting::Int(number) => out.long(*number),
        Setting::Bool(truth) => out.long(i64::from(*truth)),
        Setting::Float(number) => out.real(*number, digits(form)),
        Setting::Text(text) | Setting::Dtype(text) | Setting::Other(text) => out.text(text),
        Setting::Ints(numbers) => numbers.iter().for_each(|number| out.long(*number)),
        Setting::Floats(numbers) => numbers
            .iter()
            .for_each(|number| out.real(*number, digits(form))),
        Setting::Texts(texts) => texts.iter().for_each(|text| out.text(text)),
        Setting::Shape(dims) => out.text(&format!("{dims:?}")),
        Setting::Constant(index) => {
            let constant = constants.get(crate::ir::at(*index));
            if let Some(constant) = constant {
                out.label(label(constant, false, form));
            }
        }
        // What bodies hold is here as operators of their own.
        Setting::Body(_) | Setting::Bodies(_) | Setting::Caller(_) => {}
    }
}
