//! The log: one more line, and reading it.

use jiff::Timestamp;
use modelward_schema::{LogEntry, LogEvent};
use serde_json::Value;
use sqlx::Row as _;

use crate::chain::{GENESIS, canonical, hash_line};
use crate::store::{Connection, Row};
use crate::{Registry, RegistryError, Result, rows};

impl Registry {
    /// The newest lines, the newest first.
    pub fn log(&self, limit: u32) -> Result<Vec<LogEntry>> {
        self.with(async |connection| {
            let found = sqlx::query(
                "SELECT sequence, at, event, body, previous, hash FROM log \
                 ORDER BY sequence DESC LIMIT $1",
            )
            .bind(i64::from(limit))
            .fetch_all(connection)
            .await?;
            found.iter().map(entry).collect()
        })
    }
}

/// Now, to the second.
pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Adds a line within the caller's transaction.
pub(crate) async fn append(
    connection: &mut Connection,
    at: &str,
    event: LogEvent,
    body: &Value,
) -> Result<i64> {
    let last = sqlx::query("SELECT sequence, hash FROM log ORDER BY sequence DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let (sequence, previous) = match last {
        Some(row) => (row.try_get::<i64, _>(0)?.saturating_add(1), row.try_get(1)?),
        None => (1, GENESIS.to_owned()),
    };
    let hash = hash_line(sequence, at, event, body, &previous)?;
    sqlx::query(
        "INSERT INTO log (sequence, at, event, body, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(sequence)
    .bind(at)
    .bind(rows::event_name(event))
    .bind(canonical(body)?)
    .bind(previous)
    .bind(hash)
    .execute(connection)
    .await?;
    Ok(sequence)
}

pub(crate) fn entry(row: &Row) -> Result<LogEntry> {
    let sequence: i64 = row.try_get("sequence")?;
    let body: String = row.try_get("body")?;
    Ok(LogEntry {
        sequence,
        at: row.try_get("at")?,
        event: rows::word(row.try_get("event")?)?,
        body: serde_json::from_str(&body)
            .map_err(|error| RegistryError::Damaged(format!("line {sequence}: {error}")))?,
        previous: row.try_get("previous")?,
        hash: row.try_get("hash")?,
    })
}
