//! Jinja templates, as chat runtimes render them, and the Go templates of
//! Ollama.
//!
//! The grammar is that of Jinja2 3.1's default environment with the tags that
//! Transformers adds. Nothing is rendered: a template is split, parsed into a
//! flat arena and read in one pass. What does not parse is told and its parts
//! are read all the same, since a laxer engine may accept it.

mod facts;
mod flow;
mod go;
mod lexer;
mod syntax;
mod tree;

use modelward_schema::{Location, Template, Why};

use crate::plain::{Lines, secret};
use crate::{Fit, Format, Input, Session, text};

pub(crate) static FORMAT: Format = Format {
    name: "jinja",
    identify,
    read,
};

/// Bytes that decide whether it is a template.
const PROBE: usize = 16 << 10;

/// Names that template engines are pointed at.
const EXTENSIONS: [&str; 4] = ["jinja", "jinja2", "j2", "gotmpl"];

/// Tags that no other text has.
const TAGS: [&str; 6] = ["if ", "for ", "set ", "macro ", "elif ", "generation "];

fn identify(input: &Input<'_>) -> Fit {
    let probe = input.bytes.get(..PROBE).unwrap_or(input.bytes);
    if probe.contains(&0) {
        return Fit::No;
    }
    let probe = String::from_utf8_lossy(probe);
    let tagged = probe.split("{%").skip(1).any(|after| {
        let inner = after.trim_start_matches(['-', '+']).trim_start();
        TAGS.iter().any(|tag| inner.starts_with(tag)) && after.contains("%}")
    });
    let printed = probe.contains("{{") && probe.contains("}}");
    if is_named(input) && (tagged || printed || !probe.trim().is_empty()) {
        Fit::Yes
    } else if tagged {
        Fit::Maybe
    } else {
        Fit::No
    }
}

fn is_named(input: &Input<'_>) -> bool {
    input
        .extension()
        .is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let source = String::from_utf8_lossy(input.bytes);
    if matches!(source, std::borrow::Cow::Owned(_)) {
        session.anomaly(
            "template-not-utf8",
            "the template is not valid UTF-8, so readers differ on its text",
            input.whole(),
        );
    }
    let lines = Lines::new(input.path, input.bytes);
    secret::scan(input.bytes, &lines, session);
    read_template(
        input.name(),
        &source,
        is_named(input),
        &input.whole(),
        session,
    );
}

/// Adds the facts of one template that stands at `at`. `name` is the key it
/// stands under, or the file's name; `rendered` tells whether a loader reads
/// that place.
pub(crate) fn read_template(
    name: &str,
    source: &str,
    rendered: bool,
    at: &Location,
    session: &mut Session<'_>,
) {
    let lines = Lines::new(&at.path, source.as_bytes());
    let whole_file = at.span.is_none() && at.line.is_none();
    let place = |start: usize, end: usize| {
        let len = end.saturating_sub(start);
        if whole_file {
            return lines.shown(start, len);
        }
        let shown = source.get(start..end).unwrap_or_default();
        let shown = text::escape(shown.as_bytes(), 160);
        Location {
            excerpt: Some(secret::redact(&shown).into_owned()),
            ..at.clone()
        }
    };
    let mut template = Template {
        engine: "jinja".to_owned(),
        name: text::cap(&text::escape(name.as_bytes(), 256), 256),
        len: u64::try_from(source.len()).unwrap_or(u64::MAX),
        rendered,
        uses: Vec::new(),
        literals: Vec::new(),
        at: Location {
            excerpt: None,
            ..at.clone()
        },
    };
    if go::is_go(source) {
        "go".clone_into(&mut template.engine);
        go::read(source, &place, &mut template);
        session.template(template);
        return;
    }
    let budget = source.len().saturating_add(16);
    if !session.spend(u64::try_from(budget).unwrap_or(u64::MAX)) {
        session.gap(
            Why::Limit,
            "the budget for templates is spent",
            template.at.clone(),
        );
        session.template(template);
        return;
    }
    let syntax = syntax::parse(source, budget);
    let mut reader = facts::Reader::new(&syntax, &place);
    reader.read();
    template.uses = reader.uses;
    template.literals = reader.literals;
    if syntax.cut || reader.cut {
        session.gap(
            Why::Limit,
            "the template is nested deeper or reaches for more than the limit allows",
            template.at.clone(),
        );
    }
    if let Some(first) = syntax.first_broken {
        session.anomaly(
            "template-broken",
            "a tag of the template does not parse, so engines differ on it or refuse it",
            place(first, first.saturating_add(80).min(source.len())),
        );
    }
    session.template(template);
}
