//! Decisions: writing one with its report, and finding them again.

use modelward_schema::{Decision, DecisionRecord, Effect, LogEvent, Report, Verdict};
use serde_json::Value;
use sqlx::Row as _;

use crate::append::{append, now};
use crate::rows::decision_columns;
use crate::store::Connection;
use crate::{Registry, RegistryError, Result, UNIDENTIFIED, blobs, rows};

/// Codes named in a decision's reason; the report has them all.
const CODES_NAMED: usize = 12;

/// Which decisions to list; the default lists the newest of all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DecisionFilter {
    pub name: Option<String>,
    pub version: Option<String>,
    /// The artifact's digest or the beginning of it, with or without `sha256:`.
    pub artifact: Option<String>,
    /// 0 for all.
    pub limit: u32,
}

impl Registry {
    /// Records the verdict of `report`, which is stored as `report_json`, and
    /// binds the version to the artifact when it is the first that was allowed.
    ///
    /// An allow that did not know of a binding to other bytes, because another
    /// process made it meanwhile, is [`RegistryError::Overtaken`]: judge again.
    pub fn record_decision(
        &self,
        report: &Report,
        report_json: &[u8],
        manifest_yaml: Option<&str>,
    ) -> Result<DecisionRecord> {
        let (Some(verdict), Some(context)) = (&report.verdict, &report.context) else {
            return Err(RegistryError::Refused(
                "a report without a verdict is not a decision".to_owned(),
            ));
        };
        self.write(async |connection| {
            let manifest = match manifest_yaml {
                Some(text) => Some(blobs::put(connection, text.as_bytes()).await?),
                None => None,
            };
            let artifact = &report.artifact;
            let record = DecisionRecord {
                number: next_number(connection).await?,
                name: artifact.name.clone(),
                version: artifact.version.clone(),
                artifact: artifact
                    .digest
                    .clone()
                    .unwrap_or_else(|| UNIDENTIFIED.to_owned()),
                stage: verdict.stage,
                decision: verdict.decision,
                actor: context.actor.clone(),
                reason: reason_of(verdict),
                at: now(),
                report: blobs::put(connection, report_json).await?,
                policy: verdict.policy.digest.clone(),
            };
            let body = body_of(&record, manifest.as_deref())?;
            let sequence = append(connection, &record.at, LogEvent::Decision, &body).await?;
            insert(connection, &record, sequence, manifest.as_deref()).await?;
            if record.decision == Decision::Allow {
                bind(connection, &record, context.registered_digest.as_deref()).await?;
            }
            Ok(record)
        })
    }

    /// The newest first.
    pub fn decisions(&self, filter: &DecisionFilter) -> Result<Vec<DecisionRecord>> {
        self.with(async |connection| list(connection, filter).await)
    }

    pub fn decision(&self, number: i64) -> Result<Option<DecisionRecord>> {
        self.with(async |connection| {
            let row = sqlx::query(concat!(
                "SELECT ",
                decision_columns!(),
                " FROM decisions WHERE number = $1"
            ))
            .bind(number)
            .fetch_optional(connection)
            .await?;
            row.as_ref().map(rows::decision).transpose()
        })
    }

    /// The newest decision on these bytes.
    pub fn latest_for_artifact(&self, digest: &str) -> Result<Option<DecisionRecord>> {
        self.with(async |connection| {
            let row = sqlx::query(concat!(
                "SELECT ",
                decision_columns!(),
                " FROM decisions WHERE artifact = $1 ORDER BY number DESC LIMIT 1"
            ))
            .bind(digest)
            .fetch_optional(connection)
            .await?;
            row.as_ref().map(rows::decision).transpose()
        })
    }

    /// The digest that a version names for good: that of the first artifact
    /// allowed under it. Until one is allowed a version may be mended freely.
    pub fn registered_digest(&self, name: &str, version: &str) -> Result<Option<String>> {
        self.with(async |connection| registered(connection, name, version).await)
    }

    /// The manifest's text that a decision was made with.
    pub fn manifest_of(&self, number: i64) -> Result<Option<String>> {
        self.with(async |connection| {
            let digest: Option<Option<String>> =
                sqlx::query_scalar("SELECT manifest FROM decisions WHERE number = $1")
                    .bind(number)
                    .fetch_optional(&mut *connection)
                    .await?;
            match digest.flatten() {
                Some(digest) => blobs::manifest(connection, &digest).await,
                None => Ok(None),
            }
        })
    }
}

