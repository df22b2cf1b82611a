//! What is known of a value without running anything.

/// How much a value can tell, from nothing to anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Entropy {
    Constant,
    /// One of two values.
    Binary,
    /// Between two bounds: a switch that may be half on.
    Soft,
    /// Whole numbers that count or point.
    Index,
    /// Kept away from zero or from one side: a division guard.
    Guard,
    /// Zero (or flat) up to a point, then growing.
    Threshold,
    Real,
}

#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent properties, each with its own transfer"
)]
pub(crate) struct State {
    /// Graph inputs whose elements are in it, one bit each; the last bit stands
    /// for all after the 63rd.
    pub(crate) content: u64,
    /// Graph inputs whose shape is in it.
    pub(crate) shape: u64,
    pub(crate) random: bool,
    /// Learned layers between it and the inputs, on the longest and on the
    /// shortest way.
    pub(crate) deepest: u16,
    pub(crate) shallowest: u16,
    pub(crate) entropy: Entropy,
    /// At most one element per sample, or computed only from such.
    pub(crate) collapsed: bool,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Grows so fast, or has such poles, that it can be next to nothing for
    /// most inputs and everything for some.
    pub(crate) steep: bool,
    /// Power of the input that it grows with; 15 for more.
    pub(crate) degree: u8,
    /// A comparison or a step is in it.
    pub(crate) tested: bool,
    /// Integers wrapped around, as checksums do.
    pub(crate) wrapped: bool,
    /// Changes from call to call by itself.
    pub(crate) counts: bool,
    /// Nothing that the caller hands in is in it.
    pub(crate) fixed: bool,
    /// It holds weights: many different values.
    pub(crate) weights: bool,
    /// Something unknown was done to it.
    pub(crate) opaque: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            content: 0,
            shape: 0,
            random: false,
            deepest: 0,
            shallowest: 0,
            entropy: Entropy::Real,
            collapsed: false,
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
            steep: false,
            degree: 0,
            tested: false,
            wrapped: false,
            counts: false,
            fixed: false,
            weights: false,
            opaque: false,
        }
    }
}

impl State {
    /// Something outside the file is in it.
    pub(crate) fn varies(&self) -> bool {
        self.content != 0 || self.shape != 0 || self.random
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }

    pub(crate) fn is_switch(&self) -> bool {
        matches!(self.entropy, Entropy::Binary | Entropy::Soft)
    }
}

/// One bit per graph input.
pub(crate) fn bit(input: usize) -> u64 {
    let shift = u32::try_from(input.min(63)).unwrap_or(63);
    1_u64.checked_shl(shift).unwrap_or(0)
}
