//! JSON files: configuration, tokenizers, indexes, notebooks, symbol files.
//!
//! RFC 8259 with what Python's `json` adds. Reads one value or one value a
//! line; tells duplicate keys, a byte order mark, deep nesting, broken syntax
//! and what follows the end. Numbers and vocabularies yield no facts.

mod notebook;
mod walk;

use modelward_schema::Why;

use crate::plain::{Lines, secret};
use crate::wire::json::Events;
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "json",
    identify,
    read,
};

const MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that decide whether it is JSON.
const PROBE: usize = 4096;

fn identify(input: &Input<'_>) -> Fit {
    let bytes = input.bytes.strip_prefix(MARK).unwrap_or(input.bytes);
    let bytes = bytes.trim_ascii_start();
    let first = bytes.first();
    let named = input
        .extension()
        .is_some_and(|extension| matches!(extension.as_str(), "json" | "jsonl" | "ipynb"));
    if !matches!(first, Some(b'{' | b'[')) {
        return if named && first.is_some() && std::str::from_utf8(bytes).is_ok() {
            Fit::Maybe
        } else {
            Fit::No
        };
    }
    let probe = bytes.get(..PROBE).unwrap_or(bytes);
    let cut = probe.len() < bytes.len();
    let mut events = Events::new(probe);
    let mut seen = 0_u32;
    for event in events.by_ref() {
        match event {
            Ok(_) => seen = seen.saturating_add(1),
            // Cut in the middle of a value by the probe itself, or broken
            // after it began as nothing else does.
            Err(broken) => {
                let near_end =
                    usize::try_from(broken.at).unwrap_or(0).saturating_add(1024) > probe.len();
                let began = seen >= 2 && first == Some(&b'{') || seen >= 4;
                return if began && (cut || named) || cut && near_end && seen >= 2 {
                    Fit::Yes
                } else if named || began {
                    Fit::Maybe
                } else {
                    Fit::No
                };
            }
        }
    }
    let alone = events.rest().trim_ascii_start();
    if alone.is_empty() || matches!(alone.first(), Some(b'{' | b'[')) || named {
        Fit::Yes
    } else if first == Some(&b'{') {
        Fit::Maybe
    } else {
        Fit::No
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let skipped = if input.bytes.starts_with(MARK) {
        MARK.len()
    } else {
        0
    };
    if skipped > 0 {
        session.anomaly(
            "json-byte-order-mark",
            "it starts with a byte order mark, which strict readers refuse",
            input.at(0, 3),
        );
    }
    let lines = Lines::new(input.path, input.bytes);
    secret::scan(input.bytes, &lines, session);
    if input.name().ends_with(".ipynb") {
        notebook::read(input, session);
    }
    let mut at = skipped;
    let mut documents = 0_u64;
    loop {
        let rest = input.bytes.get(at..).unwrap_or_default();
        if rest.trim_ascii_start().is_empty() {
            break;
        }
        let before = at;
        match walk::document(input, at, &lines, session) {
            Ok(end) => at = end,
            Err((place, what)) => {
                if documents == 0 {
                    session.anomaly(
                        "json-broken",
                        format!("its JSON breaks off: {what}"),
                        lines.at(place, 1),
                    );
                    session.gap(
                        Why::Malformed,
                        "what follows the break is not read as JSON",
                        lines.at(place, rest.len()),
                    );
                } else {
                    session.anomaly(
                        "json-trailing-data",
                        "something that is not JSON follows its end",
                        lines.at(before, rest.len()),
                    );
                }
                break;
            }
        }
        documents = documents.saturating_add(1);
        if at <= before {
            break;
        }
    }
    if documents > 1 {
        session.metadata("json.documents", &documents.to_string(), input.whole());
    }
}
