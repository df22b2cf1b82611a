//! What is to be shown: sources, target, and what is claimed of them.

use crate::claim::Claim;
use crate::model::Model;
use crate::sweep::Tell;

/// One question.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub sources: &'a [Model],
    pub target: &'a Model,
    pub claim: &'a Claim,
    /// Told how many bytes were read.
    pub tell: Tell<'a>,
}

impl Case<'_> {
    /// The first source.
    pub fn source(&self) -> Option<&Model> {
        self.sources.first()
    }
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Case")
            .field("claim", self.claim)
            .finish_non_exhaustive()
    }
}
