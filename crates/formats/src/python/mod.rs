//! Python source: what importing it does.

use modelward_schema::Location;

use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "python",
    identify,
    read,
};

fn identify(_input: &Input<'_>) -> Fit {
    Fit::No
}

fn read(_input: &Input<'_>, _session: &mut Session<'_>) {}

/// The source of a notebook's cell that stands at `at`.
pub(crate) fn read_cell(_source: &str, _at: &Location, _session: &mut Session<'_>) {}
