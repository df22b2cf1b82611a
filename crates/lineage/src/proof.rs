//! What a proof says: the whole, and each tensor.

use serde::{Deserialize, Serialize};

use crate::grade::Grade;
use crate::tensor::{Tensor, unravel};

/// The outcome of one relation between sources and target.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Proof {
    /// Its name, as `--as` takes it.
    pub relation: String,
    /// The weakest of all that was shown.
    pub grade: Grade,
    /// Why the grade is not better, gravest first; one sentence each.
    pub reasons: Vec<String>,
    pub tensors: Vec<TensorProof>,
    /// What else differs: configuration, tokenizer, metadata.
    pub differences: Vec<Difference>,
    /// Tensors and bytes of the target that no source explains.
    pub unexplained: Vec<String>,
    /// What is worth knowing and changes nothing.
    pub notes: Vec<String>,
}

/// One tensor of the target.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TensorProof {
    pub name: String,
    /// The source's name for it, when that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    pub grade: Grade,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<String>,
    pub elements: u64,
    /// Elements that are not as they must be.
    pub wrong: u64,
    /// Elements that differ from the source, for relations that change some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<Worst>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Measures of the relation: `relative_rmse`, `change_norm`, `rank`…
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub measures: std::collections::BTreeMap<String, f64>,
}

/// The element that is farthest from where it must be.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Worst {
    /// In row-major order.
    pub index: u64,
    /// One index per dimension.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub position: Vec<u64>,
    pub value: f64,
    pub expected: f64,
    pub deviation: f64,
    pub bound: f64,
    /// The stored bits and those expected, when numbers alone do not tell them
    /// apart (-0, NaN).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<(String, String)>,
}

/// A value beside the tensors that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// `config.json: rope_theta`
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The relation does not allow it.
    pub refutes: bool,
}

impl Proof {
    pub fn of(relation: &str) -> Self {
        Self {
            relation: relation.to_owned(),
            ..Self::default()
        }
    }

    /// Says why, and lowers the grade to at most `grade`.
    pub fn lower(&mut self, grade: Grade, reason: impl Into<String>) {
        self.grade = self.grade.max(grade);
        let reason = reason.into();
        if !self.reasons.contains(&reason) {
            if grade == Grade::Refuted {
                let at = self.refutations();
                self.reasons.insert(at, reason);
            } else {
                self.reasons.push(reason);
            }
        }
    }

    pub fn refute(&mut self, reason: impl Into<String>) {
        self.lower(Grade::Refuted, reason);
    }

    fn refutations(&self) -> usize {
        self.reasons.len().min(
            self.tensors
                .iter()
                .filter(|tensor| tensor.grade == Grade::Refuted)
                .count(),
        )
    }

    /// Adds tensors; each lowers the grade of the whole, and one that refutes
    /// is named.
    pub fn take(&mut self, tensors: Vec<TensorProof>) {
        for tensor in &tensors {
            if tensor.grade == Grade::Refuted {
                self.refute(tensor.sentence());
            } else if tensor.grade == Grade::Claimed {
                self.lower(Grade::Claimed, tensor.sentence());
            } else {
                self.grade = self.grade.max(tensor.grade);
            }
        }
        self.tensors.extend(tensors);
    }

    pub fn differs(&mut self, difference: Difference) {
        if difference.refutes {
            self.refute(difference.sentence());
        }
        self.differences.push(difference);
    }

    pub fn unexplained(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.refute(format!("{what}, which no source explains"));
        self.unexplained.push(what);
    }

    pub fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }

    /// Worst first, then by name.
    pub fn sort(&mut self) {
        self.tensors
            .sort_by(|a, b| (b.grade.cmp(&a.grade)).then_with(|| a.name.cmp(&b.name)));
    }
}

impl TensorProof {
    pub fn of(tensor: &Tensor, grade: Grade) -> Self {
        Self {
            name: tensor.name.clone(),
            grade,
            dtype: Some(tensor.dtype.clone()),
            elements: tensor.elements(),
            ..Self::default()
        }
    }

    pub fn refuted(tensor: &Tensor, why: impl Into<String>) -> Self {
        Self {
            note: Some(why.into()),
            ..Self::of(tensor, Grade::Refuted)
        }
    }

    /// What could not be read is not shown.
    pub fn unread(tensor: &Tensor, why: impl Into<String>) -> Self {
        Self {
            note: Some(why.into()),
            ..Self::of(tensor, Grade::Claimed)
        }
    }

    #[must_use]
    pub fn from_source(mut self, source: &Tensor) -> Self {
        if source.name != self.name {
            self.source = Some(source.name.clone());
        }
        self
    }

    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn sentence(&self) -> String {
        let name = &self.name;
        match (&self.note, &self.worst) {
            (Some(note), None) => format!("{name}: {note}"),
            (note, Some(worst)) => {
                let note = note
                    .as_deref()
                    .map_or_else(String::new, |n| format!("{n}; "));
                format!(
                    "{name}: {note}{} of {} elements are not as they must be, worst at {}: {}",
                    self.wrong,
                    self.elements,
                    worst.place(),
                    worst.sentence()
                )
            }
            (None, None) => format!("{name}: {}", self.grade),
        }
    }
}

impl Worst {
    /// Fills in the indices per dimension.
    #[must_use]
    pub fn within(mut self, shape: &[u64]) -> Self {
        self.position = unravel(self.index, shape);
        self
    }

    pub fn place(&self) -> String {
        if self.position.is_empty() {
            format!("[{}]", self.index)
        } else {
            format!("{:?}", self.position)
        }
    }

    pub fn sentence(&self) -> String {
        let is = match &self.bits {
            Some((is, must)) => format!(
                "is {} ({is}), must be {} ({must})",
                self.value, self.expected
            ),
            None => format!("is {}, must be {}", self.value, self.expected),
        };
        if self.bound > 0.0 {
            format!("{is} within {:e}", self.bound)
        } else {
            is
        }
    }
}

impl Difference {
    pub fn sentence(&self) -> String {
        let shown = |value: &Option<String>| match value {
            Some(value) if value.chars().count() > 80 => {
                format!("{}…", value.chars().take(80).collect::<String>())
            }
            Some(value) => value.clone(),
            None => "absent".to_owned(),
        };
        format!(
            "{} is {} in the source and {} in the target",
            self.key,
            shown(&self.source),
            shown(&self.target)
        )
    }
}
