//! A computation graph in full, as its file states it: every node, every
//! value, every small constant.
//!
//! One shape for every framework: operators, attributes and their names stay
//! the framework's own; what they mean is said by `modelward-graphs`. Names are
//! resolved by the reader: values, nodes, bodies and constants are indices into
//! the lists here. A name that leads nowhere becomes a value of its own that
//! nothing makes; readers report such lies as anomalies.
//!
//! Weights are not here. A constant of more than [`INLINE`] bytes is named by
//! where it lies and by a summary, so memory follows the nodes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Location, Span};

/// A constant of at most this many bytes carries them.
pub const INLINE: usize = 16 * 1024;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Wiring {
    /// As [`crate::Graph::framework`]: `onnx`, `ort`, `tensorflow`, `tflite`,
    /// `torchscript`, `torch-export`, `coreml`, `openvino`, `keras`, `names`
    /// (a checkpoint's structure, from its tensors' names).
    pub framework: String,
    /// Operator-set version by domain; the standard domain of ONNX is `ai.onnx`.
    pub opsets: BTreeMap<String, i64>,
    pub values: Vec<Value>,
    /// In the file's order, which need not be one in which they can run.
    pub nodes: Vec<Node>,
    /// The first is the main graph; then sub-graphs and local functions.
    pub bodies: Vec<Body>,
    pub constants: Vec<Constant>,
    /// True when a limit kept nodes or values from being listed.
    #[serde(default)]
    pub cut: bool,
    /// The graph's place: the model's file or member.
    pub at: Location,
}

/// Anything that flows along an edge.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Value {
    pub name: String,
    /// As [`crate::Tensor::dtype`]; `?` when the file does not say,
    /// `sequence`, `map`, `optional`, `sparse`, `string`, `resource`… for what
    /// is no plain tensor.
    pub dtype: String,
    /// What the file says of it; absent when it says nothing, not even a rank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<Dim>>,
    /// Index into [`Wiring::constants`] for an initializer or a constant. A
    /// graph input may have one too: its default, which a caller can replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constant: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Dim {
    /// May be negative in a file that lies.
    Known(i64),
    /// One name, one size.
    Symbol(String),
    Unknown(()),
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Node {
    /// The framework's own word.
    pub op: String,
    /// Empty for the framework's standard operators.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub domain: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Indices into [`Wiring::values`]; absent for an optional input left out.
    pub inputs: Vec<Option<u32>>,
    /// Indices into [`Wiring::values`]; absent for an output nobody named.
    pub outputs: Vec<Option<u32>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
    /// The body that it stands in.
    pub body: u32,
    /// Its bytes in the file, where the format has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    pub name: String,
    pub value: Setting,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    Int(i64),
    Float(f64),
    Text(String),
    Bool(bool),
    Dtype(String),
    Shape(Vec<Dim>),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Texts(Vec<String>),
    /// Index into [`Wiring::constants`].
    Constant(u32),
    /// Index into [`Wiring::bodies`].
    Body(u32),
    Bodies(Vec<u32>),
    /// Inside a local function: the caller's attribute of this name.
    Caller(String),
    /// Of a kind that is not read, named.
    Other(String),
}

/// A graph, a sub-graph or a local function.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Body {
    pub name: String,
    pub kind: BodyKind,
    /// What its caller hands in, in order.
    pub inputs: Vec<u32>,
    pub outputs: Vec<Option<u32>>,
    /// Indices into [`Wiring::nodes`].
    pub nodes: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyKind {
    #[default]
    Main,
    /// Sees the values of the bodies around it.
    Nested { parent: u32 },
    /// Called by nodes whose `op` is the body's name; sees only its inputs.
    Function {
        domain: String,
        /// Attributes it may be given; those with a default carry it.
        attributes: Vec<(String, Option<Setting>)>,
    },
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Constant {
    /// As [`crate::Tensor::dtype`].
    pub dtype: String,
    pub shape: Vec<u64>,
    /// Row-major little-endian elements; `bool` is one byte each, sub-byte
    /// types are packed as the format packs them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Vec<u8>>,
    /// The elements of a `string` constant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<Vec<String>>,
    /// Where the same little-endian elements lie as they are, when they do:
    /// path (possibly another file) and span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Location>,
    /// Of constants that do not carry their bytes, when those were at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// What a large constant looks like, from at most its first 65,536 elements.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Different values, counted up to 64.
    pub distinct: u32,
    pub min: f64,
    pub max: f64,
    /// NaN or infinite elements.
    pub not_finite: u32,
    pub seen: u32,
}
