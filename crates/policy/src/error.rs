//! Why a policy could not be loaded or could not judge.

/// Each is one sentence: what, where, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The text is not Rego, or not data.
    #[error("{place}: {message}")]
    Syntax { place: String, message: String },
    /// A bundle reaches for a package that is compiled in.
    #[error(
        "{place}: package {package} is compiled in and cannot be changed by a bundle; use a package under modelward.user"
    )]
    Reserved { place: String, package: String },
    /// A bundle asks for what makes a verdict hard to repeat.
    #[error("{place}: {name} {why}; {instead}")]
    Refused {
        place: String,
        name: String,
        why: &'static str,
        instead: &'static str,
    },
    /// A reason is not of the form that a verdict needs.
    #[error("{place}: {message}")]
    Reason { place: String, message: String },
    /// Evaluation broke off.
    #[error("policy could not be evaluated: {0}")]
    Evaluation(String),
    /// The time limit for a user's policy.
    #[error("policy took longer than {0} s and was stopped; make it simpler")]
    Slow(u64),
    /// What a query asks for does not exist.
    #[error("query {query:?} cannot be evaluated: {message}")]
    Query { query: String, message: String },
}
