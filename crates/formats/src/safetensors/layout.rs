//! Whether the tensors lie as the header says: each as long as its shape, one
//! after the other, up to the end of the file.

use modelward_schema::Tensor;

use super::header::Entry;
use crate::{Input, Session, embedded};

/// `base` is where the data begin in the file.
pub(super) fn check(
    input: &Input<'_>,
    base: u64,
    data: &[u8],
    mut entries: Vec<Entry>,
    session: &mut Session<'_>,
) {
    for entry in &entries {
        check_entry(input, base, data, entry, session);
    }
    entries.sort_by_key(|entry| (entry.start, entry.end));
    let total = u64::try_from(data.len()).unwrap_or(u64::MAX);
    let mut reached = 0_u64;
    for entry in &entries {
        if entry.end < entry.start || entry.end > total {
            continue;
        }
        let (start, len) = entry.said;
        if entry.start < reached {
            session.differs(
                "safetensors-overlap",
                format!("{:?} begins inside another tensor", entry.name),
                input.at(start, len),
                [
                    ("tensor", entry.start.to_string()),
                    ("previous end", reached.to_string()),
                ],
            );
        } else if entry.start > reached {
            look_between(input, base, data, (reached, entry.start), true, session);
        }
        reached = reached.max(entry.end);
    }
    if reached < total {
        look_between(input, base, data, (reached, total), false, session);
    }
}

fn check_entry(
    input: &Input<'_>,
    base: u64,
    data: &[u8],
    entry: &Entry,
    session: &mut Session<'_>,
) {
    let (said, said_len) = entry.said;
    let said = input.at(said, said_len);
    let total = u64::try_from(data.len()).unwrap_or(u64::MAX);
    let len = entry.end.checked_sub(entry.start);
    let inside = len.is_some() && entry.end <= total;
    if len.is_none() {
        session.anomaly(
            "safetensors-offset-reversed",
            format!("{:?} ends before it begins", entry.name),
            said.clone(),
        );
    } else if !inside {
        session.differs(
            "safetensors-offset-beyond-file",
            format!("{:?} reaches beyond the end of the file", entry.name),
            said.clone(),
            [
                ("header", entry.end.to_string()),
                ("file", total.to_string()),
            ],
        );
    }
    if let (Some(len), Some(bits), Some(elements)) = (len, entry.bits, entry.elements) {
        let expected = elements
            .checked_mul(bits)
            .filter(|bits| bits.is_multiple_of(8))
            .map(|bits| bits / 8);
        if expected != Some(len) {
            session.differs(
                "safetensors-size-differs",
                format!("{:?} is not as long as its shape and type say", entry.name),
                said.clone(),
                [
                    ("offsets", len.to_string()),
                    (
                        "shape",
                        expected.map_or_else(
                            || "no whole number of bytes".to_owned(),
                            |size| size.to_string(),
                        ),
                    ),
                ],
            );
        }
    }
    let at = if inside {
        input.at(base.saturating_add(entry.start), len.unwrap_or(0))
    } else {
        said
    };
    session.tensor(Tensor {
        name: entry.name.clone(),
        dtype: entry.dtype.clone(),
        shape: entry.shape.clone(),
        at,
        ..Tensor::default()
    });
    if let Some(bytes) = slice(data, entry.start, entry.end) {
        let name = format!("tensor {}", entry.name);
        embedded::look_into(
            session,
            input,
            &name,
            bytes,
            base.saturating_add(entry.start),
        );
    }
}

/// Bytes that belong to no tensor: a hole, or what follows the last one.
fn look_between(
    input: &Input<'_>,
    base: u64,
    data: &[u8],
    (start, end): (u64, u64),
    hole: bool,
    session: &mut Session<'_>,
) {
    let len = end.saturating_sub(start);
    let at = base.saturating_add(start);
    let (id, name, message) = if hole {
        (
            "safetensors-hole",
            "hole",
            format!("{len} bytes between tensors belong to none"),
        )
    } else {
        (
            "safetensors-trailing-bytes",
            "tail",
            format!("{len} bytes follow the last tensor"),
        )
    };
    session.anomaly(id, message, input.at(at, len));
    if let Some(bytes) = slice(data, start, end) {
        embedded::look_into(session, input, name, bytes, at);
    }
}

fn slice(data: &[u8], start: u64, end: u64) -> Option<&[u8]> {
    data.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}
