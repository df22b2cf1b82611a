//! Lines for a terminal: styles that can be off, columns, wrapping.

use anstyle::{AnsiColor, Style};
use modelward_schema::{Decision, Severity};

/// Styles of one answer; all plain when colour is off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    colour: bool,
}

impl Paint {
    pub(super) fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// `text` must be plain already.
    pub(super) fn with(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// Something to type or to look for.
    pub(super) fn code(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default(), text)
    }

    pub(super) fn warn(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(super) fn severity(self, severity: Severity, text: &str) -> String {
        let style = match severity {
            Severity::Critical => AnsiColor::Red.on_default().bold(),
            Severity::High => AnsiColor::Red.on_default(),
            Severity::Medium => AnsiColor::Yellow.on_default(),
            Severity::Low => AnsiColor::Blue.on_default(),
            Severity::Info => Style::new().dimmed(),
        };
        self.with(style, text)
    }

    /// A decision within a line.
    pub(super) fn outcome(self, decision: Decision, text: &str) -> String {
        match decision {
            Decision::Deny => self.bad(text),
            Decision::Hold => self.warn(text),
            Decision::Allow => self.good(text),
        }
    }

    /// The decision of an answer.
    pub(super) fn decision(self, decision: Decision, text: &str) -> String {
        match decision {
            Decision::Deny => self.band(AnsiColor::BrightWhite, AnsiColor::Red, text),
            Decision::Hold => self.band(AnsiColor::Black, AnsiColor::Yellow, text),
            Decision::Allow => self.band(AnsiColor::Black, AnsiColor::Green, text),
        }
    }

    fn band(self, ink: AnsiColor, ground: AnsiColor, text: &str) -> String {
        let style = ink.on(ground).bold();
        if self.colour {
            self.with(style, &format!(" {text} "))
        } else {
            text.to_owned()
        }
    }
}

/// Columns that plain text takes on a terminal: combining marks none, East
/// Asian wide characters two. Near enough to align; nothing depends on it.
pub(super) fn columns(text: &str) -> usize {
    text.chars()
        .map(|character| match u32::from(character) {
            0x0300..=0x036f | 0x1ab0..=0x1aff | 0x20d0..=0x20ff => 0,
            0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0x1f300..=0x1faff
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

/// Plain text in at most `width` columns, the rest as `…`.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for character in text.chars() {
        if columns(&out) + 2 >= width {
            break;
        }
        out.push(character);
    }
    out.push('…');
    out
}

/// Plain text in lines of at most `width` columns, broken at spaces, or
/// anywhere in a word that is too long itself.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(16);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if columns(&line) + gap + columns(word) <= width {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for character in word.chars() {
            if columns(&line) >= width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(character);
        }
    }
    lines.push(line);
    lines
}

/// `left`, and `right` at the right edge; on a line of its own below when both
/// do not fit. Widths are those of the plain texts.
pub(super) fn spread(
    (left, left_columns): (&str, usize),
    (right, right_columns): (&str, usize),
    width: usize,
) -> String {
    if left_columns + 2 + right_columns <= width {
        let gap = width - left_columns - right_columns;
        format!("{left}{:gap$}{right}", "")
    } else {
        let gap = width.saturating_sub(right_columns);
        format!("{left}\n{:gap$}{right}", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_broken_and_short_ones_kept_whole() {
        assert_eq!(wrap("ab cd", 16), ["ab cd"]);
        assert_eq!(
            wrap("0123456789abcdef0123 x", 16),
            ["0123456789abcdef", "0123 x"]
        );
        assert_eq!(columns("日本"), 4);
    }

    #[test]
    fn plain_paint_adds_nothing() {
        assert_eq!(Paint::new(false).bold("x"), "x");
        assert_eq!(Paint::new(true).bold("x"), "\u{1b}[1mx\u{1b}[0m");
    }
}
