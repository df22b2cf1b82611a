//! The values of the abstract machine: constants stay where they are in the
//! input, everything else is a small node.
//!
//! A pickle makes one object of every byte or two, and Python then needs
//! 16 to 60 bytes for each; here it is 16. Containers keep their first items
//! and a count. When the room is used up, new containers are made without
//! items: calls and names go on being seen, their arguments less so.

use std::collections::HashMap;

/// Items kept of one container (a dictionary keeps half as many pairs).
pub(super) const KEPT: usize = 64;
/// Bytes that nodes may take.
const ROOM: usize = 112 << 20;
/// Distinct names.
const NAMES: usize = 100_000;
/// Longest computed string, and the bytes of all of them.
pub(super) const OWNED: usize = 1 << 20;
const OWNED_ROOM: usize = 24 << 20;

/// A value on the stack. Offsets point at the opcode that made the constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Big(usize),
    Text(usize),
    Bytes(usize),
    /// A string that was computed from constants.
    Owned(u32),
    EmptyTuple,
    Global(u32),
    Node(u32),
    Unknown,
}

/// Kinds of plain container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    Tuple,
    List,
    Set,
    Dict,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Node {
    /// Items in the pool, and how many there were.
    Tuple {
        start: u32,
        kept: u8,
        total: u32,
    },
    /// Index of its items; `u32::MAX` while it has none.
    Growing(Shape, u32),
    /// A container whose items are not kept.
    Plain(Shape),
    Made(u32),
    /// The names of a module, class or function: `vars(x)`, `x.__dict__`.
    Space(u32),
}

#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) kept: Vec<Value>,
    pub(super) total: u64,
}

/// Something that a call yielded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub(super) how: How,
    pub(super) args: Value,
    /// What `BUILD` set.
    pub(super) state: Value,
    /// Index of the tensor it is.
    pub(super) tensor: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum How {
    Called(u32),
    /// An instance of the class.
    New(u32),
    Persistent,
    /// Of a callee that is not known.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) target: String,
    pub(super) written: Option<String>,
    pub(super) computed: bool,
}

/// A computed constant.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) text: bool,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    nodes: Vec<(Node, f32)>,
    pool: Vec<Value>,
    growing: Vec<Items>,
    made: Vec<Made>,
    names: Vec<Name>,
    known: HashMap<(String, bool), u32>,
    owned: Vec<Owned>,
    owned_bytes: usize,
    /// What stands for everything made when the room is used up.
    plains: HashMap<Shape, Value>,
    shared: HashMap<How, Value>,
    used: usize,
    /// Something was made without its items.
    pub(super) full: bool,
}

impl Store {
    pub(super) fn new() -> Self {
        let mut store = Self::default();
        // The name for all that find no room.
        store.intern("?".to_owned(), None, true);
        store
    }

    fn push(&mut self, node: Node, size: f32, cost: usize) -> Value {
        self.used = self.used.saturating_add(cost).saturating_add(16);
        match u32::try_from(self.nodes.len()) {
            Ok(index) => {
                self.nodes.push((node, size));
                Value::Node(index)
            }
            Err(_) => Value::Unknown,
        }
    }

    fn has_room(&mut self) -> bool {
        self.full |= self.used > ROOM;
        !self.full
    }

    /// The one container of this shape that stands for all that are made when
    /// the room is used up.
    fn plain(&mut self, shape: Shape) -> Value {
        if let Some(value) = self.plains.get(&shape) {
            return *value;
        }
        let value = self.push(Node::Plain(shape), 1.0, 0);
        self.plains.insert(shape, value);
        value
    }

    pub(super) fn tuple(&mut self, items: &[Value]) -> Value {
        if items.is_empty() {
            return Value::EmptyTuple;
        }
        let size = items.iter().map(|item| self.size(*item)).sum::<f32>() + 1.0;
        if !self.has_room() {
            return self.plain(Shape::Tuple);
        }
        let kept = items.get(..KEPT).unwrap_or(items);
        let Ok(start) = u32::try_from(self.pool.len()) else {
            return self.plain(Shape::Tuple);
        };
        self.pool.extend_from_slice(kept);
        let node = Node::Tuple {
            start,
            kept: u8::try_from(kept.len()).unwrap_or(u8::MAX),
            total: u32::try_from(items.len()).unwrap_or(u32::MAX),
        };
        self.push(node, size, kept.len().saturating_mul(16))
    }

    /// An empty list, set or dictionary.
    pub(super) fn container(&mut self, shape: Shape) -> Value {
        if self.has_room() {
            self.push(Node::Growing(shape, u32::MAX), 1.0, 0)
        } else {
            self.plain(shape)
        }
    }

