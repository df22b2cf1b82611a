//! Signed statements. The registry keeps them as they were found and judges
//! none of them; that a payload is in the log from a certain time on is what
//! it vouches for.

use modelward_schema::LogEvent;
use serde::Serialize;
use sqlx::Row as _;

use crate::append::{append, now};
use crate::chain::{canonical, digest_of};
use crate::evidence::body_of;
use crate::rows::statement_columns;
use crate::store::{Connection, Row};
use crate::{Registry, RegistryError, Result, blobs};

/// What the log says of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptStatement {
    /// SHA-256 of the bundle, `sha256:…`.
    pub id: String,
    /// SHA-256 of the payload it signs.
    pub payload: String,
    /// The word of its kind, or its predicate's URI.
    pub claim: String,
    /// The digests it speaks of, and `tensors:…` by which a copy in another
    /// container finds it.
    pub subjects: Vec<String>,
    /// When it was put on record, RFC 3339, UTC.
    pub at: String,
    /// Digest of the stored bytes.
    pub bundle: String,
}

impl Registry {
    /// Keeps a bundle; one that is kept already stays as it is. Answers whether
    /// it was new.
    pub fn keep_statement(
        &self,
        bundle: &[u8],
        payload: &str,
        claim: &str,
        subjects: &[String],
    ) -> Result<bool> {
        if subjects.is_empty() {
            return Err(RegistryError::Refused(
                "a statement that speaks of nothing is not kept".to_owned(),
            ));
        }
        let id = digest_of(bundle);
        self.write(async |connection| {
            let known: Option<i64> =
                sqlx::query_scalar("SELECT sequence FROM statements WHERE id = $1")
                    .bind(&id)
                    .fetch_optional(&mut *connection)
                    .await?;
            if known.is_some() {
                return Ok(false);
            }
            let kept = KeptStatement {
                id,
                payload: payload.to_owned(),
                claim: claim.to_owned(),
                subjects: subjects.to_vec(),
                at: now(),
                bundle: blobs::put(connection, bundle).await?,
            };
            let body = body_of(&kept)?;
            let sequence = append(connection, &kept.at, LogEvent::Evidence, &body).await?;
            sqlx::query(
                "INSERT INTO statements (id, sequence, payload, claim, subjects, at, bundle) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(&kept.id)
            .bind(sequence)
            .bind(&kept.payload)
            .bind(&kept.claim)
            .bind(canonical(&kept.subjects)?)
            .bind(&kept.at)
            .bind(&kept.bundle)
            .execute(connection)
            .await?;
            Ok(true)
        })
    }

    /// The bundles that speak of these bytes, the oldest first.
    pub fn statements_for(&self, digest: &str) -> Result<Vec<Vec<u8>>> {
        // A digest has no character that a pattern gives a meaning to.
        if !digest
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b':')
        {
            return Ok(Vec::new());
        }
        self.with(async |connection| {
            let rows = sqlx::query(
                "SELECT bundle FROM statements WHERE subjects LIKE $1 ORDER BY sequence",
            )
            .bind(format!("%\"{digest}\"%"))
            .fetch_all(&mut *connection)
            .await?;
            let mut out = Vec::with_capacity(rows.len());
            for row in rows {
                let name: String = row.try_get(0)?;
                if let Some(bytes) = blobs::get(connection, &name).await? {
                    out.push(bytes);
                }
            }
            Ok(out)
        })
    }

    /// When a payload was first put on record.
    pub fn first_seen(&self, payload: &str) -> Result<Option<String>> {
        self.with(async |connection| {
            Ok(
                sqlx::query_scalar("SELECT MIN(at) FROM statements WHERE payload = $1")
                    .bind(payload)
                    .fetch_one(connection)
                    .await?,
            )
        })
    }
}

pub(crate) fn statement(row: &Row) -> Result<KeptStatement> {
    let subjects: String = row.try_get("subjects")?;
    Ok(KeptStatement {
        id: row.try_get("id")?,
        payload: row.try_get("payload")?,
        claim: row.try_get("claim")?,
        subjects: serde_json::from_str(&subjects)
            .map_err(|error| RegistryError::Damaged(format!("subjects of a statement: {error}")))?,
        at: row.try_get("at")?,
        bundle: row.try_get("bundle")?,
    })
}

/// Rows of the statements that lines `after` to `until` should tell of.
pub(crate) async fn page(connection: &mut Connection, after: i64, until: i64) -> Result<Vec<Row>> {
    Ok(sqlx::query(concat!(
        "SELECT sequence, ",
        statement_columns!(),
        " FROM statements WHERE sequence > $1 AND sequence <= $2"
    ))
    .bind(after)
    .bind(until)
    .fetch_all(connection)
    .await?)
}
