//! The head of a GGUF file: metadata, tensors, and every byte that belongs to
//! neither.
//!
//! Follows `docs/gguf.md` of ggml, versions 2 and 3, little-endian. The facts of
//! the sandboxed reader abridge long arrays; a proof compares each token, so it
//! reads the head again, with bounds on everything. Refuses version 1 and
//! big-endian files.

use std::collections::HashMap;

use super::block::Kind;
use crate::bytes::Bytes;

/// A head larger than this is not read.
const LIMIT: u64 = 256 << 20;
/// Values in all metadata together.
const VALUES: u64 = 1 << 22;
/// Arrays nest at most this deep.
const DEPTH: u32 = 4;

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Unsigned(u64),
    Signed(i64),
    /// Bits of an f32, kept so that equality is of bits.
    F32(u32),
    F64(u64),
    Bool(bool),
    Text(Vec<u8>),
    Array(Vec<Value>),
}

impl Value {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    pub fn array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub fn integer(&self) -> Option<i128> {
        match self {
            Self::Unsigned(v) => Some(i128::from(*v)),
            Self::Signed(v) => Some(i128::from(*v)),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::F32(v) => Some(f64::from(f32::from_bits(*v))),
            Self::F64(v) => Some(f64::from_bits(*v)),
            _ => self.integer().map(|v| v as f64),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsigned(v) => write!(out, "{v}"),
            Self::Signed(v) => write!(out, "{v}"),
            Self::F32(v) => write!(out, "{}", f32::from_bits(*v)),
            Self::F64(v) => write!(out, "{}", f64::from_bits(*v)),
            Self::Bool(v) => write!(out, "{v}"),
            Self::Text(v) => write!(out, "{:?}", String::from_utf8_lossy(v)),
            Self::Array(v) => {
                write!(out, "[{} values", v.len())?;
                for item in v.iter().take(4) {
                    write!(out, ", {item}")?;
                }
                write!(out, "]")
            }
        }
    }
}

/// A tensor's entry.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    /// Innermost dimension first, as stored.
    pub dims: Vec<u64>,
    pub kind: Kind,
    pub offset: u64,
    pub len: u64,
}

/// A read head.
#[derive(Debug, Clone)]
pub struct Head {
    pub keys: Vec<(String, Value)>,
    pub tensors: Vec<Entry>,
    /// Where the offsets of tensors count from.
    pub data_start: u64,
    /// Bytes that no reader looks at and that are not zero, or that lie beyond
    /// the end: one sentence each.
    pub hidden: Vec<String>,
    index: HashMap<String, usize>,
}

impl Head {
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.index.get(key).map(|at| &self.keys[*at].1)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// Adds the keys and tensors of another part of a split file.
    pub(super) fn join(&mut self, part: Self) {
        for (key, value) in part.keys {
            if !self.index.contains_key(&key) {
                self.index.insert(key.clone(), self.keys.len());
                self.keys.push((key, value));
            }
        }
        self.tensors.extend(part.tensors);
        self.hidden.extend(part.hidden);
    }

    /// Reads the head of a file and looks at all padding.
    pub fn read(bytes: &dyn Bytes) -> Result<Self, String> {
        let mut cursor = Cursor::new(bytes);
        if cursor.take(4)? != b"GGUF" {
            return Err("it does not begin as a GGUF file does".to_owned());
        }
        let version = cursor.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("GGUF version {version} is not read"));
        }
        let tensor_count = cursor.u64()?;
        let key_count = cursor.u64()?;
        let mut hidden = Vec::new();
        let mut keys = Vec::new();
        let mut index = HashMap::new();
        for _ in 0..key_count {
            let key = String::from_utf8_lossy(&cursor.string()?).into_owned();
            let kind = cursor.u32()?;
            let value = cursor.value(kind, DEPTH)?;
            if index.insert(key.clone(), keys.len()).is_some() {
                hidden.push(format!("the key {key} is given twice"));
            }
            keys.push((key, value));
        }
        let mut tensors: Vec<Entry> = Vec::new();
        for _ in 0..tensor_count {
            let name = String::from_utf8_lossy(&cursor.string()?).into_owned();
            let count = cursor.u32()?;
            if count > 8 {
                return Err(format!("the tensor {name} has {count} dimensions"));
            }
            let dims = (0..count)
                .map(|_| cursor.u64())
                .collect::<Result<Vec<_>, _>>()?;
            let number = cursor.u32()?;
            let kind = Kind::all()
                .find(|kind| kind.id() == number)
                .ok_or_else(|| format!("the tensor {name} has the unknown type {number}"))?;
            let offset = cursor.u64()?;
            let elements = dims.iter().try_fold(1u64, |p, d| p.checked_mul(*d));
            let len = elements
                .filter(|n| n.is_multiple_of(kind.elements() as u64))
                .and_then(|n| (n / kind.elements() as u64).checked_mul(kind.bytes() as u64))
                .ok_or_else(|| {
                    format!("the tensor {name} has a shape that does not fit its type")
                })?;
            tensors.push(Entry {
                name,
                dims,
                kind,
                offset,
                len,
            });
        }
        let alignment = match index.get("general.alignment").map(|at| &keys[*at].1) {
            None => 32,
            Some(value) => value
                .integer()
                .and_then(|v| u64::try_from(v).ok())
                .filter(|v| v.is_power_of_two() && *v <= 1 << 20)
                .ok_or("its alignment is no small power of two")?,
        };
        let head = Self {
            keys,
            tensors,
            data_start: 0,
            hidden,
            index,
        };
        head.look_at_padding(bytes, cursor.at, alignment)
    }

    fn look_at_padding(
        mut self,
        bytes: &dyn Bytes,
        end: u64,
        alignment: u64,
    ) -> Result<Self, String> {
        let start = end
            .checked_next_multiple_of(alignment)
            .ok_or("its head never ends")?;
        self.data_start = start;
        let size = bytes.len();
        let mut gaps = vec![(end, start.min(size), "before the first tensor".to_owned())];
        let mut order: Vec<&Entry> = self.tensors.iter().collect();
        order.sort_by_key(|t| (t.offset, t.len));
        let mut at = start;
        for tensor in order {
            let from = start
                .checked_add(tensor.offset)
                .ok_or("a tensor lies beyond the end")?;
            if !tensor.offset.is_multiple_of(alignment) {
                self.hidden
                    .push(format!("the tensor {} is not aligned", tensor.name));
            }
            if from < at {
                self.hidden
                    .push(format!("the tensor {} overlaps another", tensor.name));
            } else if from > at {
                let room = from - at;
                if room >= alignment {
                    self.hidden.push(format!(
                        "{room} bytes before the tensor {} belong to nothing",
                        tensor.name
                    ));
                }
                gaps.push((at, from, format!("before the tensor {}", tensor.name)));
            }
            at = at.max(
                from.checked_add(tensor.len)
                    .ok_or("a tensor lies beyond the end")?,
            );
        }
        if at > size {
            return Err(format!("the file ends {} bytes early", at - size));
        }
        let padded = at.next_multiple_of(alignment);
        gaps.push((at, size, "after the last tensor".to_owned()));
        if size > padded {
            self.hidden
                .push(format!("{} bytes follow the last tensor", size - padded));
        }
        for (from, to, place) in gaps {
            let mut buffer = [0u8; 4096];
            let mut position = from;
            while position < to.min(size) {
                let len = usize::try_from((to - position).min(4096)).unwrap_or(4096);
                let part = &mut buffer[..len];
                bytes.read_at(position, part).map_err(|e| e.to_string())?;
                if let Some(i) = part.iter().position(|b| *b != 0) {
                    self.hidden.push(format!(
                        "the padding {place} holds {:#04x} at offset {}",
                        part[i],
                        position + i as u64
                    ));
                    break;
                }
                position += len as u64;
            }
        }
        Ok(self)
    }
}

