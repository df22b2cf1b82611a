//! Flax checkpoints: a MessagePack tree of dictionaries whose leaves are arrays
//! in extension values.
//!
//! Follows `flax/serialization.py`: extension 1 is an array, packed as
//! `(shape, dtype name, bytes)`; extension 3 a NumPy scalar in the same way;
//! extension 2 a complex number. An array of more than 2³⁰ bytes is a dictionary
//! `{"__msgpack_chunked_array__": True, "shape": {"0": …}, "chunks": {"0": …}}`.
//! The tree's keys, joined by `/`, are the names. MessagePack itself:
//! <https://github.com/msgpack/msgpack/blob/master/spec.md>.
//!
//! Anomalies: `msgpack-malformed`, `msgpack-trailing-bytes`,
//! `msgpack-array-size-differs`, `msgpack-duplicate-key`, `msgpack-not-canonical`.

mod cursor;
#[cfg(test)]
mod tests;
mod tree;

use modelward_schema::Why;

use self::cursor::{Cursor, Token};
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "msgpack",
    identify,
    read: tree::read,
};

/// A dictionary with a text key. Without the extension in its name it is taken
/// for MessagePack only when nothing else fits.
fn identify(input: &Input<'_>) -> Fit {
    let mut cursor = Cursor::new(input.bytes);
    let Some(Token::Map(1..)) = cursor.next() else {
        return Fit::No;
    };
    let Some(Token::Text(key)) = cursor.next() else {
        return Fit::No;
    };
    if std::str::from_utf8(key).is_err() {
        return Fit::No;
    }
    let named = matches!(input.extension().as_deref(), Some("msgpack" | "flax"));
    let nested = matches!(
        cursor.next(),
        Some(Token::Map(_) | Token::Extension(1 | 3, ..))
    );
    if named || (nested && !key.is_empty()) {
        Fit::Yes
    } else {
        Fit::Maybe
    }
}

fn broken(input: &Input<'_>, session: &mut Session<'_>, at: u64, why: Why, message: &str) {
    let left = input.len().saturating_sub(at);
    session.anomaly("msgpack-malformed", message, input.at(at, left));
    session.gap(why, message, input.at(at, left));
}
