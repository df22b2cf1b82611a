//! What can go wrong, in fragments that fit after "failed to …:".

use std::io;
use std::path::PathBuf;

/// Why the registry did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the registry {} cannot be {doing}: {why}; choose another place with --registry", .path.display())]
    Place {
        path: PathBuf,
        doing: &'static str,
        why: io::Error,
    },
    #[error("{} is not a modelward registry; choose another place with --registry", .0.display())]
    NotARegistry(PathBuf),
    #[error(
        "the registry {} was written by a newer modelward (layout {found}, known {known}); update modelward", .path.display()
    )]
    Newer {
        path: PathBuf,
        found: i64,
        known: i64,
    },
    #[error("another process holds the registry and does not let go; try again")]
    Busy,
    #[error("the registry's database failed: {0}")]
    Database(sqlx::Error),
    /// Nothing was recorded.
    #[error("another process bound {name}@{version} to other bytes meanwhile; gate it again")]
    Overtaken { name: String, version: String },
    /// What is stored does not make sense.
    #[error("the registry is damaged: {0}; `modelward log --verify` tells where")]
    Damaged(String),
    /// The caller asked for something that is never done.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Broken(#[from] LogBroken),
}

/// The first place where the log and what it vouches for do not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log does not hold at line {sequence}: {what}")]
pub struct LogBroken {
    pub sequence: i64,
    pub what: String,
}

impl From<sqlx::Error> for RegistryError {
    fn from(error: sqlx::Error) -> Self {
        // SQLITE_BUSY with its extended codes, and SQLITE_LOCKED.
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .and_then(|code| code.parse::<i64>().ok());
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => Self::Busy,
            _ => Self::Database(error),
        }
    }
}
