//! Values as the facts tell them, within caps.

use modelward_schema::Term;

use super::store::{How, Node, Shape, Store, Value};
use super::{literal, opcode};

/// Text kept of one string, and of all strings of one fact.
const TEXT: usize = 1024;
const TEXTS: usize = 4096;
/// Bytes kept of one bytes constant.
const BYTES: usize = 64;
const DEPTH: u32 = 7;
const WIDTH: usize = 16;
const NODES: u32 = 160;

/// Writes out values. One writer per fact: its caps are for all it writes.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    bytes: &'a [u8],
    store: &'a Store,
    nodes: u32,
    text: usize,
    full: (u32, usize),
}

impl<'a> Writer<'a> {
    /// A terse writer says little more than kinds.
    pub(super) fn new(bytes: &'a [u8], store: &'a Store, terse: bool) -> Self {
        Self {
            bytes,
            store,
            nodes: if terse { 8 } else { NODES },
            text: if terse { 128 } else { TEXTS },
            full: (
                if terse { 8 } else { NODES },
                if terse { 128 } else { TEXTS },
            ),
        }
    }

    /// Steps that the writing took.
    pub(super) fn cost(&self) -> u64 {
        let (nodes, text) = self.full;
        let text = text.saturating_sub(self.text) / 16;
        u64::from(nodes.saturating_sub(self.nodes))
            .saturating_add(length(text))
            .saturating_add(1)
    }

    pub(super) fn term(&mut self, value: Value) -> Term {
        self.write(value, DEPTH)
    }

    /// The items of a tuple or list, each as a term.
    pub(super) fn terms(&mut self, value: Value) -> Vec<Term> {
        match self.store.items(value) {
            Some((Shape::Tuple | Shape::List, items, _)) => items
                .iter()
                .take(WIDTH)
                .map(|item| self.write(*item, DEPTH))
                .collect(),
            _ if value == Value::Unknown => vec![Term::Unknown],
            _ => vec![self.write(value, DEPTH)],
        }
    }

    fn write(&mut self, value: Value, depth: u32) -> Term {
        self.nodes = self.nodes.saturating_sub(1);
        if depth == 0 || self.nodes == 0 {
            return Term::Unknown;
        }
        match value {
            Value::None => Term::None,
            Value::Bool(value) => Term::Bool(value),
            Value::Int(value) => Term::Int(value),
            // JSON has no other numbers.
            Value::Float(value) if value.is_finite() => Term::Float(value),
            Value::Float(_) | Value::Unknown => Term::Unknown,
            Value::Big(at) => match opcode::decode(self.bytes, at).map(|op| op.arg) {
                Ok(opcode::Arg::Big(raw)) => Term::BigInt(length(raw.len())),
                _ => Term::Unknown,
            },
            Value::Text(at) => match opcode::decode(self.bytes, at) {
                Ok(op) => {
                    let (op, len) = literal::clip(op, TEXTS);
                    let text = literal::text(&op);
                    let len = if len <= TEXTS { text.len() } else { len };
                    self.string(&text, len)
                }
                Err(_) => Term::Unknown,
            },
            Value::Bytes(at) => match opcode::decode(self.bytes, at) {
                Ok(op) => {
                    let (op, len) = literal::clip(op, TEXTS);
                    let bytes = literal::bytes(&op);
                    hex(&bytes, if len <= TEXTS { bytes.len() } else { len })
                }
                Err(_) => Term::Unknown,
            },
            Value::Owned(index) => match self.store.owned(index) {
                Some(owned) => {
                    let shown = owned.bytes.get(..TEXTS).unwrap_or(&owned.bytes);
                    if owned.text {
                        self.string(&String::from_utf8_lossy(shown), owned.bytes.len())
                    } else {
                        hex(shown, owned.bytes.len())
                    }
                }
                None => Term::Unknown,
            },
            Value::EmptyTuple => Term::Tuple {
                items: Vec::new(),
                more: 0,
            },
            Value::Global(index) => Term::Global(self.store.target(index).to_owned()),
            Value::Node(_) => self.node(value, depth),
        }
    }

    fn node(&mut self, value: Value, depth: u32) -> Term {
        let inner = depth.saturating_sub(1);
        if let Some((shape, items, total)) = self.store.items(value) {
            if shape == Shape::Dict {
                let pairs: Vec<_> = items
                    .chunks_exact(2)
                    .take(WIDTH)
                    .filter_map(|pair| pair.first_chunk::<2>())
                    .map(|[key, item]| (self.write(*key, inner), self.write(*item, inner)))
                    .collect();
                let more = (total / 2).saturating_sub(length(pairs.len()));
                return Term::Dict { items: pairs, more };
            }
            let items: Vec<_> = items
                .iter()
                .take(WIDTH)
                .map(|item| self.write(*item, inner))
                .collect();
            let more = total.saturating_sub(length(items.len()));
            return match shape {
                Shape::Tuple => Term::Tuple { items, more },
                Shape::List => Term::List { items, more },
                Shape::Set | Shape::Dict => Term::Set { items, more },
            };
        }
        match self.store.node(value) {
            Some(Node::Space(name)) => Term::Result {
                target: "builtins.vars".to_owned(),
                args: vec![Term::Global(self.store.target(name).to_owned())],
            },
            Some(Node::Made(_)) => {
                let Some(made) = self.store.made(value) else {
                    return Term::Unknown;
                };
                let target = match made.how {
                    How::Called(name) | How::New(name) => self.store.target(name).to_owned(),
                    How::Persistent => return Term::Persistent,
                    How::Unknown => "?".to_owned(),
                };
                let args = match self.store.items(made.args) {
                    Some((_, items, _)) => items
                        .iter()
                        .take(WIDTH)
                        .map(|item| self.write(*item, inner))
                        .collect(),
                    None => Vec::new(),
                };
                Term::Result { target, args }
            }
            _ => Term::Unknown,
        }
    }

    fn string(&mut self, text: &str, len: usize) -> Term {
        let mut end = text.len().min(TEXT).min(self.text.max(16));
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        self.text = self.text.saturating_sub(end);
        Term::Str {
            text: text.get(..end).unwrap_or_default().to_owned(),
            len: length(len),
        }
    }
}

fn hex(bytes: &[u8], len: usize) -> Term {
    let mut hex = String::new();
    for byte in bytes.iter().take(BYTES) {
        hex.extend(
            [byte >> 4, byte & 15]
                .map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('?')),
        );
    }
    Term::Bytes {
        hex,
        len: length(len),
    }
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
