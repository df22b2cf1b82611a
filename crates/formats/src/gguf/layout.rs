//! Tensor entries and where their data lie.

use std::collections::BTreeSet;

use modelward_schema::{Tensor, Why};

use super::cursor::Cursor;
use super::types::{self, Type};
use crate::{Input, Session, embedded, text};

/// ggml keeps four.
const MAX_RANK: u32 = 4;
/// ggml keeps 63 bytes and a zero.
const MAX_NAME: usize = 63;

struct Entry {
    name: String,
    /// Relative to the beginning of the data.
    offset: u64,
    /// None when the type is unknown or the product does not fit.
    len: Option<u64>,
    /// Where the entry stands.
    said: (u64, u64),
}

pub(super) fn read(
    input: &Input<'_>,
    cursor: &mut Cursor<'_>,
    count: u64,
    alignment: u64,
    session: &mut Session<'_>,
) {
    let mut entries = Vec::new();
    let mut tensors = Vec::new();
    let mut seen = BTreeSet::new();
    for _ in 0..count {
        if entries.len() >= session.limits().facts {
            session.gap(
                Why::Limit,
                "more tensors than the limit allows",
                input.whole(),
            );
            return;
        }
        let at = cursor.position();
        let Some((entry, tensor, name)) = read_entry(input, cursor, session) else {
            session.anomaly(
                "gguf-truncated",
                "the file ends inside its list of tensors",
                input.at(at, cursor.position().saturating_sub(at)),
            );
            session.gap(
                Why::Truncated,
                "the list of tensors breaks off",
                input.whole(),
            );
            return;
        };
        if !seen.insert(name) {
            let (start, len) = entry.said;
            session.anomaly(
                "gguf-duplicate-tensor",
                format!("two tensors are named {:?}", entry.name),
                input.at(start, len),
            );
        }
        entries.push(entry);
        tensors.push(tensor);
    }
    let base = align(cursor.position(), alignment);
    let end = place(input, base, alignment, &entries, tensors, session);
    check_order(input, base, alignment, entries, session);
    check_tail(input, end.unwrap_or(cursor.position()), alignment, session);
}

fn read_entry<'a>(
    input: &Input<'_>,
    cursor: &mut Cursor<'a>,
    session: &mut Session<'_>,
) -> Option<(Entry, Tensor, &'a [u8])> {
    let at = cursor.position();
    let name = cursor.string()?;
    let shown = text::cap(&text::escape(name, 256), 300);
    let rank = cursor.u32()?;
    let mut shape = Vec::new();
    let mut elements = Some(1_u64);
    for index in 0..rank {
        // Version 1 wrote dimensions in four bytes, like its counts.
        let size = cursor.count()?;
        elements = elements.and_then(|product| product.checked_mul(size));
        if index < 16 {
            shape.push(size);
        }
    }
    let kind = cursor.u32()?;
    let offset = cursor.u64()?;
    let said = (at, cursor.position().saturating_sub(at));
    let place = input.at(said.0, said.1);
    if name.len() > MAX_NAME || rank > MAX_RANK {
        session.anomaly(
            "gguf-entry-odd",
            format!(
                "{shown:?} has a name of {} bytes and {rank} dimensions, more than ggml keeps",
                name.len()
            ),
            place.clone(),
        );
    }
    let found = types::find(kind);
    let len = match (&found, elements) {
        (Some(kind), Some(elements)) => size(kind, elements),
        _ => None,
    };
    if found.is_none() {
        session.anomaly(
            "gguf-type-unknown",
            format!("{shown:?} has the unknown element type {kind}"),
            place.clone(),
        );
    } else if len.is_none() {
        session.anomaly(
            "gguf-shape-overflow",
            format!("the size of {shown:?} does not fit in 64 bits"),
            place.clone(),
        );
    }
    let row = shape.first().copied().unwrap_or(1);
    if let Some(kind) = &found
        && row.checked_rem(kind.block).unwrap_or(0) != 0
    {
        session.anomaly(
            "gguf-row-not-whole",
            format!(
                "a row of {shown:?} has {row} elements, no multiple of the {} in a block of {}",
                kind.block, kind.name
            ),
            place.clone(),
        );
    }
    // ggml counts from the innermost dimension.
    shape.reverse();
    let tensor = Tensor {
        name: shown.clone(),
        dtype: found.map_or_else(|| format!("type {kind}"), |kind| kind.name.to_owned()),
        shape,
        at: place,
        ..Tensor::default()
    };
    Some((
        Entry {
            name: shown,
            offset,
            len,
            said,
        },
        tensor,
        name,
    ))
}

