//! Templates that a runtime renders, such as chat templates.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Location;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Template {
    /// `jinja` or `go`.
    pub engine: String,
    /// The key it stands under, or the file's name.
    pub name: String,
    /// Length of the source in bytes.
    pub len: u64,
    /// A loader renders it: it stands under a name or key that loaders read.
    pub rendered: bool,
    /// What it reaches for beyond plain output of its inputs.
    pub uses: Vec<TemplateUse>,
    /// Literal output text, each piece at most 1 KiB, at most 200 pieces.
    pub literals: Vec<TemplateUse>,
    pub at: Location,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateUse {
    pub kind: UseKind,
    /// The attribute, filter, function or text.
    pub what: String,
    /// The condition on the content of messages, on time or on chance that
    /// guards it, in the words of the [`UseKind::Condition`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
    pub at: Location,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum UseKind {
    Attribute,
    /// A subscript with a constant string.
    Item,
    Call,
    Filter,
    Test,
    /// A free variable that the template reads.
    Variable,
    /// Another template is imported, included or extended.
    Include,
    /// A condition on the content of a message, on time, or on chance:
    /// `content`, `content says "merger"`, `time`, `chance`.
    Condition,
    Text,
    /// A string that is computed and then used as a name.
    ComputedName,
}
