//! What the binary shows, apart from how it is called, so that every form of
//! an answer can be tested without running anything.
#![forbid(unsafe_code)]

pub mod render;
