//! Python source: what importing it does, and what its functions could do.
//!
//! The grammar is CPython 3.14's as `ruff_python_parser` reads it, errors
//! included. Nothing is executed: names are followed through imports, aliases,
//! `getattr` and constant strings, and every call gets the name it would have.
//! Calls that happen at import are `reached`; those in functions that nothing
//! at import calls are not. It refuses trees deeper than a walk can follow.

mod guard;
mod names;
mod walk;

use std::borrow::Cow;

use modelward_schema::{Action, Code, Location, Term, Via, Why};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use crate::plain::{Lines, secret};
use crate::{Fit, Format, Input, Session, text};

pub(crate) static FORMAT: Format = Format {
    name: "python",
    identify,
    read,
};

/// Bytes that decide whether it is Python.
const PROBE: usize = 16 << 10;

/// Longest source that is parsed: the tree takes some fifty times as much.
const MAX_SOURCE: usize = 4 << 20;

fn identify(input: &Input<'_>) -> Fit {
    let probe = input.bytes.get(..PROBE).unwrap_or(input.bytes);
    let control = |byte: &u8| matches!(byte, 0..=8 | 14..=31 | 127);
    if probe.trim_ascii().is_empty() || probe.iter().any(control) {
        return Fit::No;
    }
    let extension = input.extension();
    let telling = telling_lines(probe);
    match extension.as_deref() {
        Some("py" | "pyw" | "pyi") if telling > 0 => Fit::Yes,
        Some("py" | "pyw" | "pyi") => Fit::Maybe,
        // The interpreter runs the import lines of these at start-up.
        Some("pth") if telling > 0 => Fit::Yes,
        None | Some("txt" | "bin" | "dat" | "data" | "pt" | "ckpt" | "model") if telling >= 2 => {
            Fit::Maybe
        }
        _ => Fit::No,
    }
}

/// Lines that only Python has.
fn telling_lines(probe: &[u8]) -> usize {
    probe
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| {
            let block = line.ends_with(b":");
            line.starts_with(b"import ")
                || line.starts_with(b"from ") && memchr::memmem::find(line, b" import ").is_some()
                || block && (line.starts_with(b"def ") || line.starts_with(b"class "))
                || line.starts_with(b"exec(")
                || line.starts_with(b"@")
                || memchr::memmem::find(line, b" = ").is_some() && !block
                || line.starts_with(b"print(")
        })
        .count()
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let lines = Lines::new(input.path, input.bytes);
    secret::scan(input.bytes, &lines, session);
    let source = decode(input, session);
    hidden_characters(&source, &lines, session);
    let same = source.as_bytes() == input.bytes;
    let place = |start: usize, end: usize| {
        if same {
            lines.shown(start, end.saturating_sub(start))
        } else {
            let shown = source.get(start..end).unwrap_or_default();
            let shown = text::escape(shown.as_bytes(), 160);
            input
                .whole()
                .with_excerpt(secret::redact(&shown).into_owned())
        }
    };
    tell(&source, true, &place, &input.whole(), session);
}

/// The source of a notebook's cell that stands at `at`. Its shell commands are
/// told as calls of IPython's.
pub(crate) fn read_cell(source: &str, at: &Location, session: &mut Session<'_>) {
    let mut python = String::with_capacity(source.len());
    let mut shell =
        source.trim_start().starts_with("%%bash") || source.trim_start().starts_with("%%sh");
    for line in source.lines() {
        let command = line.trim_start().strip_prefix('!').or_else(|| {
            line.trim_start()
                .strip_prefix("%pip ")
                .map(|_| line.trim_start())
        });
        if shell || command.is_some() {
            let command = command.unwrap_or(line).trim();
            if !command.is_empty() && !command.starts_with("%%") {
                session.code(shell_command(command, at));
            }
            python.push_str("pass\n");
        } else if line.starts_with('%') || line.ends_with('?') {
            shell |= line.starts_with("%%");
            python.push_str("pass\n");
        } else {
            python.push_str(line);
            python.push('\n');
        }
    }
    let place = |start: usize, end: usize| {
        let shown = python.get(start..end).unwrap_or_default();
        let shown = text::escape(shown.as_bytes(), 160);
        at.clone().with_excerpt(secret::redact(&shown).into_owned())
    };
    tell(&python, false, &place, at, session);
}

