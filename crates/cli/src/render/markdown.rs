//! For a pull request, an issue or a step summary. Paths, excerpts and
//! commands stand in code spans, where nothing is a link or a mention.

use modelward_schema::{Decision, Location};

use super::points::{Point, exemption, groups, points, tally, unweighed};
use super::{Answer, RenderOptions, escape, words};

/// Places told per point when not verbose.
const PLACES: usize = 3;

pub(super) fn render(answers: &[Answer<'_>], options: &RenderOptions) -> String {
    let pages: Vec<String> = answers.iter().map(|answer| page(answer, options)).collect();
    pages.join("\n---\n\n")
}

fn page(answer: &Answer<'_>, options: &RenderOptions) -> String {
    let report = answer.report;
    let all = points(report);
    let mut out = heading(answer, &all);
    let (waived, standing): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|point| point.waived_by.is_some());
    if !standing.is_empty() {
        out.push_str("\n| | what | where | fix |\n|---|---|---|---|\n");
        for group in groups(&standing) {
            out.push_str(&row(&group, options));
        }
    }
    if !waived.is_empty() {
        out.push_str("\n**Waived**\n\n");
        for point in &waived {
            let id = point.waived_by.unwrap_or_default();
            let by = exemption(report, id).map_or_else(String::new, |exemption| {
                format!(
                    ", accepted by {} until {}: {}",
                    escape::code(&exemption.approved_by),
                    escape::markdown(&words::day(&exemption.not_after)),
                    escape::markdown(&exemption.reason)
                )
            });
            out.push_str(&format!(
                "- {} {} (exemption {}{by})\n",
                escape::code(point.code),
                escape::markdown(point.message),
                escape::code(id)
            ));
        }
    }
    let also = unweighed(report);
    if !also.is_empty() {
        let mut codes: Vec<&str> = also.iter().map(|point| point.code).collect();
        codes.sort_unstable();
        codes.dedup();
        let codes: Vec<String> = codes.into_iter().map(escape::code).collect();
        out.push_str(&format!(
            "\nAlso found, not weighed by the policy: {} ({}).\n",
            tally(&also),
            codes.join(", ")
        ));
    }
    out.push_str(&closing(answer, options));
    out
}

fn heading(answer: &Answer<'_>, all: &[Point<'_>]) -> String {
    let report = answer.report;
    let name = escape::markdown(&words::name(report));
    let digest = report.artifact.digest.as_deref();
    let digest = digest.map_or_else(
        || "no digest".to_owned(),
        |digest| escape::code(&words::short(digest)),
    );
    let Some(verdict) = &report.verdict else {
        let state = if !all.is_empty() {
            tally(all)
        } else if report.facts.coverage.complete {
            "nothing found".to_owned()
        } else {
            "not all read".to_owned()
        };
        return format!("### {name}: {state}\n\n{digest}\n");
    };
    let facets: Vec<String> = verdict
        .facets
        .iter()
        .map(|facet| {
            let note = escape::markdown(&facet.note);
            format!(
                "{} {} {note}",
                escape::markdown(&facet.name),
                words::mark(facet.state)
            )
            .trim_end()
            .to_owned()
        })
        .collect();
    format!(
        "### {}: {name}\n\nfor {} · tier {} · {digest}\n\n{}\n",
        verdict.decision.as_str().to_uppercase(),
        verdict.stage.as_str(),
        verdict.tier.as_str(),
        facets.join(" · ")
    )
}

