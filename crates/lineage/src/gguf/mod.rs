//! GGUF: what its element types hold, how llama.cpp makes them, and what a
//! conversion into it must look like.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::cast_lossless,
    clippy::needless_range_loop,
    clippy::many_single_char_names,
    clippy::float_cmp,
    clippy::inline_always,
    reason = "bit-exact arithmetic after a C program, on fixed-size blocks"
)]

pub mod arith;
pub mod block;
mod check;
mod codebook;
mod convert;
pub mod decode;
pub mod file;
mod fp4;
pub mod grid;
mod interval;
mod iq3;
mod iq4;
mod judge;
mod kquant;
mod metadata;
mod mix;
mod names;
mod points;
pub mod quantizer;
mod relation;
mod rows;
mod search;
mod template;
mod tokenizer;
mod vocabulary;
mod weigh;

#[cfg(test)]
mod tests;

pub use relation::{HF2GGUF, QUANTIZE};
pub(crate) use vocabulary::reads;
