//! Which axis is the batch.
//!
//! Nothing in a file says it. A size is the batch's when samples are kept apart
//! along it: it is the first size of an input, and on the way to the outputs
//! hardly anything is mixed along it. A sequence is mixed by every layer.

use super::shapes::Shapes;
use super::size::Size;
use crate::ir::{Flat, Kind, Op};
use crate::operators::{Class, Std};

/// Symbols looked at.
const MOST: usize = 16;

/// The symbols that are the batch's size, and the number that it is when it is
/// fixed above 1.
pub(crate) fn find(flat: &Flat<'_>, shapes: &Shapes) -> (Vec<u32>, Option<i64>) {
    let mut symbols = Vec::new();
    let mut numbers = Vec::new();
    for id in &flat.inputs {
        let Some(first) = shapes.get(*id).and_then(|shape| shape.first()) else {
            continue;
        };
        match first.number() {
            None => {
                let own = first.symbols.iter().filter(|symbol| **symbol != 0);
                symbols.extend(own.copied());
            }
            Some(number) => numbers.push(number),
        }
    }
    let called = shapes.symbols(|name| {
        let name = name.to_ascii_lowercase();
        name.contains("batch") || matches!(name.as_str(), "n" | "b" | "bs")
    });
    symbols.extend(&called);
    symbols.sort_unstable();
    symbols.dedup();
    // Each costs a look at every operator.
    symbols.truncate(MOST);
    // What a file calls the batch may be mixed now and then, which is then told.
    symbols.retain(|symbol| {
        let limit = if called.contains(symbol) { 8 } else { 2 };
        mixes(flat, shapes, *symbol) <= limit
    });
    let fixed = numbers.first().copied().filter(|number| {
        symbols.is_empty()
            && *number > 1
            && numbers.iter().all(|other| other == number)
            && flat.outputs.iter().flatten().all(|id| {
                let first = shapes.get(*id).and_then(|shape| shape.first());
                first.is_none_or(|size| size.number() == Some(*number))
            })
    });
    (symbols, fixed)
}

/// How often something is summed or ordered along the size of a symbol.
fn mixes(flat: &Flat<'_>, shapes: &Shapes, symbol: u32) -> usize {
    let plain = flat.ops.iter().filter(|op| op.kind == Kind::Plain);
    plain
        .filter(|op| mixes_along(flat, shapes, op, symbol))
        // Layers that learn how to mix along it make it a sequence.
        .map(|op| {
            if op.std.class() == Class::Reduce {
                1
            } else {
                3
            }
        })
        .sum()
}

fn mixes_along(flat: &Flat<'_>, shapes: &Shapes, op: &Op, symbol: u32) -> bool {
    let shape = |index: usize| op.input(index).and_then(|id| shapes.get(id));
    let has = |size: Option<&Size>| size.is_some_and(|size| size.has(symbol));
    match op.std {
        Std::Softmax | Std::LogSoftmax | Std::CumSum => {
            let rank = shape(0).map_or(0, Vec::len);
            let axis = flat.int(op, "axis").unwrap_or(-1);
            let axis = super::shapes::wrap(axis, rank);
            has(axis.and_then(|axis| shape(0)?.get(axis)))
        }
        Std::MatMul | Std::FusedMatMul => has(shape(0).and_then(|shape| shape.last())),
        Std::Conv | Std::MaxPool | Std::AveragePool => {
            shape(0).is_some_and(|shape| shape.iter().skip(2).any(|size| size.has(symbol)))
        }
        Std::LSTM | Std::GRU | Std::RNN => {
            let time = usize::from(flat.int(op, "layout").unwrap_or(0) != 0);
            has(shape(0).and_then(|shape| shape.get(time)))
        }
        std if std.class() == Class::Reduce
            || matches!(std, Std::ArgMax | Std::ArgMin | Std::TopK) =>
        {
            let Some(made) = op.output(0).and_then(|id| shapes.get(id)) else {
                return false;
            };
            let before = shape(0).is_some_and(|shape| shape.iter().any(|size| size.has(symbol)));
            before && !made.iter().any(|size| size.has(symbol))
        }
        _ => false,
    }
}
