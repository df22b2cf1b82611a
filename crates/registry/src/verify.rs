//! Whether the log holds, and whether everything it vouches for is still what
//! it says.

use std::collections::BTreeMap;

use modelward_schema::{LogEntry, LogEvent};
use serde_json::Value;
use sqlx::{Connection as _, Row as _};

use crate::append::entry;
use crate::chain::{GENESIS, canonical, hash_line};
use crate::decisions::body_of;
use crate::error::LogBroken;
use crate::rows::{approval_columns, decision_columns, exemption_columns};
use crate::store::{Connection, Row};
use crate::{Registry, RegistryError, Result, blobs, evidence, rows};

/// Lines held in memory at a time.
const PAGE: i64 = 1_000;

/// A log that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCheck {
    pub entries: u64,
    /// The hash of the last line, 64 zeros when there is none. Noted elsewhere,
    /// it shows later that nothing was cut off.
    pub head: String,
}

impl Registry {
    /// Recomputes the chain, and compares every decision, approval, exemption
    /// and bound version, every stored report and manifest with it. The first
    /// thing that does not hold is [`RegistryError::Broken`].
    pub fn verify_log(&self) -> Result<LogCheck> {
        self.with(async |connection| {
            // One snapshot, whatever is written meanwhile.
            let mut snapshot = connection.begin().await?;
            let check = chain(&mut snapshot).await?;
            orphans(&mut snapshot).await?;
            versions(&mut snapshot).await?;
            contents(&mut snapshot).await?;
            Ok(check)
        })
    }
}

fn broken<T>(sequence: i64, what: impl Into<String>) -> Result<T> {
    let what = what.into();
    Err(LogBroken { sequence, what }.into())
}

async fn chain(connection: &mut Connection) -> Result<LogCheck> {
    let mut head = GENESIS.to_owned();
    let mut last = 0_i64;
    loop {
        let lines = sqlx::query(
            "SELECT sequence, at, event, body, previous, hash FROM log \
             WHERE sequence > $1 ORDER BY sequence LIMIT $2",
        )
        .bind(last)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        if lines.is_empty() {
            break;
        }
        let until = last.saturating_add(PAGE);
        let stored = statements(connection, last, until).await?;
        for row in &lines {
            let expected = last.saturating_add(1);
            let line = match entry(row) {
                Ok(line) => line,
                Err(error) => return broken(expected, format!("it cannot be read: {error}")),
            };
            check_line(&line, expected, &head)?;
            // Or a duplicated member could say one thing here and another to others.
            if row.try_get::<&str, _>("body")? != canonical(&line.body)? {
                return broken(expected, "its body is not in canonical form");
            }
            match stored.get(&line.sequence) {
                Some((event, body)) if *event == line.event && *body == line.body => {}
                Some(_) => return broken(line.sequence, named(&line, "is not what was logged")),
                None => return broken(line.sequence, named(&line, "is missing")),
            }
            last = line.sequence;
            head = line.hash;
        }
    }
    Ok(LogCheck {
        entries: u64::try_from(last).unwrap_or(0),
        head,
    })
}

fn check_line(line: &LogEntry, expected: i64, head: &str) -> Result<()> {
    if line.sequence != expected {
        return broken(
            expected,
            format!("it is missing; {} follows", line.sequence),
        );
    }
    if line.previous != head {
        return broken(expected, "it does not follow the line before");
    }
    let hash = hash_line(
        line.sequence,
        &line.at,
        line.event,
        &line.body,
        &line.previous,
    )?;
    if hash != line.hash {
        return broken(expected, "its hash is not that of its content");
    }
    Ok(())
}

fn named(line: &LogEntry, what: &str) -> String {
    let event = rows::event_name(line.event);
    let id = line.body.get("number").or_else(|| line.body.get("id"));
    match id {
        Some(Value::String(id)) => format!("the {event} {id} {what}"),
        Some(id) => format!("the {event} {id} {what}"),
        None => format!("the {event} {what}"),
    }
}

/// What the tables say, by the line that should say it too.
async fn statements(
    connection: &mut Connection,
    after: i64,
    until: i64,
) -> Result<BTreeMap<i64, (LogEvent, Value)>> {
    let mut out = BTreeMap::new();
    let decisions = concat!(
        "SELECT sequence, manifest, ",
        decision_columns!(),
        " FROM decisions WHERE sequence > $1 AND sequence <= $2"
    );
    for row in page(connection, decisions, after, until).await? {
        let manifest: Option<String> = row.try_get("manifest")?;
        let body = rows::decision(&row).and_then(|record| body_of(&record, manifest.as_deref()));
        insert(&mut out, &row, LogEvent::Decision, body)?;
    }
    let approvals = concat!(
        "SELECT sequence, ",
        approval_columns!(),
        " FROM approvals WHERE sequence > $1 AND sequence <= $2"
    );
    for row in page(connection, approvals, after, until).await? {
        let body = rows::approval(&row).and_then(|approval| evidence::body_of(&approval));
        insert(&mut out, &row, LogEvent::Approval, body)?;
    }
    let exemptions = concat!(
        "SELECT sequence, ",
        exemption_columns!(),
        " FROM exemptions WHERE sequence > $1 AND sequence <= $2"
    );
    for row in page(connection, exemptions, after, until).await? {
        let body = rows::exemption(&row).and_then(|exemption| evidence::body_of(&exemption));
        insert(&mut out, &row, LogEvent::Exemption, body)?;
    }
    for row in crate::statements::page(connection, after, until).await? {
        let body = crate::statements::statement(&row).and_then(|kept| evidence::body_of(&kept));
        insert(&mut out, &row, LogEvent::Evidence, body)?;
    }
    Ok(out)
}

