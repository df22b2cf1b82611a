//! The tree of a checkpoint, walked without recursion.

use std::collections::{BTreeMap, HashSet};

use modelward_schema::{Span, Tensor, Why};

use super::broken;
use super::cursor::{Cursor, Token};
use crate::{Input, Session};

/// Dictionaries within dictionaries.
const DEPTH: usize = 128;
const CHUNKED: &str = "__msgpack_chunked_array__";

/// A dictionary or list that is open.
#[derive(Debug, Default)]
struct Open {
    path: String,
    left: u64,
    is_map: bool,
    /// Values seen so far, for a list.
    index: u64,
    keys: HashSet<String>,
}

/// An array that stands in chunks.
#[derive(Debug, Default)]
struct Chunked {
    shape: BTreeMap<u64, u64>,
    chunks: BTreeMap<u64, (String, Span)>,
}

/// A leaf that is an array.
#[derive(Debug)]
struct Array {
    dtype: String,
    shape: Vec<u64>,
    data: Span,
}

pub(super) fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let mut cursor = Cursor::new(input.bytes);
    let mut open: Vec<Open> = vec![Open {
        left: 1,
        ..Open::default()
    }];
    let mut chunked: BTreeMap<String, Chunked> = BTreeMap::new();
    while let Some(here) = open.last_mut() {
        let Some(left) = here.left.checked_sub(1) else {
            open.pop();
            continue;
        };
        here.left = left;
        let at = cursor.position();
        if !session.spend(1) {
            session.gap(
                Why::Limit,
                "it has more values than the limit allows",
                input.whole(),
            );
            return;
        }
        let key = if here.is_map {
            match cursor.next() {
                Some(Token::Text(key)) => Some(String::from_utf8_lossy(key).into_owned()),
                Some(Token::Int(key)) => Some(key.to_string()),
                Some(_) | None => {
                    broken(
                        input,
                        session,
                        at,
                        Why::Malformed,
                        "a key is cut off or no text",
                    );
                    return;
                }
            }
        } else {
            let key = here.index.to_string();
            here.index = here.index.saturating_add(1);
            (open.len() > 1).then_some(key)
        };
        let Some(here) = open.last_mut() else { return };
        let path = match &key {
            Some(key) if here.path.is_empty() => key.clone(),
            Some(key) => format!("{}/{key}", here.path),
            None => String::new(),
        };
        if here.is_map
            && let Some(key) = &key
            && here.keys.len() < 100_000
            && !here.keys.insert(key.clone())
        {
            session.anomaly(
                "msgpack-duplicate-key",
                format!("the key {path:?} occurs twice"),
                input.at(at, 1),
            );
        }
        let at = cursor.position();
        match cursor.next() {
            None => {
                let why = if cursor.remaining() == 0 {
                    Why::Truncated
                } else {
                    Why::Malformed
                };
                broken(input, session, at, why, "a value is cut off");
                return;
            }
            Some(Token::Map(count)) => {
                if !descend(&mut open, path, count, true) {
                    broken(
                        input,
                        session,
                        at,
                        Why::Limit,
                        "it is nested deeper than the limit",
                    );
                    return;
                }
            }
            Some(Token::List(count)) => {
                if !descend(&mut open, path, count, false) {
                    broken(
                        input,
                        session,
                        at,
                        Why::Limit,
                        "it is nested deeper than the limit",
                    );
                    return;
                }
            }
            Some(Token::Extension(kind @ (1 | 3), content, start)) => match array(content, start) {
                Some(array) => leaf(input, session, &mut chunked, path, kind, array),
                None => broken(
                    input,
                    session,
                    at,
                    Why::Malformed,
                    "an array is not as Flax writes it",
                ),
            },
            Some(Token::Bool(true)) if path.ends_with(CHUNKED) => {
                let owner = path
                    .strip_suffix(CHUNKED)
                    .unwrap_or_default()
                    .trim_end_matches('/');
                chunked.entry(owner.to_owned()).or_default();
            }
            Some(Token::Int(dim)) if in_chunked(&chunked, &path).is_some() => {
                note_dim(&mut chunked, &path, dim);
            }
            Some(Token::Bytes(bytes)) => {
                let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                let start = cursor.position().saturating_sub(len);
                let name = format!("value {path}");
                session.hidden(input, &name, bytes, Span::new(start, len));
                session.metadata(path, &format!("{len} bytes"), input.at(start, len));
            }
            Some(other) => tell(input, session, path, other, at),
        }
    }
    finish(input, session, &cursor, chunked);
}

