//! Approvals and exemptions.

use jiff::Timestamp;
use modelward_schema::{Approval, Evidence, Exemption, LogEvent};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::append::{append, now};
use crate::chain::canonical;
use crate::rows::{approval_columns, exemption_columns};
use crate::store::Connection;
use crate::{Registry, RegistryError, Result, rows};

impl Registry {
    /// Records an approval. An empty `id` or `at` is filled in.
    pub fn approve(&self, mut approval: Approval) -> Result<Approval> {
        check_digest("artifact", &approval.digest)?;
        check_digest("manifest", &approval.manifest)?;
        check_said("role", &approval.role)?;
        check_said("name of the approver", &approval.by)?;
        fill(&mut approval.id, new_id);
        fill(&mut approval.at, now);
        self.write(async |connection| {
            let body = body_of(&approval)?;
            let sequence = append(connection, &now(), LogEvent::Approval, &body).await?;
            insert_approval(connection, &approval, sequence).await
        })?;
        Ok(approval)
    }

    /// Records an exemption. An empty `id` is filled in.
    pub fn exempt(&self, mut exemption: Exemption) -> Result<Exemption> {
        check_digest("artifact", &exemption.digest)?;
        check_said("reason", &exemption.reason)?;
        check_said("name of the requester", &exemption.requested_by)?;
        check_said("name of the approver", &exemption.approved_by)?;
        if exemption.requested_by == exemption.approved_by {
            return refuse("an exemption is approved by somebody other than who asks for it");
        }
        if exemption.codes.is_empty() || exemption.codes.iter().any(|code| code.contains('*')) {
            return refuse("an exemption names the codes it covers, one by one");
        }
        let (from, until) = (
            time("not_before", &exemption.not_before)?,
            time("not_after", &exemption.not_after)?,
        );
        if from >= until {
            return refuse("an exemption ends after it begins");
        }
        fill(&mut exemption.id, new_id);
        self.write(async |connection| {
            let body = body_of(&exemption)?;
            let sequence = append(connection, &now(), LogEvent::Exemption, &body).await?;
            insert_exemption(connection, &exemption, sequence).await
        })?;
        Ok(exemption)
    }

    /// Everything stated about these bytes, approvals first, each by age.
    pub fn evidence_for(&self, digest: &str) -> Result<Vec<Evidence>> {
        self.with(async |connection| {
            let approvals = approvals_of(connection, digest).await?;
            let exemptions = exemptions_of(connection, digest).await?;
            Ok(approvals
                .into_iter()
                .map(Evidence::Approval)
                .chain(exemptions.into_iter().map(Evidence::Exemption))
                .collect())
        })
    }
}

pub(crate) async fn approvals_of(
    connection: &mut Connection,
    digest: &str,
) -> Result<Vec<Approval>> {
    let found = sqlx::query(concat!(
        "SELECT ",
        approval_columns!(),
        " FROM approvals WHERE digest = $1 ORDER BY sequence"
    ))
    .bind(digest)
    .fetch_all(connection)
    .await?;
    found.iter().map(rows::approval).collect()
}

pub(crate) async fn exemptions_of(
    connection: &mut Connection,
    digest: &str,
) -> Result<Vec<Exemption>> {
    let found = sqlx::query(concat!(
        "SELECT ",
        exemption_columns!(),
        " FROM exemptions WHERE digest = $1 ORDER BY sequence"
    ))
    .bind(digest)
    .fetch_all(connection)
    .await?;
    found.iter().map(rows::exemption).collect()
}

pub(crate) fn body_of<T: Serialize>(statement: &T) -> Result<Value> {
    serde_json::to_value(statement)
        .map_err(|error| RegistryError::Refused(format!("cannot be written as JSON: {error}")))
}

async fn insert_approval(
    connection: &mut Connection,
    approval: &Approval,
    sequence: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO approvals \
         (id, sequence, digest, manifest, stage, role, approver, reason, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&approval.id)
    .bind(sequence)
    .bind(&approval.digest)
    .bind(&approval.manifest)
    .bind(&approval.stage)
    .bind(&approval.role)
    .bind(&approval.by)
    .bind(&approval.reason)
    .bind(&approval.at)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_exemption(
    connection: &mut Connection,
    exemption: &Exemption,
    sequence: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO exemptions \
         (id, sequence, codes, digest, reason, compensating_control, requested_by, approved_by, \
         not_before, not_after) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&exemption.id)
    .bind(sequence)
    .bind(canonical(&exemption.codes)?)
    .bind(&exemption.digest)
    .bind(&exemption.reason)
    .bind(&exemption.compensating_control)
    .bind(&exemption.requested_by)
    .bind(&exemption.approved_by)
    .bind(&exemption.not_before)
    .bind(&exemption.not_after)
    .execute(connection)
    .await?;
    Ok(())
}

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

fn fill(field: &mut String, with: impl FnOnce() -> String) {
    if field.is_empty() {
        *field = with();
    }
}

fn refuse<T>(why: &str) -> Result<T> {
    Err(RegistryError::Refused(why.to_owned()))
}

fn check_said(what: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(RegistryError::Refused(format!("the {what} is missing")));
    }
    Ok(())
}

fn check_digest(of: &str, digest: &str) -> Result<()> {
    let whole = digest.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64
            && digits
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    });
    if !whole {
        return Err(RegistryError::Refused(format!(
            "the {of}'s digest {digest:?} is not sha256: and 64 hex digits"
        )));
    }
    Ok(())
}

fn time(field: &str, text: &str) -> Result<Timestamp> {
    text.parse()
        .map_err(|error| RegistryError::Refused(format!("{field} is not a time: {error}")))
}
