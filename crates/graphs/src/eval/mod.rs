//! A small evaluator: tensors in, tensors out, operator by operator.
//!
//! It follows the ONNX operator specification (<https://onnx.ai/onnx/operators/>)
//! with the differences between operator sets, and is held against ONNX
//! Runtime by `benches/graphs/operators.py`. It never guesses: an operator or a
//! variant that is not known, shapes that do not fit, an index out of range and
//! a spent budget are each a [`Refusal`].
#![allow(
    clippy::many_single_char_names,
    clippy::float_cmp,
    clippy::single_match_else,
    clippy::type_complexity,
    reason = "operators are mathematics: short names, exact comparisons, pairs of lists"
)]

mod array;
mod binary;
mod call;
mod control;
mod gather;
mod image;
mod layout;
mod linear;
mod machine;
mod make;
mod needs;
mod normal;
mod number;
mod order;
mod pad;
mod quantized;
mod recurrent;
mod reduce;
mod refusal;
mod unary;
mod weights;
mod window;

#[cfg(test)]
mod tests;

pub use array::{Array, Data, Kind};
pub use machine::{Machine, Run};
pub use refusal::{Budget, Refusal};
pub use weights::{NoWeights, Weights};

use call::Call;

/// Runs one operator of the standard domain.
fn apply(call: &mut Call<'_>) -> Result<Vec<Array>, Refusal> {
    type Many = fn(&mut Call<'_>) -> Result<Option<Vec<Array>>, Refusal>;
    type One = fn(&mut Call<'_>) -> Result<Option<Array>, Refusal>;
    const MANY: [Many; 5] = [
        layout::apply,
        order::apply,
        normal::apply,
        quantized::apply,
        recurrent::apply,
    ];
    const ONE: [One; 8] = [
        make::apply,
        binary::apply,
        gather::apply,
        reduce::apply,
        linear::apply,
        window::apply,
        image::apply,
        unary::apply,
    ];
    for family in ONE.iter().take(7) {
        if let Some(one) = family(call)? {
            return Ok(vec![one]);
        }
    }
    for family in MANY {
        if let Some(all) = family(call)? {
            return Ok(all);
        }
    }
    match unary::apply(call)? {
        Some(one) => Ok(vec![one]),
        None => Err(call.unknown()),
    }
}

pub(crate) use array::{broadcast, product, spread};
pub(crate) use machine::{bodies, resolve};
pub(crate) use number::{
    count as real_of, long as long_of, narrow as single, truncate as truncated,
};
pub(crate) use reduce::walk;
pub use weights::from_bytes;

/// A number as an index, when it is one.
pub(crate) fn index_of(x: f64) -> Option<usize> {
    (x.fract() == 0.0)
        .then(|| number::index(number::truncate(x)))
        .flatten()
}

pub(crate) fn axis_of(n: i64, rank: usize) -> Option<usize> {
    call::axis(n, rank).ok()
}

pub(crate) fn axes_of(wanted: Option<&[i64]>, rank: usize) -> Option<Vec<usize>> {
    call::axes(wanted, rank).ok()
}

/// How many lanes a tensor has along an axis.
pub(crate) fn lanes(array: &Array, axis: i64) -> Option<usize> {
    let axis = axis_of(axis, array.rank())?;
    array.len().checked_div(array.dim(axis))
}

pub(crate) fn turned(array: &Array) -> Result<Array, Refusal> {
    let perm: Vec<usize> = (0..array.rank()).rev().collect();
    layout::transpose(array, &perm)
}

/// Where a node's window stands over an image.
pub(crate) fn window_of(
    node: &modelward_schema::Node,
    x: &Array,
    kernel: &[usize],
) -> Option<window::Window> {
    let mut budget = Budget::default();
    let mut call = Call {
        op: &node.op,
        opset: 13,
        attributes: &node.attributes,
        constants: Vec::new(),
        inputs: Vec::new(),
        outputs: 1,
        budget: &mut budget,
    };
    window::window(&mut call, x.shape.get(2..)?, kernel).ok()
}
