//! YAML files: configuration, MLflow's `MLmodel`, environments, model cards'
//! front matter.
//!
//! YAML 1.1 as PyYAML reads it, by a scanner that never refuses (see
//! [`scan`]). Tells what its tags construct, what its keys mean to loaders
//! (see [`crate::settings`]), and aliases that grow beyond measure. It does not
//! resolve merge keys, and types matter to it only for `true`.

mod document;
mod scan;
mod tags;

use modelward_schema::Why;

use crate::plain::{Lines, secret};
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "yaml",
    identify,
    read,
};

/// Bytes that decide whether it is YAML.
const PROBE: usize = 4096;

/// Files without an extension that their programs read as YAML.
const NAMES: [&str; 3] = ["MLmodel", "MLproject", "Kitfile"];

fn identify(input: &Input<'_>) -> Fit {
    let probe = input.bytes.get(..PROBE).unwrap_or(input.bytes);
    let control = |byte: &u8| matches!(byte, 0..=8 | 11..=31 | 127) && !matches!(byte, b'\r');
    if probe.trim_ascii().is_empty() || probe.iter().any(control) {
        return Fit::No;
    }
    let named = NAMES.contains(&input.name())
        || input
            .extension()
            .is_some_and(|extension| matches!(extension.as_str(), "yaml" | "yml"));
    let probe = String::from_utf8_lossy(probe);
    let (shaped, other) = shapes(&probe);
    if named {
        let json = (crate::json::FORMAT.identify)(input) == Fit::Yes;
        let constructs = probe.contains('!') || probe.trim_start().starts_with(['{', '[']);
        return if json {
            Fit::No
        } else if shaped > 0 || constructs {
            Fit::Yes
        } else {
            Fit::Maybe
        };
    }
    // Without a name only what nothing but YAML looks like. Prose has colons
    // too, so most lines must fit.
    let documents = probe.starts_with("---")
        && probe
            .lines()
            .next()
            .is_some_and(|line| line.trim_end() == "---");
    let tagged = probe.contains("!!python/");
    if (documents || tagged || shaped >= 4)
        && shaped > other.saturating_mul(4)
        && input.extension().is_none_or(|extension| {
            matches!(extension.as_str(), "txt" | "conf" | "lock" | "bin" | "dat")
        })
    {
        Fit::Maybe
    } else {
        Fit::No
    }
}

/// Lines that have a key or an item, and other lines that are not empty.
fn shapes(text: &str) -> (usize, usize) {
    let mut shaped = 0_usize;
    let mut other = 0_usize;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = line
            .split_once(": ")
            .map(|(key, _)| key)
            .or(line.strip_suffix(':'));
        let is_key = key.is_some_and(|key| {
            let key = key.trim_matches(['"', '\'', '-', ' ']);
            !key.is_empty()
                && key.len() <= 100
                && key.chars().all(|character| {
                    character.is_alphanumeric()
                        || matches!(character, '_' | '-' | '.' | '/' | ' ' | '*' | '<')
                })
        });
        if is_key || line.starts_with("- ") || line.starts_with("---") {
            shaped = shaped.saturating_add(1);
        } else {
            other = other.saturating_add(1);
        }
    }
    (shaped, other)
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let lines = Lines::new(input.path, input.bytes);
    secret::scan(input.bytes, &lines, session);
    match std::str::from_utf8(input.bytes) {
        Ok(source) => document::read(input, source, 0, &lines, session),
        Err(error) => {
            session.anomaly(
                "yaml-not-utf8",
                "the text is not valid UTF-8, so readers differ on it",
                lines.at(error.valid_up_to(), 1),
            );
            let source = String::from_utf8_lossy(input.bytes);
            document::read(
                input,
                &source,
                0,
                &Lines::new(input.path, source.as_bytes()),
                session,
            );
        }
    }
}

/// Reads the YAML between the `---` lines at the head of a Markdown file.
pub(crate) fn read_front_matter(input: &Input<'_>, lines: &Lines<'_>, session: &mut Session<'_>) {
    let Ok(source) = std::str::from_utf8(input.bytes) else {
        session.gap(
            Why::Malformed,
            "its front matter is not valid UTF-8",
            input.whole(),
        );
        return;
    };
    let Some(first) = source
        .find('\n')
        .filter(|at| source.get(..*at).unwrap_or_default().trim_end() == "---")
    else {
        return;
    };
    let start = first.saturating_add(1);
    let rest = source.get(start..).unwrap_or_default();
    let end = rest
        .match_indices("\n---")
        .map(|(at, _)| at.saturating_add(1))
        .find(|at| {
            let line = rest.get(*at..).unwrap_or_default().lines().next();
            line.is_some_and(|line| line.trim_end() == "---")
        });
    if let Some(end) = end {
        let front = rest.get(..end).unwrap_or_default();
        document::read(input, front, start, lines, session);
    }
}
