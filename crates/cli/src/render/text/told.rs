//! The reasons: what, where, what stands there, and the fix.

use modelward_schema::Location;

use super::super::paint::{Paint, columns, cut, spread, wrap};
use super::super::points::{Point, exemption, groups, tally};
use super::super::{escape::plain, words};
use super::Page;

/// Where the text after a label begins.
const INDENT: usize = 12;
/// Places told per point when not verbose.
const PLACES: usize = 3;

impl Page<'_> {
    pub(super) fn group(&mut self, group: &[Point<'_>], last_fix: &mut String) {
        let Some((first, others)) = group.split_first() else {
            return;
        };
        self.headline(first);
        self.places(first);
        if self.options.verbose {
            for other in others {
                self.body("", &plain(other.message), |_, text| text.to_owned());
                self.places(other);
            }
        } else if !others.is_empty() {
            let mut files: Vec<&str> = group
                .iter()
                .flat_map(|point| point.locations.iter().map(|at| words::outermost(&at.path)))
                .collect();
            files.sort_unstable();
            files.dedup();
            let text = if files.is_empty() {
                format!("and {} more like it", others.len())
            } else {
                format!(
                    "and {} more like it, in {}",
                    others.len(),
                    words::count(files.len(), "file")
                )
            };
            self.body("", &text, Paint::dim);
        }
        if let Some(id) = first.waived_by {
            self.waiver(first, id);
        } else if !first.fix.is_empty() && *last_fix != first.fix {
            let fix = plain(first.fix);
            if fix.starts_with("modelward ") {
                // A line to paste is never broken.
                let line = format!("{}  {}", self.paint.dim("fix"), self.paint.code(&fix));
                self.line(&format!("{:INDENT$}{line}", ""));
            } else {
                self.body("fix", &fix, |_, text| text.to_owned());
            }
            first.fix.clone_into(last_fix);
        }
    }

    /// Label, message, and the code at the right edge.
    fn headline(&mut self, point: &Point<'_>) {
        let code = cut(&plain(point.code), self.name_room());
        let code_columns = columns(&code);
        let label = format!("{:<10}", point.label());
        let label = if point.waived_by.is_some() {
            self.paint.dim(&label)
        } else {
            self.paint.severity(point.severity, &label)
        };
        let room = self.width.saturating_sub(INDENT);
        let beside = room.saturating_sub(code_columns + 2);
        let narrow = beside < 30;
        let lines = wrap(&plain(point.message), if narrow { room } else { beside });
        for (index, text) in lines.iter().enumerate() {
            let shown = if point.waived_by.is_some() {
                self.paint.dim(text)
            } else {
                self.paint.bold(text)
            };
            if index > 0 {
                self.line(&format!("{:INDENT$}{shown}", ""));
                continue;
            }
            let left = (format!("  {label}{shown}"), INDENT + columns(text));
            if narrow {
                self.line(&left.0);
            } else {
                let right = (self.paint.dim(&code), code_columns);
                let line = spread((&left.0, left.1), (&right.0, right.1), self.width);
                self.line(&line);
            }
        }
        if narrow {
            self.line(&format!("{:INDENT$}{}", "", self.paint.dim(&code)));
        }
    }

    fn places(&mut self, point: &Point<'_>) {
        let kept = if self.options.verbose {
            usize::MAX
        } else {
            PLACES
        };
        for at in point.locations.iter().take(kept) {
            self.place(at, point.message);
        }
        let more = point.locations.len().saturating_sub(kept);
        if more > 0 {
            let text = format!("and {}", words::count(more, "more place"));
            self.body("", &text, Paint::dim);
        }
    }

    /// Path, position and what stands there, unless the message says it.
    fn place(&mut self, at: &Location, message: &str) {
        let path = plain(&words::path(at));
        let position = words::position(at).unwrap_or_default();
        let excerpt = at
            .excerpt
            .as_deref()
            .filter(|excerpt| !excerpt.is_empty() && !message.contains(*excerpt))
            .map(plain)
            .unwrap_or_default();
        let room = self.width.saturating_sub(INDENT);
        let mut lines = wrap(&path, room.saturating_sub(columns(&position) + 2));
        let last = lines.pop().unwrap_or_default();
        for line in lines {
            self.line(&format!("{:INDENT$}{line}", ""));
        }
        let mut line = format!("{:INDENT$}{last}  {}", "", self.paint.dim(&position));
        let used = columns(&last) + 2 + columns(&position);
        let beside = used + 3 + columns(&excerpt) <= room;
        if beside && !excerpt.is_empty() {
            line.push_str("   ");
            line.push_str(&self.paint.code(&excerpt));
        }
        self.line(&line);
        if !beside && !excerpt.is_empty() {
            self.body("", &excerpt, Paint::code);
        }
    }

    /// Indented, wrapped text, with a word before it that says what it is.
    fn body(&mut self, word: &str, text: &str, style: impl Fn(Paint, &str) -> String) {
        let lead = if word.is_empty() {
            0
        } else {
            columns(word) + 2
        };
        let room = self.width.saturating_sub(INDENT + lead);
        for (index, line) in wrap(text, room).iter().enumerate() {
            let shown = style(self.paint, line);
            let line = if word.is_empty() {
                format!("{:INDENT$}{shown}", "")
            } else if index == 0 {
                format!("{:INDENT$}{}  {shown}", "", self.paint.dim(word))
            } else {
                format!("{:INDENT$}{:lead$}{shown}", "", "")
            };
            self.line(&line);
        }
    }

    fn waiver(&mut self, point: &Point<'_>, id: &str) {
        let severity = point.severity.as_str();
        let text = match exemption(self.answer.report, id) {
            Some(exemption) => format!(
                "{id}, {severity}, accepted by {} until {}: {}",
                exemption.approved_by,
                words::day(&exemption.not_after),
                exemption.reason
            ),
            None => format!("{id}, {severity}"),
        };
        self.body("exempt", &plain(&text), Paint::dim);
    }

    /// What was counted instead of told.
    pub(super) fn rest(&mut self, quiet: &[Point<'_>]) {
        if quiet.is_empty() {
            return;
        }
        if self.options.verbose {
            let mut last_fix = String::new();
            for group in groups(quiet) {
                self.group(&group, &mut last_fix);
            }
            return;
        }
        let mut codes: Vec<&str> = quiet.iter().map(|point| point.code).collect();
        codes.sort_unstable();
        codes.dedup();
        let text = format!("{} ({}); -v tells them", tally(quiet), codes.join(", "));
        let room = self.width.saturating_sub(INDENT);
        for (index, line) in wrap(&plain(&text), room).iter().enumerate() {
            let label = if index == 0 { "also" } else { "" };
            let line = self.paint.dim(&format!("{label:<10}{line}"));
            self.line(&format!("  {line}"));
        }
    }
}
