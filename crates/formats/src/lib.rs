//! Hostile bytes → facts.
//!
//! Reading does not fail: what is malformed becomes an anomaly, what was not
//! read becomes a gap. Nothing here does I/O, reads a clock, spawns a thread or
//! can panic; the same bytes under the same [`Limits`] give the same [`Facts`].
//!
//! A format is one folder and one word in [`FORMATS`]. Content decides what a
//! file is; its name is only a claim. Every format whose `identify` says
//! [`Fit::Yes`] reads the bytes, so a polyglot is read as everything it is.
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
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test may fail loudly"
    )
)]

mod embedded;
mod limits;
mod reader;
mod session;
mod settings;
mod settle;
mod text;
mod unpack;
mod wire;
mod wiring;

mod bzip2;
mod compressed;
mod gguf;
mod gzip;
mod jinja;
mod json;
mod lz4;
mod msgpack;
mod npy;
mod onnx;
mod opaque;
mod ort;
mod pickle;
mod plain;
mod python;
mod safetensors;
mod sevenzip;
mod tar;
mod tensorflow;
mod tflite;
mod xz;
mod yaml;
mod zip;
mod zlib;
mod zstd;

use modelward_schema::Facts;

pub use limits::Limits;
pub use reader::{Reader, Truncated};
pub use session::{Fit, Format, Input, Member, Session};
pub use settle::settle;
pub use unpack::unpack;

/// Every format, in the order in which a file's main format is named when
/// several fit.
pub static FORMATS: &[&Format] = &[
    &safetensors::FORMAT,
    &gguf::FORMAT,
    &gguf::LEGACY,
    &zip::FORMAT,
    &sevenzip::FORMAT,
    &npy::FORMAT,
    &gzip::FORMAT,
    &zstd::FORMAT,
    &xz::FORMAT,
    &bzip2::FORMAT,
    &lz4::FORMAT,
    &tar::FORMAT,
    &pickle::FORMAT,
    &zlib::FORMAT,
    &onnx::FORMAT,
    &onnx::TENSOR,
    &ort::FORMAT,
    &tensorflow::FORMAT,
    &tflite::FORMAT,
    &msgpack::FORMAT,
    &opaque::FORMAT,
    &json::FORMAT,
    &yaml::FORMAT,
    &jinja::FORMAT,
    &python::FORMAT,
    &plain::FORMAT,
];

/// Reads one file of an artifact and everything inside it. `path` is the
/// file's place in the artifact, see [`modelward_schema::Location::path`].
pub fn read(path: &str, bytes: &[u8], limits: &Limits) -> Facts {
    let mut session = Session::new(limits, bytes.len());
    session.read(&Input::file(path, bytes));
    session.finish()
}
