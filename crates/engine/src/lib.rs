//! The order of things: source → open → identify → parse → rules → policy →
//! record. The only room that opens files, asks the clock and starts processes.
#![deny(unsafe_code)]

mod changes;
pub mod deep;
pub mod evidence;
pub mod gate;
mod identity;
pub mod init;
mod map;
pub mod policies;
mod progress;
mod reading;
pub mod record;
pub mod replay;
mod sandbox;
mod scan;
pub mod signing;
pub mod source;
pub mod statements;
mod tensors;
pub mod worker;

pub use changes::{GraphChange, Named, Whole, change_of, open_whole, since};
pub use identity::{Identity, identity};
pub use progress::Progress;
pub use scan::{Options, default_jobs, scan};
pub use tensors::open_model;
