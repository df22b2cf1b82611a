//! The answer at a terminal: verdict first, then reasons by severity, then the
//! facets, then what was read and what was not. Piped, it is the same text
//! without styles.

mod read;
mod told;

use modelward_schema::{Decision, Effect, FacetState, Severity};

use super::paint::{Paint, columns, cut, wrap};
use super::points::{Point, groups, points, tally, unweighed};
use super::{Answer, RenderOptions, escape::plain, words};

pub(super) fn render(answers: &[Answer<'_>], options: &RenderOptions) -> String {
    let mut out = String::new();
    for answer in answers {
        let mut page = Page {
            paint: Paint::new(options.colour),
            width: options.width.clamp(40, 200),
            options,
            answer,
            out: String::new(),
        };
        page.write();
        out.push_str(&page.out);
    }
    if answers.len() > 1 {
        out.push_str(&summary(answers, options));
    }
    out
}

/// One line over many answers.
fn summary(answers: &[Answer<'_>], options: &RenderOptions) -> String {
    let decided = |decision| {
        answers
            .iter()
            .filter(|answer| {
                answer
                    .report
                    .verdict
                    .as_ref()
                    .is_some_and(|v| v.decision == decision)
            })
            .count()
    };
    let mut parts = Vec::new();
    for decision in [Decision::Deny, Decision::Hold, Decision::Allow] {
        if decided(decision) > 0 {
            parts.push(format!("{} {}", decided(decision), decision.as_str()));
        }
    }
    if parts.is_empty() {
        let found = answers.iter().filter(|answer| {
            points(answer.report)
                .iter()
                .any(|point| point.stops(options.fail_on))
        });
        let incomplete = answers
            .iter()
            .filter(|answer| !answer.report.facts.coverage.complete)
            .count();
        parts.push(format!(
            "{} with findings at or above {}",
            found.count(),
            options.fail_on.as_str()
        ));
        parts.push(format!("{incomplete} not fully read"));
    }
    format!(
        "\n  {}: {}\n",
        words::count(answers.len(), "artifact"),
        parts.join(", ")
    )
}

struct Page<'a> {
    paint: Paint,
    width: usize,
    options: &'a RenderOptions,
    answer: &'a Answer<'a>,
    out: String,
}

impl Page<'_> {
    fn write(&mut self) {
        let points = points(self.answer.report);
        self.band(&points);
        let quiet: Vec<Point<'_>> = points
            .iter()
            .copied()
            .filter(|point| self.is_quiet(point))
            .chain(unweighed(self.answer.report))
            .collect();
        let told: Vec<Point<'_>> = points
            .into_iter()
            .filter(|point| !self.is_quiet(point))
            .collect();
        let mut last_fix = String::new();
        for group in groups(&told) {
            self.group(&group, &mut last_fix);
        }
        self.rest(&quiet);
        if !told.is_empty() || !quiet.is_empty() {
            self.out.push('\n');
        }
        self.facets();
        self.unblock();
        self.coverage();
        self.footer();
    }

    /// Low and info points that decide nothing are counted, not told.
    fn is_quiet(&self, point: &Point<'_>) -> bool {
        !self.options.verbose
            && point.severity <= Severity::Low
            && point.waived_by.is_none()
            && matches!(point.effect, None | Some(Effect::Warn))
    }

    /// Columns that a name may take in a line with others.
    fn name_room(&self) -> usize {
        (self.width / 2).saturating_sub(4).min(36)
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn band(&mut self, points: &[Point<'_>]) {
        let report = self.answer.report;
        let paint = self.paint;
        let (decision, word) = if let Some(verdict) = &report.verdict {
            (verdict.decision, verdict.decision.as_str().to_uppercase())
        } else if !points.is_empty() {
            let worst = points.iter().any(|point| point.stops(self.options.fail_on));
            let decision = if worst {
                Decision::Deny
            } else {
                Decision::Hold
            };
            (decision, "FOUND".to_owned())
        } else if report.facts.coverage.complete {
            (Decision::Allow, "NOTHING FOUND".to_owned())
        } else {
            (Decision::Hold, "NOT ALL READ".to_owned())
        };
        let name = cut(&plain(&words::name(report)), self.name_room());
        let digest = match &report.artifact.digest {
            Some(digest) => cut(&plain(&words::short(digest)), self.name_room()),
            None => "no digest".to_owned(),
        };
        let middle = match &report.verdict {
            Some(verdict) => format!("tier {}", verdict.tier.as_str()),
            None => tally(points),
        };
        let mut parts = vec![
            (
                format!("{}  {}", paint.decision(decision, &word), paint.bold(&name)),
                columns(&word) + 2 + columns(&name),
            ),
            (middle.clone(), columns(&middle)),
            (paint.dim(&digest), columns(&digest)),
        ];
        if let Some(verdict) = &report.verdict {
            let stage = format!("for {}", verdict.stage.as_str());
            parts.push((stage.clone(), columns(&stage)));
        }
        self.out.push('\n');
        self.flow(&parts, 3);
        self.out.push('\n');
    }

    /// Styled parts with their widths, side by side as long as they fit.
    fn flow(&mut self, parts: &[(String, usize)], gap: usize) {
        let (mut line, mut used) = (String::new(), 0);
        for (text, size) in parts.iter().filter(|(_, size)| *size > 0) {
            if used > 0 && used + gap + size > self.width {
                self.line(&std::mem::take(&mut line));
                used = 0;
            }
            let gap = if used == 0 { 2 } else { gap };
            line.push_str(&" ".repeat(gap));
            line.push_str(text);
            used += gap + size;
        }
        if used > 0 {
            self.line(&line);
        }
    }

    fn facets(&mut self) {
        let Some(verdict) = &self.answer.report.verdict else {
            return;
        };
        let paint = self.paint;
        let mut parts = Vec::new();
        for facet in &verdict.facets {
            let mark = words::mark(facet.state);
            let name = cut(&plain(&facet.name), self.name_room());
            let mut note = cut(&plain(&facet.note), self.name_room());
            if facet.state == FacetState::Shown {
                note.clear();
            }
            let styled = match facet.state {
                FacetState::Shown => paint.good(mark),
                FacetState::Partial => paint.warn(mark),
                FacetState::Missing => paint.bad(mark),
            };
            let size = columns(&name) + 1 + columns(mark);
            if note.is_empty() {
                parts.push((format!("{name} {styled}"), size));
            } else {
                let text = format!("{name} {styled} {}", paint.dim(&note));
                parts.push((text, size + 1 + columns(&note)));
            }
        }
        self.flow(&parts, 4);
    }

    fn unblock(&mut self) {
        let Some(verdict) = &self.answer.report.verdict else {
            return;
        };
        if verdict.decision == Decision::Allow || verdict.unblock.is_empty() {
            return;
        }
        let mut standing: Vec<&str> = verdict
            .reasons
            .iter()
            .filter(|reason| reason.waived_by.is_none() && reason.effect != Effect::Warn)
            .map(|reason| reason.code.as_str())
            .collect();
        standing.sort_unstable();
        standing.dedup();
        let text = match standing.len() {
            number if number != verdict.unblock.len() => {
                format!("to unblock: {}", verdict.unblock.join(", "))
            }
            1 => "to unblock: one thing, above".to_owned(),
            number => format!("to unblock: {number} things, all of the above"),
        };
        for line in wrap(&plain(&text), self.width.saturating_sub(2)) {
            self.line(&format!("  {line}"));
        }
    }
}

#[cfg(test)]
mod tests;
