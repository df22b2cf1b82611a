//! Proofs of what happened between two artifacts: tensors decoded, compared and bounded.
#![forbid(unsafe_code)]
