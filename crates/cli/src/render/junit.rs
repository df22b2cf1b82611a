//! JUnit XML: a suite per artifact, a case per rule and per requirement of the
//! policy, and one for coverage.
//!
//! A case *fails* when it denies, or when a scan's finding is at or above the
//! severity to fail on. It is an *error* when the question is undecided: what
//! holds, and what could not be read. It is *skipped* when it is waived. Points
//! that decide nothing are told in a case that passes.

use std::collections::BTreeMap;

use modelward_rules::RULES;
use modelward_schema::{Effect, Report, Severity};

use super::points::{Point, points, unweighed};
use super::{Answer, RenderOptions, escape::markup, words};

pub(super) fn render(answers: &[Answer<'_>], options: &RenderOptions) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"modelward\">\n",
    );
    for answer in answers {
        suite(answer, options.fail_on, &mut out);
    }
    out.push_str("</testsuites>\n");
    out
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Passed,
    Skipped,
    Error,
    Failed,
}

fn outcome(point: &Point<'_>, fail_on: Severity) -> Outcome {
    if point.waived_by.is_some() {
        return Outcome::Skipped;
    }
    match point.effect {
        Some(Effect::Deny) => Outcome::Failed,
        Some(Effect::Hold) => Outcome::Error,
        None if point.severity >= fail_on => Outcome::Failed,
        _ => Outcome::Passed,
    }
}

fn suite(answer: &Answer<'_>, fail_on: Severity, out: &mut String) {
    let report = answer.report;
    let all = points(report);
    let also = unweighed(report);
    let mut cases: BTreeMap<&str, Vec<Point<'_>>> =
        RULES.iter().map(|rule| (rule.id, Vec::new())).collect();
    for point in &all {
        cases.entry(point.code).or_default().push(*point);
    }
    let mut body = String::new();
    let (mut failures, mut errors, mut skipped) = (0, 0, 0);
    for (code, points) in &cases {
        let worst = points
            .iter()
            .map(|point| outcome(point, fail_on))
            .max()
            .unwrap_or(Outcome::Passed);
        match worst {
            Outcome::Failed => failures += 1,
            Outcome::Error => errors += 1,
            Outcome::Skipped => skipped += 1,
            Outcome::Passed => {}
        }
        let told: Vec<&Point<'_>> = points
            .iter()
            .chain(also.iter().filter(|point| point.code == *code))
            .collect();
        case(report, code, worst, &told, &mut body);
    }
    let gaps = &report.facts.coverage.gaps;
    if gaps.is_empty() {
        body.push_str(&format!(
            "    <testcase classname=\"{}\" name=\"coverage\"/>\n",
            class(report)
        ));
    } else {
        errors += 1;
        let lines: Vec<String> = gaps
            .iter()
            .map(|gap| {
                format!(
                    "{}: {} {}",
                    words::why(gap.why),
                    words::path(&gap.at),
                    gap.message
                )
            })
            .collect();
        body.push_str(&format!(
            "    <testcase classname=\"{}\" name=\"coverage\">\n      <error type=\"not-read\" message=\"{}\">{}</error>\n    </testcase>\n",
            class(report),
            markup(&format!("{} not read", words::count(gaps.len(), "part"))),
            lines.iter().map(|line| markup(line)).collect::<Vec<_>>().join("\n")
        ));
    }
    out.push_str(&format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{:.3}\">\n",
        markup(&words::name(report)),
        cases.len() + 1,
        answer.elapsed.unwrap_or_default().as_secs_f64()
    ));
    if let Some(verdict) = &report.verdict {
        out.push_str("    <properties>\n");
        for (name, value) in [
            ("decision", verdict.decision.as_str()),
            ("stage", verdict.stage.as_str()),
            ("tier", verdict.tier.as_str()),
            (
                "digest",
                report.artifact.digest.as_deref().unwrap_or_default(),
            ),
        ] {
            out.push_str(&format!(
                "      <property name=\"{name}\" value=\"{}\"/>\n",
                markup(value)
            ));
        }
        out.push_str("    </properties>\n");
    }
    out.push_str(&body);
    out.push_str("  </testsuite>\n");
}

fn class(report: &Report) -> String {
    markup(&words::name(report))
}

fn case(report: &Report, code: &str, worst: Outcome, points: &[&Point<'_>], out: &mut String) {
    let Some(first) = points.first() else {
        out.push_str(&format!(
            "    <testcase classname=\"{}\" name=\"{}\"/>\n",
            class(report),
            markup(code)
        ));
        return;
    };
    let mut lines = Vec::new();
    for point in points {
        lines.push(format!("{}: {}", point.label(), point.message));
        for at in point.locations {
            let position = words::position(at).unwrap_or_default();
            let excerpt = at.excerpt.as_deref().unwrap_or_default();
            let line = format!("  {}  {position}   {excerpt}", words::path(at));
            lines.push(line.trim_end().to_owned());
        }
        if !point.fix.is_empty() {
            lines.push(format!("  fix  {}", point.fix));
        }
    }
    let text = lines
        .iter()
        .map(|line| markup(line))
        .collect::<Vec<_>>()
        .join("\n");
    let message = markup(first.message);
    let severity = first.severity.as_str();
    let inside = match worst {
        Outcome::Failed => {
            format!("<failure type=\"{severity}\" message=\"{message}\">{text}</failure>")
        }
        Outcome::Error => {
            format!("<error type=\"{severity}\" message=\"{message}\">{text}</error>")
        }
        Outcome::Skipped => format!(
            "<skipped message=\"waived by {}\"/>",
            markup(first.waived_by.unwrap_or_default())
        ),
        Outcome::Passed => format!("<system-out>{text}</system-out>"),
    };
    out.push_str(&format!(
        "    <testcase classname=\"{}\" name=\"{}\">\n      {inside}\n    </testcase>\n",
        class(report),
        markup(code)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn a_denial_fails_a_hold_errs_and_a_waiver_skips() {
        let report = samples::deny();
        let text = render(&[Answer::from(&report)], &RenderOptions::default());
        assert!(text.contains("<failure type=\"critical\""));
        assert!(text.contains("<error type=\"medium\""));
        assert!(text.contains("<skipped message=\"waived by EX-3\"/>"));
        assert!(text.contains("<testcase classname=\"sentiment 1.4.0\" name=\"coverage\"/>"));
    }

    #[test]
    fn tags_are_balanced_whatever_the_artifact_says() {
        for (name, report) in samples::all() {
            let text = render(&[Answer::from(&report)], &RenderOptions::default());
            let mut open = Vec::new();
            for tag in text.split('<').skip(2) {
                let tag = tag.split('>').next().unwrap_or_default();
                if let Some(closed) = tag.strip_prefix('/') {
                    assert_eq!(open.pop(), Some(closed.to_owned()), "{name}");
                } else if !tag.ends_with('/') {
                    open.push(tag.split(' ').next().unwrap_or_default().to_owned());
                }
            }
            assert!(open.is_empty(), "{name}: {open:?}");
        }
    }

    #[test]
    fn counts_are_those_of_the_cases() {
        let report = samples::hold();
        let text = render(&[Answer::from(&report)], &RenderOptions::default());
        let cases = text.matches("<testcase ").count();
        assert!(text.contains(&format!(
            "tests=\"{cases}\" failures=\"0\" errors=\"2\" skipped=\"0\""
        )));
    }
}
