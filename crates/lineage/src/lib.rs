//! Proofs of what happened between two artifacts: tensors decoded, compared and
//! bounded.
//!
//! A [`Model`] is an opened artifact: its tensors by name, each readable in
//! stretches ([`Tensor::read`]), its small files, and what the sandboxed reader
//! told. `engine` opens it. A [`Case`] is sources, a target and a [`Claim`];
//! [`prove()`] answers with a [`Proof`] and a [`Grade`].
//!
//! Memory: every thread holds one chunk ([`sweep::CHUNK`]) of the tensors that
//! are compared, however large the model is.
//!
//! # How to add a relation
//!
//! 1. A file in `src/relations/` (or a folder of its own) with a
//!    `pub static RELATION: Relation`. `fits` looks at names, types and files
//!    only. `prove` starts from [`Proof::of`], pairs tensors, and hands each
//!    pair to [`sweep::sweep`] with a closure that sees the same stretch of all
//!    of them as little-endian row-major bytes and notes in a
//!    [`sweep::Tally`] what is wrong.
//! 2. Every tensor of the target gets a [`TensorProof`]: `proof.take(…)` lowers
//!    the grade of the whole. What no source explains goes to
//!    [`Proof::unexplained`]. What could not be read is
//!    [`TensorProof::unread`], which is [`Grade::Claimed`], never better.
//! 3. What lies beside the tensors is compared by [`beside::compare`] with the
//!    rules that fit the relation (or by your own).
//! 4. Parameters of the claim that the relation knows are checked there; one
//!    that is contradicted refutes.
//! 5. One word in [`relations::RELATIONS`], strictest first.
#![forbid(unsafe_code)]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::cast_lossless,
    reason = "numbers of any type are compared as f64, exactly where the proof is exact, and counts are far below 2⁵³"
)]
#![allow(
    clippy::single_match_else,
    clippy::many_single_char_names,
    reason = "formulae read best as they are written in their sources"
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test may fail loudly"
    )
)]

pub mod beside;
mod bytes;
mod case;
mod claim;
mod dtype;
mod fingerprint;
pub mod float8;
pub mod gguf;
mod grade;
mod model;
mod names;
pub mod onnx;
mod pairs;
mod proof;
mod prove;
pub mod relations;
mod replay;
mod round;
pub mod sweep;
mod tensor;

pub use bytes::Bytes;
pub use case::Case;
pub use claim::Claim;
pub use dtype::Dtype;
pub use fingerprint::{Fingerprint, TensorDigest, fingerprint};
pub use grade::Grade;
pub use model::{Model, ModelFile, SMALL};
pub use proof::{Difference, Proof, TensorProof, Worst};
pub use prove::prove;
pub use relations::{Fit, RELATIONS, Relation};
pub use tensor::{Data, Part, Tensor, Unread, unravel};
