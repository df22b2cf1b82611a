//! Models that are signed here and then meddled with, statements that no honest
//! signer writes, certificates that must not be believed, and damaged bundles.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod certificates;
#[path = "../fake/der.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with other tests")]
mod der;
mod models;
mod mutations;
mod statements;
mod world;
