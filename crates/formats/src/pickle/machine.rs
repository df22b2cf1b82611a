//! The pickle machine, run on abstract values. It calls nothing.
//!
//! Every opcode has the stack effect it has in CPython's unpicklers. Where the
//! real machine raises, the error is kept, and reading goes on with unknown
//! values as code that is not reached.

use std::collections::HashMap;

use modelward_schema::{Action, Term};

use super::frame::Frames;
use super::ledger::{Event, Ledger};
use super::memo::Memo;
use super::opcode::{self as op, Arg, Bad, Op};
use super::store::{How, Shape, Store, Value};
use super::tensor::Draft;
use super::term::Writer;
use super::{find, literal, names};
use crate::{Input, Session};

/// Entries of the stack; more than any honest file has at a time.
const STACK: usize = 4 << 20;
/// Pickles within pickles that share one file position (joblib's object arrays).
const SUSPENDED: usize = 256;
/// Longest text that is taken for a name.
const NAME: usize = 4096;
/// Embedded streams remembered for reading.
const NESTED: usize = 4096;

#[derive(Debug)]
pub(super) struct Machine<'m, 'i, 'l> {
    pub(super) input: &'m Input<'i>,
    pub(super) bytes: &'i [u8],
    pub(super) session: &'m mut Session<'l>,
    pub(super) ledger: &'m mut Ledger,
    pub(super) store: Store,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: Memo,
    pub(super) reached: bool,
    /// The first error, after which nothing is reached.
    pub(super) error: Option<(usize, String)>,
    /// Where the next instruction is.
    pub(super) position: usize,
    /// The instruction that runs now: start and length.
    pub(super) at: (usize, usize),
    pub(super) frames: Frames,
    pub(super) nested: Vec<Nested>,
    pub(super) tensors: Vec<Draft>,
    pub(super) arrays: Vec<(usize, usize)>,
    /// PyTorch storages by key: element size and count.
    pub(super) storages: HashMap<String, (u64, u64)>,
    /// Inner calls that may still be evaluated.
    pub(super) fuel: u64,
    pub(super) depth: u32,
    suspended: Vec<(Vec<Value>, Vec<usize>, Memo)>,
    pub(super) expands: Option<(usize, String)>,
    /// Facts are written with less detail: the budget is spent.
    pub(super) terse: bool,
}

/// Bytes in a stream that are a stream themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nested {
    pub(super) value: Value,
    pub(super) at: usize,
    /// A loader gets them.
    pub(super) loaded: bool,
    pub(super) reached: bool,
}

/// How a stream ended, and where the bytes after it begin.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) end: usize,
    pub(super) how: Ended,
}

#[derive(Debug)]
pub(super) enum Ended {
    Stop(Value),
    Broken(Bad),
    /// The stack has no room.
    Deep,
}

impl<'m, 'i, 'l> Machine<'m, 'i, 'l> {
    pub(super) fn new(
        input: &'m Input<'i>,
        session: &'m mut Session<'l>,
        ledger: &'m mut Ledger,
        reached: bool,
    ) -> Self {
        let fuel = input.len().saturating_div(2).saturating_add(100_000);
        Self {
            input,
            bytes: input.bytes,
            session,
            ledger,
            store: Store::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Memo::default(),
            reached,
            error: None,
            position: 0,
            at: (0, 0),
            frames: Frames::default(),
            nested: Vec::new(),
            tensors: Vec::new(),
            arrays: Vec::new(),
            storages: HashMap::new(),
            fuel,
            depth: 0,
            suspended: Vec::new(),
            expands: None,
            terse: false,
        }
    }

    /// Starts in the middle of a stream: what is on the stack is not known.
    pub(super) fn loosen(&mut self) {
        self.stack.resize(64, Value::Unknown);
    }

    /// Array bytes that a plain unpickler would run.
    pub(super) fn nested_array(&mut self, start: usize, end: usize) {
        if self.arrays.len() < NESTED {
            self.arrays.push((start, end));
        }
    }