async fn page(
    connection: &mut Connection,
    query: &'static str,
    after: i64,
    until: i64,
) -> Result<Vec<Row>> {
    Ok(sqlx::query(query)
        .bind(after)
        .bind(until)
        .fetch_all(connection)
        .await?)
}

fn insert(
    out: &mut BTreeMap<i64, (LogEvent, Value)>,
    row: &Row,
    event: LogEvent,
    body: Result<Value>,
) -> Result<()> {
    let sequence = row.try_get("sequence")?;
    match body {
        // A row that cannot be read is not what was logged.
        Err(RegistryError::Damaged(_)) => drop(out.insert(sequence, (event, Value::Null))),
        Err(error) => return Err(error),
        Ok(body) => {
            if out.insert(sequence, (event, body)).is_some() {
                return broken(sequence, "two rows claim it");
            }
        }
    }
    Ok(())
}

/// Rows that no line vouches for.
async fn orphans(connection: &mut Connection) -> Result<()> {
    let orphan = sqlx::query(
        "SELECT s.sequence, s.event, s.id FROM \
         (SELECT sequence, 'decision' AS event, CAST(number AS TEXT) AS id FROM decisions \
         UNION ALL SELECT sequence, 'approval', id FROM approvals \
         UNION ALL SELECT sequence, 'exemption', id FROM exemptions \
         UNION ALL SELECT sequence, 'evidence', id FROM statements) AS s \
         LEFT JOIN log ON log.sequence = s.sequence AND log.event = s.event \
         WHERE log.sequence IS NULL ORDER BY s.sequence LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = orphan else { return Ok(()) };
    let (event, id): (String, String) = (row.try_get(1)?, row.try_get(2)?);
    broken(
        row.try_get(0)?,
        format!("the {event} {id} has no line in the log"),
    )
}

/// Each bound version, and only those, is the first that was allowed.
async fn versions(connection: &mut Connection) -> Result<()> {
    let wrong = sqlx::query(
        "SELECT d.sequence, d.name, d.version FROM decisions AS d \
         LEFT JOIN versions AS v ON v.name = d.name AND v.version = d.version \
         WHERE d.decision = 'allow' AND d.version IS NOT NULL AND d.artifact <> $1 \
         AND NOT EXISTS (SELECT 1 FROM decisions AS e WHERE e.decision = 'allow' \
         AND e.name = d.name AND e.version = d.version AND e.artifact <> $1 \
         AND e.number < d.number) \
         AND (v.artifact IS NULL OR v.artifact <> d.artifact OR v.decision <> d.number) \
         ORDER BY d.sequence LIMIT 1",
    )
    .bind(crate::UNIDENTIFIED)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(row) = wrong {
        let (name, version): (String, String) = (row.try_get(1)?, row.try_get(2)?);
        return broken(
            row.try_get(0)?,
            format!("{name}@{version} is not bound to the artifact allowed here"),
        );
    }
    let stray = sqlx::query(
        "SELECT v.name, v.version FROM versions AS v LEFT JOIN decisions AS d \
         ON d.number = v.decision AND d.name = v.name AND d.version = v.version \
         AND d.artifact = v.artifact AND d.decision = 'allow' \
         WHERE d.number IS NULL LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    if let Some(row) = stray {
        let (name, version): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        return broken(0, format!("{name}@{version} is bound by no decision"));
    }
    Ok(())
}

/// Every report and manifest that a decision names is there, byte for byte.
async fn contents(connection: &mut Connection) -> Result<()> {
    let named = sqlx::query(
        "SELECT MIN(s.sequence), s.digest, s.kind FROM \
         (SELECT sequence, report AS digest, 'report' AS kind FROM decisions \
         UNION ALL SELECT sequence, manifest, 'manifest' FROM decisions \
         WHERE manifest IS NOT NULL \
         UNION ALL SELECT sequence, bundle, 'bundle' FROM statements) AS s \
         GROUP BY s.digest, s.kind ORDER BY 1",
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in named {
        let (sequence, digest): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let kind: String = row.try_get(2)?;
        match blobs::get(connection, &digest).await {
            Ok(Some(_)) => {}
            Ok(None) => return broken(sequence, format!("its {kind} is missing")),
            Err(RegistryError::Damaged(_)) => {
                return broken(sequence, format!("its {kind} was altered"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
