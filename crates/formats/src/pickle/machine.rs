//! The pickle machine, run on abstract values. It calls nothing.
//!
//! Every opcode has the stack effect it has in CPython's unpicklers. Where the
//! real machine raises, the error is kept, and reading goes on with unknown
//! values as code that is not reached.

use std::collections::HashMap;

use modelward_schema::Action;

use super::frame::Frames;
use super::ledger::Ledger;
use super::memo::Memo;
use super::opcode::{self as op, Arg, Bad, Op};
use super::store::{Shape, Store, Value};
use super::tensor::Draft;
use super::tree::Tree;
use crate::{Input, Session};

/// Entries of the stack; more than any honest file has at a time.
const STACK: usize = 4 << 20;
/// Pickles within pickles that share one file position (joblib's object arrays).
const SUSPENDED: usize = 256;
/// Arrays remembered for reading.
const NESTED: usize = 4096;

#[derive(Debug)]
pub(super) struct Machine<'m, 'i, 'l> {
    pub(super) input: &'m Input<'i>,
    pub(super) bytes: &'i [u8],
    pub(super) session: &'m mut Session<'l>,
    pub(super) ledger: &'m mut Ledger,
    pub(super) store: Store,
    pub(super) stack: Vec<Value>,
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
    pub(super) tree: Tree,
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
    /// Attributes that the stream itself sets on modules, classes, functions.
    pub(super) planted: HashMap<String, Value>,
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
            tree: Tree::default(),
            arrays: Vec::new(),
            storages: HashMap::new(),
            fuel,
            depth: 0,
            suspended: Vec::new(),
            expands: None,
            terse: false,
            planted: HashMap::new(),
        }
    }

    /// Starts in the middle of a stream: what is on the stack is not known.
    pub(super) fn loosen(&mut self) {
        self.stack.resize(64, Value::Unknown);
    }

    /// Whether something was not kept, so that what depends on it is unknown.
    pub(super) fn is_incomplete(&self) -> bool {
        self.terse || self.store.full || self.memo.full
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
                    self.frames.leave();
                    continue;
                }
                self.name_by_place(value);
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
        self.frames.leave();
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
}
