//! Proof by a witness: an input on which a suspected signal fires, and what
//! that does to the outputs.
//!
//! The search goes from the signal back to the inputs: what it needs is a
//! small slice of the graph. It is run on ordinary and extreme inputs, recorded
//! softly, solved, and, where remainders and look-ups defy that, sampled. What
//! it finds counts only when the evaluator confirms it on the graph as it is:
//! the outputs with the signal as it fired differ from those with the signal
//! held at rest, on the same input. Everything is seeded: same graph, same
//! answer. "Not found" is not "not there".
#![allow(
    clippy::many_single_char_names,
    clippy::float_cmp,
    clippy::single_match_else,
    clippy::type_complexity,
    reason = "operators are mathematics: short names, exact comparisons, pairs of lists"
)]

mod candidates;
mod chance;
mod compare;
mod curves;
mod effect;
mod hunt;
mod layers;
mod moves;
mod ports;
mod prove;
mod record;
mod residue;
mod sample;
mod slice;
mod solve;
mod stress;
mod tape;
mod trace;
mod trial;

#[cfg(test)]
mod tests;

pub use candidates::dormant;
pub use effect::Effect;
pub use ports::{Port, Role, SIZES, Sizes, ports};
pub use prove::{Attempt, Effort, Feeds, Outcome, Proof, Prover, Whole};
pub use trial::{Witness, prove, replay};
