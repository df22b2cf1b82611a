//! The file type and the mixture of element types that it stands for.
use super::file::Head;
use crate::proof::Proof;

pub(super) fn check(_head: &Head, _from_gguf: bool, _arch: &str, _proof: &mut Proof) {}
