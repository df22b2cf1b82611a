//! The GGML family before GGUF: each program had its own fields behind the
//! magic, so a file does not tell how to read it.

use modelward_schema::Why;

use crate::{Fit, Input, Reader, Session};

/// Numbers behind the magic that every program of the family began with.
const CHECKED: usize = 4;
/// No vocabulary, width, or head count ever came near.
const ABSURD: i32 = 1 << 28;

#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    /// A version follows the magic.
    versioned: bool,
}

fn find(bytes: &[u8]) -> Option<Kind> {
    let (name, versioned) = match bytes.first_chunk::<4>()? {
        b"lmgg" => ("ggml", false),
        b"fmgg" => ("ggmf", true),
        b"tjgg" => ("ggjt", true),
        b"algg" => ("ggla", true),
        _ => return None,
    };
    Some(Kind { name, versioned })
}

pub(super) fn identify(input: &Input<'_>) -> Fit {
    if find(input.bytes).is_some() {
        Fit::Yes
    } else {
        Fit::No
    }
}

pub(super) fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let Some(kind) = find(input.bytes) else {
        return;
    };
    session.metadata("ggml.container", kind.name, input.at(0, 4));
    session.gap(
        Why::Unsupported,
        format!("{} files, older than GGUF, are not read", kind.name),
        input.whole(),
    );
    let first = if kind.versioned { 8 } else { 4 };
    let Ok(mut reader) = Reader::at(input.bytes, first) else {
        return;
    };
    for _ in 0..CHECKED {
        let at = reader.position();
        let Ok(number) = reader.i32_le() else {
            session.anomaly(
                "ggml-truncated",
                "the file ends inside its hyperparameters",
                input.at(at, 0),
            );
            return;
        };
        if !(0..ABSURD).contains(&number) {
            session.anomaly(
                "ggml-hyperparameter-absurd",
                format!("a hyperparameter is {number}"),
                input.at(at, 4),
            );
        }
    }
}
