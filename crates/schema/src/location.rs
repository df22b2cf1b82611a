//! Where something was seen.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A range of bytes: start offset and length, both in bytes, within the file
/// named by the [`Location`] (for an archive member: within its content).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
pub struct Span {
    pub start: u64,
    pub len: u64,
}

impl Span {
    pub fn new(start: u64, len: u64) -> Self {
        Self { start, len }
    }
}

/// A place in the artifact. `path` is relative to the artifact's root with `/`
/// between parts; a member of a container follows its container after `!/`:
/// `head.pt!/archive/data.pkl`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
pub struct Location {
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// 1-based line, for text formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// 1-based column in characters, for text formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What stands there, escaped, at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

impl Location {
    /// The file as a whole.
    pub fn file(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    /// `len` bytes from `start`.
    pub fn bytes(path: impl Into<String>, start: u64, len: u64) -> Self {
        Self {
            path: path.into(),
            span: Some(Span::new(start, len)),
            ..Self::default()
        }
    }

    /// A place in a text file, both numbers 1-based.
    pub fn line(path: impl Into<String>, line: u32, column: u32) -> Self {
        Self {
            path: path.into(),
            line: Some(line),
            column: Some(column),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with_excerpt(mut self, excerpt: impl Into<String>) -> Self {
        self.excerpt = Some(excerpt.into());
        self
    }
}
