//! Python pickles: run on an abstract machine that calls nothing.
//!
//! A pickle is a program. What it would import, call and build is told as
//! [`modelward_schema::Code`] facts; tensors, references and embedded streams
//! as theirs. Reading goes on past `STOP`, past errors and past junk: what an
//! ordinary loader does not come to is told with `reached: false`.
//!
//! Anomalies: `pickle-broken`, `pickle-frame-lies`, `pickle-leading-bytes`,
//! `pickle-trailing-bytes`, `pickle-expands`, `pickle-array-code`.

mod act;
#[cfg(test)]
mod assemble;
mod call;
mod compat;
mod compute;
mod eval;
mod find;
mod frame;
mod ledger;
mod literal;
mod machine;
mod memo;
mod names;
mod opcode;
mod store;
mod stream;
mod tensor;
mod term;
#[cfg(test)]
mod tests;
mod tree;

use crate::{Fit, Format, Input};

pub(crate) use find::find;

pub(crate) static FORMAT: Format = Format {
    name: "pickle",
    identify,
    read: stream::read,
};

/// How a reader says that bytes go to an unpickler whatever they look like.
pub(crate) const ARGUMENT: &str = "pickle-argument";

fn identify(input: &Input<'_>) -> Fit {
    if input.inside == Some(ARGUMENT) && !input.is_empty() {
        return Fit::Yes;
    }
    find::fit(input.bytes)
}

fn wide(offset: usize) -> u64 {
    u64::try_from(offset).unwrap_or(u64::MAX)
}