fn row(group: &[Point<'_>], options: &RenderOptions) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    let mut places: Vec<(&Location, &str)> = group
        .iter()
        .flat_map(|point| point.locations.iter().map(|at| (at, point.message)))
        .collect();
    let all = places.len();
    if !options.verbose {
        places.truncate(PLACES);
    }
    let mut places: Vec<String> = places
        .into_iter()
        .map(|(at, message)| place(at, message))
        .collect();
    if places.len() < all {
        places.push(format!("and {} more", all - places.len()));
    }
    let more = match group.len() {
        1 => String::new(),
        number => format!("<br>and {} more like it", number - 1),
    };
    let fix = if first.fix.starts_with("modelward ") {
        escape::code(first.fix)
    } else {
        escape::markdown(first.fix)
    };
    format!(
        "| **{}** | {}<br>{}{more} | {} | {fix} |\n",
        first.label(),
        escape::markdown(first.message),
        escape::code(first.code),
        places.join("<br>")
    )
}

fn place(at: &Location, message: &str) -> String {
    let mut text = escape::code(&words::path(at));
    if let Some(position) = words::position(at) {
        text.push(' ');
        text.push_str(&escape::markdown(&position));
    }
    if let Some(excerpt) = at
        .excerpt
        .as_deref()
        .filter(|excerpt| !excerpt.is_empty() && !message.contains(*excerpt))
    {
        text.push(' ');
        text.push_str(&escape::code(excerpt));
    }
    text
}

fn closing(answer: &Answer<'_>, options: &RenderOptions) -> String {
    let report = answer.report;
    let gaps = &report.facts.coverage.gaps;
    let mut out = String::new();
    if let Some(verdict) = &report.verdict
        && verdict.decision != Decision::Allow
        && !verdict.unblock.is_empty()
    {
        let codes: Vec<String> = verdict
            .unblock
            .iter()
            .map(|code| escape::code(code))
            .collect();
        out.push_str(&format!("\nTo unblock: {}.\n", codes.join(", ")));
    }
    out.push_str(&format!("\nRead {}; ", words::extent(report)));
    if gaps.is_empty() {
        out.push_str("nothing left unread.\n");
    } else {
        out.push_str("not everything:\n\n");
        let kept = if options.verbose { usize::MAX } else { 10 };
        for gap in gaps.iter().take(kept) {
            out.push_str(&format!(
                "- {}: {}, {}\n",
                words::why(gap.why),
                escape::code(&words::path(&gap.at)),
                escape::markdown(&gap.message)
            ));
        }
        if gaps.len() > kept {
            out.push_str(&format!("- and {} more\n", gaps.len() - kept));
        }
    }
    if let Some(text) = words::unconfined(report) {
        out.push_str(&format!("\nSandbox {text}.\n"));
    }
    if let Some(recorded) = answer.recorded {
        out.push_str(&format!("\nDecision {} on record.\n", recorded.number));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn a_denial_reads_well_in_a_pull_request() {
        let report = samples::deny();
        insta::assert_snapshot!(render(&[Answer::from(&report)], &RenderOptions::default()));
    }

    #[test]
    fn hostile_text_makes_no_markup() {
        let report = samples::hostile();
        let text = render(&[Answer::from(&report)], &RenderOptions::default());
        let without_spans = outside_spans(&text.replace("<br>", ""));
        assert!(!without_spans.contains('<'), "{without_spans}");
        assert!(!without_spans.contains("@all"), "{without_spans}");
    }

    /// The text between code spans, as a Markdown reader finds them.
    fn outside_spans(text: &str) -> String {
        let run = |text: &str| text.len() - text.trim_start_matches('`').len();
        let (mut out, mut rest) = (String::new(), text);
        while let Some(character) = rest.chars().next() {
            let ticks = run(rest);
            if character == '\\' {
                rest = &rest[1..];
                let escaped = rest.chars().next().map_or(0, char::len_utf8);
                rest = &rest[escaped..];
                continue;
            }
            if ticks == 0 {
                out.push(character);
                rest = &rest[character.len_utf8()..];
                continue;
            }
            let mut inside = &rest[ticks..];
            loop {
                inside = &inside[inside.find('`').expect("a span is closed")..];
                let closing = run(inside);
                inside = &inside[closing..];
                if closing == ticks {
                    break;
                }
            }
            rest = inside;
        }
        out
    }
}
