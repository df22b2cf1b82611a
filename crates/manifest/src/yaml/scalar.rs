//! Scalars: plain and quoted over several lines, and block text after `|` or `>`.

use super::{At, Reader, SyntaxFault};

impl Reader<'_> {
    /// A plain scalar from `at`; further lines continue it while indented by
    /// at least `indent`.
    pub(super) fn plain(&self, at: At, indent: usize) -> Result<(String, usize), SyntaxFault> {
        let (first, mut open) = self.plain_line(at, false)?;
        let mut text = first.to_owned();
        let mut next = at.line.saturating_add(1);
        let mut blank: usize = 0;
        let mut ahead = next;
        while let Some(line) = self.lines.get(ahead).filter(|_| open) {
            let content = line.text.trim_matches([' ', '\t']);
            let here = At {
                line: ahead,
                byte: line.indent,
            };
            if content.is_empty() {
                blank = blank.saturating_add(1);
            } else if line.indent < indent.max(1) || content.starts_with('#') {
                break;
            } else {
                let (more, goes_on) = self.plain_line(here, true)?;
                push_break(&mut text, blank);
                text.push_str(more);
                blank = 0;
                open = goes_on;
                next = ahead.saturating_add(1);
            }
            ahead = ahead.saturating_add(1);
        }
        Ok((text, next))
    }

    /// One line of a plain scalar, and whether the next may continue it.
    fn plain_line(&self, at: At, continued: bool) -> Result<(&str, bool), SyntaxFault> {
        let text = self.rest(at);
        let mut previous = if continued { ' ' } else { 'x' };
        for (byte, c) in text.char_indices() {
            let next = text
                .get(byte.saturating_add(1)..)
                .and_then(|rest| rest.chars().next());
            if c == ':' && super::is_gap(next) {
                let at = At {
                    byte: at.byte.saturating_add(byte),
                    ..at
                };
                return self.fault(
                    at,
                    "a colon inside the value makes it a key; put the value in quotes",
                );
            }
            if c == '#' && (previous == ' ' || previous == '\t') {
                return Ok((
                    text.get(..byte).unwrap_or("").trim_matches([' ', '\t']),
                    false,
                ));
            }
            previous = c;
        }
        Ok((text.trim_matches([' ', '\t']), true))
    }

    /// A quoted scalar from `at`, and the place after its closing quote.
    pub(super) fn quoted(&self, at: At) -> Result<(String, At), SyntaxFault> {
        let quote = self.rest(at).chars().next().unwrap_or('"');
        let mut text = String::new();
        let mut here = At {
            byte: at.byte.saturating_add(1),
            ..at
        };
        let mut first = true;
        let mut blank: usize = 0;
        loop {
            let rest = self.rest(here);
            let line = if first {
                rest
            } else {
                rest.trim_start_matches([' ', '\t'])
            };
            let skipped = rest.len().saturating_sub(line.len());
            here.byte = here.byte.saturating_add(skipped);
            if !first && line.is_empty() {
                blank = blank.saturating_add(1);
            } else if !first {
                push_break(&mut text, blank);
                blank = 0;
            }
            let kept = text.len();
            match unquote_line(line, quote, &mut text) {
                Quoted::Closed(len) => {
                    return Ok((
                        text,
                        At {
                            byte: here.byte.saturating_add(len),
                            ..here
                        },
                    ));
                }
                Quoted::Escape(byte) => {
                    let at = At {
                        byte: here.byte.saturating_add(byte),
                        ..here
                    };
                    return self.fault(at, "this escape is not known; write \\\\ for a backslash, or use single quotes");
                }
                Quoted::Joined => first = true,
                Quoted::Open => {
                    let trimmed = text
                        .trim_end_matches([' ', '\t'])
                        .len()
                        .max(kept.min(text.len()));
                    text.truncate(trimmed);
                    first = false;
                }
            }
            let line = here.line.saturating_add(1);
            if line >= self.lines.len() {
                return self.fault(at, "a quote is not closed; close it");
            }
            here = At { line, byte: 0 };
            if first {
                // An escaped line end: the next line's indentation is dropped.
                let rest = self.rest(here);
                here.byte = rest
                    .len()
                    .saturating_sub(rest.trim_start_matches([' ', '\t']).len());
            }
        }
    }

    /// A block scalar whose header stands at `at`, and the line after it.
    pub(super) fn block_scalar(
        &self,
        at: At,
        indent: usize,
    ) -> Result<(String, usize), SyntaxFault> {
        let rest = self.rest(at);
        let header = rest.split(" #").next().unwrap_or("").trim_end();
        let folded = header.starts_with('>');
        let (mut keep, mut strip, mut explicit) = (false, false, None);
        for c in header.chars().skip(1) {
            match c {
                '+' if !strip && !keep => keep = true,
                '-' if !strip && !keep => strip = true,
                '1'..='9' if explicit.is_none() => explicit = c.to_digit(10),
                _ => {
                    return self.fault(
                        at,
                        "text may begin on the line after | or > only; move it there",
                    );
                }
            }
        }
        let first = at.line.saturating_add(1);
        let explicit = explicit.and_then(|more| usize::try_from(more).ok());
        let column = match explicit {
            Some(more) => indent.saturating_sub(1).saturating_add(more),
            None => self
                .lines
                .iter()
                .skip(first)
                .find(|line| !line.text.trim_start_matches(' ').is_empty())
                .map_or(0, |line| line.indent),
        };
        let mut kept: Vec<&str> = Vec::new();
        let mut next = first;
        if column >= indent.max(1) {
            for line in self.lines.iter().skip(first) {
                let blank = line.text.trim_start_matches(' ').is_empty();
                if !blank && line.indent < column {
                    break;
                }
                kept.push(line.text.get(column..).unwrap_or(""));
                next = next.saturating_add(1);
            }
        }
        let trailing = kept.iter().rev().take_while(|line| line.is_empty()).count();
        kept.truncate(kept.len().saturating_sub(trailing));
        let mut text = if folded { fold(&kept) } else { kept.join("\n") };
        let ended = first.saturating_add(kept.len()) < self.lines.len();
        if !strip && !text.is_empty() && ended {
            text.push('\n');
        }
        if keep {
            // The text's own last line end is not one of the kept ones.
            let file_end = usize::from(next >= self.lines.len());
            for _ in 0..trailing.saturating_sub(file_end) {
                text.push('\n');
            }
        }
        Ok((text, next))
    }
}

