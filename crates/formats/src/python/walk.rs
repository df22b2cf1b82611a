//! Which calls happen when: at import, or only when somebody calls a function.

use std::collections::{BTreeMap, HashSet};

use modelward_schema::{Action, Code, Via};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ExprCall, Stmt, StmtClassDef, StmtFunctionDef, StmtIf};

use super::names::Names;

/// Distinct calls per file.
const MAX_CALLS: usize = 2000;
/// Positional arguments kept.
const MAX_ARGUMENTS: usize = 6;

/// A call and the bytes it stands on.
pub(super) struct Called {
    pub code: Code,
    pub start: usize,
    pub end: usize,
}

/// All calls of a module that matter.
pub(super) fn calls(body: &[Stmt], imported: bool) -> Vec<Called> {
    let mut names = Names::default();
    let mut binder = Binder { names: &mut names };
    // Twice, so that an alias of an alias written before it is known too.
    binder.visit_body(body);
    binder.visit_body(body);
    let mut walker = Walker {
        names: &names,
        at_import: imported,
        queue: Vec::new(),
        run: HashSet::new(),
        later: Vec::new(),
        seen: BTreeMap::new(),
        out: Vec::new(),
    };
    walker.visit_body(body);
    for class in names.classes.values() {
        walker.implied(class);
    }
    while let Some(function) = walker.queue.pop() {
        walker.visit_body(&function.body);
    }
    walker.at_import = false;
    let mut later = std::mem::take(&mut walker.later);
    while let Some(part) = later.pop() {
        match part {
            Part::Function(function) => {
                if !walker.run.contains(&address(function)) {
                    walker.visit_body(&function.body);
                }
            }
            Part::Body(body) => walker.visit_body(body),
            Part::Expression(expression) => walker.visit_expr(expression),
        }
        later.append(&mut walker.later);
    }
    walker.out.sort_by_key(|called| called.start);
    walker.out
}

/// Notes bindings everywhere.
struct Binder<'n, 'a> {
    names: &'n mut Names<'a>,
}

impl<'a> Visitor<'a> for Binder<'_, 'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        self.names.bind(statement);
        if !matches!(statement, Stmt::Expr(_) | Stmt::Assign(_) | Stmt::Return(_)) {
            visitor::walk_stmt(self, statement);
        }
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

