//! A summary of a computation graph.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Analysis, Location};

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Graph {
    pub name: String,
    /// `onnx`, later others.
    pub framework: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// Operator-set version by domain; the standard domain is `ai.onnx`.
    pub opsets: BTreeMap<String, i64>,
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    /// Nodes in the graph, its sub-graphs and local functions.
    pub nodes: u64,
    /// How often each operator stands, by `domain::Operator`.
    pub operators: BTreeMap<String, u64>,
    /// Operators outside the standard domains.
    pub custom_operators: Vec<String>,
    /// Local functions, by `domain::name`.
    pub functions: Vec<String>,
    /// Sub-graphs nested at most this deep.
    pub depth: u32,
    pub at: Location,
    /// Names the structure, whatever the weights: equal for renamed and
    /// fine-tuned copies. Absent when a part of the graph was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Absent when nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Box<Analysis>>,
}

/// A named input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Port {
    pub name: String,
    pub dtype: String,
    /// A number, or the name of a symbolic dimension, or `?`.
    pub shape: Vec<String>,
}
