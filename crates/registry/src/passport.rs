//! Everything kept about a model, put together.

use std::collections::BTreeSet;

use modelward_schema::{DecisionRecord, Passport, VersionRecord};

use crate::decisions::{DecisionFilter, list, registered};
use crate::evidence::{approvals_of, exemptions_of};
use crate::store::Connection;
use crate::{Registry, Result, blobs};

impl Registry {
    /// Absent when nothing was ever decided under this name.
    pub fn model(&self, name: &str) -> Result<Option<Passport>> {
        self.with(async |connection| passport(connection, name, None).await)
    }

    /// The part of the passport about one version.
    pub fn version(&self, name: &str, version: &str) -> Result<Option<Passport>> {
        self.with(async |connection| passport(connection, name, Some(version)).await)
    }

    /// The names of all models on record, sorted.
    pub fn models(&self) -> Result<Vec<String>> {
        self.with(async |connection| {
            let query = "SELECT DISTINCT name FROM decisions ORDER BY name";
            Ok(sqlx::query_scalar(query).fetch_all(connection).await?)
        })
    }
}

async fn passport(
    connection: &mut Connection,
    name: &str,
    version: Option<&str>,
) -> Result<Option<Passport>> {
    let filter = DecisionFilter {
        name: Some(name.to_owned()),
        version: version.map(str::to_owned),
        ..DecisionFilter::default()
    };
    let decisions = list(connection, &filter).await?;
    if decisions.is_empty() {
        return Ok(None);
    }
    let versions = versions_of(connection, &decisions).await?;
    let artifacts: BTreeSet<&str> = decisions
        .iter()
        .map(|decision| decision.artifact.as_str())
        .collect();
    let (mut approvals, mut exemptions) = (Vec::new(), Vec::new());
    for artifact in artifacts {
        approvals.append(&mut approvals_of(connection, artifact).await?);
        exemptions.append(&mut exemptions_of(connection, artifact).await?);
    }
    approvals.sort_by(|a, b| a.at.cmp(&b.at));
    exemptions.sort_by(|a, b| a.not_before.cmp(&b.not_before));
    Ok(Some(Passport {
        name: name.to_owned(),
        versions,
        decisions,
        approvals,
        exemptions,
    }))
}

/// `decisions` come newest first.
async fn versions_of(
    connection: &mut Connection,
    decisions: &[DecisionRecord],
) -> Result<Vec<VersionRecord>> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for decision in decisions {
        let Some(version) = &decision.version else {
            continue;
        };
        if !seen.insert(version) {
            continue;
        }
        let manifest: Option<String> = sqlx::query_scalar(
            "SELECT manifest FROM decisions \
             WHERE name = $1 AND version = $2 AND manifest IS NOT NULL \
             ORDER BY number DESC LIMIT 1",
        )
        .bind(&decision.name)
        .bind(version)
        .fetch_optional(&mut *connection)
        .await?;
        let manifest = match manifest {
            Some(digest) => blobs::manifest(connection, &digest).await?,
            None => None,
        };
        out.push(VersionRecord {
            version: version.clone(),
            bound: registered(connection, &decision.name, version).await?,
            latest: decision.clone(),
            manifest,
        });
    }
    Ok(out)
}
