//! Annotations of a GitHub workflow: one workflow command per point, worst
//! first, because GitHub shows ten errors and ten warnings of a step. The
//! page for `$GITHUB_STEP_SUMMARY` is the Markdown form.

use modelward_schema::{Effect, Severity};

use super::points::{Point, groups, points};
use super::{Answer, RenderOptions, escape, words};

pub(super) fn render(answers: &[Answer<'_>], options: &RenderOptions) -> String {
    let mut out = String::new();
    for answer in answers {
        let report = answer.report;
        for group in groups(&points(report)) {
            let Some(first) = group.first() else { continue };
            let mut properties = Vec::new();
            if let Some(at) = first.locations.first() {
                let file = words::on_disk(report, &at.path);
                properties.push(format!("file={}", escape::property(&file)));
                // Lines of a member are not lines of the file that GitHub shows.
                if let (Some(line), None) = (at.line, words::member(&at.path)) {
                    properties.push(format!("line={line}"));
                    if let Some(column) = at.column {
                        properties.push(format!("col={column}"));
                    }
                }
            }
            let title = format!("{} ({}) {}", first.code, first.label(), words::name(report));
            properties.push(format!("title={}", escape::property(&title)));
            let mut lines = vec![first.message.to_owned()];
            lines.extend(first.locations.first().map(|at| match words::position(at) {
                Some(position) => format!("at {} {position}", words::path(at)),
                None => format!("at {}", words::path(at)),
            }));
            if group.len() > 1 {
                lines.push(format!("and {} more like it", group.len() - 1));
            }
            if !first.fix.is_empty() {
                lines.push(format!("fix: {}", first.fix));
            }
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            out.push_str(&format!(
                "::{} {}::{}\n",
                level(first, options.fail_on),
                properties.join(","),
                escape::command(&lines)
            ));
        }
        for gap in &report.facts.coverage.gaps {
            let file = words::on_disk(report, &gap.at.path);
            let title = format!("not read ({}) {}", words::why(gap.why), words::name(report));
            out.push_str(&format!(
                "::warning file={},title={}::{}\n",
                escape::property(&file),
                escape::property(&title),
                escape::command(&[&words::path(&gap.at), &gap.message])
            ));
        }
        let line = match &report.verdict {
            Some(verdict) => format!(
                "{} {} for {}",
                verdict.decision.as_str(),
                words::name(report),
                verdict.stage.as_str()
            ),
            None => format!("read {}: {}", words::name(report), words::extent(report)),
        };
        out.push_str(&format!(
            "::notice title=modelward::{}\n",
            escape::command(&[&line])
        ));
    }
    out
}

fn level(point: &Point<'_>, fail_on: Severity) -> &'static str {
    if point.waived_by.is_some() {
        return "notice";
    }
    match point.effect {
        Some(Effect::Deny | Effect::Hold) => "error",
        None if point.severity >= fail_on => "error",
        _ if point.severity >= Severity::Medium => "warning",
        _ => "notice",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn every_line_is_one_command_whatever_the_artifact_says() {
        for (name, report) in samples::all() {
            let text = render(&[Answer::from(&report)], &RenderOptions::default());
            for line in text.lines() {
                assert!(line.starts_with("::"), "{name}: {line}");
                let (properties, _) = line[2..].split_once("::").expect("a command");
                assert!(!properties.contains("::"), "{name}: {line}");
            }
        }
    }

    #[test]
    fn a_denial_annotates_its_files() {
        let report = samples::deny();
        insta::assert_snapshot!(render(&[Answer::from(&report)], &RenderOptions::default()));
    }
}
