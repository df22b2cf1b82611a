//! Flat single-assignment form over a borrowed [`Wiring`].
//!
//! Names, places, attributes and constants stay in the wiring and are found
//! through it; here are only edges. An operator that stands in a function that
//! is called twice is here twice.

use modelward_schema::{Anomaly, Constant, Dim, Node, Setting, Value, Wiring};

use crate::operators::Std;

/// Index into [`Flat::values`].
pub type Id = u32;
/// No wiring value or node stands behind it.
pub const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub struct Flat<'w> {
    pub wiring: &'w Wiring,
    pub values: Vec<Val>,
    /// In an order in which they can run, when the second operand of
    /// [`Kind::LoopPhi`] is left aside.
    pub ops: Vec<Op>,
    /// What a caller has to hand in: inputs without a default.
    pub inputs: Vec<Id>,
    /// As the main graph lists them; absent when nothing makes them.
    pub outputs: Vec<Option<Id>>,
    /// Calls of functions; the first is the main graph.
    pub frames: Vec<Frame>,
    /// Constants that were not in the file.
    pub made: Vec<Constant>,
    pub anomalies: Vec<Anomaly>,
    /// True when a limit kept operators out.
    pub cut: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Val {
    /// Index into [`Wiring::values`], or [`NONE`].
    pub source: u32,
    /// Operator that makes it, or [`NONE`] for inputs, constants and names that
    /// lead nowhere.
    pub maker: u32,
    /// Which of the maker's outputs it is.
    pub slot: u32,
    /// See [`Flat::constant`].
    pub constant: u32,
}

impl Default for Val {
    fn default() -> Self {
        Self {
            source: NONE,
            maker: NONE,
            slot: 0,
            constant: NONE,
        }
    }
}

/// What an operator is to the graph's structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An operator of the framework; see [`Op::std`].
    Plain,
    /// `[condition or index, then or branch 0, else or branch 1, …]`.
    Phi,
    /// The number of the current turn: `[trip count]`.
    LoopIter,
    /// A value carried through a loop: `[initial, of the last turn]`.
    LoopPhi,
    /// What a carried value is in the end: `[trip count, condition, initial, of
    /// the last turn]`.
    LoopOut,
    /// Values of all turns, stacked: `[trip count, condition, of each turn]`.
    LoopStack,
    /// One slice per turn: `[sequence]`.
    ScanSlice,
    /// `[value]`.
    Copy,
    /// Its meaning is not known: it may do anything with its operands.
    Opaque,
}

#[derive(Debug, Clone)]
pub struct Op {
    pub kind: Kind,
    /// Its meaning; [`Std::Opaque`] unless [`Op::kind`] is [`Kind::Plain`].
    pub std: Std,
    /// Index into [`Wiring::nodes`].
    pub node: u32,
    /// Index into [`Flat::frames`].
    pub frame: u32,
    /// In the order of the operator's meaning.
    pub inputs: Vec<Option<Id>>,
    pub outputs: Vec<Option<Id>>,
    /// Attributes in the words of the meaning, where they differ from the
    /// node's own.
    pub set: Vec<(&'static str, Setting)>,
}

impl Op {
    pub fn input(&self, index: usize) -> Option<Id> {
        self.inputs.get(index).copied().flatten()
    }

    pub fn output(&self, index: usize) -> Option<Id> {
        self.outputs.get(index).copied().flatten()
    }

    /// Operands that are there.
    pub fn operands(&self) -> impl Iterator<Item = Id> + '_ {
        self.inputs.iter().copied().flatten()
    }

    pub fn results(&self) -> impl Iterator<Item = Id> + '_ {
        self.outputs.iter().copied().flatten()
    }
}

/// A call of a function.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// The calling node, or [`NONE`] for the main graph.
    pub caller: u32,
    /// The caller's frame.
    pub parent: u32,
    pub body: u32,
    pub depth: u32,
}

pub(crate) fn at(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

pub(crate) fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(NONE)
}

impl<'w> Flat<'w> {
    pub fn val(&self, id: Id) -> Val {
        self.values.get(at(id)).copied().unwrap_or_default()
    }

