//! Jinja templates, as chat runtimes render them.

use modelward_schema::{Location, Template};

use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "jinja",
    identify,
    read,
};

fn identify(_input: &Input<'_>) -> Fit {
    Fit::No
}

fn read(_input: &Input<'_>, _session: &mut Session<'_>) {}

/// Adds the facts of one template that stands at `at`. `name` is the key it
/// stands under, or the file's name; `rendered` tells whether a loader reads
/// that place.
#[allow(dead_code, reason = "called by the readers that carry templates")]
pub(crate) fn read_template(
    name: &str,
    source: &str,
    rendered: bool,
    at: &Location,
    session: &mut Session<'_>,
) {
    let engine = if source.contains("{{ .") || source.contains("{{.") {
        "go"
    } else {
        "jinja"
    };
    session.template(Template {
        engine: engine.to_owned(),
        name: name.to_owned(),
        len: u64::try_from(source.len()).unwrap_or(u64::MAX),
        rendered,
        uses: Vec::new(),
        literals: Vec::new(),
        at: at.clone(),
    });
}
