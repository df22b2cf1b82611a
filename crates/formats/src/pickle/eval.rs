//! What is known of a call's result: imports, attribute walks, wrappers that
//! call their arguments, loaders of embedded streams.

use modelward_schema::Action;

use super::find;
use super::machine::Machine;
use super::names;
use super::store::{How, Shape, Value};

/// Callers whose inner calls are followed over so many items.
const FOLLOWED: usize = 64;

impl Machine<'_, '_, '_> {
    /// The result of a call that has been entered already.
    pub(super) fn evaluate(&mut self, name: u32, target: &str, args: Value) -> Value {
        if let Some(value) = self.indirect(target, args) {
            return value;
        }
        if is_loader(target) && !target.starts_with("marshal.") {
            self.load(args, 8);
        }
        if let Some(value) = self.compute(target, args) {
            return value;
        }
        let made = self.store.make(How::Called(name), args);
        self.rebuild(target, made, args)
    }

    fn indirect(&mut self, target: &str, args: Value) -> Option<Value> {
        let given = |machine: &Self| machine.list(args);
        Some(match target {
            "builtins.getattr"
            | "dill._dill._get_attr"
            | "builtins.object.__getattribute__"
            | "builtins.type.__getattribute__"
            | "inspect.getattr_static" => {
                let given = given(self);
                self.attribute(*given.first()?, given.get(1).copied()?)
            }
            "builtins.__import__"
            | "importlib.import_module"
            | "importlib.__import__"
            | "importlib._bootstrap._gcd_import"
            | "importlib._bootstrap.__import__"
            | "importlib._bootstrap._find_and_load"
            | "pydoc.safeimport"
            | "cloudpickle.cloudpickle.subimport"
            | "cloudpickle.cloudpickle.dynamic_subimport"
            | "dill._dill._import_module"
            | "test.support.import_helper.import_module" => {
                let given = given(self);
                let module = self.text(*given.first()?).unwrap_or_else(|| "?".to_owned());
                let from = given.get(3).is_some_and(|list| {
                    self.store
                        .items(*list)
                        .is_some_and(|(_, _, total)| total > 0)
                });
                let module = if target.ends_with("__import__") && !from {
                    module.split('.').next().unwrap_or(&module).to_owned()
                } else {
                    module
                };
                Value::Global(self.store.intern(names::module(&module), None, true))
            }
            "pydoc.locate"
            | "pydoc.resolve"
            | "pkgutil.resolve_name"
            | "logging.config._resolve"
            | "unittest.mock._importer"
            | "hydra._internal.utils._locate"
            | "hydra.utils.get_object"
            | "hydra.utils.get_class"
            | "hydra.utils.get_method"
            | "jsonpickle.unpickler.loadclass"
            | "django.utils.module_loading.import_string"
            | "werkzeug.utils.import_string" => {
                let given = given(self);
                let path = self.text(*given.first()?).unwrap_or_else(|| "?".to_owned());
                let path = path.replace(':', ".");
                let target = match path.split_once('.') {
                    Some((module, name)) => names::resolve(module, name),
                    None => path,
                };
                Value::Global(self.store.intern(target, None, true))
            }
            "sys.modules.get"
            | "sys.modules.__getitem__"
            | "sys.modules.pop"
            | "sys.modules.setdefault" => {
                let key = *given(self).first()?;
                let modules = self.store.intern("sys.modules".to_owned(), None, true);
                self.item(Value::Global(modules), key)
            }
            "operator.getitem"
            | "operator.__getitem__"
            | "_operator.getitem"
            | "builtins.dict.get"
            | "builtins.dict.__getitem__"
            | "builtins.dict.pop"
            | "builtins.list.__getitem__"
            | "builtins.tuple.__getitem__"
            | "builtins.list.pop" => {
                let given = given(self);
                let value = self.item(*given.first()?, given.get(1).copied()?);
                match value {
                    Value::Unknown => return None,
                    Value::Text(_) => self.computed(value),
                    _ => value,
                }
            }
            "builtins.vars" => match *given(self).first()? {
                Value::Global(index) => self.store.space(index),
                _ => return None,
            },
            "builtins.globals" | "builtins.locals" => {
                let here = self.store.intern("?".to_owned(), None, true);
                self.store.space(here)
            }
            "builtins.setattr"
            | "builtins.object.__setattr__"
            | "builtins.type.__setattr__"
            | "operator.setitem"
            | "builtins.dict.__setitem__" => {
                let given = given(self);
                if let [owner, name, value] = given.as_slice() {
                    let owner = match self.store.node(*owner) {
                        Some(super::store::Node::Space(index)) => Value::Global(index),
                        _ => *owner,
                    };
                    self.plant(owner, *name, *value);
                }
                return None;
            }
            "cloudpickle.cloudpickle._builtin_type" | "dill._dill._load_type" => {
                let name = *given(self).first()?;
                let plain = self.text(name).is_some_and(|name| !name.ends_with("Type"));
                if plain && target.starts_with("dill") {
                    let builtins = self.store.intern("builtins".to_owned(), None, true);
                    return Some(self.attribute(Value::Global(builtins), name));
                }
                let types = self.store.intern("types".to_owned(), None, true);
                self.attribute(Value::Global(types), name)
            }
            "copyreg.add_extension" => {
                if let [module, name, Value::Int(code)] = given(self).as_slice()
                    && let (Some(module), Some(name)) = (self.text(*module), self.text(*name))
                {
                    let target = names::resolve(&module, &name);
                    let global = self.store.intern(target, None, true);
                    self.planted
                        .insert(format!("ext:{code}"), Value::Global(global));
                }
                return None;
            }
            "importlib.reload" => *given(self).first()?,
            "functools.reduce" | "_functools.reduce" | "itertools.accumulate" => {
                let given = given(self);
                let (function, items) = match target {
                    "itertools.accumulate" => (given.get(1).copied()?, given.first().copied()?),
                    _ => (given.first().copied()?, given.get(1).copied()?),
                };
                if function == Value::None {
                    return None;
                }
                self.reduce(function, items, given.get(2).copied())
            }
            "builtins.map"
            | "builtins.filter"
            | "itertools.filterfalse"
            | "itertools.takewhile"
            | "itertools.dropwhile" => {
                let given = given(self);
                let (function, lists) = given.split_first()?;
                self.map(*function, lists)
            }
            "itertools.starmap" => {
                let given = given(self);
                let function = *given.first()?;
                let rows = self.elements(given.get(1).copied()?);
                if rows.is_empty() {
                    return Some(self.call(function, Value::Unknown, true));
                }
                let results: Vec<Value> = rows
                    .into_iter()
                    .take(FOLLOWED)
                    .map(|row| self.call(function, row, true))
                    .collect();
                self.store.tuple(&results)
            }
            "builtins.apply"
            | "_thread.start_new_thread"
            | "_thread.start_new"
            | "multiprocessing.pool.worker" => {
                let given = given(self);
                let row = given.get(1).copied().unwrap_or(Value::EmptyTuple);
                self.call(*given.first()?, row, true)
            }
            // Tensors of subclasses: the function is written down like any other.
            "torch._tensor._rebuild_from_type_v2" | "torch._tensor._rebuild_from_type" => {
                let given = given(self);
                let row = given.get(2).copied().unwrap_or(Value::EmptyTuple);
                self.call(*given.first()?, row, false)
            }
            "operator.call" | "_operator.call" | "atexit.register" | "contextvars.Context.run" => {
                let given = given(self);
                let (function, rest) = given.split_first()?;
                let rest = self.store.tuple(rest);
                self.call(*function, rest, true)
            }
            "weakref.finalize" => {
                let given = given(self);
                let rest = self.store.tuple(given.get(2..).unwrap_or_default());
                self.call(given.get(1).copied()?, rest, true)
            }
            "copy._reconstruct" => {
                let given = given(self);
                let row = given.get(3).copied().unwrap_or(Value::EmptyTuple);
                self.call(given.get(2).copied()?, row, true)
            }
            "builtins.iter" if given(self).len() == 2 => {
                self.call(*given(self).first()?, Value::EmptyTuple, true)
            }
            "timeit.timeit" | "timeit.repeat" => match *given(self).first()? {
                function @ (Value::Global(_) | Value::Node(_)) => {
                    self.call(function, Value::EmptyTuple, true);
                    return None;
                }
                _ => return None,
            },
            "copyreg._reconstructor" | "copyreg.__newobj__" => {
                let given = given(self);
                let (class, rest) = given.split_first()?;
                let rest = self.store.tuple(rest);
                self.instance(*class, rest, None)
            }
            "copyreg.__newobj_ex__" => {
                let given = given(self);
                let rest = given.get(1).copied().unwrap_or(Value::EmptyTuple);
                self.instance(*given.first()?, rest, given.get(2).copied())
            }
            _ => return self.by_suffix(target, args),
        })
    }

    /// Methods that mean the same whatever class they are reached through.
    fn by_suffix(&mut self, target: &str, args: Value) -> Option<Value> {
        let (owner, method) = target.rsplit_once('.')?;
        let given = || self.list(args);
        match method {
            "__getattribute__" | "__getattr__" => {
                let given = given();
                let owner = self.store.intern(owner.to_owned(), None, true);
                match given.as_slice() {
                    [name] => Some(self.attribute(Value::Global(owner), *name)),
                    [object, name] => Some(self.attribute(*object, *name)),
                    _ => None,
                }
            }
            "get" | "__getitem__" | "pop" if owner.ends_with("__") => {
                let key = *given().first()?;
                let owner = self.store.intern(owner.to_owned(), None, true);
                Some(self.item(Value::Global(owner), key))
            }
            "__new__" => {
                let given = given();
                let (class, rest) = given.split_first()?;
                let rest = self.store.tuple(rest);
                Some(self.instance(*class, rest, None))
            }
            "runcall" | "runfunc" | "submit" | "apply_async" => {
                let given = given();
                let index = usize::from(!matches!(given.first()?, Value::Global(_)));
                let rest = self
                    .store
                    .tuple(given.get(index.saturating_add(1)..).unwrap_or_default());
                Some(self.call(given.get(index).copied()?, rest, true))
            }
            _ => None,
        }
    }

    fn reduce(&mut self, function: Value, items: Value, first: Option<Value>) -> Value {
        let items = self.elements(items);
        let mut rest = items.into_iter().take(FOLLOWED);
        let Some(mut value) = first.or_else(|| rest.next()) else {
            return self.call(function, Value::Unknown, true);
        };
        for item in rest {
            let row = self.store.tuple(&[value, item]);
            value = self.call(function, row, true);
        }
        value
    }

    fn map(&mut self, function: Value, lists: &[Value]) -> Value {
        if function == Value::None {
            return lists.first().copied().unwrap_or(Value::Unknown);
        }
        let columns: Vec<Vec<Value>> = lists.iter().map(|list| self.elements(*list)).collect();
        let rows = columns
            .iter()
            .map(Vec::len)
            .min()
            .unwrap_or(0)
            .min(FOLLOWED);
        if rows == 0 {
            return self.call(function, Value::Unknown, true);
        }
        let mut results = Vec::new();
        for row in 0..rows {
            let row: Vec<Value> = columns
                .iter()
                .filter_map(|column| column.get(row).copied())
                .collect();
            let row = self.store.tuple(&row);
            results.push(self.call(function, row, true));
        }
        self.store.tuple(&results)
    }

    /// What iterating yields: items, or the keys of a dictionary.
    fn elements(&self, value: Value) -> Vec<Value> {
        match self.store.items(value) {
            Some((Shape::Dict, items, _)) => items.iter().step_by(2).copied().collect(),
            Some((_, items, _)) => items.to_vec(),
            None => match self.store.made(value) {
                Some(made) if made.how != How::Persistent => {
                    let given = self.list(made.args);
                    let wrapped = given.first().and_then(|list| self.store.items(*list));
                    wrapped
                        .map(|(_, items, _)| items.to_vec())
                        .unwrap_or_default()
                }
                _ => Vec::new(),
            },
        }
    }

    /// Streams among a loader's arguments, also where they are wrapped.
    fn load(&mut self, args: Value, depth: u32) {
        if depth == 0 {
            return;
        }
        for item in self.list(args) {
            match item {
                // Text is a path, unless Python 2 wrote a stream so.
                Value::Text(_) => {
                    let text = self.constant(item);
                    if text.is_some_and(|text| find::is_worth_reading(&text)) {
                        self.nest(item, true);
                    }
                }
                Value::Bytes(_) | Value::Owned(_) => self.nest(item, true),
                _ => {
                    if let Some(made) = self.store.made(item) {
                        self.load(made.args, depth.saturating_sub(1));
                    }
                }
            }
        }
    }

    /// `BUILD` on `object`.
    pub(super) fn build(&mut self, object: Value, state: Value) {
        let (target, written, computed) = self.describe(object);
        self.emit(
            Action::Build,
            &target,
            written.as_deref(),
            computed,
            state,
            None,
        );
        // A `partial` gets its function and arguments as state.
        if matches!(target.as_str(), "functools.partial" | "_functools.partial") {
            let parts = self.list(state);
            if let Some(function) = parts.first().copied() {
                let mut all = vec![function];
                all.extend(
                    parts
                        .get(1)
                        .map(|args| self.list(*args))
                        .unwrap_or_default(),
                );
                let all = self.store.tuple(&all);
                if let Some(made) = self.store.made_mut(object) {
                    made.args = all;
                }
            }
        }
        if let Some(made) = self.store.made_mut(object) {
            made.state = state;
        }
        if matches!(object, Value::Global(_)) {
            // The state's own dictionary, and that of slots behind it.
            let mut parts = self.list(state);
            parts.push(state);
            for part in parts {
                let pairs = match self.store.items(part) {
                    Some((Shape::Dict, items, _)) => items.to_vec(),
                    _ => continue,
                };
                for pair in pairs.chunks_exact(2) {
                    if let [name, value] = pair {
                        self.plant(object, *name, *value);
                    }
                }
            }
        }
        self.built(&target, object, state);
    }
}

/// Functions that read a stream from their argument.
fn is_loader(target: &str) -> bool {
    let (module, name) = target.rsplit_once('.').unwrap_or(("", target));
    let top = module.split('.').next().unwrap_or_default();
    match name {
        "loads" | "load" | "_loads" | "_load" | "Unpickler" | "_Unpickler" => matches!(
            top,
            "pickle"
                | "_pickle"
                | "dill"
                | "cloudpickle"
                | "joblib"
                | "torch"
                | "numpy"
                | "marshal"
                | "pandas"
                | "sklearn"
                | "pickle5"
                | "_dill"
                | "shelve"
                | "pickletools"
        ),
        "_load_from_bytes" | "read_pickle" | "basichandlers" | "load_pickle" | "_legacy_load"
        | "unpickle" => true,
        _ => false,
    }
}
