//! Tensors: where the numbers lie.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Location, Span};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Tensor {
    pub name: String,
    /// Lower-case element type: `f32`, `f16`, `bf16`, `i64`, `u8`, `bool`,
    /// `q4_k`…; `object` when the elements are pickled.
    pub dtype: String,
    /// Outermost dimension first, whatever the format's own order.
    pub shape: Vec<u64>,
    /// The span is that of the data; absent when the data lie elsewhere.
    pub at: Location,
    /// How many elements lie between neighbours along each dimension; absent
    /// when they lie row after row without a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strides: Option<Vec<u64>>,
    /// The most significant byte of each element comes first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub big_endian: bool,
    /// Where the data lie when they lie in several pieces, in order, in the
    /// same file; `at` then tells no span.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Span>,
}
