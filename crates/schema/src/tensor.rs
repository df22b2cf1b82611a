//! Tensors: where the numbers lie.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Location;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tensor {
    pub name: String,
    /// Lower-case element type: `f32`, `f16`, `bf16`, `i64`, `u8`, `bool`,
    /// `q4_k`…; `object` when the elements are pickled.
    pub dtype: String,
    /// Outermost dimension first, whatever the format's own order.
    pub shape: Vec<u64>,
    /// The span is that of the data; absent when the data lie elsewhere.
    pub at: Location,
}
