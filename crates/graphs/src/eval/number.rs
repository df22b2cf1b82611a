//! Conversions between numbers, each total: what does not fit is clamped,
//! wrapped or refused, never undefined.
#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the one place where `as` is spelled; its saturating and wrapping rules are what the operators ask for"
)]

/// The nearest double.
pub(crate) fn real(n: i64) -> f64 {
    n as f64
}

pub(crate) fn count(n: usize) -> f64 {
    n as f64
}

/// The unsigned reading of the same bits.
pub(crate) fn unsigned(n: i64) -> u64 {
    n as u64
}

/// The signed reading of the same bits.
pub(crate) fn signed(n: u64) -> i64 {
    n as i64
}

/// Towards zero, clamped; NaN is 0.
pub(crate) fn truncate(x: f64) -> i64 {
    x as i64
}

pub(crate) fn truncate_unsigned(x: f64) -> u64 {
    x as u64
}

pub(crate) fn narrow(x: f64) -> f32 {
    x as f32
}

pub(crate) fn index(n: i64) -> Option<usize> {
    usize::try_from(n).ok()
}

pub(crate) fn long(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Rounds to the nearest value of a format with `exponent` and `mantissa`
/// bits (IEEE 754, ties to even), overflow to infinity.
pub(crate) fn round_to(x: f64, exponent: i32, mantissa: i32) -> f64 {
    if !x.is_finite() || x == 0.0 {
        return x;
    }
    let bias = (1_i32 << exponent.saturating_sub(1)).saturating_sub(1);
    let lowest = 1_i32.saturating_sub(bias);
    let power = (((x.to_bits() >> 52) & 0x7ff) as i32).saturating_sub(1023);
    let step = 2_f64.powi(power.max(lowest).saturating_sub(mantissa));
    let rounded = (x / step).round_ties_even() * step;
    let largest = (2.0 - 2_f64.powi(mantissa.saturating_neg())) * 2_f64.powi(bias);
    if rounded.abs() > largest {
        f64::INFINITY.copysign(x)
    } else {
        rounded
    }
}

/// An index or axis that may count from the end.
pub(crate) fn from_end(n: i64, len: usize) -> Option<usize> {
    let len = long(len);
    let n = if n < 0 { n.checked_add(len)? } else { n };
    if (0..len).contains(&n) {
        index(n)
    } else {
        None
    }
}
