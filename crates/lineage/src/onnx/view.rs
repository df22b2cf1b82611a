//! Other readings of a source tensor: reshaped, transposed, cut, laid end to end.

use crate::dtype::Dtype;
use crate::round::{Way, encode};
use crate::tensor::{Data, Part, Tensor};

/// Elements looked at before all are.
const SAMPLES: u64 = 48;

/// The same elements under another shape.
pub(super) fn reshaped(tensor: &Tensor, shape: &[u64]) -> Option<Tensor> {
    let elements: u64 = shape.iter().product();
    if elements != tensor.elements() {
        return None;
    }
    if tensor.shape == shape {
        return Some(tensor.clone());
    }
    let Data::Dense(_) = tensor.data else {
        return None;
    };
    Some(Tensor {
        shape: shape.to_vec(),
        ..tensor.clone()
    })
}

/// A matrix with rows and columns exchanged.
pub(super) fn transposed(tensor: &Tensor) -> Option<Tensor> {
    let [rows, columns] = *tensor.shape.as_slice() else {
        return None;
    };
    let data = match &tensor.data {
        Data::Dense(parts) => {
            let [part] = parts.as_slice() else {
                return None;
            };
            Data::Strided {
                part: part.clone(),
                strides: vec![1, columns],
            }
        }
        Data::Strided { part, strides } => {
            let [down, across] = *strides.as_slice() else {
                return None;
            };
            Data::Strided {
                part: part.clone(),
                strides: vec![across, down],
            }
        }
        Data::Missing(_) => return None,
    };
    Some(Tensor {
        shape: vec![columns, rows],
        data,
        ..tensor.clone()
    })
}

/// `count` elements from `start` as parts.
pub(super) fn cut(tensor: &Tensor, start: u64, count: u64) -> Option<Vec<Part>> {
    let Data::Dense(parts) = &tensor.data else {
        return None;
    };
    let width = tensor.width()?;
    let mut skip = start.checked_mul(width)?;
    let mut left = count.checked_mul(width)?;
    let mut out = Vec::new();
    for part in parts {
        if skip >= part.len {
            skip -= part.len;
            continue;
        }
        let len = left.min(part.len - skip);
        out.push(Part {
            bytes: part.bytes.clone(),
            start: part.start + skip,
            len,
        });
        left -= len;
        skip = 0;
        if left == 0 {
            break;
        }
    }
    (left == 0).then_some(out)
}

/// Parts as a tensor that is otherwise like another.
pub(super) fn joined(like: &Tensor, shape: &[u64], parts: Vec<Part>) -> Tensor {
    Tensor {
        shape: shape.to_vec(),
        data: Data::Dense(parts),
        ..like.clone()
    }
}

/// Columns `start..start + count` of a matrix.
pub(super) fn columns(tensor: &Tensor, start: u64, count: u64) -> Option<Tensor> {
    let ([rows, columns], Data::Dense(parts)) = (tensor.shape.as_slice(), &tensor.data) else {
        return None;
    };
    let [part] = parts.as_slice() else {
        return None;
    };
    let skip = start.checked_mul(tensor.width()?)?;
    Some(Tensor {
        shape: vec![*rows, count],
        data: Data::Strided {
            part: Part {
                bytes: part.bytes.clone(),
                start: part.start + skip,
                len: part.len.checked_sub(skip)?,
            },
            strides: vec![*columns, 1],
        },
        ..tensor.clone()
    })
}

/// The value of one element.
pub(super) fn value(tensor: &Tensor, at: u64) -> Option<f64> {
    let kind = tensor.kind()?;
    let mut raw = Vec::new();
    tensor.read(at, 1, &mut raw).ok()?;
    Some(kind.value(&raw))
}

/// All values of a small tensor.
pub(super) fn values(tensor: &Tensor, most: u64) -> Option<Vec<f64>> {
    let kind = tensor.kind()?;
    let elements = tensor.elements();
    if elements > most {
        return None;
    }
    let mut raw = Vec::new();
    tensor.read(0, elements, &mut raw).ok()?;
    let mut out = Vec::new();
    kind.decode(&raw, &mut out);
    Some(out)
}

/// What share of some elements is as a cast of the other's would be, also by
/// way of a shorter type.
pub(super) fn likeness(target: &Tensor, view: &Tensor) -> f64 {
    let direct = share(target, view, None);
    match by_way_of(target, view) {
        Some(short) if direct < 0.5 => direct.max(share(target, view, Some(short))),
        _ => direct,
    }
}

/// The shorter type that most elements went through, if any did.
pub(super) fn by_way_of(target: &Tensor, view: &Tensor) -> Option<Dtype> {
    if target.kind() != Some(Dtype::F32) || view.kind() != Some(Dtype::F32) {
        return None;
    }
    [Dtype::F16, Dtype::Bf16]
        .into_iter()
        .find(|short| share(target, view, None) < 0.5 && share(target, view, Some(*short)) > 0.5)
}

fn share(target: &Tensor, view: &Tensor, short: Option<Dtype>) -> f64 {
    let elements = target.elements();
    if elements != view.elements() || elements == 0 {
        return 0.0;
    }
    let (Some(to), Some(from)) = (target.kind(), view.kind()) else {
        return 0.0;
    };
    let count = elements.min(SAMPLES);
    let (mut same, mut seen) = (0, 0);
    for step in 0..count {
        // Spread over all, never at one column only.
        let at = if elements <= SAMPLES {
            step
        } else {
            let share = elements / count;
            step * share + (step.wrapping_mul(2_654_435_761) % share.max(1))
        };
        let (Some(is), Some(origin)) = (value(target, at), value(view, at)) else {
            return 0.0;
        };
        seen += 1;
        let origin = short.map_or(origin, |short| {
            let mut raw = Vec::new();
            encode(short, Way::NEAREST, origin, &mut raw);
            short.value(&raw)
        });
        same += u64::from(is_cast(is, origin, from, to));
        if seen == 8 && same == 0 {
            return 0.0;
        }
    }
    same as f64 / seen as f64
}

fn is_cast(is: f64, origin: f64, from: Dtype, to: Dtype) -> bool {
    if from == to || from.is_float() != to.is_float() {
        return is.to_bits() == origin.to_bits() || (is.is_nan() && origin.is_nan());
    }
    let mut raw = Vec::new();
    encode(to, Way::NEAREST, origin, &mut raw);
    let must = to.value(&raw);
    must.to_bits() == is.to_bits() || (is.is_nan() && must.is_nan())
}
