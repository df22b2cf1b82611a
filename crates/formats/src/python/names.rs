//! Names to what they stand for: import aliases, assignments, `getattr` and
//! strings that are put together.

use std::collections::HashMap;

use modelward_schema::Term;
use ruff_python_ast::{Expr, ExprCall, Number, Operator, Stmt, StmtClassDef, StmtFunctionDef};

use crate::plain::secret;
use crate::text;

const MAX_TEXT: usize = 4096;
const MAX_ITEMS: usize = 16;

/// A dotted name, and whether the source writes it down.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub name: String,
    pub computed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    /// Local name to dotted name.
    aliases: HashMap<&'a str, String>,
    texts: HashMap<&'a str, String>,
    pub functions: HashMap<&'a str, &'a StmtFunctionDef>,
    pub classes: HashMap<&'a str, &'a StmtClassDef>,
}

impl<'a> Names<'a> {
    /// Notes what a statement binds, whatever its scope.
    pub(super) fn bind(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let full = alias.name.as_str();
                    let root = full.split('.').next().unwrap_or(full);
                    let (short, target) = match &alias.asname {
                        Some(short) => (short.as_str(), full),
                        None => (root, root),
                    };
                    self.aliases.insert(short, target.to_owned());
                }
            }
            Stmt::ImportFrom(import) => {
                let dots = usize::try_from(import.level).unwrap_or(0).min(8);
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                for alias in &import.names {
                    let name = alias.name.as_str();
                    let short = alias.asname.as_ref().map_or(name, |short| short.as_str());
                    let joint = if module.is_empty() { "" } else { "." };
                    let full = format!("{}{module}{joint}{name}", ".".repeat(dots));
                    self.aliases.insert(short, full);
                }
            }
            Stmt::FunctionDef(function) => {
                self.functions.insert(function.name.as_str(), function);
            }
            Stmt::ClassDef(class) => {
                self.classes.insert(class.name.as_str(), class);
            }
            Stmt::Assign(assign) => {
                if let [Expr::Name(target)] = assign.targets.as_slice() {
                    self.assign(target.id.as_str(), &assign.value);
                }
            }
            _ => {}
        }
    }

    fn assign(&mut self, target: &'a str, value: &Expr) {
        if let Some(text) = self.fold(value) {
            self.texts.insert(target, text);
        } else if matches!(value, Expr::Name(_) | Expr::Attribute(_) | Expr::Call(_))
            && let Some(resolved) = self.resolve(value)
            && resolved.name.len() < 256
        {
            self.aliases.insert(target, resolved.name);
        }
    }

    fn is_local(&self, name: &str) -> bool {
        self.functions.contains_key(name) || self.classes.contains_key(name)
    }

    /// The dotted name of an expression, for calls that of what they return
    /// where it is a module, a member or an instance.
    pub(super) fn resolve(&self, expression: &Expr) -> Option<Resolved> {
        match expression {
            Expr::Name(name) => {
                let id = name.id.as_str();
                if let Some(full) = self.aliases.get(id) {
                    return Some(written(full.clone()));
                }
                if id == "__builtins__" {
                    return Some(written("builtins".to_owned()));
                }
                (!self.is_local(id) && BUILTINS.contains(&id))
                    .then(|| written(format!("builtins.{id}")))
            }
            Expr::Attribute(attribute) => {
                let owner = self.resolve(&attribute.value)?;
                let name = format!("{}.{}", owner.name, attribute.attr.as_str());
                (name.len() < 512).then_some(Resolved {
                    name,
                    computed: owner.computed,
                })
            }
            Expr::Call(call) => self.resolve_result(call),
            Expr::Subscript(subscript) => {
                let owner = self.resolve(&subscript.value)?;
                let key = self.fold(&subscript.slice)?;
                let name = match owner.name.as_str() {
                    "sys.modules" => key,
                    "builtins" | "builtins.globals" | "builtins.locals" => {
                        format!("builtins.{key}")
                    }
                    other => format!("{}.{key}", other.strip_suffix(".__dict__")?),
                };
                Some(Resolved {
                    name,
                    computed: true,
                })
            }
            Expr::Named(named) => self.resolve(&named.value),
            _ => None,
        }
    }

    /// What a call yields, as far as it has a name.
    fn resolve_result(&self, call: &ExprCall) -> Option<Resolved> {
        let callee = self.resolve(&call.func)?;
        let argument = |at: usize| call.arguments.args.get(at);
        let computed = |name: String| Resolved {
            name,
            computed: true,
        };
        match callee.name.as_str() {
            "builtins.__import__" | "importlib.import_module" | "importlib.__import__" => {
                let name = self.fold(argument(0)?)?;
                Some(computed(name))
            }
            "builtins.getattr" => {
                let owner = self.resolve(argument(0)?)?;
                let name = self.fold(argument(1)?).unwrap_or_else(|| "?".to_owned());
                Some(computed(format!("{}.{name}", owner.name)))
            }
            "builtins.vars" => {
                let owner = self.resolve(argument(0)?)?;
                Some(computed(format!("{}.__dict__", owner.name)))
            }
            "builtins.globals" | "builtins.locals" => Some(callee),
            "operator.attrgetter" | "operator.methodcaller" => None,
            // An instance: methods are told as the class's.
            other => {
                let last = other.rsplit('.').next().unwrap_or(other);
                last.starts_with(|first: char| first.is_ascii_uppercase())
                    .then_some(callee)
            }
        }
    }

    /// The name that is called. `methodcaller("system")(os)` calls `os.system`.
    pub(super) fn callee(&self, call: &ExprCall) -> Option<Resolved> {
        if let Expr::Call(inner) = call.func.as_ref()
            && let Some(maker) = self.resolve(&inner.func)
            && maker.name == "operator.methodcaller"
        {
            let owner = call
                .arguments
                .args
                .first()
                .and_then(|owner| self.resolve(owner));
            let method = inner
                .arguments
                .args
                .first()
                .and_then(|name| self.fold(name));
            return Some(Resolved {
                name: format!(
                    "{}.{}",
                    owner.map_or_else(|| "?".to_owned(), |owner| owner.name),
                    method.unwrap_or_else(|| "?".to_owned())
                ),
                computed: true,
            });
        }
        self.resolve(&call.func)
    }

    /// The text of an expression that is constant.
    pub(super) fn fold(&self, expression: &Expr) -> Option<String> {
        let folded = match expression {
            Expr::StringLiteral(literal) => literal.value.to_str().to_owned(),
            Expr::BytesLiteral(literal) => {
                let bytes: Vec<u8> = literal.value.bytes().take(MAX_TEXT).collect();
                String::from_utf8(bytes).ok()?
            }
            Expr::Name(name) => self.texts.get(name.id.as_str())?.clone(),
            Expr::BinOp(binary) if binary.op == Operator::Add => {
                let mut left = self.fold(&binary.left)?;
                left.push_str(&self.fold(&binary.right)?);
                left
            }
            Expr::Subscript(subscript) => {
                let Expr::Slice(slice) = subscript.slice.as_ref() else {
                    return None;
                };
                let whole = slice.lower.is_none() && slice.upper.is_none();
                let backwards = matches!(slice.step.as_deref(), Some(Expr::UnaryOp(_)));
                if !whole || !backwards {
                    return None;
                }
                self.fold(&subscript.value)?.chars().rev().collect()
            }
            Expr::Call(call) => self.fold_call(call)?,
            _ => return None,
        };
        (folded.len() <= MAX_TEXT).then_some(folded)
    }

    fn fold_call(&self, call: &ExprCall) -> Option<String> {
        let arguments = &call.arguments.args;
        match call.func.as_ref() {
            Expr::Name(function) => match function.id.as_str() {
                "chr" => {
                    let Some(Expr::NumberLiteral(number)) = arguments.first() else {
                        return None;
                    };
                    let Number::Int(code) = &number.value else {
                        return None;
                    };
                    Some(char::from_u32(u32::try_from(code.as_i64()?).ok()?)?.to_string())
                }
                "str" => self.fold(arguments.first()?),
                "reversed" => Some(self.fold(arguments.first()?)?.chars().rev().collect()),
                _ => None,
            },
            Expr::Attribute(method) => {
                let owner = self.fold(&method.value)?;
                match method.attr.as_str() {
                    "join" => {
                        let joined = match arguments.first()? {
                            Expr::List(list) => self.fold_all(&list.elts)?,
                            Expr::Tuple(tuple) => self.fold_all(&tuple.elts)?,
                            other => self
                                .fold(other)?
                                .chars()
                                .map(|character| character.to_string())
                                .collect(),
                        };
                        Some(joined.join(&owner))
                    }
                    "replace" => {
                        let from = self.fold(arguments.first()?)?;
                        let to = self.fold(arguments.get(1)?)?;
                        (!from.is_empty() && to.len() <= 64).then(|| owner.replace(&from, &to))
                    }
                    "lower" => Some(owner.to_lowercase()),
                    "upper" => Some(owner.to_uppercase()),
                    "strip" if arguments.is_empty() => Some(owner.trim().to_owned()),
                    "decode" | "encode" => Some(owner),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn fold_all(&self, items: &[Expr]) -> Option<Vec<String>> {
        if items.len() > MAX_TEXT {
            return None;
        }
        items.iter().map(|item| self.fold(item)).collect()
    }

    /// A value as far as it is known.
    pub(super) fn term(&self, expression: &Expr, depth: u32) -> Term {
        if let Some(folded) = self.fold(expression) {
            return Term::Str {
                len: u64::try_from(folded.len()).unwrap_or(u64::MAX),
                text: text::cap(&secret::redact(&folded), 1024),
            };
        }
        let sequence = |items: &[Expr]| {
            let kept = items
                .iter()
                .take(MAX_ITEMS)
                .map(|item| self.term(item, depth.saturating_add(1)))
                .collect();
            let more = items.len().saturating_sub(MAX_ITEMS);
            (kept, u64::try_from(more).unwrap_or(u64::MAX))
        };
        match expression {
            Expr::NoneLiteral(_) => Term::None,
            Expr::BooleanLiteral(literal) => Term::Bool(literal.value),
            Expr::NumberLiteral(literal) => match &literal.value {
                Number::Int(int) => int.as_i64().map_or(Term::Unknown, Term::Int),
                Number::Float(float) => Term::Float(*float),
                Number::Complex { .. } => Term::Unknown,
            },
            Expr::List(list) if depth < 3 => {
                let (items, more) = sequence(&list.elts);
                Term::List { items, more }
            }
            Expr::Tuple(tuple) if depth < 3 => {
                let (items, more) = sequence(&tuple.elts);
                Term::Tuple { items, more }
            }
            Expr::Call(call) if depth < 3 => match self.callee(call) {
                Some(callee) => {
                    let (args, _) = sequence(&call.arguments.args);
                    Term::Result {
                        target: callee.name,
                        args,
                    }
                }
                None => Term::Unknown,
            },
            Expr::Name(_) | Expr::Attribute(_) => self
                .resolve(expression)
                .map_or(Term::Unknown, |resolved| Term::Global(resolved.name)),
            _ => Term::Unknown,
        }
    }
}

fn written(name: String) -> Resolved {
    Resolved {
        name,
        computed: false,
    }
}

/// Built-in functions that matter when they are called.
const BUILTINS: [&str; 16] = [
    "__import__",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "getattr",
    "globals",
    "input",
    "locals",
    "open",
    "setattr",
    "type",
    "vars",
    "memoryview",
];
