//! What went wrong, and whose fault it was. Exit codes are public API.

use modelward_engine::gate::GateError;
use modelward_engine::policies::PoliciesError;
use modelward_engine::source::SubjectError;
use modelward_policy::PolicyError;
use modelward_registry::RegistryError;

/// A verdict allows, or a scan found nothing at or above its threshold.
pub(crate) const FINE: u8 = 0;
/// A verdict denies, a scan found something, a check refused.
pub(crate) const FOUND: u8 = 1;
/// A verdict holds, or not everything could be read.
pub(crate) const UNDECIDED: u8 = 2;
pub(crate) const USAGE: u8 = 64;
pub(crate) const OURS: u8 = 70;

#[derive(Debug)]
pub(crate) enum Failure {
    /// The world's: one sentence that says what, where and how to fix it.
    Usage(String),
    /// Ours, or the machine's.
    Ours(anyhow::Error),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Ours(_) => OURS,
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        if error.chain().any(is_the_worlds) {
            return Self::Usage(format!("{error:#}"));
        }
        Self::Ours(error)
    }
}

/// Something to be put right by whoever asked, not by whoever wrote this.
fn is_the_worlds(cause: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(registry) = cause.downcast_ref::<RegistryError>() {
        return matches!(
            registry,
            RegistryError::Place { .. }
                | RegistryError::NotARegistry(_)
                | RegistryError::Newer { .. }
                | RegistryError::Busy
                | RegistryError::Refused(_)
        );
    }
    if let Some(policy) = cause.downcast_ref::<PolicyError>() {
        return !matches!(policy, PolicyError::Evaluation(_));
    }
    matches!(
        cause.downcast_ref::<GateError>(),
        Some(GateError::Manifest { .. })
    ) || cause.is::<PoliciesError>()
        || cause.is::<SubjectError>()
}

pub(crate) fn usage<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Usage(message.into()))
}