    /// Appends to a plain container; false when `value` is not one.
    pub(super) fn extend(&mut self, value: Value, items: &[Value]) -> bool {
        let Value::Node(index) = value else {
            return false;
        };
        let added = items.iter().map(|item| self.size(*item)).sum::<f32>();
        let room = self.has_room();
        let Some((node, size)) = usize::try_from(index)
            .ok()
            .and_then(|index| self.nodes.get_mut(index))
        else {
            return false;
        };
        match node {
            Node::Growing(_, slot) => {
                *size += added;
                if *slot == u32::MAX {
                    if !room {
                        return true;
                    }
                    let Ok(new) = u32::try_from(self.growing.len()) else {
                        return true;
                    };
                    *slot = new;
                    self.growing.push(Items::default());
                    self.used = self.used.saturating_add(48);
                }
                let slot = usize::try_from(*slot).unwrap_or(usize::MAX);
                if let Some(list) = self.growing.get_mut(slot) {
                    let free = KEPT.saturating_sub(list.kept.len());
                    let fits = items.get(..free).unwrap_or(items);
                    list.kept.extend_from_slice(fits);
                    self.used = self.used.saturating_add(fits.len().saturating_mul(20));
                    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
                    list.total = list.total.saturating_add(count);
                }
                true
            }
            Node::Plain(shape) => *shape != Shape::Tuple,
            _ => false,
        }
    }

    pub(super) fn make(&mut self, how: How, args: Value) -> Value {
        let room = self.has_room();
        if !room && let Some(value) = self.shared.get(&how) {
            return *value;
        }
        let Ok(index) = u32::try_from(self.made.len()) else {
            return Value::Unknown;
        };
        self.made.push(Made {
            how,
            args: if room { args } else { Value::Unknown },
            state: Value::None,
            tensor: None,
        });
        let value = self.push(Node::Made(index), 1.0, 72);
        if !room {
            self.shared.insert(how, value);
        }
        value
    }

    pub(super) fn space(&mut self, name: u32) -> Value {
        if self.has_room() {
            self.push(Node::Space(name), 1.0, 0)
        } else {
            Value::Unknown
        }
    }

    pub(super) fn node(&self, value: Value) -> Option<Node> {
        let Value::Node(index) = value else {
            return None;
        };
        let index = usize::try_from(index).ok()?;
        self.nodes.get(index).map(|(node, _)| *node)
    }

    pub(super) fn made(&self, value: Value) -> Option<Made> {
        match self.node(value)? {
            Node::Made(index) => self.made.get(usize::try_from(index).ok()?).copied(),
            _ => None,
        }
    }

    pub(super) fn made_mut(&mut self, value: Value) -> Option<&mut Made> {
        match self.node(value)? {
            Node::Made(index) => self.made.get_mut(usize::try_from(index).ok()?),
            _ => None,
        }
    }

    /// The kept items of a container and how many there are in all. A
    /// dictionary's are key, value, key, value…
    pub(super) fn items(&self, value: Value) -> Option<(Shape, &[Value], u64)> {
        if value == Value::EmptyTuple {
            return Some((Shape::Tuple, &[], 0));
        }
        match self.node(value)? {
            Node::Tuple { start, kept, total } => {
                let start = usize::try_from(start).ok()?;
                let end = start.checked_add(usize::from(kept))?;
                Some((Shape::Tuple, self.pool.get(start..end)?, u64::from(total)))
            }
            Node::Growing(shape, slot) => {
                let slot = usize::try_from(slot).ok()?;
                Some(match self.growing.get(slot) {
                    Some(items) => (shape, &items.kept, items.total),
                    None => (shape, &[], 0),
                })
            }
            Node::Plain(shape) => Some((shape, &[], 1)),
            _ => None,
        }
    }

    /// Elements it would have if every shared part were written out.
    pub(super) fn size(&self, value: Value) -> f32 {
        let Value::Node(index) = value else {
            return 1.0;
        };
        usize::try_from(index)
            .ok()
            .and_then(|index| self.nodes.get(index))
            .map_or(1.0, |(_, size)| *size)
    }

    pub(super) fn intern(
        &mut self,
        target: String,
        written: Option<String>,
        computed: bool,
    ) -> u32 {
        if let Some(index) = self.known.get(&(target.clone(), computed)) {
            return *index;
        }
        if self.names.len() >= NAMES {
            self.full = true;
            return 0;
        }
        let index = u32::try_from(self.names.len()).unwrap_or(0);
        self.known.insert((target.clone(), computed), index);
        self.names.push(Name {
            target,
            written,
            computed,
        });
        index
    }

    pub(super) fn name(&self, index: u32) -> Option<&Name> {
        self.names.get(usize::try_from(index).ok()?)
    }

    pub(super) fn target(&self, index: u32) -> &str {
        self.name(index).map_or("?", |name| name.target.as_str())
    }

    pub(super) fn own(&mut self, text: bool, bytes: Vec<u8>) -> Value {
        let total = self.owned_bytes.saturating_add(bytes.len());
        if bytes.len() > OWNED || total > OWNED_ROOM || self.owned.len() > 200_000 {
            return Value::Unknown;
        }
        let Ok(index) = u32::try_from(self.owned.len()) else {
            return Value::Unknown;
        };
        self.owned_bytes = total;
        self.owned.push(Owned { text, bytes });
        Value::Owned(index)
    }

    pub(super) fn owned(&self, index: u32) -> Option<&Owned> {
        self.owned.get(usize::try_from(index).ok()?)
    }
}
