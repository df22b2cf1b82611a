//! Finds logic that waits for a trigger, without running anything.
//!
//! What makes such logic: a signal is computed from the input past the learned
//! layers, it comes down to hardly anything per sample, and it has power over
//! values that did pass them. Everything here follows from what operators mean;
//! there is no list of innocent names.

mod batch;
mod forward;
mod judge;
mod leak;
mod merges;
mod numbers;
mod oddities;
mod positions;
mod report;
mod shapes;
mod size;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub use report::analyse;
