//! Where rules put what they find.

use std::rc::Rc;

use modelward_schema::{Confidence, Facts, Finding, Location, Severity};

use crate::Rule;
use crate::judgement::{self, Judgement};

/// Locations kept per folded finding; the message tells the count beyond.
const MAX_LOCATIONS: usize = 50;

#[derive(Debug, Default)]
pub struct Findings {
    rule: Option<&'static Rule>,
    found: Vec<Finding>,
    pickled: Option<Rc<[Judgement]>>,
}

impl Findings {
    pub(crate) fn begin(&mut self, rule: &'static Rule) {
        self.rule = Some(rule);
    }

    /// A finding with the rule's own severity and high confidence.
    pub fn push(&mut self, at: &Location, message: impl Into<String>) {
        if let Some(rule) = self.rule {
            self.graded(rule.severity, Confidence::High, at, message);
        }
    }

    /// A finding graded by what was seen.
    pub fn graded(
        &mut self,
        severity: Severity,
        confidence: Confidence,
        at: &Location,
        message: impl Into<String>,
    ) {
        let Some(rule) = self.rule else { return };
        self.with_fix(severity, confidence, at, message, rule.fix);
    }

    /// A finding with a fix of its own.
    pub fn with_fix(
        &mut self,
        severity: Severity,
        confidence: Confidence,
        at: &Location,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let Some(rule) = self.rule else { return };
        let message = message.into();
        let twin = self.found.iter_mut().rev().take(256).find(|finding| {
            finding.rule == rule.id && finding.message == message && finding.severity == severity
        });
        if let Some(twin) = twin {
            if twin.locations.len() < MAX_LOCATIONS && !twin.locations.contains(at) {
                twin.locations.push(at.clone());
            }
            return;
        }
        self.found.push(Finding {
            rule: rule.id.to_owned(),
            severity,
            confidence,
            message,
            locations: vec![at.clone()],
            fix: fix.into(),
            frameworks: rule.frameworks.iter().map(|id| (*id).to_owned()).collect(),
        });
    }

    /// What pickled code does: judged once, reported by several rules.
    pub(crate) fn pickled(&mut self, facts: &Facts) -> Rc<[Judgement]> {
        Rc::clone(
            self.pickled
                .get_or_insert_with(|| judgement::judge(facts).into()),
        )
    }

    pub(crate) fn finish(mut self) -> Vec<Finding> {
        self.found.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| a.locations.first().cmp(&b.locations.first()))
                .then_with(|| a.rule.cmp(&b.rule))
        });
        self.found
    }
}
