//! How strongly something was shown.

use serde::{Deserialize, Serialize};

/// From strongest to weakest; `max` of two is the weaker.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Bit for bit what the relation gives.
    #[default]
    Exact,
    /// Every stored code is the honest rounding of its source value.
    NearestCode,
    /// Within a stated numerical bound.
    Bounded,
    /// Names, shapes, types and all that the relation leaves alone agree.
    Structural,
    /// Nothing contradicts it and nothing shows it.
    Claimed,
    /// It did not happen so.
    Refuted,
}

impl Grade {
    pub const ALL: [Self; 6] = [
        Self::Exact,
        Self::NearestCode,
        Self::Bounded,
        Self::Structural,
        Self::Claimed,
        Self::Refuted,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::NearestCode => "nearest-code",
            Self::Bounded => "bounded",
            Self::Structural => "structural",
            Self::Claimed => "claimed",
            Self::Refuted => "refuted",
        }
    }
}

impl std::fmt::Display for Grade {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(self.as_str())
    }
}