fn descend(open: &mut Vec<Open>, path: String, left: u64, is_map: bool) -> bool {
    open.push(Open {
        path,
        left,
        is_map,
        ..Open::default()
    });
    open.len() <= DEPTH
}

/// `(shape, dtype name, bytes)`, itself MessagePack.
fn array(content: &[u8], start: u64) -> Option<Array> {
    let mut cursor = Cursor::new(content);
    let Some(Token::List(3)) = cursor.next() else {
        return None;
    };
    let Some(Token::List(dims)) = cursor.next() else {
        return None;
    };
    let mut shape = Vec::new();
    for _ in 0..dims.min(64) {
        let Some(Token::Int(dim)) = cursor.next() else {
            return None;
        };
        shape.push(u64::try_from(dim).ok()?);
    }
    let Some(Token::Text(name) | Token::Bytes(name)) = cursor.next() else {
        return None;
    };
    let dtype = dtype(std::str::from_utf8(name).ok()?);
    let Some(Token::Bytes(data)) = cursor.next() else {
        return None;
    };
    let len = u64::try_from(data.len()).ok()?;
    let end = cursor.position();
    (cursor.remaining() == 0 && cursor.long.is_none()).then(|| Array {
        dtype,
        shape,
        data: Span::new(start.saturating_add(end.saturating_sub(len)), len),
    })
}

/// NumPy's and JAX' names as facts have them.
fn dtype(name: &str) -> String {
    match name {
        "float64" => "f64",
        "float32" => "f32",
        "float16" => "f16",
        "bfloat16" => "bf16",
        "float8_e4m3fn" => "f8_e4m3",
        "float8_e5m2" => "f8_e5m2",
        "int64" => "i64",
        "int32" => "i32",
        "int16" => "i16",
        "int8" => "i8",
        "uint64" => "u64",
        "uint32" => "u32",
        "uint16" => "u16",
        "uint8" => "u8",
        "bool" => "bool",
        "complex64" => "c64",
        "complex128" => "c128",
        other => other,
    }
    .to_owned()
}

fn width(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "f64" | "i64" | "u64" | "c64" => 8,
        "f32" | "i32" | "u32" => 4,
        "f16" | "bf16" | "i16" | "u16" => 2,
        "f8_e4m3" | "f8_e5m2" | "i8" | "u8" | "bool" => 1,
        "c128" => 16,
        _ => return None,
    })
}

fn leaf(
    input: &Input<'_>,
    session: &mut Session<'_>,
    chunked: &mut BTreeMap<String, Chunked>,
    path: String,
    kind: i8,
    array: Array,
) {
    if let Some((owner, "chunks", index)) = in_chunked(chunked, &path)
        && let Some(held) = chunked.get_mut(&owner)
    {
        held.chunks.insert(index, (array.dtype, array.data));
        return;
    }
    let elements = array
        .shape
        .iter()
        .try_fold(1_u64, |n, dim| n.checked_mul(*dim));
    let wanted = width(&array.dtype)
        .zip(elements)
        .and_then(|(w, n)| w.checked_mul(n));
    let at = input.at(array.data.start, array.data.len);
    if wanted.is_some_and(|wanted| wanted != array.data.len) {
        session.anomaly(
            "msgpack-array-size-differs",
            format!("{path:?} is not as long as its shape and type say"),
            at.clone(),
        );
    }
    let start = usize::try_from(array.data.start).unwrap_or(usize::MAX);
    let bytes = usize::try_from(array.data.len)
        .ok()
        .and_then(|len| input.bytes.get(start..start.checked_add(len)?));
    if kind == 1
        && let Some(bytes) = bytes
    {
        let name = format!("array {path}");
        session.hidden(input, &name, bytes, array.data);
    }
    session.tensor(Tensor {
        name: path,
        dtype: array.dtype,
        shape: array.shape,
        at,
        ..Tensor::default()
    });
}

