//! Calls: who is called, with what, and what is known of the result.
//!
//! A callee that was itself produced by calls (`getattr`, `partial`, getters) is
//! named by evaluating those calls symbolically; nothing is ever run. What stays
//! unknown is called `?`, never left out.

use modelward_schema::Action;

use super::machine::Machine;
use super::names;
use super::store::{How, Node, Shape, Value};

/// Calls within calls that are looked into.
const DEPTH: u32 = 24;

impl Machine<'_, '_, '_> {
    /// A call by the stream, or by what it calls (`computed`).
    pub(super) fn call(&mut self, callee: Value, args: Value, computed: bool) -> Value {
        self.fuel = self.fuel.saturating_sub(u64::from(self.depth > 0));
        if self.depth >= DEPTH || self.fuel == 0 {
            self.emit(Action::Call, "?", None, true, Value::Unknown, None);
            return self.store.make(How::Unknown, Value::Unknown);
        }
        self.depth = self.depth.saturating_add(1);
        let result = self.dispatch(callee, args, computed);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn dispatch(&mut self, callee: Value, args: Value, computed: bool) -> Value {
        if let Value::Global(index) = callee {
            let Some(name) = self.store.name(index).cloned() else {
                return Value::Unknown;
            };
            let computed = computed || name.computed;
            self.emit(
                Action::Call,
                &name.target,
                name.written.as_deref(),
                computed,
                args,
                None,
            );
            return self.evaluate(index, &name.target, args);
        }
        if let Some(made) = self.store.made(callee)
            && let How::Called(maker) = made.how
        {
            let bound = self.list(made.args);
            let given = self.list(args);
            match self.store.target(maker) {
                "functools.partial"
                | "_functools.partial"
                | "types.MethodType"
                | "functools.partialmethod"
                | "builtins.staticmethod"
                | "builtins.classmethod" => {
                    if let Some((function, prefix)) = bound.split_first() {
                        let all: Vec<Value> = prefix.iter().chain(&given).copied().collect();
                        let all = self.store.tuple(&all);
                        return self.call(*function, all, true);
                    }
                }
                "operator.methodcaller" | "_operator.methodcaller" => {
                    if let (Some((method, rest)), Some(object)) =
                        (bound.split_first(), given.first())
                    {
                        let function = self.attribute(*object, *method);
                        let rest = self.store.tuple(rest);
                        return self.call(function, rest, true);
                    }
                }
                "operator.attrgetter" | "_operator.attrgetter" => {
                    if let (Some(name), Some(object)) = (bound.first(), given.first()) {
                        return self.call_named("builtins.getattr", &[*object, *name]);
                    }
                }
                "operator.itemgetter" | "_operator.itemgetter" => {
                    if let (Some(key), Some(object)) = (bound.first(), given.first()) {
                        return self.call_named("operator.getitem", &[*object, *key]);
                    }
                }
                _ => {}
            }
        }
        let (of, ..) = self.describe(callee);
        let written = match self.kind(callee) {
            Some(kind) => format!("a constant of type {kind}"),
            None => format!("result of {of}"),
        };
        self.emit(Action::Call, "?", Some(&written), true, args, None);
        self.store.make(How::Unknown, args)
    }

    /// A call of a known function by something that is called.
    pub(super) fn call_named(&mut self, target: &str, args: &[Value]) -> Value {
        let name = self.store.intern(target.to_owned(), None, true);
        let args = self.store.tuple(args);
        self.call(Value::Global(name), args, true)
    }

    /// What an object is, as the target of an action on it: the class or
    /// function that made it, or itself when it is a global.
    pub(super) fn describe(&self, value: Value) -> (String, Option<String>, bool) {
        let index = match value {
            Value::Global(index) => Some(index),
            _ => match self.store.made(value).map(|made| made.how) {
                Some(How::Called(index) | How::New(index)) => Some(index),
                Some(How::Persistent) => return ("persistent".to_owned(), None, false),
                _ => None,
            },
        };
        if let Some(name) = index.and_then(|index| self.store.name(index)) {
            return (name.target.clone(), name.written.clone(), name.computed);
        }
        match self.kind(value) {
            Some(kind) => (format!("builtins.{kind}"), None, false),
            None => ("?".to_owned(), None, true),
        }
    }

    /// The built-in type of a constant or plain container.
    pub(super) fn kind(&self, value: Value) -> Option<&'static str> {
        Some(match value {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Big(_) => "int",
            Value::Float(_) => "float",
            Value::Text(_) => "str",
            Value::Owned(index) if self.store.owned(index)?.text => "str",
            Value::Bytes(_) | Value::Owned(_) => "bytes",
            Value::Node(_) | Value::EmptyTuple => match self.store.items(value) {
                Some((Shape::Tuple, ..)) => "tuple",
                Some((Shape::List, ..)) => "list",
                Some((Shape::Set, ..)) => "set",
                Some((Shape::Dict, ..)) => "dict",
                None if matches!(self.store.node(value), Some(Node::Space(_))) => "dict",
                None => return None,
            },
            Value::Global(_) | Value::Unknown => return None,
        })
    }

    /// The kept items of a tuple or list.
    pub(super) fn list(&self, value: Value) -> Vec<Value> {
        self.store
            .items(value)
            .filter(|(shape, ..)| *shape != Shape::Dict)
            .map(|(_, items, _)| items.to_vec())
            .unwrap_or_default()
    }

    /// `getattr(object, name)`.
    pub(super) fn attribute(&mut self, object: Value, name: Value) -> Value {
        match self.text(name) {
            Some(path) => {
                let mut value = object;
                for part in path.split('.').take(32) {
                    value = self.part(value, part);
                }
                value
            }
            None => self.part(object, "?"),
        }
    }

    fn part(&mut self, object: Value, part: &str) -> Value {
        let base = match object {
            Value::Global(index) => {
                let target = self.store.target(index).to_owned();
                match part {
                    "__dict__" => return self.store.space(index),
                    "__globals__" => {
                        let module = target.rsplit_once('.').map_or("?", |(module, _)| module);
                        let module = self.store.intern(module.to_owned(), None, true);
                        return self.store.space(module);
                    }
                    _ => target,
                }
            }
            _ if matches!(self.store.node(object), Some(Node::Space(_))) => {
                let method = match part {
                    "get" | "__getitem__" | "pop" | "setdefault" => "operator.getitem",
                    _ => "builtins.dict.?",
                };
                return self.bind(method, object);
            }
            _ => match self.kind(object) {
                // A method of a constant keeps it as its first argument.
                Some(kind) => return self.bind(&format!("builtins.{kind}.{part}"), object),
                None => self.describe(object).0,
            },
        };
        let target = if base == "?" {
            format!("?.{part}")
        } else {
            names::attribute(&base, part)
        };
        Value::Global(self.store.intern(target, None, true))
    }

    fn bind(&mut self, method: &str, object: Value) -> Value {
        let partial = self
            .store
            .intern("functools.partial".to_owned(), None, true);
        let method = self.store.intern(method.to_owned(), None, true);
        let args = self.store.tuple(&[Value::Global(method), object]);
        self.store.make(How::Called(partial), args)
    }

    /// `object[key]`.
    pub(super) fn item(&mut self, object: Value, key: Value) -> Value {
        if let Some(Node::Space(name)) = self.store.node(object) {
            return self.attribute(Value::Global(name), key);
        }
        if let Value::Global(index) = object {
            let target = self.store.target(index).to_owned();
            let text = self.text(key);
            if target == "sys.modules" {
                let module = text.unwrap_or_else(|| "?".to_owned());
                return Value::Global(self.store.intern(module, None, true));
            }
            for suffix in [".__dict__", ".__globals__", ".__builtins__"] {
                if let Some(owner) = target.strip_suffix(suffix) {
                    let owner = self.store.intern(owner.to_owned(), None, true);
                    return self.attribute(Value::Global(owner), key);
                }
            }
            if target == "builtins" {
                return self.attribute(object, key);
            }
            return Value::Unknown;
        }
        let Some((shape, items, _)) = self.store.items(object) else {
            return Value::Unknown;
        };
        if shape == Shape::Dict {
            let wanted = self.text(key);
            return items
                .chunks_exact(2)
                .filter_map(|pair| pair.first_chunk::<2>())
                .find(|[name, _]| *name == key || (wanted.is_some() && self.text(*name) == wanted))
                .map_or(Value::Unknown, |[_, value]| *value);
        }
        match key {
            Value::Int(index) => usize::try_from(index)
                .ok()
                .and_then(|index| items.get(index))
                .copied()
                .unwrap_or(Value::Unknown),
            _ => Value::Unknown,
        }
    }
}
