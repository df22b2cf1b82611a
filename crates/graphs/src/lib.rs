//! One representation of every framework's computation graph, and what is
//! odd about it.
//!
//! [`Flat::build`] turns the [`modelward_schema::Wiring`] that a reader filled
//! into flat single-assignment form: functions inlined, branches and loops as
//! operators of their own, every operator with its meaning from
//! [`operators`]. Nothing here does I/O, reads a clock or can panic; work and
//! memory follow the number of nodes.
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::cast_precision_loss,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test may fail loudly"
    )
)]

mod analysis;
mod canon;
mod compare;
pub mod eval;
mod fingerprint;
mod flatten;
mod ir;
pub mod names;
pub mod npz;
pub mod operators;
mod order;
mod survey;
#[cfg(test)]
mod tests;
pub mod witness;

pub use analysis::analyse;
pub use compare::{Comparison, compare};
pub use fingerprint::fingerprint;
pub use ir::{Flat, Frame, Id, Kind, NONE, Op, Val};
pub use survey::survey;