    pub(super) fn run(&mut self, start: usize) -> Outcome {
        self.position = start;
        loop {
            let at = self.position;
            let op = match op::decode(self.bytes, at) {
                Ok(op) => op,
                Err(bad) => {
                    return Outcome {
                        end: at,
                        how: Ended::Broken(bad),
                    };
                }
            };
            if self.stack.len() >= STACK || self.marks.len() >= STACK {
                return Outcome {
                    end: at,
                    how: Ended::Deep,
                };
            }
            self.position = op.end;
            self.at = (at, op.end.saturating_sub(at));
            self.frames.step(&op, at, self.bytes.len());
            if op.code == op::STOP {
                let value = self.pop();
                if let Some((stack, marks, memo)) = self.suspended.pop() {
                    self.stack = stack;
                    self.marks = marks;
                    self.memo = memo;
                    continue;
                }
                return Outcome {
                    end: op.end,
                    how: Ended::Stop(value),
                };
            }
            self.step(&op);
        }
    }

    /// Reads a whole pickle here, as a loader that calls `pickle.load` on the
    /// same file does, then goes on.
    pub(super) fn suspend(&mut self) {
        if self.suspended.len() < SUSPENDED {
            self.suspended.push((
                std::mem::take(&mut self.stack),
                std::mem::take(&mut self.marks),
                std::mem::take(&mut self.memo),
            ));
        }
    }

    pub(super) fn is_outermost(&self) -> bool {
        self.suspended.is_empty()
    }

