//! What is in an artifact, without opinion.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Code, Graph, Location, Span, Template, Tensor, Wiring};

/// Everything that was seen, the same shape whatever the format, so that one
/// rule covers a pickle's global and a template's call alike.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Facts {
    pub files: Vec<FileFact>,
    pub code: Vec<Code>,
    pub tensors: Vec<Tensor>,
    pub graphs: Vec<Graph>,
    /// The graphs in full. They live in the process that reads the bytes and in
    /// answers that ask for them; the report carries what was made of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(ignore)]
    pub wirings: Vec<Wiring>,
    pub templates: Vec<Template>,
    pub metadata: Vec<Metadata>,
    pub references: Vec<Reference>,
    pub anomalies: Vec<Anomaly>,
    pub coverage: Coverage,
}

impl Facts {
    /// Adds what was seen in another file of the same artifact.
    pub fn absorb(&mut self, other: Self) {
        self.files.extend(other.files);
        self.code.extend(other.code);
        self.tensors.extend(other.tensors);
        self.graphs.extend(other.graphs);
        self.wirings.extend(other.wirings);
        self.templates.extend(other.templates);
        self.metadata.extend(other.metadata);
        self.references.extend(other.references);
        self.anomalies.extend(other.anomalies);
        self.coverage.gaps.extend(other.coverage.gaps);
        self.coverage.bytes_read += other.coverage.bytes_read;
    }
}

/// One file, or one member of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct FileFact {
    /// See [`Location::path`].
    pub path: String,
    /// What the content is: the name of the format that fits best, `unknown`
    /// when none does, `empty` for no bytes.
    pub format: String,
    /// Every other format that the same bytes also are (polyglots).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// What the name claims: the extension, lower case, without the dot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
    /// Bytes, after decompression for a member.
    pub size: u64,
    /// Hex SHA-256 of the content; present for files, absent for members and
    /// when identity was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The container's path, for a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Where the member's stored bytes lie in its container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// How the stored bytes are compressed: `deflate`…; absent when they are
    /// the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<String>,
}

/// A key and value that a file carries about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    pub key: String,
    /// At most 4 KiB; longer values end in `…` and their length.
    pub value: String,
    pub at: Location,
}

/// Something outside the file that it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    pub kind: ReferenceKind,
    pub value: String,
    pub at: Location,
    /// The part of the target that is meant; a length of 0 is "to its end".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceKind {
    /// Tensor data in another file (ONNX external data).
    ExternalData,
    /// A file that a graph takes along: a vocabulary of a SavedModel.
    Asset,
    /// A shard named by an index.
    Shard,
    Url,
    Path,
    /// A target of a symbolic or hard link.
    Link,
    /// A hub repository whose files or code are loaded.
    Repo,
    BaseModel,
    Dataset,
    /// Code of the repository that a loader is told to import
    /// (`auto_map`, `custom_pipelines`, `loader_module`).
    RemoteCode,
}

/// A way in which the bytes are not what their format says: malformed,
/// ambiguous or lying. `id` is kebab-case and stable; see the list in
/// `modelward-formats`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Anomaly {
    pub id: String,
    /// One sentence, lower case, no full stop.
    pub message: String,
    pub at: Location,
    /// The two stories, when there are two: `{"central": "a", "local": "b"}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub says: BTreeMap<String, String>,
}

/// What was read and what was not. Incomplete reading can never be "allow".
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Coverage {
    /// True when there is no gap; set once, by the engine.
    pub complete: bool,
    /// Bytes of all files that were opened.
    pub bytes_read: u64,
    pub gaps: Vec<Gap>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    pub why: Why,
    /// One sentence, lower case, no full stop.
    pub message: String,
    pub at: Location,
}

/// Why something was not read.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The bytes end before the format says.
    Truncated,
    /// A budget was spent: bytes, items, depth or time.
    Limit,
    Encrypted,
    /// No format fits.
    UnknownFormat,
    /// The format is recognised, and no reader for it (or for this variant) exists yet.
    Unsupported,
    Malformed,
    /// The operating system refused, or it is not a regular file.
    Unreadable,
    /// The reading process crashed, hung or ran out of memory.
    Crashed,
    /// The bytes changed while they were read.
    Changed,
}
