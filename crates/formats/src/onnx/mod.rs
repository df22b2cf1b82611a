//! ONNX models, and single ONNX tensors as its test data carry them.
//!
//! Follows `onnx.proto3`, IR version 14. The wire format is read without a
//! generated reader, so unknown fields, fields that stand twice and more than
//! one payload in a tensor are seen wherever they are: in the graph, its
//! sub-graphs, functions, training graphs and attributes. Data in other files
//! are named, not followed.

mod dtype;
mod external;
mod identify;
mod model;
mod node;
mod operators;
mod schema;
mod tensor;
#[cfg(test)]
mod tests;
mod walk;
mod wiring;

use crate::wire::protobuf::Message;
use crate::{Format, Input, Session};
use schema::Kind;
use walk::Walk;

pub(crate) use dtype::name as dtype_name;
pub(crate) use operators::{is_custom, runs_code};

pub(crate) static FORMAT: Format = Format {
    name: "onnx",
    identify: identify::model,
    read,
};

/// A `TensorProto` that is a file of its own.
pub(crate) static TENSOR: Format = Format {
    name: "onnx-tensor",
    identify: identify::tensor,
    read: read_tensor,
};

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let mut walk = Walk::new(input, session);
    walk.run(Kind::Model, Message::new(input.bytes));
    let summary = walk.summary;
    model::conclude(input, summary, session);
    wiring::read(input, session, Message::new(input.bytes));
}

fn read_tensor(input: &Input<'_>, session: &mut Session<'_>) {
    Walk::new(input, session).run(Kind::Tensor, Message::new(input.bytes));
}
