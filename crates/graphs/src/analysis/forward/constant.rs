//! What is known of constants.

use modelward_schema::Constant;

use crate::analysis::numbers;
use crate::analysis::state::{Entropy, State};

/// Elements looked at to tell weights from other constants.
const WEIGHED: usize = 4096;

pub(super) fn state(constant: &Constant) -> State {
    let mut state = State {
        fixed: true,
        entropy: Entropy::Constant,
        ..State::default()
    };
    if let Some(values) = numbers::floats(constant, WEIGHED) {
        let numbers = || values.iter().copied().filter(|value| !value.is_nan());
        state.low = numbers().reduce(f64::min).unwrap_or(f64::NEG_INFINITY);
        state.high = numbers().reduce(f64::max).unwrap_or(f64::INFINITY);
        let mut sorted: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let enough = values.len().checked_div(4).unwrap_or(0).clamp(6, 16);
        state.weights = values.len() >= 24 && sorted.len() > enough && constant.dtype != "bool";
    } else if let Some(summary) = &constant.summary {
        (state.low, state.high) = (summary.min, summary.max);
        state.weights = summary.seen >= 64 && summary.distinct > 8;
    } else if constant.texts.is_none() {
        let mut sizes = constant.shape.iter();
        let count = sizes.try_fold(1_u64, |product, size| product.checked_mul(*size));
        state.weights = count.is_none_or(|count| count >= 64);
    }
    state
}
