//! Not read yet.

use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "7z",
    identify,
    read,
};

fn identify(_input: &Input<'_>) -> Fit {
    Fit::No
}

fn read(_input: &Input<'_>, _session: &mut Session<'_>) {}
