//! What instructions do: look up names, make things, fill them. Each enters the
//! ledger.

use modelward_schema::{Action, Term};

use super::ledger::Event;
use super::machine::{Machine, Nested};
use super::opcode::{self as op, Arg, Op};
use super::store::{How, Shape, Value};
use super::term::Writer;
use super::{find, literal, names};

/// Longest text that is taken for a name.
const NAME: usize = 4096;
/// Embedded streams and array bytes remembered for reading.
const NESTED: usize = 4096;

impl<'i> Machine<'_, 'i, '_> {
    pub(super) fn literal(&mut self, op: &Op<'i>) -> Value {
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

    pub(super) fn global(&mut self, op: &Op<'i>) {
        let Arg::Lines(module, name) = op.arg else {
            return;
        };
        let module = String::from_utf8_lossy(module);
        let name = String::from_utf8_lossy(name);
        let value = self.look_up(&module, &name, false);
        self.stack.push(value);
    }

    pub(super) fn stack_global(&mut self) {
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

    pub(super) fn look_up(&mut self, module: &str, name: &str, computed: bool) -> Value {
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
        // A stream that planted something there gets it back.
        if let Some(planted) = self.planted.get(&target).copied() {
            return self.computed(planted);
        }
        Value::Global(self.store.intern(target, written, computed))
    }

    /// A value that did not come from where it is used.
    pub(super) fn computed(&mut self, value: Value) -> Value {
        match value {
            Value::Text(_) => match self.text(value) {
                Some(text) => self.store.own(true, text.into_bytes()),
                None => value,
            },
            Value::Global(index) => {
                let target = self.store.target(index).to_owned();
                Value::Global(self.store.intern(target, None, true))
            }
            _ => value,
        }
    }

    /// Remembers what `setattr(owner, name, value)` sets.
    pub(super) fn plant(&mut self, owner: Value, name: Value, value: Value) {
        let Value::Global(index) = owner else { return };
        if let Some(name) = self.text(name)
            && self.planted.len() < NESTED
        {
            let target = names::attribute(self.store.target(index), &name);
            self.planted.insert(target, value);
        }
    }

    pub(super) fn persistent(&mut self, op: &Op<'i>) {
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

    pub(super) fn extension(&mut self, op: &Op<'i>) {
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
        let value = match self.planted.get(&target).copied() {
            Some(planted) => self.computed(planted),
            None => Value::Global(self.store.intern(target, None, false)),
        };
        self.stack.push(value);
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

    pub(super) fn fill(&mut self, object: Value, items: &[Value], pairs: bool) {
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
        self.hold(object, items, pairs);
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
    pub(super) fn weigh(&mut self, value: Value) {
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
        let shown = args;
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
        let excerpt = (target == "marshal.loads" && action == Action::Call)
            .then(|| self.words(shown))
            .flatten();
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
                excerpt,
            },
        );
    }

    /// Names and strings in a marshalled code object.
    fn words(&mut self, args: Value) -> Option<String> {
        let first = self.list(args).first().copied()?;
        let code = self.constant(first)?;
        let words: Vec<_> = code
            .split(|byte| !byte.is_ascii_graphic() && *byte != b' ')
            .filter(|word| word.len() > 2)
            .take(32)
            .map(String::from_utf8_lossy)
            .collect();
        let words = crate::text::escape(words.join(" ").as_bytes(), 240);
        (!words.is_empty()).then_some(words)
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