    fn step(&mut self, op: &Op<'i>) {
        match op.code {
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop();
                }
            }
            op::POP_MARK => {
                let start = self.pop_mark();
                self.stack.truncate(start);
            }
            op::DUP => {
                let top = self.top();
                self.stack.push(top);
            }
            op::GLOBAL => self.global(op),
            op::STACK_GLOBAL => self.stack_global(),
            op::INST => {
                let start = self.pop_mark();
                self.global(op);
                let class = self.pop();
                let args = self.tuple_from(start);
                let made = self.call(class, args, false);
                self.stack.push(made);
            }
            op::OBJ => {
                let start = self.pop_mark();
                let found = self.stack.get(start..).and_then(<[_]>::split_first);
                let (class, args) = if let Some((class, args)) = found {
                    (*class, self.store.tuple(args))
                } else {
                    self.fail("OBJ has no class");
                    (Value::Unknown, Value::EmptyTuple)
                };
                self.stack.truncate(start);
                let made = self.call(class, args, false);
                self.stack.push(made);
            }
            op::REDUCE => {
                let args = self.pop();
                let callee = self.pop();
                let made = self.call(callee, args, false);
                self.stack.push(made);
            }
            op::NEWOBJ => {
                let args = self.pop();
                let class = self.pop();
                let made = self.instance(class, args, None);
                self.stack.push(made);
            }
            op::NEWOBJ_EX => {
                let kwargs = self.pop();
                let args = self.pop();
                let class = self.pop();
                let made = self.instance(class, args, Some(kwargs));
                self.stack.push(made);
            }
            op::BUILD => {
                let state = self.pop();
                let object = self.top();
                self.build(object, state);
            }
            op::APPEND => {
                let item = self.pop();
                let list = self.top();
                self.fill(list, &[item], false);
            }
            op::SETITEM => {
                let item = self.pop();
                let key = self.pop();
                let dict = self.top();
                self.fill(dict, &[key, item], true);
            }
            op::APPENDS | op::ADDITEMS | op::SETITEMS => {
                let start = self.pop_mark();
                let items = self.stack.split_off(start.min(self.stack.len()));
                let object = self.top();
                self.fill(object, &items, op.code == op::SETITEMS);
                // Keep the allocation of the longer one.
                if self.stack.capacity() < items.capacity() / 2 {
                    self.stack.reserve(items.len());
                }
            }
            op::TUPLE | op::FROZENSET | op::LIST | op::DICT => {
                let start = self.pop_mark();
                let value = match op.code {
                    op::TUPLE => self.tuple_from(start),
                    code => {
                        let shape = match code {
                            op::LIST => Shape::List,
                            op::DICT => Shape::Dict,
                            _ => Shape::Set,
                        };
                        let items = self.stack.split_off(start.min(self.stack.len()));
                        let value = self.store.container(shape);
                        self.fill(value, &items, code == op::DICT);
                        value
                    }
                };
                self.stack.push(value);
            }
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let count = usize::from(op.code.saturating_sub(op::TUPLE1)).saturating_add(1);
                let start = self.stack.len().saturating_sub(count);
                if start < self.fence() || self.stack.len() < count {
                    self.fail("TUPLE finds too few values");
                    self.stack.push(Value::Unknown);
                } else {
                    let value = self.tuple_from(start);
                    self.stack.push(value);
                }
            }
            op::PERSID | op::BINPERSID => self.persistent(op),
            op::EXT1 | op::EXT2 | op::EXT4 => self.extension(op),
            op::NEXT_BUFFER => {
                self.emit(Action::Buffer, "", None, false, Value::EmptyTuple, None);
                self.stack.push(Value::Unknown);
            }
            op::READONLY_BUFFER => {
                self.top();
            }
            op::GET | op::BINGET | op::LONG_BINGET => {
                let Arg::Number(key) = op.arg else { return };
                let value = self.memo.get(key).unwrap_or_else(|| {
                    self.fail(&format!("memo has no entry {key}"));
                    Value::Unknown
                });
                self.stack.push(value);
            }
            op::PUT | op::BINPUT | op::LONG_BINPUT => {
                let Arg::Number(key) = op.arg else { return };
                let value = self.top();
                if key > (1 << 24) && key > self.input.len() {
                    self.expand(format!("memo index {key} asks for as many entries"));
                }
                self.memo.put(key, value);
            }
            op::MEMOIZE => {
                let value = self.top();
                self.memo.memoize(value);
            }
            op::PROTO => {
                let Arg::Number(number) = op.arg else { return };
                if number > 5 {
                    self.fail(&format!("protocol {number} does not exist"));
                }
            }
            op::FRAME => {}
            _ => {
                let value = self.literal(op);
                self.stack.push(value);
            }
        }
    }

    fn literal(&mut self, op: &Op<'i>) -> Value {
        let at = self.at.0;
        match (op.code, op.arg) {
            (op::NEWTRUE, _) => Value::Bool(true),
            (op::NEWFALSE, _) => Value::Bool(false),
            (op::EMPTY_LIST, _) => self.store.container(Shape::List),
            (op::EMPTY_DICT, _) => self.store.container(Shape::Dict),
            (op::EMPTY_SET, _) => self.store.container(Shape::Set),
            (op::EMPTY_TUPLE, _) => Value::EmptyTuple,
            (_, Arg::Bool(value)) => Value::Bool(value),
            (_, Arg::Int(value)) => Value::Int(value),
            (_, Arg::Big(_)) => Value::Big(at),
            (_, Arg::Float(value)) => Value::Float(value),
            (op::BINBYTES | op::SHORT_BINBYTES | op::BINBYTES8 | op::BYTEARRAY8, Arg::Raw(raw)) => {
                if find::is_worth_reading(raw) {
                    self.nest(Value::Bytes(at), false);
                }
                Value::Bytes(at)
            }
            (_, Arg::Raw(raw)) => {
                if let Some(bytes) = find::encoded(raw) {
                    let value = self.store.own(false, bytes);
                    self.nest(value, false);
                }
                Value::Text(at)
            }
            _ => Value::None,
        }
    }

    fn global(&mut self, op: &Op<'i>) {
        let Arg::Lines(module, name) = op.arg else {
            return;
        };
        let module = String::from_utf8_lossy(module);
        let name = String::from_utf8_lossy(name);
        let value = self.look_up(&module, &name, false);
        self.stack.push(value);
    }

    fn stack_global(&mut self) {
        let name = self.pop();
        let module = self.pop();
        let (module_text, name_text) = (self.text(module), self.text(name));
        let computed = matches!(module, Value::Owned(_)) || matches!(name, Value::Owned(_));
        let value = match (module_text, name_text) {
            (Some(module), Some(name)) => self.look_up(&module, &name, computed),
            (module, name) => {
                let target = format!(
                    "{}.{}",
                    module.as_deref().unwrap_or("?"),
                    name.as_deref().unwrap_or("?")
                );
                let parts = self.store.tuple(&[]);
                self.emit(Action::Import, &target, None, true, parts, None);
                Value::Global(self.store.intern(target, None, true))
            }
        };
        self.stack.push(value);
    }

    fn look_up(&mut self, module: &str, name: &str, computed: bool) -> Value {
        let target = names::resolve(module, name);
        let plain = target
            .strip_prefix(module)
            .and_then(|rest| rest.strip_prefix('.'))
            == Some(name);
        let written = (!plain).then(|| crate::text::cap(&format!("{module} {name}"), 512));
        self.emit(
            Action::Import,
            &target,
            written.as_deref(),
            computed,
            Value::EmptyTuple,
            None,
        );
        Value::Global(self.store.intern(target, written, computed))
    }

    fn persistent(&mut self, op: &Op<'i>) {
        let id = match op.code {
            op::PERSID => Value::Text(self.at.0),
            _ => self.pop(),
        };
        let parts = match self.store.items(id) {
            Some((Shape::Tuple, ..)) => id,
            _ => self.store.tuple(&[id]),
        };
        self.emit(Action::Persistent, "", None, false, parts, None);
        self.note_storage(parts);
        let value = self.store.make(How::Persistent, parts);
        self.stack.push(value);
    }

    fn extension(&mut self, op: &Op<'i>) {
        let Arg::Number(code) = op.arg else { return };
        let target = format!("ext:{code}");
        self.emit(
            Action::Extension,
            &target,
            None,
            false,
            Value::EmptyTuple,
            None,
        );
        let name = self.store.intern(target, None, false);
        self.stack.push(Value::Global(name));
    }

    /// `NEWOBJ` and `NEWOBJ_EX`.
    pub(super) fn instance(&mut self, class: Value, args: Value, kwargs: Option<Value>) -> Value {
        let (target, written, computed) = self.describe(class);
        self.emit(
            Action::New,
            &target,
            written.as_deref(),
            computed,
            args,
            kwargs,
        );
        let name = self.store.intern(target, written, computed);
        self.store.make(How::New(name), args)
    }

    fn fill(&mut self, object: Value, items: &[Value], pairs: bool) {
        if pairs {
            for pair in items.chunks_exact(2) {
                if let [key, value] = pair {
                    self.name_tensor(*key, *value);
                }
            }
            if items.len() % 2 == 1 {
                self.fail("SETITEMS has a key without a value");
            }
        }
        if self.store.extend(object, items) {
            self.weigh(object);
            return;
        }
        if items.is_empty() {
            return;
        }
        let (target, written, computed) = self.describe(object);
        let shown = items.get(..16).unwrap_or(items);
        let shown = if pairs {
            let pairs: Vec<Value> = shown
                .chunks_exact(2)
                .map(|pair| self.store.tuple(pair))
                .collect();
            self.store.tuple(&pairs)
        } else {
            self.store.tuple(shown)
        };
        self.emit(
            Action::Fill,
            &target,
            written.as_deref(),
            computed,
            shown,
            None,
        );
    }

    /// Notes a structure that is enormous when written out.
    fn weigh(&mut self, value: Value) {
        let size = self.store.size(value);
        if size > 5e7 && self.expands.is_none() {
            let len = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
            if f64::from(size) > 256.0 * f64::from(len) {
                self.expand(
                    "shared parts repeat until they count many millions of elements".to_owned(),
                );
            }
        }
    }

    pub(super) fn expand(&mut self, message: String) {
        if self.expands.is_none() {
            self.expands = Some((self.at.0, message));
        }
    }

    pub(super) fn nest(&mut self, value: Value, loaded: bool) {
        let known = self
            .nested
            .iter_mut()
            .rev()
            .take(32)
            .find(|nested| nested.value == value);
        if let Some(nested) = known {
            nested.loaded |= loaded;
            nested.reached |= loaded && self.reached;
        } else if self.nested.len() < NESTED {
            self.nested.push(Nested {
                value,
                at: self.at.0,
                loaded,
                reached: loaded && self.reached,
            });
        } else {
            self.terse = true;
        }
    }

    /// Enters what happens into the ledger.
    pub(super) fn emit(
        &mut self,
        action: Action,
        target: &str,
        written: Option<&str>,
        computed: bool,
        args: Value,
        kwargs: Option<Value>,
    ) {
        let mut writer = Writer::new(self.bytes, &self.store, self.terse);
        let args = match action {
            Action::Build => vec![writer.term(args)],
            _ => writer.terms(args),
        };
        let kwargs = match kwargs.map(|kwargs| writer.term(kwargs)) {
            Some(Term::Dict { items, .. }) => items
                .into_iter()
                .map(|(key, value)| (key.as_str().unwrap_or("?").to_owned(), value))
                .collect(),
            Some(other) => vec![("**".to_owned(), other)],
            None => Vec::new(),
        };
        let cost = writer.cost();
        if !self.terse && !self.session.spend(cost) {
            self.terse = true;
        }
        let (start, len) = self.at;
        self.ledger.add(
            self.input,
            Event {
                action,
                target,
                written,
                computed,
                reached: self.reached,
                at: (super::wide(start), super::wide(len)),
                args,
                kwargs,
            },
        );
    }

    /// Remembers the first error. The real machine stops there.
    pub(super) fn fail(&mut self, message: &str) {
        if self.error.is_none() {
            self.error = Some((self.at.0, message.to_owned()));
        }
        self.reached = false;
    }

    fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn pop(&mut self) -> Value {
        if self.stack.len() > self.fence() {
            self.stack.pop().unwrap_or(Value::Unknown)
        } else {
            self.fail("stack is empty");
            Value::Unknown
        }
    }

    fn top(&mut self) -> Value {
        if self.stack.len() > self.fence() {
            self.stack.last().copied().unwrap_or(Value::Unknown)
        } else {
            self.fail("stack is empty");
            Value::Unknown
        }
    }

    fn pop_mark(&mut self) -> usize {
        self.marks.pop().unwrap_or_else(|| {
            self.fail("no mark is on the stack");
            self.stack.len()
        })
    }

    fn tuple_from(&mut self, start: usize) -> Value {
        let items = self.stack.get(start..).unwrap_or_default();
        let value = self.store.tuple(items);
        self.stack.truncate(start);
        self.weigh(value);
        value
    }

    /// The text of a string constant that is short enough for a name.
    pub(super) fn text(&self, value: Value) -> Option<String> {
        match value {
            Value::Text(at) => {
                let op = op::decode(self.bytes, at).ok()?;
                let (clipped, len) = literal::clip(op, NAME);
                (len <= NAME).then(|| literal::text(&clipped).into_owned())
            }
            Value::Owned(index) => {
                let owned = self.store.owned(index)?;
                let short = owned.bytes.len() <= NAME;
                short.then(|| String::from_utf8_lossy(&owned.bytes).into_owned())
            }
            _ => None,
        }
    }

    /// The bytes of a string or bytes constant.
    pub(super) fn raw(&self, value: Value) -> Option<std::borrow::Cow<'i, [u8]>> {
        match value {
            Value::Text(at) | Value::Bytes(at) => {
                let op = op::decode(self.bytes, at).ok()?;
                Some(literal::bytes(&op))
            }
            Value::Owned(index) => {
                let owned = self.store.owned(index)?;
                Some(std::borrow::Cow::Owned(owned.bytes.clone()))
            }
            _ => None,
        }
    }
}
