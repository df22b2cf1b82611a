//! The in-toto Statement v1: what is said of which bytes,
//! <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>.
//!
//! A statement that is read keeps the members it does not know, so that what
//! another program signed is shown whole. What was signed are its bytes as
//! given: they are never written again to be verified.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::kind::Kind;

/// The `_type` of a statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The DSSE payload type of a statement.
pub const PAYLOAD: &str = "application/vnd.in-toto+json";
/// The annotation of a subject with the fingerprint of its tensors, which is
/// the same in every container: by it a copy is found whose metadata is gone.
pub const FINGERPRINT: &str = "tensorFingerprint";

/// More subjects, or more digests of one, are not a statement about a model.
const MAX_SUBJECTS: usize = 4096;

/// What is spoken of, or what was used: in-toto's `ResourceDescriptor`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resource {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Resource {
    /// An artifact or file by its `sha256:…` digest.
    pub fn named(name: &str, digest: &str) -> Self {
        let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
        Self {
            name: Some(name.to_owned()),
            digest: BTreeMap::from([("sha256".to_owned(), hex.to_owned())]),
            ..Self::default()
        }
    }

    /// With what it was used as: `base`, `dataset`, `tool`…
    #[must_use]
    pub fn used_as(mut self, role: &str) -> Self {
        self.annotations
            .insert("role".to_owned(), Value::String(role.to_owned()));
        self
    }

    pub fn role(&self) -> Option<&str> {
        self.annotations.get("role").and_then(Value::as_str)
    }

    /// `sha256:` and 64 lower-case digits; absent when it has no such digest.
    pub fn sha256(&self) -> Option<String> {
        let hex = self.digest.get("sha256")?;
        is_sha256(hex).then(|| format!("sha256:{hex}"))
    }

    pub fn fingerprint(&self) -> Option<&str> {
        self.annotations.get(FINGERPRINT).and_then(Value::as_str)
    }

    /// Whether something pins it: a digest of any algorithm.
    pub fn is_pinned(&self) -> bool {
        self.digest.values().any(|digest| !digest.trim().is_empty())
    }
}

fn is_sha256(hex: &str) -> bool {
    hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    pub kind: String,
    pub subject: Vec<Resource>,
    pub predicate_type: String,
    #[serde(default)]
    pub predicate: Value,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Why bytes are no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    #[error("the statement is not JSON of an in-toto statement: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the statement's type is {0:?}, not {STATEMENT}")]
    Type(String),
    #[error("the statement names no subject by a SHA-256 digest")]
    Subject,
    #[error("the statement has more than {MAX_SUBJECTS} subjects")]
    Subjects,
}

impl Statement {
    /// Says `predicate` of `subject`.
    pub fn about<P: Predicate>(subject: Resource, predicate: &P) -> Result<Self, StatementError> {
        Ok(Self {
            kind: STATEMENT.to_owned(),
            subject: vec![subject],
            predicate_type: P::KIND.uri().to_owned(),
            predicate: serde_json::to_value(predicate)?,
            rest: Map::new(),
        })
    }

    /// Reads the payload of an envelope.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        let statement: Self = serde_json::from_slice(payload)?;
        if statement.kind != STATEMENT {
            return Err(StatementError::Type(statement.kind));
        }
        if statement.subject.len() > MAX_SUBJECTS {
            return Err(StatementError::Subjects);
        }
        // The oldest OMS form names files, by their digests alone.
        if statement.subject.iter().all(|s| s.sha256().is_none()) {
            return Err(StatementError::Subject);
        }
        Ok(statement)
    }

    /// The bytes to sign.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Absent when no kind of ours has its predicate type.
    pub fn known(&self) -> Option<Kind> {
        Kind::of_uri(&self.predicate_type)
    }

    /// The word of its kind, or the predicate's whole URI.
    pub fn word(&self) -> &str {
        match self.known() {
            Some(kind) => kind.word(),
            None => &self.predicate_type,
        }
    }

    /// Its predicate, typed; absent when it is of another kind.
    pub fn read<P: Predicate>(&self) -> Option<Result<P, serde_json::Error>> {
        (self.known() == Some(P::KIND)).then(|| P::deserialize(&self.predicate))
    }

    /// Every digest it speaks of, as `sha256:…`.
    pub fn digests(&self) -> impl Iterator<Item = String> + '_ {
        self.subject.iter().filter_map(Resource::sha256)
    }

    pub fn speaks_of(&self, digest: &str) -> bool {
        self.digests().any(|of| of == digest)
    }
}

/// What can be said of a model.
pub trait Predicate: Serialize + DeserializeOwned {
    const KIND: Kind;

    /// What it lacks to mean anything, each fit after "it ".
    fn faults(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(kind: &str, digest: &str) -> Vec<u8> {
        format!(
            r#"{{"_type":"{kind}","subject":[{{"name":"m","digest":{{"sha256":"{digest}"}},"odd":1}}],
            "predicateType":"https://example.org/x","predicate":{{"a":[1]}},"later":true}}"#
        )
        .into_bytes()
    }

    #[test]
    fn members_that_are_not_known_are_kept() {
        let read = Statement::parse(&payload(STATEMENT, &"a".repeat(64))).expect("a statement");
        assert_eq!(read.word(), "https://example.org/x");
        let again: Value = serde_json::from_slice(&read.to_bytes().expect("bytes")).expect("json");
        assert_eq!(again["later"], true);
        assert_eq!(again["subject"][0]["odd"], 1);
        assert_eq!(again["predicate"]["a"][0], 1);
    }

    #[test]
    fn another_type_or_no_digest_is_no_statement() {
        let digest = "a".repeat(64);
        assert!(Statement::parse(&payload("https://in-toto.io/Statement/v0.1", &digest)).is_err());
        assert!(Statement::parse(&payload(STATEMENT, &"A".repeat(64))).is_err());
        assert!(Statement::parse(&payload(STATEMENT, "")).is_err());
        assert!(Statement::parse(b"[]").is_err());
    }
}