fn shell_command(command: &str, at: &Location) -> Code {
    Code {
        via: Via::Python,
        action: Action::Call,
        target: "IPython.system".to_owned(),
        written: None,
        args: vec![Term::Str {
            text: text::cap(&secret::redact(command), 1024),
            len: u64::try_from(command.len()).unwrap_or(u64::MAX),
        }],
        kwargs: Vec::new(),
        computed: false,
        reached: false,
        count: 1,
        at: at.clone(),
    }
}

fn tell(
    source: &str,
    imported: bool,
    place: &dyn Fn(usize, usize) -> Location,
    whole: &Location,
    session: &mut Session<'_>,
) {
    let cost = u64::try_from(source.len())
        .unwrap_or(u64::MAX)
        .saturating_mul(2);
    if source.len() > MAX_SOURCE || !session.spend(cost) {
        session.gap(
            Why::Limit,
            "the source is longer than is parsed",
            whole.clone(),
        );
        return;
    }
    if !guard::is_shallow(source) {
        session.anomaly(
            "python-deeply-nested",
            "the source is nested deeper than any program needs",
            whole.clone(),
        );
        session.gap(
            Why::Limit,
            "the source is nested deeper than the limit",
            whole.clone(),
        );
        return;
    }
    let parsed = parse_unchecked(source, ParseOptions::from(Mode::Module));
    if let Some(error) = parsed.errors().first() {
        let at = usize::from(error.location.start());
        session.metadata(
            "python.does-not-parse",
            &error.error.to_string(),
            place(at, at.saturating_add(1)),
        );
    }
    let Some(module) = parsed.syntax().as_module() else {
        return;
    };
    for called in walk::calls(&module.body, imported) {
        let mut code = called.code;
        code.at = place(called.start, called.end);
        session.code(code);
    }
}

/// The text that the interpreter compiles: PEP 263 lets a comment choose the
/// encoding.
fn decode<'a>(input: &Input<'a>, session: &mut Session<'_>) -> Cow<'a, str> {
    let bytes = input
        .bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(input.bytes);
    let cookie = bytes.split(|byte| *byte == b'\n').take(2).find_map(cookie);
    let text = String::from_utf8_lossy(bytes);
    let Some(cookie) = cookie else { return text };
    let name = cookie.to_ascii_lowercase().replace('_', "-");
    let plain = [
        "utf-8",
        "utf8",
        "latin-1",
        "iso-8859-1",
        "iso-latin-1",
        "ascii",
        "us-ascii",
        "cp1252",
    ];
    if plain.iter().any(|known| name.starts_with(known)) {
        return text;
    }
    session.anomaly(
        "python-foreign-encoding",
        format!("the source asks to be decoded as {name:?}, so it does not say what it seems to"),
        input.at(0, 64.min(input.len())),
    );
    if matches!(name.as_str(), "raw-unicode-escape" | "unicode-escape") {
        return Cow::Owned(unescape(&text));
    }
    session.gap(
        Why::Unsupported,
        "the source's encoding is not decoded",
        input.whole(),
    );
    text
}

/// `coding: NAME` in a comment.
fn cookie(line: &[u8]) -> Option<String> {
    let line = line.trim_ascii();
    if !line.starts_with(b"#") {
        return None;
    }
    let line = String::from_utf8_lossy(line.get(..line.len().min(200))?).into_owned();
    let (_, after) = line.split_once("coding")?;
    let after = after.strip_prefix([':', '='])?.trim_start();
    let end = after
        .find(|character: char| {
            !(character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.'))
        })
        .unwrap_or(after.len());
    after
        .get(..end)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

/// `\uXXXX` and `\xXX` as characters.
fn unescape(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let len: usize = match after.bytes().next() {
            Some(b'u') => 5,
            Some(b'x') => 3,
            Some(b'U') => 9,
            _ => 0,
        };
        let character = after
            .get(1..len.max(1))
            .and_then(|digits| char::from_u32(u32::from_str_radix(digits, 16).ok()?));
        if let Some(character) = character {
            out.push(character);
            rest = after.get(len..).unwrap_or_default();
        } else {
            out.push('\\');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Characters that make an editor show another program (CVE-2021-42574).
fn hidden_characters(source: &str, lines: &Lines<'_>, session: &mut Session<'_>) {
    let bidi =
        |character: char| matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if let Some(at) = source.find(bidi) {
        session.anomaly(
            "python-bidirectional-text",
            "control characters make the source look like another program",
            lines.shown(at, 3),
        );
    }
}

#[cfg(test)]
mod tests;
