//! Why something was not computed.

/// What stops an evaluation. Never a panic, and never a made-up value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An operator that is not known here, or a variant of it.
    Operator(String),
    /// The graph asks for something that has no answer: shapes that do not
    /// fit, an index out of range, a missing operand.
    Nonsense(String),
    /// Elements or steps beyond the budget.
    Budget,
    /// Weights that are not at hand.
    Weights(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operator(op) => write!(f, "operator {op} is not known to the evaluator"),
            Self::Nonsense(what) => write!(f, "the graph asks for {what}"),
            Self::Budget => write!(f, "the budget of elements or steps is spent"),
            Self::Weights(name) => write!(f, "the weights of {name} are not at hand"),
        }
    }
}

impl std::error::Error for Refusal {}

pub(crate) fn refuse(what: &str) -> Refusal {
    Refusal::Nonsense(what.to_owned())
}

/// What an evaluation may still use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Elements that may yet be made.
    pub elements: u64,
    /// Multiplications and the like that may yet be done.
    pub steps: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            elements: 200_000_000,
            steps: 4_000_000_000,
        }
    }
}

impl Budget {
    /// Pays for a tensor before it is made.
    pub(crate) fn elements(&mut self, count: usize) -> Result<(), Refusal> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.elements = self.elements.checked_sub(count).ok_or(Refusal::Budget)?;
        self.steps(count)
    }

    pub(crate) fn steps(&mut self, count: u64) -> Result<(), Refusal> {
        self.steps = self.steps.checked_sub(count).ok_or(Refusal::Budget)?;
        Ok(())
    }

    pub(crate) fn product(&mut self, factors: &[usize]) -> Result<(), Refusal> {
        let steps = factors.iter().try_fold(1_u64, |all, &factor| {
            all.checked_mul(u64::try_from(factor).ok()?)
        });
        self.steps(steps.ok_or(Refusal::Budget)?)
    }
}
