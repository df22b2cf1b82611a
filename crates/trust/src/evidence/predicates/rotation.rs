//! That keys change: signed by a key that counts now and by every key that is
//! to count, which proves that its owner has it. Modelled on the root role of
//! The Update Framework, §6.1.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::evidence::{Kind, Predicate};

/// The subject is the set of keys that it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// One more than the version that it follows.
    pub keyring_version: u64,
    /// Digest of the set of keys that it changes.
    pub previous: String,
    #[serde(default)]
    pub added: Vec<AddedKey>,
    #[serde(default)]
    pub retired: Vec<RetiredKey>,
    #[serde(default)]
    pub revoked: Vec<RevokedKey>,
    /// RFC 3339, UTC.
    pub at: String,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddedKey {
    pub keyid: String,
    /// PEM.
    pub public_key: String,
    /// The key whose signer it serves from now on.
    pub replaces: String,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetiredKey {
    pub keyid: String,
    /// RFC 3339, UTC: what it signed before then still counts.
    pub not_after: String,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedKey {
    pub keyid: String,
    /// RFC 3339, UTC: somebody else may have signed with it since.
    pub compromised_since: String,
    pub reason: String,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Predicate for Rotation {
    const KIND: Kind = Kind::Rotation;

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.added.is_empty() && self.retired.is_empty() && self.revoked.is_empty() {
            faults.push("changes no key".to_owned());
        }
        faults
    }
}
