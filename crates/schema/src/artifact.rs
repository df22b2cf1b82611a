//! A model as delivered.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `sha256:` and 64 hex digits.
pub type Digest = String;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Artifact {
    /// From the manifest, else the folder's or file's name.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The OpenSSF Model Signing root digest over all files; absent when
    /// identity was not asked for or a file could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    pub source: Source,
    /// Bytes of all files.
    pub size: u64,
    /// Regular files, sorted by path.
    pub files: Vec<TrackedFile>,
}

/// One file of the artifact and the digest that names its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackedFile {
    pub path: String,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// Where the bytes came from when they were judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    pub kind: SourceKind,
    /// As the user named it: a path, `hf:org/name@rev`, or `-`.
    pub given: String,
    /// Repository and commit, when a Hugging Face cache told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    File,
    Folder,
    HuggingFaceCache,
    Stdin,
}
