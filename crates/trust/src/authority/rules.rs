//! Whether a signer's word counts for a claim.

use super::TrustRoot;
use crate::evidence::Operation;

/// Signers, and what they may say about which models.
#[derive(Debug, Clone)]
pub struct Allowance {
    pub(super) signers: Vec<String>,
    /// Words of kinds, or whole predicate URIs.
    pub(super) claims: Vec<String>,
    pub(super) models: Vec<String>,
    pub(super) operations: Option<Vec<Operation>>,
    pub(super) roles: Option<Vec<String>>,
    pub(super) tools: Option<Vec<String>>,
    pub(super) threshold: usize,
}

/// A claim, as far as the trust root distinguishes claims.
#[derive(Debug, Clone, Copy)]
pub struct What<'a> {
    /// The word of its kind.
    pub word: &'a str,
    /// The predicate's URI.
    pub uri: &'a str,
    /// The model's name for whoever verifies.
    pub model: &'a str,
    /// Of provenance.
    pub operation: Option<Operation>,
    /// Of an approval.
    pub role: Option<&'a str>,
}

/// Why something does not count: a stable word and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub code: String,
    pub message: String,
}

impl Refused {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

impl Allowance {
    fn names(&self, what: &What<'_>) -> bool {
        self.claims
            .iter()
            .any(|claim| claim == what.word || claim == what.uri)
            && self.models.iter().any(|model| matches(model, what.model))
            && match (&self.operations, what.operation) {
                (Some(allowed), Some(operation)) => allowed.contains(&operation),
                // Not to know what was done is not to be allowed it.
                (Some(_), None) => what.word != "provenance",
                (None, _) => true,
            }
            && match (&self.roles, what.role) {
                (Some(allowed), Some(role)) => allowed.iter().any(|one| one == role),
                (Some(_), None) => what.word != "approval",
                (None, _) => true,
            }
    }

    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// Absent when any tool counts.
    pub fn tools(&self) -> Option<&[String]> {
        self.tools.as_deref()
    }
}

impl TrustRoot {
    /// The first rule that lets `signer` say this.
    pub fn allowance(&self, signer: &str, what: &What<'_>) -> Option<&Allowance> {
        self.allowances
            .iter()
            .find(|rule| rule.signers.iter().any(|name| name == signer) && rule.names(what))
    }
}

/// `*` stands for any number of characters.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            match rest.find(before) {
                Some(at) => rest = rest.split_at(at.saturating_add(before.len())).1,
                None => return false,
            }
        }
    }
    match last {
        Some(end) => rest.ends_with(end),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("*", "a", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("a*", "b", false),
            ("*-q4", "m-q4", true),
            ("*-q4", "m-q4x", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("ab*ba", "aba", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