/// A line end inside a flowing scalar is a space, and each blank line a line end.
fn push_break(text: &mut String, blank: usize) {
    if blank == 0 {
        text.push(' ');
    } else {
        text.extend(std::iter::repeat_n('\n', blank));
    }
}

/// Joins lines as `>` does: text lines by a space, more indented ones as they are.
fn fold(lines: &[&str]) -> String {
    let mut out = String::new();
    let mut pending: usize = 0;
    let mut literal = true;
    for (at, line) in lines.iter().enumerate() {
        if line.is_empty() {
            pending = pending.saturating_add(1);
            continue;
        }
        let indented = line.starts_with([' ', '\t']);
        if at > 0 {
            if out.is_empty() {
                out.extend(std::iter::repeat_n('\n', pending));
            } else if literal || indented {
                out.extend(std::iter::repeat_n('\n', pending.saturating_add(1)));
            } else {
                push_break(&mut out, pending);
            }
        }
        out.push_str(line);
        pending = 0;
        literal = indented;
    }
    out
}

enum Quoted {
    /// Closed, this many bytes into the line, the quote included.
    Closed(usize),
    /// The line ended.
    Open,
    /// The line ended with a backslash: no space where it ends.
    Joined,
    /// An unknown escape at this byte.
    Escape(usize),
}

fn unquote_line(line: &str, quote: char, out: &mut String) -> Quoted {
    let mut chars = line.char_indices().peekable();
    while let Some((byte, c)) = chars.next() {
        match c {
            '\'' if quote == '\'' => {
                if chars.next_if(|(_, c)| *c == '\'').is_none() {
                    return Quoted::Closed(byte.saturating_add(1));
                }
                out.push('\'');
            }
            '"' if quote == '"' => return Quoted::Closed(byte.saturating_add(1)),
            '\\' if quote == '"' => {
                let Some((_, escape)) = chars.next() else {
                    return Quoted::Joined;
                };
                let simple = match escape {
                    '0' => '\0',
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    't' | '\t' => '\t',
                    'n' => '\n',
                    'v' => '\u{b}',
                    'f' => '\u{c}',
                    'r' => '\r',
                    'e' => '\u{1b}',
                    ' ' | '"' | '/' | '\\' => escape,
                    'N' => '\u{85}',
                    '_' => '\u{a0}',
                    'L' => '\u{2028}',
                    'P' => '\u{2029}',
                    'x' | 'u' | 'U' => {
                        let digits = match escape {
                            'x' => 2,
                            'u' => 4,
                            _ => 8,
                        };
                        let mut code: Option<u32> = Some(0);
                        for _ in 0..digits {
                            let digit = chars.next().and_then(|(_, c)| c.to_digit(16));
                            code = code.zip(digit).and_then(|(code, digit)| {
                                code.checked_mul(16)
                                    .and_then(|code| code.checked_add(digit))
                            });
                        }
                        match code.and_then(char::from_u32) {
                            Some(c) => c,
                            None => return Quoted::Escape(byte),
                        }
                    }
                    _ => return Quoted::Escape(byte),
                };
                out.push(simple);
            }
            c => out.push(c),
        }
    }
    Quoted::Open
}

/// A quoted scalar that begins and ends within this text, and its length.
pub(super) fn quoted_on_one_line(text: &str) -> Option<(String, usize)> {
    let quote = text.chars().next()?;
    let mut out = String::new();
    match unquote_line(text.get(1..)?, quote, &mut out) {
        Quoted::Closed(len) => Some((out, len.saturating_add(1))),
        _ => None,
    }
}
