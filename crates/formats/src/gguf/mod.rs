//! GGUF: typed metadata, tensor entries, aligned data (versions 1 to 3, either
//! byte order), and the GGML files before it, which are recognised only.
//!
//! Follows `docs/gguf.md` of ggml and the checks of its `gguf.cpp`. Every count
//! and length is held against the bytes that are left before it is believed.

mod cursor;
mod layout;
mod legacy;
mod metadata;
#[cfg(test)]
mod tests;
mod types;

use modelward_schema::{ReferenceKind, Why};

use crate::{Fit, Format, Input, Reader, Session};
use cursor::Cursor;

pub(crate) static FORMAT: Format = Format {
    name: "gguf",
    identify,
    read,
};

/// GGML, GGMF, GGJT and GGLA.
pub(crate) static LEGACY: Format = Format {
    name: "ggml",
    identify: legacy::identify,
    read: legacy::read,
};

const MAGIC: &[u8] = b"GGUF";
const REVERSED: &[u8] = b"FUGG";
/// Shards of one model that are worth naming.
const MAX_SHARDS: u64 = 1000;

fn identify(input: &Input<'_>) -> Fit {
    let bytes = input.bytes;
    if bytes.starts_with(MAGIC) || bytes.starts_with(REVERSED) {
        Fit::Yes
    } else {
        Fit::No
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    if input.bytes.starts_with(REVERSED) {
        session.anomaly(
            "gguf-magic-reversed",
            "the magic is written backwards",
            input.at(0, 4),
        );
    }
    if read_file(input, session).is_none() {
        session.anomaly(
            "gguf-truncated",
            "the file ends inside its header",
            input.whole(),
        );
        session.gap(
            Why::Truncated,
            "the file ends inside its header",
            input.whole(),
        );
    }
}

/// None when the bytes end first.
fn read_file(input: &Input<'_>, session: &mut Session<'_>) -> Option<()> {
    let mut reader = Reader::at(input.bytes, 4).ok()?;
    let raw = reader.u32_le().ok()?;
    // A version has small numbers only, so the other order shows.
    let big = raw != 0 && raw.trailing_zeros() >= 16;
    let version = if big { raw.swap_bytes() } else { raw };
    if !(1..=3).contains(&version) {
        session.anomaly(
            "gguf-version-unknown",
            format!("version {version} does not exist"),
            input.at(4, 4),
        );
        if version == 0 || version > 0xffff {
            session.gap(Why::Unsupported, "its version is unknown", input.whole());
            return Some(());
        }
    }
    let mut cursor = Cursor::new(reader, big, version > 1);
    let tensors = cursor.count()?;
    let pairs = cursor.count()?;
    let room = cursor.remaining();
    for (what, count, least, at) in [
        ("tensors", tensors, 24, 8),
        ("metadata entries", pairs, 13, 16),
    ] {
        if count.saturating_mul(least) > room {
            session.differs(
                "gguf-count-beyond-file",
                format!("it says to hold {count} {what}, more than its bytes can"),
                input.at(at, 8),
                [
                    ("header", count.to_string()),
                    ("bytes left", room.to_string()),
                ],
            );
        }
    }
    let Some(metadata) = metadata::read(input, &mut cursor, pairs, session) else {
        session.anomaly(
            "gguf-metadata-broken",
            "the metadata cannot be read to their end",
            input.at(cursor.position(), 0),
        );
        session.gap(
            Why::Malformed,
            "the metadata break off, so the tensors were not found",
            input.whole(),
        );
        return Some(());
    };
    if metadata.split > 1 {
        name_shards(input, metadata.split, session);
    }
    layout::read(input, &mut cursor, tensors, metadata.alignment, session);
    Some(())
}

/// A loader of the first part opens the others by their names.
fn name_shards(input: &Input<'_>, count: u64, session: &mut Session<'_>) {
    let name = input.name();
    let Some(stem) = name
        .strip_suffix(".gguf")
        .and_then(|stem| stem.strip_suffix(&format!("-of-{count:05}")))
    else {
        return;
    };
    let Some(at) = stem.len().checked_sub(6) else {
        return;
    };
    let Some((prefix, number)) = stem.split_at_checked(at) else {
        return;
    };
    if !number.starts_with('-') {
        return;
    }
    for index in 1..=count.min(MAX_SHARDS) {
        let other = format!("{prefix}-{index:05}-of-{count:05}.gguf");
        if other != name {
            session.reference(ReferenceKind::Shard, &other, input.whole());
        }
    }
}
