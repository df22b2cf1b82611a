//! Why something is not believed.

use std::fmt;

/// A named reason and one sentence. The name is stable: scripts and policies
/// may test it. The sentence says what was wrong and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In kebab-case, for example `signature-wrong`.
    pub reason: &'static str,
    /// A lower-case fragment.
    pub message: String,
}

impl Refusal {
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
