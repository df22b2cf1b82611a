//! One operator at work: its operands and attributes, read with defaults.

use modelward_schema::{Attribute, Setting};

use super::array::{Array, Kind};
use super::number;
use super::refusal::{Budget, Refusal, refuse};

/// What an operator is given.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) op: &'a str,
    pub(crate) opset: i64,
    pub(crate) attributes: &'a [Attribute],
    /// Constants named by attributes, by attribute name.
    pub(crate) constants: Vec<(&'a str, Array)>,
    pub(crate) inputs: Vec<Option<Array>>,
    /// Outputs that somebody named.
    pub(crate) outputs: usize,
    pub(crate) budget: &'a mut Budget,
}

impl Call<'_> {
    /// The operand at `at`.
    pub(crate) fn input(&self, at: usize) -> Result<&Array, Refusal> {
        self.given(at)
            .ok_or_else(|| refuse("an operand that is missing"))
    }

    pub(crate) fn given(&self, at: usize) -> Option<&Array> {
        self.inputs.get(at).and_then(Option::as_ref)
    }

    fn setting(&self, name: &str) -> Option<&Setting> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
            .map(|attribute| &attribute.value)
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        match self.setting(name)? {
            Setting::Int(n) => Some(*n),
            Setting::Bool(b) => Some(i64::from(*b)),
            _ => None,
        }
    }

    pub(crate) fn int_or(&self, name: &str, default: i64) -> i64 {
        self.int(name).unwrap_or(default)
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.int(name).map_or(default, |n| n != 0)
    }

    pub(crate) fn float(&self, name: &str) -> Option<f64> {
        match self.setting(name)? {
            Setting::Float(x) => Some(*x),
            Setting::Int(n) => Some(number::real(*n)),
            _ => None,
        }
    }

    /// ONNX attributes are singles, so a default is rounded like one.
    pub(crate) fn float_or(&self, name: &str, default: f64) -> f64 {
        self.float(name)
            .unwrap_or_else(|| f64::from(number::narrow(default)))
    }

    pub(crate) fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.setting(name)? {
            Setting::Ints(all) => Some(all),
            _ => None,
        }
    }

    pub(crate) fn floats(&self, name: &str) -> Option<&[f64]> {
        match self.setting(name)? {
            Setting::Floats(all) => Some(all),
            _ => None,
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Option<&[String]> {
        match self.setting(name)? {
            Setting::Texts(all) => Some(all),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.setting(name)? {
            Setting::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn constant(&self, name: &str) -> Option<&Array> {
        self.constants
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, array)| array)
    }

    /// The element type that an attribute names.
    pub(crate) fn kind(&self, name: &str) -> Result<Option<Kind>, Refusal> {
        match self.setting(name) {
            None => Ok(None),
            Some(Setting::Int(n)) => Kind::of_onnx(*n).map(Some).ok_or_else(|| self.unknown()),
            Some(Setting::Dtype(word)) => Kind::of(word).map(Some).ok_or_else(|| self.unknown()),
            Some(_) => Err(refuse("an attribute of another type")),
        }
    }

    /// Integers from an attribute of old opsets or an operand of new ones.
    pub(crate) fn ints_of(&self, name: &str, at: usize) -> Result<Option<Vec<i64>>, Refusal> {
        if let Some(array) = self.given(at) {
            return Ok(Some(array.as_ints()?.to_vec()));
        }
        Ok(self.ints(name).map(<[i64]>::to_vec))
    }

    pub(crate) fn axis(&self, default: i64, rank: usize) -> Result<usize, Refusal> {
        axis(self.int_or("axis", default), rank)
    }

    /// A refusal that names the operator.
    pub(crate) fn unknown(&self) -> Refusal {
        Refusal::Operator(self.op.to_owned())
    }
}

/// An axis that may count from the end.
pub(crate) fn axis(n: i64, rank: usize) -> Result<usize, Refusal> {
    number::from_end(n, rank).ok_or_else(|| refuse("an axis that the tensor does not have"))
}

/// Axes, all of them when none are named.
pub(crate) fn axes(wanted: Option<&[i64]>, rank: usize) -> Result<Vec<usize>, Refusal> {
    match wanted {
        None => Ok((0..rank).collect()),
        Some(all) => {
            let mut axes = all
                .iter()
                .map(|&n| axis(n, rank))
                .collect::<Result<Vec<_>, _>>()?;
            axes.sort_unstable();
            axes.dedup();
            Ok(axes)
        }
    }
}