    pub fn maker(&self, id: Id) -> Option<&Op> {
        self.ops.get(at(self.val(id).maker))
    }

    /// The value as the file has it.
    pub fn source(&self, id: Id) -> Option<&'w Value> {
        self.wiring.values.get(at(self.val(id).source))
    }

    /// Its name in the file; empty for values that have none.
    pub fn name(&self, id: Id) -> &'w str {
        self.source(id).map_or("", |value| &value.name)
    }

    pub fn dtype(&self, id: Id) -> &str {
        match self.source(id) {
            Some(value) if value.dtype != "?" => &value.dtype,
            _ => self.constant(id).map_or("?", |constant| &constant.dtype),
        }
    }

    /// The shape that the file states.
    pub fn stated_shape(&self, id: Id) -> Option<&'w [Dim]> {
        self.source(id)?.shape.as_deref()
    }

    pub fn constant(&self, id: Id) -> Option<&Constant> {
        let index = at(self.val(id).constant);
        let wired = &self.wiring.constants;
        match index.checked_sub(wired.len()) {
            None => wired.get(index),
            Some(index) => self.made.get(index),
        }
    }

    pub fn is_constant(&self, id: Id) -> bool {
        self.val(id).constant != NONE
    }

    pub fn node(&self, op: &Op) -> Option<&'w Node> {
        self.wiring.nodes.get(at(op.node))
    }

    /// The framework's word for it.
    pub fn word(&self, op: &Op) -> &'w str {
        self.node(op).map_or("", |node| &node.op)
    }

    /// An attribute, in the words of the meaning; the caller's where a
    /// function hands it through.
    pub fn attribute<'a>(&'a self, op: &'a Op, name: &str) -> Option<&'a Setting> {
        if let Some((_, setting)) = op.set.iter().find(|(key, _)| *key == name) {
            return Some(setting);
        }
        let node = self.node(op)?;
        let found = &node.attributes.iter().find(|set| set.name == name)?.value;
        self.through_callers(found, op.frame)
    }

    /// Follows [`Setting::Caller`] outwards.
    fn through_callers(&self, setting: &'w Setting, frame: u32) -> Option<&'w Setting> {
        let mut setting = setting;
        let mut frame = self.frames.get(at(frame))?;
        // Frames nest at most so deep.
        for _ in 0..crate::flatten::MAX_CALLS {
            let Setting::Caller(name) = setting else {
                return Some(setting);
            };
            let caller = self.wiring.nodes.get(at(frame.caller))?;
            let given = caller.attributes.iter().find(|set| set.name == *name);
            setting = match given {
                Some(given) => &given.value,
                None => self.default_of(frame.body, name)?,
            };
            frame = self.frames.get(at(frame.parent))?;
        }
        None
    }

    fn default_of(&self, body: u32, name: &str) -> Option<&'w Setting> {
        let body = self.wiring.bodies.get(at(body))?;
        let modelward_schema::BodyKind::Function { attributes, .. } = &body.kind else {
            return None;
        };
        let mut known = attributes.iter();
        known.find_map(|(key, default)| (key == name).then_some(default.as_ref()).flatten())
    }

    pub fn int(&self, op: &Op, name: &str) -> Option<i64> {
        match self.attribute(op, name)? {
            Setting::Int(number) => Some(*number),
            Setting::Bool(truth) => Some(i64::from(*truth)),
            _ => None,
        }
    }

    pub fn float(&self, op: &Op, name: &str) -> Option<f64> {
        match self.attribute(op, name)? {
            Setting::Float(number) => Some(*number),
            _ => None,
        }
    }

    pub fn ints<'a>(&'a self, op: &'a Op, name: &str) -> Option<&'a [i64]> {
        match self.attribute(op, name)? {
            Setting::Ints(numbers) => Some(numbers),
            _ => None,
        }
    }

    pub fn text<'a>(&'a self, op: &'a Op, name: &str) -> Option<&'a str> {
        match self.attribute(op, name)? {
            Setting::Text(text) | Setting::Dtype(text) => Some(text),
            _ => None,
        }
    }
}
