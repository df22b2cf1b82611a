//! The trust root's file: TOML, every member known, so that a typing mistake in
//! a rule about trust is an error and not a rule less.

use std::path::PathBuf;

use serde::Deserialize;

/// The `schema` of a trust root.
pub const SCHEMA: &str = "modelward.trust-root/1";

/// Paths are relative to the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) schema: String,
    #[serde(default)]
    pub(super) signer: Vec<SignerEntry>,
    #[serde(default)]
    pub(super) allow: Vec<AllowEntry>,
    /// Pairs of claims that no signer may make both of.
    pub(super) separate: Option<Vec<[String; 2]>>,
    /// `public-good`, or a Sigstore `trusted_root.json`.
    pub(super) sigstore: Option<String>,
    /// PEM certificates of RFC 3161 time stamp authorities.
    #[serde(default)]
    pub(super) timestamp_authorities: Vec<PathBuf>,
    /// Rotation statements, one bundle per line.
    pub(super) rotations: Option<PathBuf>,
    /// How many keys that count now must sign a rotation.
    #[serde(default = "one")]
    pub(super) rotation_threshold: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignerEntry {
    pub(super) name: String,
    #[serde(default)]
    pub(super) key: Vec<KeyEntry>,
    #[serde(default)]
    pub(super) identity: Vec<IdentityEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    pub(super) pem: Option<String>,
    pub(super) file: Option<PathBuf>,
    pub(super) retired: Option<String>,
    pub(super) compromised_since: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityEntry {
    pub(super) identity: String,
    pub(super) issuer: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowEntry {
    pub(super) signers: Vec<String>,
    pub(super) claims: Vec<String>,
    /// Names with `*`; every model when absent.
    pub(super) models: Option<Vec<String>>,
    /// Of provenance: which operations.
    pub(super) operations: Option<Vec<String>>,
    /// Of approvals: in which roles.
    pub(super) roles: Option<Vec<String>>,
    /// Of provenance: the only tools that count, by digest.
    pub(super) tools: Option<Vec<String>>,
    /// How many of the signers must say the same.
    #[serde(default = "one")]
    pub(super) threshold: usize,
}

fn one() -> usize {
    1
}
