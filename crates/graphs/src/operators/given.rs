//! What a table may ask of a node: its attributes, and those of its operands
//! that are small constants (an axis that is an operand, a paddings matrix).

use std::collections::{BTreeMap, BTreeSet};

use modelward_schema::{Constant, Node, Setting, Wiring};

use crate::ir::{NONE, at};

/// Numbers of a constant that a table looks at.
const MAX_NUMBERS: u64 = 64;

/// A node whose meaning is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub framework: &'a str,
    pub node: &'a Node,
    pub opsets: &'a BTreeMap<String, i64>,
    pub constants: &'a [Constant],
    /// See [`literals`].
    pub literals: &'a [u32],
}

/// Which constant each value of the wiring is, or [`NONE`].
pub(crate) fn literals(wiring: &Wiring) -> Vec<u32> {
    let values = wiring.values.iter();
    let mut out: Vec<u32> = values.map(|value| value.constant.unwrap_or(NONE)).collect();
    for node in &wiring.nodes {
        if !matches!(node.op.as_str(), "Const" | "Constant") {
            continue;
        }
        let constant = node.attributes.iter().find_map(|set| match set.value {
            Setting::Constant(constant) => Some(constant),
            _ => None,
        });
        if let (Some(constant), Some(Some(value))) = (constant, node.outputs.first())
            && let Some(slot) = out.get_mut(at(*value))
        {
            *slot = constant;
        }
    }
    out
}

/// What the loops of TensorFlow's version 1 are made of.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Values carried into the next turn.
    pub(crate) carried: BTreeSet<u32>,
    /// Truths that say whether there is one.
    pub(crate) conditions: BTreeSet<u32>,
}

pub(crate) fn turns(wiring: &Wiring) -> Turns {
    let mut out = Turns::default();
    if wiring.framework != "tensorflow" {
        return out;
    }
    for node in &wiring.nodes {
        let list = match node.op.as_str() {
            "NextIteration" | "RefNextIteration" => &mut out.carried,
            "LoopCond" => &mut out.conditions,
            _ => continue,
        };
        list.extend(node.outputs.iter().flatten());
    }
    out
}

impl<'a> Given<'a> {
    pub(super) fn setting(&self, name: &str) -> Option<&'a Setting> {
        let found = self.node.attributes.iter().find(|set| set.name == name)?;
        Some(&found.value)
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        match self.setting(name)? {
            Setting::Int(number) => Some(*number),
            Setting::Bool(truth) => Some(i64::from(*truth)),
            _ => None,
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.int(name).unwrap_or(0) != 0
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        match self.setting(name)? {
            Setting::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn ints(&self, name: &str) -> Option<&'a [i64]> {
        match self.setting(name)? {
            Setting::Ints(numbers) => Some(numbers),
            _ => None,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.node.inputs.len()
    }

    /// The whole numbers of an operand that is a small constant.
    pub(super) fn operand(&self, index: usize) -> Option<Vec<i64>> {
        let value = (*self.node.inputs.get(index)?)?;
        let constant = self.constants.get(at(*self.literals.get(at(value))?))?;
        let elements = constant
            .shape
            .iter()
            .try_fold(1_u64, |product, size| product.checked_mul(*size))?;
        if elements > MAX_NUMBERS {
            return None;
        }
        let bytes = constant.bytes.as_deref()?;
        Some(match constant.dtype.as_str() {
            "i32" => {
                let numbers = bytes.as_chunks::<4>().0.iter();
                numbers
                    .map(|four| i64::from(i32::from_le_bytes(*four)))
                    .collect()
            }
            "i64" => {
                let numbers = bytes.as_chunks::<8>().0.iter();
                numbers.map(|eight| i64::from_le_bytes(*eight)).collect()
            }
            _ => return None,
        })
    }

    /// The one number of an operand.
    pub(super) fn number(&self, index: usize) -> Option<i64> {
        self.operand(index)?.first().copied()
    }
}
