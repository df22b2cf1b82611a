//! The order of things: source → open → identify → parse → rules → policy →
//! record. The only room that opens files, asks the clock and starts processes.
#![deny(unsafe_code)]

mod map;
mod sandbox;
mod scan;
pub mod source;
pub mod worker;

pub use scan::{Options, scan};
