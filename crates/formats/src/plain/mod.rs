//! Text that is nothing else.
//!
//! UTF-8, UTF-16 with a byte order mark, or a one-byte Western encoding without
//! control characters. It yields to every format that says what the text means;
//! for the rest it names the notation when that is cheap to know, and looks for
//! what text may carry wherever it stands: credentials, foreign package
//! indexes, XML document types.

mod lines;
pub(crate) mod secret;

pub(crate) use lines::Lines;

use crate::{Fit, Format, Input, Session, settings, yaml};

pub(crate) static FORMAT: Format = Format {
    name: "text",
    identify,
    read,
};

/// Bytes that decide whether it is text.
const PROBE: usize = 8192;

fn identify(input: &Input<'_>) -> Fit {
    let probe = input.bytes.get(..PROBE).unwrap_or(input.bytes);
    if probe.is_empty() || !is_text(probe) {
        Fit::No
    } else {
        Fit::Maybe
    }
}

/// No control characters but those that lay out text. The last few bytes of a
/// probe may cut a character.
fn is_text(probe: &[u8]) -> bool {
    if probe.starts_with(b"\xff\xfe") || probe.starts_with(b"\xfe\xff") {
        return probe.len() >= 4;
    }
    let control = |byte: &u8| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127);
    if probe.iter().any(control) {
        return false;
    }
    match std::str::from_utf8(probe) {
        Ok(_) => true,
        Err(error) => {
            let cut = error.error_len().is_none() && probe.len() == PROBE;
            let high = probe.iter().filter(|byte| **byte >= 0x80).count();
            // Latin text is mostly ASCII; packed numbers are not.
            cut || high.saturating_mul(4) < probe.len()
                && !probe.iter().any(|byte| matches!(byte, 0x80..=0x9f))
        }
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let lines = Lines::new(input.path, input.bytes);
    secret::scan(input.bytes, &lines, session);
    let notation = notation(input);
    session.metadata("text.notation", notation, input.whole());
    match notation {
        "markdown" => {
            yaml::read_front_matter(input, &lines, session);
            settings::read_sections(input, &lines, session);
        }
        "requirements" => requirements(input, &lines, session),
        "xml" => xml(input, &lines, session),
        _ => {}
    }
}

fn requirements(input: &Input<'_>, lines: &Lines<'_>, session: &mut Session<'_>) {
    let mut start = 0_usize;
    for line in input.bytes.split_inclusive(|byte| *byte == b'\n') {
        let len = line.trim_ascii_end().len();
        let at = || lines.shown(start, len);
        settings::read_requirement(&String::from_utf8_lossy(line), &at, session);
        start = start.saturating_add(line.len());
    }
}

/// Entities are fetched or expanded by readers that follow them.
fn xml(input: &Input<'_>, lines: &Lines<'_>, session: &mut Session<'_>) {
    if let Some(at) = memchr::memmem::find(input.bytes, b"<!ENTITY") {
        session.anomaly(
            "xml-declares-entities",
            "the XML declares entities, which a reader may expand without end or fetch from elsewhere",
            lines.shown(at, 80.min(input.bytes.len().saturating_sub(at))),
        );
    }
}

/// What kind of text it is, by its first bytes and its name.
fn notation(input: &Input<'_>) -> &'static str {
    let start = input.bytes.trim_ascii_start();
    let extension = input.extension();
    let extension = extension.as_deref().unwrap_or_default();
    match extension {
        _ if start.starts_with(b"#!") => "script",
        _ if start.starts_with(b"<?xml") || start.starts_with(b"<!DOCTYPE") => "xml",
        "csv" | "tsv" => "csv",
        "md" => "markdown",
        "toml" => "toml",
        "ini" | "cfg" => "ini",
        _ if input.name().starts_with("requirements") => "requirements",
        _ => "plain",
    }
}
