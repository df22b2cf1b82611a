//! What a fired signal does to an output.

use crate::eval::Array;

/// What the witness does to one output.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    pub output: String,
    /// Largest change, against the largest magnitude there.
    pub change: f64,
    /// Elements that changed, of how many.
    pub changed: usize,
    pub elements: usize,
    /// The largest element's place with the signal at rest and as it fired.
    pub decision: Option<(usize, usize)>,
}

pub(crate) fn effect(output: String, held: &Array, fired: &Array) -> Effect {
    let elements = fired.len();
    let mut out = Effect {
        output,
        change: 0.0,
        changed: 0,
        elements,
        decision: None,
    };
    if held.shape != fired.shape || held.kind != fired.kind {
        out.change = f64::INFINITY;
        out.changed = elements;
        return out;
    }
    let (Ok(before), Ok(after)) = (held.reals(), fired.reals()) else {
        if held != fired {
            out.change = f64::INFINITY;
        }
        return out;
    };
    let size = before
        .iter()
        .chain(after.iter())
        .filter(|x| x.is_finite())
        .fold(0.0_f64, |all, x| all.max(x.abs()));
    for (x, y) in before.iter().zip(after.iter()) {
        let gap = if x.is_nan() && y.is_nan() || x == y {
            0.0
        } else if x.is_finite() && y.is_finite() {
            (x - y).abs() / (1e-6 + size)
        } else {
            1.0
        };
        if gap > 1e-3 {
            out.changed = out.changed.saturating_add(1);
        }
        out.change = out.change.max(gap);
    }
    let largest = |list: &[f64]| {
        list.iter()
            .enumerate()
            .max_by(|(i, x), (j, y)| x.total_cmp(y).then(j.cmp(i)))
            .map(|(at, _)| at)
    };
    if fired.kind.is_float() && elements > 1 {
        out.decision = largest(&before).zip(largest(&after));
    }
    out
}
