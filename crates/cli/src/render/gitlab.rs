//! GitLab's code quality report: one array, an entry per point and per gap.
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>

use modelward_schema::{Report, Severity};
use serde::Serialize;

use super::points::{Point, points, unweighed};
use super::{Answer, escape, fingerprint, words};

#[derive(Serialize)]
struct Entry {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Place,
}

#[derive(Serialize)]
struct Place {
    path: String,
    lines: Lines,
}

/// GitLab wants a line; what has none stands on the first.
#[derive(Serialize)]
struct Lines {
    begin: u32,
}

pub(super) fn render(answers: &[Answer<'_>]) -> String {
    let mut entries = Vec::new();
    for answer in answers {
        let report = answer.report;
        let mut all = points(report);
        all.extend(unweighed(report));
        // Waived points have no place in a list that knows no waiving.
        for point in all.iter().filter(|point| point.waived_by.is_none()) {
            entries.push(entry(report, point));
        }
        for gap in &report.facts.coverage.gaps {
            let message = format!("not read ({}): {}", words::why(gap.why), gap.message);
            let point = Point {
                code: "coverage",
                severity: Severity::Medium,
                effect: None,
                message: &message,
                fix: "",
                policy: None,
                frameworks: &[],
                locations: std::slice::from_ref(&gap.at),
                confidence: None,
                waived_by: None,
            };
            entries.push(entry(report, &point));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    entries.retain(|entry: &Entry| seen.insert(entry.fingerprint.clone()));
    let text = serde_json::to_string_pretty(&entries).unwrap_or_else(|_| "[]".to_owned());
    escape::json(&text) + "\n"
}

fn entry(report: &Report, point: &Point<'_>) -> Entry {
    let at = point.locations.first();
    let mut description = escape::plain(point.message);
    if let Some(at) = at {
        if let Some(member) = words::member(&at.path) {
            description.push_str(&format!(" (in {})", escape::plain(member)));
        }
        if let (None, Some(position)) = (at.line, words::position(at)) {
            description.push_str(&format!(" at {position}"));
        }
    }
    Entry {
        description,
        check_name: escape::plain(point.code),
        fingerprint: fingerprint::of(report, point),
        severity: match point.severity {
            Severity::Info => "info",
            Severity::Low => "minor",
            Severity::Medium => "major",
            Severity::High => "critical",
            Severity::Critical => "blocker",
        },
        location: Place {
            path: escape::plain(&at.map_or_else(
                || words::on_disk(report, "modelward.yaml"),
                |at| words::on_disk(report, &at.path),
            )),
            lines: Lines {
                begin: at
                    .filter(|at| words::member(&at.path).is_none())
                    .and_then(|at| at.line)
                    .unwrap_or(1),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn entries_have_what_gitlab_asks_for_and_fingerprints_of_their_own() {
        let reports = samples::all();
        let answers: Vec<Answer<'_>> = reports.iter().map(|(_, report)| report.into()).collect();
        let entries: serde_json::Value = serde_json::from_str(&render(&answers)).expect("JSON");
        let mut seen = std::collections::BTreeSet::new();
        for entry in entries.as_array().expect("an array") {
            assert!(entry["location"]["lines"]["begin"].as_u64() >= Some(1));
            assert!(
                !entry["location"]["path"]
                    .as_str()
                    .expect("a path")
                    .starts_with("./")
            );
            assert!(seen.insert(entry["fingerprint"].as_str().expect("text").to_owned()));
            assert!(entry["description"].is_string() && entry["check_name"].is_string());
        }
        assert!(seen.len() > 10);
    }
}
