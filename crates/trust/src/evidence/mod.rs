//! Evidence: what somebody says of an artifact's bytes, signed.
//!
//! Every statement is an in-toto Statement v1 in a DSSE envelope in a
//! Sigstore-shaped bundle, one per line of `claims.jsonl` beside the model, the
//! layout that OpenSSF model signing is moving to. Its subject is the artifact
//! by its OMS root digest; so what a verdict, a record and a signature name is
//! one thing.
//!
//! To add a kind: a file under `predicates/` with its structure and what it
//! lacks to mean anything, a word and a URI in [`Kind`].

mod chain;
mod custody;
mod judge;
mod kind;
mod predicates;
mod sign;
mod signer;
mod statement;
mod store;

pub use chain::{chain, to_schema};
pub use judge::{Judged, Judging, fault_of, judge};
pub use kind::Kind;
pub use predicates::*;
pub use sign::{sign, sign_payload};
pub use signer::key_for_model;
pub use statement::{
    FINGERPRINT, PAYLOAD, Predicate, Resource, STATEMENT, Statement, StatementError,
};
pub use store::{
    CLAIMS, CLAIMS_BESIDE, Line, Places, SIGNATURE_BESIDE, StoreError, append, read_beside,
    read_lines,
};
