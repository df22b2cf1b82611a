//! `modelward.yaml`: what the people responsible say about a model.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Location;

/// The manifest that travels with the artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`crate::MANIFEST_SCHEMA`].
    pub schema: String,
    pub name: String,
    pub version: String,
    pub owner: Owner,
    pub use_case: UseCase,
    #[serde(default)]
    pub capabilities: Capabilities,
    /// At least what the capabilities imply; it may only be raised by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    pub tags: Tags,
    pub source: ManifestSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What it is connected to: retrieval systems, agents, privileged APIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<String>,
    /// Date after which it may no longer run, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum Owner {
    /// An address or account name.
    Person(String),
    Team(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UseCase {
    pub id: String,
    /// One sentence that can be defended later.
    pub intended_use: String,
    /// Which control decisions its output influences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub influences: Vec<Influence>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Influence {
    Access,
    Triage,
    ContentFiltering,
    Transactions,
    Classification,
    Automation,
    Summarisation,
}

/// What the running model can do; the tier follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own"
)]
pub struct Capabilities {
    pub makes_decisions: bool,
    pub reads_secrets: bool,
    pub calls_tools: bool,
    pub customer_data: CustomerData,
    pub offline: bool,
}

#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CustomerData {
    #[default]
    None,
    Customer,
    Regulated,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Low,
    Medium,
    High,
    Critical,
}

impl Tier {
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Classification tags from a controlled vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tags {
    pub data: DataClass,
    pub exposure: Exposure,
    /// `finance`, `health`, `security`… : lower-case words and hyphens.
    pub domain: String,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum DataClass {
    Public,
    Internal,
    Confidential,
    Customer,
    Regulated,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Exposure {
    Offline,
    Internal,
    Partner,
    Internet,
}

/// Where the model came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ManifestSource {
    pub kind: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    Vendor,
    OpenWeights,
    Internal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<TrainingRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<TrainingRef>,
    /// Who trained it; approvals by the same person do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainingRef {
    /// A URL, a `name@version`, or a path.
    #[serde(rename = "ref")]
    pub reference: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// `name@version`, `hf:org/name@rev`, or a digest.
    #[serde(rename = "ref")]
    pub reference: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    pub transformation: Transformation,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Transformation {
    FineTune,
    AdapterTrain,
    Merge,
    Convert,
    Quantize,
    Prune,
    ReShard,
    ReExport,
    Repackage,
    TokenizerEdit,
    TemplateEdit,
}

/// Where it is approved to run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// `laptop`, `staging`, `production`…
    pub environments: Vec<String>,
    pub namespaces: Vec<String>,
    pub hosts: Vec<String>,
}

/// Something in a manifest's text that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManifestFault {
    /// `owner-missing`, `tier-unknown`, `manifest-syntax`…
    pub code: String,
    /// One sentence, lower case, no full stop, the remedy after a semicolon:
    /// `tier "medum" is not known; use low, medium, high or critical`.
    pub message: String,
    /// Line and column of the offending value.
    pub at: Location,
}