pub(crate) async fn list(
    connection: &mut Connection,
    filter: &DecisionFilter,
) -> Result<Vec<DecisionRecord>> {
    let limit = match filter.limit {
        0 => i64::MAX,
        limit => i64::from(limit),
    };
    let artifact = filter.artifact.as_deref().map(prefix).transpose()?;
    let found = sqlx::query(concat!(
        "SELECT ",
        decision_columns!(),
        " FROM decisions \
         WHERE (CAST($1 AS TEXT) IS NULL OR name = $1) \
         AND (CAST($2 AS TEXT) IS NULL OR version = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR artifact LIKE $3) \
         ORDER BY number DESC LIMIT $4"
    ))
    .bind(&filter.name)
    .bind(&filter.version)
    .bind(artifact)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    found.iter().map(rows::decision).collect()
}

pub(crate) async fn registered(
    connection: &mut Connection,
    name: &str,
    version: &str,
) -> Result<Option<String>> {
    let query = "SELECT artifact FROM versions WHERE name = $1 AND version = $2";
    Ok(sqlx::query_scalar(query)
        .bind(name)
        .bind(version)
        .fetch_optional(connection)
        .await?)
}

/// What the log says of a decision: the record and its manifest's digest.
pub(crate) fn body_of(record: &DecisionRecord, manifest: Option<&str>) -> Result<Value> {
    let mut body = serde_json::to_value(record)
        .map_err(|error| RegistryError::Refused(format!("cannot be written as JSON: {error}")))?;
    if let Some(members) = body.as_object_mut() {
        members.insert("manifest".to_owned(), manifest.into());
    }
    Ok(body)
}

async fn next_number(connection: &mut Connection) -> Result<i64> {
    let row = sqlx::query("SELECT COALESCE(MAX(number), 0) + 1 FROM decisions")
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}

async fn insert(
    connection: &mut Connection,
    record: &DecisionRecord,
    sequence: i64,
    manifest: Option<&str>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO decisions (number, sequence, name, version, artifact, stage, decision, \
         actor, reason, at, report, policy, manifest) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(record.number)
    .bind(sequence)
    .bind(&record.name)
    .bind(&record.version)
    .bind(&record.artifact)
    .bind(record.stage.as_str())
    .bind(record.decision.as_str())
    .bind(&record.actor)
    .bind(&record.reason)
    .bind(&record.at)
    .bind(&record.report)
    .bind(&record.policy)
    .bind(manifest)
    .execute(connection)
    .await?;
    Ok(())
}

async fn bind(
    connection: &mut Connection,
    record: &DecisionRecord,
    judged_with: Option<&str>,
) -> Result<()> {
    let Some(version) = &record.version else {
        return Ok(());
    };
    if record.artifact == UNIDENTIFIED {
        return Ok(());
    }
    if let Some(bound) = registered(connection, &record.name, version).await? {
        if bound != record.artifact && judged_with != Some(&bound) {
            return Err(RegistryError::Overtaken {
                name: record.name.clone(),
                version: version.clone(),
            });
        }
        return Ok(());
    }
    sqlx::query("INSERT INTO versions (name, version, artifact, decision) VALUES ($1, $2, $3, $4)")
        .bind(&record.name)
        .bind(version)
        .bind(&record.artifact)
        .bind(record.number)
        .execute(connection)
        .await?;
    Ok(())
}

/// The codes that decided, each once, in the verdict's order.
fn reason_of(verdict: &Verdict) -> String {
    let wanted = match verdict.decision {
        Decision::Allow => return "nothing against it".to_owned(),
        Decision::Hold => Effect::Hold,
        Decision::Deny => Effect::Deny,
    };
    let mut codes: Vec<&str> = Vec::new();
    for reason in &verdict.reasons {
        if reason.effect == wanted
            && reason.waived_by.is_none()
            && !codes.contains(&reason.code.as_str())
        {
            codes.push(&reason.code);
        }
    }
    let more = codes.len().saturating_sub(CODES_NAMED);
    codes.truncate(CODES_NAMED);
    let named = codes.join(", ");
    if more > 0 {
        format!("{named} and {more} more")
    } else {
        named
    }
}

/// A `LIKE` pattern; only hex digits get in, so there is nothing to escape.
fn prefix(digest: &str) -> Result<String> {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(RegistryError::Refused(format!(
            "{digest:?} is not the beginning of a digest"
        )));
    }
    Ok(format!("sha256:{}%", digits.to_ascii_lowercase()))
}
