//! Rows to the vocabulary.

use modelward_schema::{Approval, Decision, DecisionRecord, Exemption, LogEvent, Stage};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::Row as _;

use crate::store::Row;
use crate::{RegistryError, Result};

/// The columns that [`decision`] reads.
macro_rules! decision_columns {
    () => {
        "number, name, version, artifact, stage, decision, actor, reason, at, report, policy"
    };
}
/// The columns that [`approval`] reads.
macro_rules! approval_columns {
    () => {
        "id, digest, manifest, stage, role, approver, reason, at"
    };
}
/// The columns that [`exemption`] reads.
macro_rules! exemption_columns {
    () => {
        "id, codes, digest, reason, compensating_control, requested_by, approved_by, not_before, \
         not_after"
    };
}
/// The columns that a kept statement is read from.
macro_rules! statement_columns {
    () => {
        "id, payload, claim, subjects, at, bundle"
    };
}
pub(crate) use {approval_columns, decision_columns, exemption_columns, statement_columns};

pub(crate) fn decision(row: &Row) -> Result<DecisionRecord> {
    Ok(DecisionRecord {
        number: row.try_get("number")?,
        name: row.try_get("name")?,
        version: row.try_get("version")?,
        artifact: row.try_get("artifact")?,
        stage: word::<Stage>(row.try_get("stage")?)?,
        decision: word::<Decision>(row.try_get("decision")?)?,
        actor: row.try_get("actor")?,
        reason: row.try_get("reason")?,
        at: row.try_get("at")?,
        report: row.try_get("report")?,
        policy: row.try_get("policy")?,
    })
}

pub(crate) fn approval(row: &Row) -> Result<Approval> {
    Ok(Approval {
        id: row.try_get("id")?,
        digest: row.try_get("digest")?,
        manifest: row.try_get("manifest")?,
        stage: row.try_get("stage")?,
        role: row.try_get("role")?,
        by: row.try_get("approver")?,
        reason: row.try_get("reason")?,
        at: row.try_get("at")?,
    })
}

pub(crate) fn exemption(row: &Row) -> Result<Exemption> {
    let codes: String = row.try_get("codes")?;
    Ok(Exemption {
        id: row.try_get("id")?,
        codes: serde_json::from_str(&codes)
            .map_err(|error| RegistryError::Damaged(format!("codes of an exemption: {error}")))?,
        digest: row.try_get("digest")?,
        reason: row.try_get("reason")?,
        compensating_control: row.try_get("compensating_control")?,
        requested_by: row.try_get("requested_by")?,
        approved_by: row.try_get("approved_by")?,
        not_before: row.try_get("not_before")?,
        not_after: row.try_get("not_after")?,
    })
}

pub(crate) fn event_name(event: LogEvent) -> &'static str {
    match event {
        LogEvent::Decision => "decision",
        LogEvent::Approval => "approval",
        LogEvent::Exemption => "exemption",
        LogEvent::Evidence => "evidence",
    }
}

/// A variant by the name that its JSON has.
pub(crate) fn word<T: DeserializeOwned>(text: String) -> Result<T> {
    let unknown = RegistryError::Damaged(format!("the word {text:?} is not known here"));
    serde_json::from_value(Value::String(text)).map_err(|_| unknown)
}