/// Code that import passes by.
enum Part<'a> {
    Function(&'a StmtFunctionDef),
    Body(&'a [Stmt]),
    Expression(&'a Expr),
}

struct Walker<'n, 'a> {
    names: &'n Names<'a>,
    at_import: bool,
    /// Functions that run at import because something there calls them.
    queue: Vec<&'a StmtFunctionDef>,
    run: HashSet<usize>,
    later: Vec<Part<'a>>,
    seen: BTreeMap<(String, bool, String), usize>,
    out: Vec<Called>,
}

/// Tells definitions apart.
fn address(function: &StmtFunctionDef) -> usize {
    usize::from(function.range.start())
}

impl<'a> Walker<'_, 'a> {
    fn enqueue(&mut self, function: &'a StmtFunctionDef) {
        if self.at_import && self.run.insert(address(function)) {
            self.queue.push(function);
        }
    }

    /// Something of this module is called by its own name.
    fn enter(&mut self, name: &str) {
        if let Some(function) = self.names.functions.get(name).copied() {
            self.enqueue(function);
        }
        if let Some(class) = self.names.classes.get(name).copied() {
            self.methods(class, &["__new__", "__init__", "__post_init__"]);
        }
    }

    fn methods(&mut self, class: &'a StmtClassDef, wanted: &[&str]) {
        for statement in &class.body {
            if let Stmt::FunctionDef(function) = statement
                && wanted.contains(&function.name.as_str())
            {
                self.enqueue(function);
            }
        }
    }

    /// Methods that Python itself calls while a class is made.
    fn implied(&mut self, class: &'a StmtClassDef) {
        let Some(arguments) = &class.arguments else {
            return;
        };
        let local = |expression: &Expr| match expression {
            Expr::Name(name) => self.names.classes.get(name.id.as_str()).copied(),
            _ => None,
        };
        let bases: Vec<&StmtClassDef> = arguments.args.iter().filter_map(local).collect();
        let meta: Vec<&StmtClassDef> = arguments
            .keywords
            .iter()
            .filter(|keyword| {
                keyword
                    .arg
                    .as_ref()
                    .is_some_and(|name| name.as_str() == "metaclass")
            })
            .filter_map(|keyword| local(&keyword.value))
            .collect();
        for base in bases {
            self.methods(base, &["__init_subclass__"]);
        }
        for class in meta {
            self.methods(class, &["__new__", "__init__", "__prepare__", "__call__"]);
        }
    }

    fn call(&mut self, call: &'a ExprCall) {
        if let Expr::Name(name) = call.func.as_ref() {
            self.enter(name.id.as_str());
        }
        let Some(callee) = self.names.callee(call) else {
            return;
        };
        // Relative names are the package's own, judged in their own files.
        if callee.name.starts_with('.') || !self.at_import && !is_telling(&callee.name) {
            return;
        }
        // What `methodcaller` is given is what the method gets.
        let (given, skipped) = match call.func.as_ref() {
            Expr::Call(inner) if callee.computed && !inner.arguments.args.is_empty() => {
                let made = self.names.resolve(&inner.func);
                if made.is_some_and(|made| made.name == "operator.methodcaller") {
                    (&inner.arguments, 1)
                } else {
                    (&call.arguments, 0)
                }
            }
            _ => (&call.arguments, 0),
        };
        let args: Vec<_> = given
            .args
            .iter()
            .skip(skipped)
            .take(MAX_ARGUMENTS)
            .map(|argument| self.names.term(argument, 0))
            .collect();
        let shape = format!("{args:?}");
        let key = (callee.name.clone(), self.at_import, shape);
        if let Some(known) = self.seen.get(&key).and_then(|at| self.out.get_mut(*at)) {
            known.code.count = known.code.count.saturating_add(1);
            return;
        }
        if self.out.len() >= MAX_CALLS {
            return;
        }
        let kwargs = given
            .keywords
            .iter()
            .take(8)
            .filter_map(|keyword| {
                let name = keyword.arg.as_ref()?.as_str().to_owned();
                Some((name, self.names.term(&keyword.value, 0)))
            })
            .collect();
        self.seen.insert(key, self.out.len());
        self.out.push(Called {
            code: Code {
                via: Via::Python,
                action: Action::Call,
                target: crate::text::cap(&callee.name, 256),
                written: None,
                args,
                kwargs,
                computed: callee.computed,
                reached: self.at_import,
                count: 1,
                at: modelward_schema::Location::default(),
            },
            start: usize::from(call.range_start),
            end: usize::from(call.arguments.range.end()),
        });
    }

    fn branch(&mut self, statement: &'a StmtIf) {
        self.visit_expr(&statement.test);
        if self.at_import && is_not_import(&statement.test) {
            self.later.push(Part::Body(&statement.body));
        } else {
            self.visit_body(&statement.body);
        }
        for clause in &statement.elif_else_clauses {
            self.visit_elif_else_clause(clause);
        }
    }
}

impl<'a> Visitor<'a> for Walker<'_, 'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                // Decorators and defaults run where the function is defined.
                for decorator in &function.decorator_list {
                    if let Expr::Name(name) = &decorator.expression {
                        self.enter(name.id.as_str());
                    }
                    self.visit_decorator(decorator);
                }
                self.visit_parameters(&function.parameters);
                self.later.push(Part::Function(function));
            }
            Stmt::If(branch) => self.branch(branch),
            _ => visitor::walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Lambda(lambda) => {
                self.later.push(Part::Expression(&lambda.body));
                return;
            }
            Expr::Call(call) => self.call(call),
            _ => {}
        }
        visitor::walk_expr(self, expression);
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}
}

/// `__name__ == "__main__"` and `TYPE_CHECKING`.
fn is_not_import(test: &Expr) -> bool {
    match test {
        Expr::Compare(compare) => {
            matches!(compare.left.as_ref(), Expr::Name(name) if name.id.as_str() == "__name__")
        }
        Expr::Name(name) => name.id.as_str() == "TYPE_CHECKING",
        Expr::Attribute(attribute) => attribute.attr.as_str() == "TYPE_CHECKING",
        _ => false,
    }
}

/// Calls that are worth telling even when import does not reach them.
fn is_telling(name: &str) -> bool {
    const ROOTS: [&str; 20] = [
        "IPython",
        "builtins",
        "commands",
        "ctypes",
        "dill",
        "importlib",
        "joblib",
        "marshal",
        "os",
        "pickle",
        "pty",
        "requests",
        "runpy",
        "shutil",
        "socket",
        "subprocess",
        "torch",
        "types",
        "urllib",
        "yaml",
    ];
    let root = name.split('.').next().unwrap_or(name);
    let quiet = name.starts_with("os.path.")
        || name.starts_with("os.environ")
        || name.starts_with("builtins.open")
        || name.starts_with("builtins.getattr")
        || name.starts_with("builtins.setattr")
        || name.starts_with("builtins.type");
    let torch = root != "torch"
        || [
            "torch.load",
            "torch.ops.load",
            "torch.classes.load",
            "torch.hub",
            "torch.utils.cpp_extension",
        ]
        .iter()
        .any(|start| name.starts_with(start));
    ROOTS.contains(&root) && !quiet && torch
}