/// Reads forward through a window.
struct Cursor<'a> {
    bytes: &'a dyn Bytes,
    at: u64,
    window: Vec<u8>,
    start: u64,
    values: u64,
}

impl<'a> Cursor<'a> {
    fn new(bytes: &'a dyn Bytes) -> Self {
        Self {
            bytes,
            at: 0,
            window: Vec::new(),
            start: 0,
            values: 0,
        }
    }

    fn take(&mut self, len: u64) -> Result<&[u8], String> {
        let end = self
            .at
            .checked_add(len)
            .filter(|end| *end <= self.bytes.len() && *end <= LIMIT)
            .ok_or("its head ends early or is too long")?;
        let held = self.start + self.window.len() as u64;
        if self.at < self.start || end > held {
            let want = len.max(1 << 20).min(self.bytes.len() - self.at);
            self.window
                .resize(usize::try_from(want).map_err(|e| e.to_string())?, 0);
            self.start = self.at;
            self.bytes
                .read_at(self.at, &mut self.window)
                .map_err(|error| format!("it cannot be read: {error}"))?;
        }
        let from = usize::try_from(self.at - self.start).map_err(|e| e.to_string())?;
        let len = usize::try_from(len).map_err(|e| e.to_string())?;
        self.at = end;
        self.window
            .get(from..from + len)
            .ok_or_else(|| "its head ends early".to_owned())
    }

    fn u32(&mut self) -> Result<u32, String> {
        let b = self.take(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn u64(&mut self) -> Result<u64, String> {
        let mut b = [0; 8];
        b.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(b))
    }

    fn string(&mut self) -> Result<Vec<u8>, String> {
        let len = self.u64()?;
        Ok(self.take(len)?.to_vec())
    }

    fn value(&mut self, kind: u32, depth: u32) -> Result<Value, String> {
        self.values += 1;
        if self.values > VALUES {
            return Err("it has too many metadata values".to_owned());
        }
        Ok(match kind {
            0 => Value::Unsigned(u64::from(self.take(1)?[0])),
            1 => Value::Signed(i64::from(self.take(1)?[0].cast_signed())),
            2 | 3 => {
                let b = self.take(2)?;
                let v = u16::from_le_bytes([b[0], b[1]]);
                if kind == 2 {
                    Value::Unsigned(u64::from(v))
                } else {
                    Value::Signed(i64::from(v.cast_signed()))
                }
            }
            4 => Value::Unsigned(u64::from(self.u32()?)),
            5 => Value::Signed(i64::from(self.u32()?.cast_signed())),
            6 => Value::F32(self.u32()?),
            7 => Value::Bool(self.take(1)?[0] != 0),
            8 => Value::Text(self.string()?),
            9 => {
                if depth == 0 {
                    return Err("its arrays nest too deep".to_owned());
                }
                let inner = self.u32()?;
                let count = self.u64()?;
                let mut items = Vec::new();
                for _ in 0..count {
                    items.push(self.value(inner, depth - 1)?);
                }
                Value::Array(items)
            }
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(self.u64()?.cast_signed()),
            12 => Value::F64(self.u64()?),
            other => return Err(format!("a metadata value has the unknown type {other}")),
        })
    }
}