/// `owner/shape/0` or `owner/chunks/3` of an array in chunks.
fn in_chunked<'p>(
    chunked: &BTreeMap<String, Chunked>,
    path: &'p str,
) -> Option<(String, &'p str, u64)> {
    let (rest, index) = path.rsplit_once('/')?;
    let index = index.parse().ok()?;
    let (owner, part) = rest.rsplit_once('/').unwrap_or(("", rest));
    let known = matches!(part, "shape" | "chunks") && chunked.contains_key(owner);
    known.then(|| (owner.to_owned(), part, index))
}

fn note_dim(chunked: &mut BTreeMap<String, Chunked>, path: &str, dim: i64) {
    if let Some((owner, "shape", index)) = in_chunked(chunked, path)
        && let (Some(held), Ok(dim)) = (chunked.get_mut(&owner), u64::try_from(dim))
    {
        held.shape.insert(index, dim);
    }
}

/// A value that is no array.
fn tell(input: &Input<'_>, session: &mut Session<'_>, path: String, token: Token<'_>, at: u64) {
    let value = match token {
        Token::Nil => "none".to_owned(),
        Token::Bool(value) => value.to_string(),
        Token::Int(value) => value.to_string(),
        Token::Wide(value) => value.to_string(),
        Token::Float(value) => value.to_string(),
        Token::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Token::Extension(kind, content, _) => {
            format!("extension {kind} of {} bytes", content.len())
        }
        Token::Bytes(_) | Token::List(_) | Token::Map(_) => return,
    };
    session.metadata(path, &value, input.at(at, 1));
}

fn finish(
    input: &Input<'_>,
    session: &mut Session<'_>,
    cursor: &Cursor<'_>,
    chunked: BTreeMap<String, Chunked>,
) {
    for (name, held) in chunked {
        let dtype = held
            .chunks
            .values()
            .next()
            .map_or_else(String::new, |(dtype, _)| dtype.clone());
        let spans: Vec<Span> = held.chunks.values().map(|(_, span)| *span).collect();
        let total = spans
            .iter()
            .fold(0_u64, |sum, span| sum.saturating_add(span.len));
        let shape: Vec<u64> = held.shape.values().copied().collect();
        let elements = shape.iter().try_fold(1_u64, |n, dim| n.checked_mul(*dim));
        let wanted = width(&dtype)
            .zip(elements)
            .and_then(|(w, n)| w.checked_mul(n));
        if wanted.is_some_and(|wanted| wanted != total) {
            session.anomaly(
                "msgpack-array-size-differs",
                format!("{name:?} is not as long as its shape and type say"),
                input.whole(),
            );
        }
        session.tensor(Tensor {
            name,
            dtype,
            shape,
            at: input.whole(),
            parts: spans,
            ..Tensor::default()
        });
    }
    if let Some(at) = cursor.long {
        session.anomaly(
            "msgpack-not-canonical",
            "a value takes more bytes than a packer writes",
            input.at(at, 1),
        );
    }
    let left = cursor.remaining();
    if left > 0 {
        let at = cursor.position();
        session.anomaly(
            "msgpack-trailing-bytes",
            format!("{left} bytes follow the checkpoint"),
            input.at(at, left),
        );
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let bytes = input.bytes.get(start..).unwrap_or_default();
        session.hidden(input, "(trailing bytes)", bytes, Span::new(at, left));
    }
}
