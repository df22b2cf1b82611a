//! `StridedSlice` of TensorFlow and TFLite: Python's subscript with its masks.
//!
//! With constant bounds it is a slice, and one operator that drops or adds
//! axes. With computed bounds, or where it both drops and adds, it keeps its
//! own name.

use modelward_schema::Setting;

use super::{Given, Std, Then, Translated};

/// What the subscript comes to.
#[derive(Debug, Default)]
struct Parts {
    starts: Vec<i64>,
    ends: Vec<i64>,
    steps: Vec<i64>,
    axes: Vec<i64>,
    dropped: Vec<i64>,
    added: Vec<i64>,
}

pub(super) fn strided(given: &Given<'_>) -> Option<Translated> {
    let (begins, ends) = (given.operand(1)?, given.operand(2)?);
    let steps = given.operand(3)?;
    let mask = |name: &str, index: usize| -> bool {
        let bits = given.int(name).unwrap_or(0);
        let shift = u32::try_from(index).unwrap_or(63);
        bits.checked_shr(shift).unwrap_or(0) & 1 != 0
    };
    let count = begins.len();
    let ellipsis = (0..count).find(|index| mask("ellipsis_mask", *index));
    let mut parts = Parts::default();
    // Axes before the ellipsis are counted from the front, those behind it from
    // the back.
    let place = |index: usize, counts: &dyn Fn(usize) -> bool| -> i64 {
        let behind = ellipsis.is_some_and(|ellipsis| index > ellipsis);
        let passed = if behind {
            (index..count).filter(|other| counts(*other)).count()
        } else {
            (0..index).filter(|other| counts(*other)).count()
        };
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        if behind {
            passed.saturating_neg()
        } else {
            passed
        }
    };
    let is_added = |index: usize| mask("new_axis_mask", index);
    let is_dropped = |index: usize| mask("shrink_axis_mask", index) && !is_added(index);
    for index in (0..count).filter(|index| Some(*index) != ellipsis) {
        if is_added(index) {
            parts.added.push(place(index, &|other| !is_dropped(other)));
            continue;
        }
        let axis = place(index, &|other| !is_added(other));
        let begin = *begins.get(index)?;
        let step = steps.get(index).copied().unwrap_or(1);
        let (first, last) = if step < 0 {
            (i64::MAX, i64::MIN)
        } else {
            (0, i64::MAX)
        };
        if is_dropped(index) {
            parts.dropped.push(axis);
            let end = begin.saturating_add(1);
            parts.starts.push(begin);
            parts.ends.push(if end == 0 { i64::MAX } else { end });
            parts.steps.push(1);
        } else {
            let starts = mask("begin_mask", index);
            let stops = mask("end_mask", index);
            parts.starts.push(if starts { first } else { begin });
            parts
                .ends
                .push(if stops { last } else { *ends.get(index)? });
            parts.steps.push(step);
        }
        parts.axes.push(axis);
    }
    parts.translated()
}

impl Parts {
    fn translated(self) -> Option<Translated> {
        let (std, axes) = match (self.dropped.is_empty(), self.added.is_empty()) {
            (false, false) => return None,
            (false, true) => (Some(Std::Squeeze), self.dropped),
            (true, false) => (Some(Std::Unsqueeze), self.added),
            (true, true) => (None, Vec::new()),
        };
        Some(Translated {
            std: Std::Slice,
            operands: Some(vec![Some(0)]),
            set: vec![
                ("starts", Setting::Ints(self.starts)),
                ("ends", Setting::Ints(self.ends)),
                ("axes", Setting::Ints(self.axes)),
                ("steps", Setting::Ints(self.steps)),
            ],
            then: std.map(|std| Then {
                std,
                set: vec![("axes", Setting::Ints(axes))],
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use modelward_schema::{Attribute, Constant, Node};

    use super::*;

    /// `x[begin:end:step]` with masks.
    fn slice(parts: [&[i32]; 3], masks: &[(&str, i64)]) -> Translated {
        let node = Node {
            inputs: (0..4).map(Some).collect(),
            attributes: masks
                .iter()
                .map(|(name, bits)| Attribute {
                    name: (*name).to_owned(),
                    value: Setting::Int(*bits),
                })
                .collect(),
            ..Node::default()
        };
        let mut constants = vec![Constant::default()];
        constants.extend(parts.iter().map(|numbers| {
            Constant {
                dtype: "i32".to_owned(),
                shape: vec![numbers.len() as u64],
                bytes: Some(
                    numbers
                        .iter()
                        .flat_map(|number| number.to_le_bytes())
                        .collect(),
                ),
                ..Constant::default()
            }
        }));
        strided(&Given {
            framework: "tensorflow",
            node: &node,
            opsets: &BTreeMap::new(),
            constants: &constants,
            literals: &[0, 1, 2, 3],
        })
        .unwrap()
    }

    #[test]
    fn a_range_and_an_index_are_a_slice_and_a_squeeze() {
        // x[:, 1:5, -1]
        let out = slice(
            [&[0, 1, -1], &[0, 5, 0], &[1, 1, 1]],
            &[("begin_mask", 1), ("end_mask", 1), ("shrink_axis_mask", 4)],
        );
        assert_eq!(out.set[0].1, Setting::Ints(vec![0, 1, -1]));
        assert_eq!(out.set[1].1, Setting::Ints(vec![i64::MAX, 5, i64::MAX]));
        let then = out.then.unwrap();
        assert_eq!(
            (then.std, &then.set[0].1),
            (Std::Squeeze, &Setting::Ints(vec![2]))
        );
    }

    #[test]
    fn axes_behind_an_ellipsis_count_from_the_back() {
        // x[..., tf.newaxis] and x[..., 2:3]
        let out = slice(
            [&[0, 0], &[0, 0], &[1, 1]],
            &[("ellipsis_mask", 1), ("new_axis_mask", 2)],
        );
        let then = out.then.unwrap();
        assert_eq!(
            (then.std, &then.set[0].1),
            (Std::Unsqueeze, &Setting::Ints(vec![-1]))
        );
        let out = slice([&[0, 2], &[0, 3], &[1, 1]], &[("ellipsis_mask", 1)]);
        assert_eq!(out.set[2].1, Setting::Ints(vec![-1]));
        assert_eq!(out.then, None);
    }
}
