//! What an analysis of a computation graph found odd, before a rule judges it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Confidence, Location, Severity};

/// What was made of one graph without running it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Analysis {
    /// Operators after functions were inlined.
    pub operators: u64,
    /// Learned layers on the longest way from an input to an output.
    pub depth: u32,
    /// Operators whose meaning is not known, by `domain::Operator`, that lie
    /// between an input and an output.
    pub opaque: Vec<String>,
    /// Worst first.
    pub suspects: Vec<Suspect>,
    /// True when a limit kept a part of the graph out of the analysis.
    pub cut: bool,
}

/// One suspicious region: a side signal and where it meets the main path, or
/// another oddity of the graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Suspect {
    pub kind: SuspectKind,
    pub severity: Severity,
    pub confidence: Confidence,
    /// One sentence in the present tense, lower case, no full stop.
    pub message: String,
    /// The side signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<Spot>,
    /// Where it takes effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<Spot>,
    /// What it changes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<Spot>,
    /// What can take the place of the main value: `constant`, `computed`, or
    /// absent when nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<String>,
    /// Which operand of the merge carries the signal.
    #[serde(default)]
    pub operand: u32,
    /// Names of the graph inputs that the signal is computed from.
    #[serde(default)]
    pub reads: Vec<String>,
    /// The parts of them that it reads, where that is known:
    /// `input_ids[0..3]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub positions: Vec<String>,
    /// Names of the graph outputs that it reaches.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// Nodes that the signal is computed by, as indices into the wiring.
    #[serde(default)]
    pub side: Vec<u32>,
    /// What speaks for it, most telling first.
    #[serde(default)]
    pub reasons: Vec<String>,
    pub at: Location,
    /// Proof by an input that fires it, when one was looked for and found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub proof: Option<serde_json::Value>,
}

/// A value or node of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Spot {
    pub name: String,
    /// The operator that it is or that makes it.
    pub operator: String,
    /// Index of the node in the wiring; absent for inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u32>,
    /// Index of the value (for a signal) or operator (for a merge) in the flat
    /// form of the same graph.
    pub flat: u32,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SuspectKind {
    /// A predicate on the input selects what the graph gives out.
    HiddenBranch,
    /// A value that is zero until the input passes a threshold is mixed into
    /// learned values.
    ThresholdInjection,
    /// An index computed from the input selects a constant.
    IndexSelector,
    /// A shallow learned net of its own gates a deeper one.
    LearnedGate,
    /// A path past all learned layers that grows fast.
    SteepPath,
    /// A control input, a shape or chance selects a constant.
    ModeSelector,
    ShapeSelector,
    RandomSelector,
    /// Per position, a predicate on the input replaces learned values.
    PositionSwitch,
    /// The graph counts its calls and acts on the count.
    CallCounter,
    /// One sample of a batch sees another.
    BatchLeak,
    /// An operator without known meaning between input and output.
    OpaqueOperator,
    /// A function of the file takes the name of a standard operator.
    ShadowedOperator,
    ConstantOutput,
    IgnoredInput,
    /// Learned layers that reach no output.
    DeadLayer,
    /// Strings, sequences or files in the graph.
    ForeignOperator,
    RandomOutput,
    /// Integer arithmetic as checksums have it.
    Checksum,
    /// Quantisation that leaves nothing of a layer.
    BrokenQuantization,
    /// A constant that no operator reads, or that looks like a payload.
    OddConstant,
}