fn size(kind: &Type, elements: u64) -> Option<u64> {
    elements.div_ceil(kind.block).checked_mul(kind.size)
}

/// Emits the tensors with the place of their data; returns where the last one
/// ends.
fn place(
    input: &Input<'_>,
    base: u64,
    alignment: u64,
    entries: &[Entry],
    tensors: Vec<Tensor>,
    session: &mut Session<'_>,
) -> Option<u64> {
    let mut last = None;
    for (entry, mut tensor) in entries.iter().zip(tensors) {
        let (said, said_len) = entry.said;
        if entry.offset.checked_rem(alignment).unwrap_or(0) != 0 {
            session.anomaly(
                "gguf-offset-unaligned",
                format!(
                    "{:?} lies at {}, not aligned to {alignment}",
                    entry.name, entry.offset
                ),
                input.at(said, said_len),
            );
        }
        let start = base.checked_add(entry.offset);
        let end = start.and_then(|start| start.checked_add(entry.len?));
        match (start, end) {
            (Some(start), Some(end)) if end <= input.len() => {
                let len = end.saturating_sub(start);
                tensor.at = input.at(start, len);
                if let Some(bytes) = slice(input.bytes, start, end) {
                    let name = format!("tensor {}", entry.name);
                    embedded::look_into(session, input, &name, bytes, start);
                }
                last = last.max(Some(end));
            }
            _ if entry.len.is_some() || start.is_none_or(|start| start > input.len()) => {
                session.differs(
                    "gguf-offset-beyond-file",
                    format!("{:?} reaches beyond the end of the file", entry.name),
                    input.at(said, said_len),
                    [
                        (
                            "tensor",
                            end.map_or("too large".to_owned(), |end| end.to_string()),
                        ),
                        ("file", input.len().to_string()),
                    ],
                );
            }
            _ => {}
        }
        session.tensor(tensor);
    }
    last
}

fn check_order(
    input: &Input<'_>,
    base: u64,
    alignment: u64,
    mut entries: Vec<Entry>,
    session: &mut Session<'_>,
) {
    entries.sort_by_key(|entry| entry.offset);
    let mut reached = 0_u64;
    for entry in &entries {
        let Some(end) = entry.len.and_then(|len| entry.offset.checked_add(len)) else {
            continue;
        };
        let (said, said_len) = entry.said;
        if entry.offset < reached {
            session.differs(
                "gguf-overlap",
                format!("{:?} begins inside another tensor", entry.name),
                input.at(said, said_len),
                [
                    ("tensor", entry.offset.to_string()),
                    ("previous end", reached.to_string()),
                ],
            );
        }
        let next = align(reached, alignment);
        if entry.offset > next
            && let (start, end) = (base.saturating_add(next), base.saturating_add(entry.offset))
            && let Some(bytes) = slice(input.bytes, start, end)
        {
            session.anomaly(
                "gguf-hole",
                format!("{} bytes between tensors belong to none", bytes.len()),
                input.at(start, end.saturating_sub(start)),
            );
            embedded::look_into(session, input, "hole", bytes, start);
        }
        reached = reached.max(end);
    }
}

/// Padding may follow the last tensor, nothing else.
fn check_tail(input: &Input<'_>, end: u64, alignment: u64, session: &mut Session<'_>) {
    let Some(rest) = slice(input.bytes, end, input.len()) else {
        return;
    };
    let padding = usize::try_from(align(end, alignment).saturating_sub(end)).unwrap_or(usize::MAX);
    let zeros = rest
        .iter()
        .take(padding)
        .take_while(|byte| **byte == 0)
        .count();
    let tail = rest.get(zeros..).unwrap_or_default();
    if tail.is_empty() {
        return;
    }
    let start = end.saturating_add(u64::try_from(zeros).unwrap_or(u64::MAX));
    session.anomaly(
        "gguf-trailing-bytes",
        format!("{} bytes follow the last tensor", tail.len()),
        input.at(start, input.len().saturating_sub(start)),
    );
    embedded::look_into(session, input, "tail", tail, start);
}

fn align(position: u64, alignment: u64) -> u64 {
    position
        .checked_next_multiple_of(alignment)
        .unwrap_or(u64::MAX)
}

fn slice(bytes: &[u8], start: u64, end: u64) -> Option<&[u8]> {
    bytes.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}
