//! Statements judged by a trust root.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail loudly"
)]

mod chains;
mod common;
mod mutations;
mod roots;
mod standing;
