//! What a reader is told, in which order: the reasons of a verdict, or the
//! findings of a scan. Every format shows the same points.

use std::collections::BTreeMap;

use modelward_schema::{
    Confidence, Effect, Evidence, Exemption, Finding, Location, Reason, Report, Severity,
};

/// One thing said about the artifact.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point<'a> {
    pub(super) code: &'a str,
    pub(super) severity: Severity,
    /// What it does to the decision; absent for what decided nothing.
    pub(super) effect: Option<Effect>,
    pub(super) message: &'a str,
    pub(super) fix: &'a str,
    /// `file:line` of the policy that gave it.
    pub(super) policy: Option<&'a str>,
    pub(super) frameworks: &'a [String],
    pub(super) locations: &'a [Location],
    /// Absent for a requirement of the policy, which is a fact of its own.
    pub(super) confidence: Option<Confidence>,
    pub(super) waived_by: Option<&'a str>,
}

impl Point<'_> {
    /// Severity, or what was not there at all.
    pub(super) fn label(&self) -> &'static str {
        if self.waived_by.is_some() {
            "waived"
        } else if self.locations.is_empty() && self.code.ends_with("-missing") {
            "missing"
        } else {
            self.severity.as_str()
        }
    }

    /// Whether it stops the artifact: by the verdict, or by the severity that
    /// a scan fails on.
    pub(super) fn stops(&self, fail_on: Severity) -> bool {
        self.waived_by.is_none()
            && match self.effect {
                Some(effect) => effect != Effect::Warn,
                None => self.severity >= fail_on,
            }
    }
}

fn of_finding(finding: &Finding) -> Point<'_> {
    Point {
        code: &finding.rule,
        severity: finding.severity,
        effect: None,
        message: &finding.message,
        fix: &finding.fix,
        policy: None,
        frameworks: &finding.frameworks,
        locations: &finding.locations,
        confidence: Some(finding.confidence),
        waived_by: None,
    }
}

fn of_reason<'a>(twins: &Twins<'a>, reason: &'a Reason) -> Point<'a> {
    let twin = twins.of(&reason.code, &reason.message, &reason.locations);
    let locations = match twin {
        Some(finding) if reason.locations.is_empty() => &finding.locations,
        _ => &reason.locations,
    };
    Point {
        code: &reason.code,
        severity: reason.severity,
        effect: Some(reason.effect),
        message: &reason.message,
        fix: &reason.fix,
        policy: Some(&reason.policy),
        frameworks: &reason.frameworks,
        locations,
        confidence: twin.map(|finding| finding.confidence),
        waived_by: reason.waived_by.as_deref(),
    }
}

/// Findings or reasons, to be found by code and message, or else by code and
/// first place: a policy may word what it tells differently.
struct Twins<'a, T = Finding> {
    by_message: BTreeMap<(&'a str, &'a str), &'a T>,
    by_place: BTreeMap<(&'a str, &'a Location), &'a T>,
}

impl<'a, T> Twins<'a, T> {
    fn new(all: &'a [T], parts: impl Fn(&'a T) -> (&'a str, &'a str, &'a [Location])) -> Self {
        let (mut by_message, mut by_place) = (BTreeMap::new(), BTreeMap::new());
        for one in all {
            let (code, message, locations) = parts(one);
            by_message.entry((code, message)).or_insert(one);
            if let Some(at) = locations.first() {
                by_place.entry((code, at)).or_insert(one);
            }
        }
        Self {
            by_message,
            by_place,
        }
    }

    fn of(&self, code: &str, message: &str, locations: &[Location]) -> Option<&'a T> {
        let by_place = || self.by_place.get(&(code, locations.first()?));
        self.by_message
            .get(&(code, message))
            .or_else(by_place)
            .copied()
    }
}

/// The reasons of a verdict, else the findings: what stands before what is
/// waived, then by severity, then deny before hold before warn.
pub(super) fn points(report: &Report) -> Vec<Point<'_>> {
    let mut points: Vec<Point<'_>> = match &report.verdict {
        Some(verdict) => {
            let twins = Twins::new(&report.findings, |finding| {
                (&finding.rule, &finding.message, &finding.locations)
            });
            verdict
                .reasons
                .iter()
                .map(|reason| of_reason(&twins, reason))
                .collect()
        }
        None => report.findings.iter().map(of_finding).collect(),
    };
    points.sort_by(|a, b| {
        (a.waived_by.is_some().cmp(&b.waived_by.is_some()))
            .then_with(|| b.severity.cmp(&a.severity))
            .then_with(|| b.effect.cmp(&a.effect))
            .then_with(|| a.locations.is_empty().cmp(&b.locations.is_empty()))
    });
    points
}

/// Findings that no reason of the verdict tells.
pub(super) fn unweighed(report: &Report) -> Vec<Point<'_>> {
    let Some(verdict) = &report.verdict else {
        return Vec::new();
    };
    let twins = Twins::new(&verdict.reasons, |reason| {
        (&reason.code, &reason.message, &reason.locations)
    });
    report
        .findings
        .iter()
        .filter(|finding| {
            twins
                .of(&finding.rule, &finding.message, &finding.locations)
                .is_none()
        })
        .map(of_finding)
        .collect()
}

/// Points of one code, one severity and one fate, told together.
pub(super) fn groups<'a>(points: &[Point<'a>]) -> Vec<Vec<Point<'a>>> {
    let mut groups: Vec<Vec<Point<'a>>> = Vec::new();
    let mut indexes = BTreeMap::new();
    for point in points {
        let key = (point.code, point.severity, point.effect, point.waived_by);
        let index = *indexes.entry(key).or_insert(groups.len());
        match groups.get_mut(index) {
            Some(group) => group.push(*point),
            None => groups.push(vec![*point]),
        }
    }
    groups
}

/// The exemption of this id, when it came with the report.
pub(super) fn exemption<'a>(report: &'a Report, id: &str) -> Option<&'a Exemption> {
    report.evidence.iter().find_map(|evidence| match evidence {
        Evidence::Exemption(exemption) if exemption.id == id => Some(exemption),
        _ => None,
    })
}

/// `1 critical, 2 high`, most severe first; empty for none.
pub(super) fn tally(points: &[Point<'_>]) -> String {
    Severity::ALL
        .iter()
        .rev()
        .filter_map(|severity| {
            let number = points
                .iter()
                .filter(|point| point.severity == *severity)
                .count();
            (number > 0).then(|| format!("{number} {}", severity.as_str()))
        })
        .collect::<Vec<_>>()
        .join(", ")
}
