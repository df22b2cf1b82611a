//! Key-value metadata: facts, templates and references.

use std::collections::BTreeSet;

use modelward_schema::{ReferenceKind, Span};

use super::cursor::Cursor;
use super::types;
use crate::{Input, Session, embedded, jinja, text};

const STRING: u32 = 8;
const ARRAY: u32 = 9;
/// Strings of a list that a fact keeps.
const KEPT_ITEMS: usize = 16;
/// ggml's own reader takes no nesting at all.
const MAX_NESTING: usize = 2;
const MAX_ALIGNMENT: u64 = 1 << 20;

pub(super) struct Metadata {
    pub(super) alignment: u64,
    /// Files that the model is split into.
    pub(super) split: u64,
}

/// None when it cannot be read to its end; the cursor stands where it failed.
pub(super) fn read(
    input: &Input<'_>,
    cursor: &mut Cursor<'_>,
    pairs: u64,
    session: &mut Session<'_>,
) -> Option<Metadata> {
    let mut metadata = Metadata {
        alignment: 32,
        split: 0,
    };
    let mut seen = BTreeSet::new();
    for _ in 0..pairs {
        let at = cursor.position();
        let key = cursor.string()?;
        let shown = text::escape(key, 256);
        if !seen.insert(key) {
            session.anomaly(
                "gguf-duplicate-key",
                format!("the metadata name {shown:?} twice"),
                input.at(at, cursor.position().saturating_sub(at)),
            );
        }
        let kind = cursor.u32()?;
        match kind {
            STRING => read_string(input, cursor, &shown, session)?,
            ARRAY => read_array(input, cursor, &shown, session)?,
            _ => {
                let at = cursor.position();
                let Some(size) = types::scalar_size(kind) else {
                    session.anomaly(
                        "gguf-value-type-unknown",
                        format!("the value of {shown:?} has the unknown type {kind}"),
                        input.at(at.saturating_sub(4), 4),
                    );
                    return None;
                };
                let (value, number) = read_scalar(cursor, kind)?;
                session.metadata(shown.as_str(), &value, input.at(at, size));
                match (key, number) {
                    (b"general.alignment", Some(number)) => {
                        metadata.alignment = check_alignment(input, number, at, session);
                    }
                    (b"split.count", Some(number)) => metadata.split = number,
                    _ => {}
                }
            }
        }
    }
    Some(metadata)
}

/// Its text, and the number if it is a whole one that is not negative.
fn read_scalar(cursor: &mut Cursor<'_>, kind: u32) -> Option<(String, Option<u64>)> {
    let whole = |number: u64| (number.to_string(), Some(number));
    Some(match kind {
        0 => whole(u64::from(u8::from_le_bytes(cursor.array()?))),
        1 => (i8::from_le_bytes(cursor.array()?).to_string(), None),
        2 => whole(u64::from(u16::from_le_bytes(cursor.array()?))),
        3 => (i16::from_le_bytes(cursor.array()?).to_string(), None),
        4 => whole(u64::from(cursor.u32()?)),
        5 => {
            let number = i32::from_le_bytes(cursor.array()?);
            (number.to_string(), u64::try_from(number).ok())
        }
        6 => (f32::from_le_bytes(cursor.array()?).to_string(), None),
        7 => match cursor.array::<1>()? {
            [0] => ("false".to_owned(), None),
            [1] => ("true".to_owned(), None),
            [other] => (other.to_string(), None),
        },
        10 => whole(cursor.u64()?),
        11 => (i64::from_le_bytes(cursor.array()?).to_string(), None),
        _ => (f64::from_le_bytes(cursor.array()?).to_string(), None),
    })
}

fn check_alignment(input: &Input<'_>, number: u64, at: u64, session: &mut Session<'_>) -> u64 {
    if number.is_power_of_two() && number <= MAX_ALIGNMENT {
        return number;
    }
    session.anomaly(
        "gguf-alignment-odd",
        format!("an alignment of {number} cannot be meant"),
        input.at(at, 4),
    );
    if number.is_power_of_two() { number } else { 32 }
}

fn read_string(
    input: &Input<'_>,
    cursor: &mut Cursor<'_>,
    key: &str,
    session: &mut Session<'_>,
) -> Option<()> {
    let value = cursor.string()?;
    let len = u64::try_from(value.len()).unwrap_or(u64::MAX);
    let span = Span::new(cursor.position().saturating_sub(len), len);
    let at = input.at(span.start, span.len);
    let value = String::from_utf8_lossy(value);
    let rendered = key == "tokenizer.chat_template" || key.starts_with("tokenizer.chat_template.");
    if rendered || key.ends_with("chat_template") || key.ends_with("prompt_template") {
        jinja::read_template(key, &value, rendered, &at, session);
        return Some(());
    }
    embedded::read_text(session, input, key, &value, span);
    if key.starts_with("general.") && key.ends_with("url") {
        let kind = if key.contains("base_model") {
            ReferenceKind::BaseModel
        } else if key.contains("dataset") {
            ReferenceKind::Dataset
        } else {
            ReferenceKind::Url
        };
        session.reference(kind, &value, at);
    }
    Some(())
}

/// Lists within lists are walked with a stack of what is left, not by calls.
fn read_array(
    input: &Input<'_>,
    cursor: &mut Cursor<'_>,
    key: &str,
    session: &mut Session<'_>,
) -> Option<()> {
    let start = cursor.position();
    let mut open = vec![(ARRAY, 1_u64)];
    let mut deepest = 0;
    let mut kept: Vec<String> = Vec::new();
    let mut outer = (0_u32, 0_u64);
    while let Some((kind, left)) = open.last_mut() {
        if *left == 0 {
            open.pop();
            continue;
        }
        *left = left.saturating_sub(1);
        if *kind == STRING {
            let item = cursor.string()?;
            if kept.len() < KEPT_ITEMS {
                kept.push(text::escape(item, 256));
            }
            continue;
        }
        let at = cursor.position();
        let item = cursor.u32()?;
        let count = cursor.count()?;
        if open.len() == 1 {
            outer = (item, count);
        }
        let size = types::scalar_size(item);
        if size.is_none() && item != STRING && item != ARRAY {
            session.anomaly(
                "gguf-value-type-unknown",
                format!("the list {key:?} has items of the unknown type {item}"),
                input.at(at, 4),
            );
            return None;
        }
        if count.saturating_mul(size.unwrap_or(4)) > cursor.remaining() {
            session.differs(
                "gguf-array-beyond-file",
                format!("the list {key:?} says to have {count} items, more than fit"),
                input.at(at, 12),
                [
                    ("header", count.to_string()),
                    ("bytes left", cursor.remaining().to_string()),
                ],
            );
            return None;
        }
        if let Some(size) = size {
            cursor.skip(count.saturating_mul(size))?;
        } else {
            open.push((item, count));
            deepest = deepest.max(open.len());
        }
    }
    let (kind, count) = outer;
    let at = input.at(start, cursor.position().saturating_sub(start));
    if deepest > MAX_NESTING {
        session.anomaly(
            "gguf-array-nested",
            format!(
                "the value of {key:?} nests lists {} deep",
                deepest.saturating_sub(1)
            ),
            at.clone(),
        );
    }
    let few = usize::try_from(count).is_ok_and(|count| count <= KEPT_ITEMS);
    let value = if kind == STRING && few {
        kept.join(", ")
    } else {
        format!("{count} items")
    };
    session.metadata(key, &value, at);
    Some(())
}
