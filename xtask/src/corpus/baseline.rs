//! The figures that must not get worse.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::measure::Outcome;
use super::passes;

/// In-scope samples only.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Panics and unreadable files, over all samples.
    failures: usize,
    /// Benign files with a finding of high or above.
    false_alarms: usize,
    /// Benign files that were not fully read.
    incomplete: usize,
    /// Samples of each class that did not reach their severity.
    missed: BTreeMap<String, usize>,
}

impl Figures {
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let mut figures = Self {
            failures: outcomes.iter().filter(|o| o.failure.is_some()).count(),
            ..Self::default()
        };
        for outcome in outcomes.iter().filter(|o| o.in_scope) {
            let wrong = usize::from(!passes(outcome));
            match outcome.row.class.as_str() {
                "gray" => {}
                "benign" => {
                    figures.false_alarms += wrong;
                    figures.incomplete += usize::from(!outcome.facts.coverage.gaps.is_empty());
                }
                class => *figures.missed.entry(class.to_owned()).or_default() += wrong,
            }
        }
        figures
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("failed to parse {}", path.display()))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = format!(
            "# What `cargo xtask corpus` may at most get wrong. Written by `--bless`.\n{}",
            toml::to_string(self)?
        );
        std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
    }

    /// One line per figure that got worse.
    pub(crate) fn worse_than(&self, baseline: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut compare = |name: &str, now: usize, before: usize| {
            if now > before {
                lines.push(format!("{name}: {now}, was {before}"));
            }
        };
        compare("failures", self.failures, baseline.failures);
        compare("false alarms", self.false_alarms, baseline.false_alarms);
        compare(
            "benign files not fully read",
            self.incomplete,
            baseline.incomplete,
        );
        for (class, now) in &self.missed {
            let before = baseline.missed.get(class).copied().unwrap_or(0);
            compare(&format!("missed {class}"), *now, before);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_miss_is_worse_and_a_new_find_is_not() {
        let figures = |payload| Figures {
            missed: BTreeMap::from([("payload".to_owned(), payload)]),
            ..Figures::default()
        };
        assert_eq!(
            figures(3).worse_than(&figures(2)),
            ["missed payload: 3, was 2"]
        );
        assert!(figures(1).worse_than(&figures(2)).is_empty());
    }
}
