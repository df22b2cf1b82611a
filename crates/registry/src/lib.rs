//! What is kept: versions, reports, decisions, approvals and exemptions, with
//! an append-only log under them.
//!
//! A registry is a folder with one SQLite database in it. Every write is one
//! transaction together with its line in the log, in write-ahead mode with
//! `synchronous=FULL`: a decision that was answered is on the disk, whatever is
//! killed or loses power afterwards. Triggers refuse to change or delete what
//! was written; [`Registry::verify_log`] finds out who went around them.
//!
//! What a hash chain cannot see is a log cut off at its end together with the
//! rows of the lines cut: compare the head with one noted elsewhere.
//!
//! The statements keep to the SQL that PostgreSQL shares; only the DDL under
//! `migrations/sqlite` and [`store`] know the engine. The functions are
//! synchronous and must not be called from within an async runtime.
#![forbid(unsafe_code)]

mod append;
mod blobs;
mod cache;
mod chain;
mod decisions;
mod error;
mod evidence;
mod passport;
mod place;
mod rows;
mod statements;
mod store;
mod verify;

pub use decisions::DecisionFilter;
pub use error::{LogBroken, RegistryError};
pub use place::{database_of, default_place};
pub use statements::KeptStatement;
pub use store::Registry;
pub use verify::LogCheck;

/// What stands for the digest of an artifact that has none: a file of it could
/// not be read, or identity was not asked for.
pub const UNIDENTIFIED: &str = "unidentified";

type Result<T> = std::result::Result<T, RegistryError>;
