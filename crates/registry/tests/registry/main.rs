//! The registry from outside, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

mod processes;
mod record;
mod samples;
mod statements;
mod tamper;
