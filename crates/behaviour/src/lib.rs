//! Running a graph on inputs: the only home of an inference engine.
//!
//! [`Engines`] runs a whole ONNX graph with `tract` when the evaluator of
//! `modelward-graphs` does not know an operator or lacks the budget. It is used
//! inside the confined worker process only; time and memory are bounded there.
//! What neither runs is said to be not run.
#![forbid(unsafe_code)]

mod convert;
mod whole;

pub use whole::Engines;
