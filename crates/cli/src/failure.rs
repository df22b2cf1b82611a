//! What went wrong, and whose fault it was. Exit codes are public API.

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
        if let Some(subject) = error.downcast_ref::<modelward_engine::source::SubjectError>() {
            return Self::Usage(subject.to_string());
        }
        Self::Ours(error)
    }
}

pub(crate) fn usage<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Usage(message.into()))
}
