#![doc = include_str!("template_escapes_sandbox.md")]

use modelward_schema::{Confidence, Facts, Severity, Template, TemplateUse, UseKind};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "template-escapes-sandbox",
    title: "a template reaches from the text it prints to the Python behind it",
    severity: Severity::Critical,
    frameworks: &["CWE-1336", "CWE-94", "AML.T0011", "LLM03:2025", "PR.PS-05"],
    fix: "replace the template by the one of the base model, and render it in a sandboxed engine only",
    page: include_str!("template_escapes_sandbox.md"),
    check,
};

fn check(facts: &Facts, out: &mut Findings) {
    for template in facts.templates.iter().filter(|template| template.rendered) {
        if let Some(escape) = find(template) {
            out.graded(
                escape.severity,
                Confidence::High,
                &escape.by.at,
                format!("rendering it {}", escape.what),
            );
        }
    }
}

/// The worst that a template does outside its text.
pub(crate) struct Escape<'t> {
    pub severity: Severity,
    /// A verb phrase.
    pub what: String,
    pub by: &'t TemplateUse,
}

pub(crate) fn find(template: &Template) -> Option<Escape<'_>> {
    if template.engine != "jinja" {
        return None;
    }
    let formats = template
        .uses
        .iter()
        .any(|used| used.what == ".format" || used.kind == UseKind::Filter && used.what == "format");
    let graded = template
        .uses
        .iter()
        .filter_map(|used| Some((grade(used, formats)?, used)));
    // The longest expression shows the whole walk.
    let (severity, by) = graded.max_by_key(|(severity, used)| {
        let shown = used.at.excerpt.as_ref().map_or(0, String::len);
        (*severity, shown)
    })?;
    let shown = by.at.excerpt.as_deref().unwrap_or(&by.what);
    let what = if severity == Severity::Critical {
        format!("reaches the interpreter through {shown}")
    } else if by.kind == UseKind::Include {
        format!("loads another template, {:?}", by.what)
    } else {
        format!("calls {}, which no chat runtime offers", by.what)
    };
    Some(Escape { severity, what, by })
}

fn grade(used: &TemplateUse, formats: bool) -> Option<Severity> {
    let what = used.what.as_str();
    match used.kind {
        UseKind::Attribute | UseKind::Item | UseKind::ComputedName => {
            (is_dunder(what) || INTERNALS.contains(&what)).then_some(Severity::Critical)
        }
        UseKind::Text => {
            let walks = WALKS.iter().any(|walk| what.contains(walk));
            (walks || formats && what.contains(".__")).then_some(Severity::Critical)
        }
        UseKind::Call => match what.strip_prefix('.') {
            Some(method) => METHODS.contains(&method).then_some(Severity::Critical),
            None if is_dunder(what) || FUNCTIONS.contains(&what) => Some(Severity::Critical),
            None => (!OFFERED.contains(&what)).then_some(Severity::High),
        },
        UseKind::Variable => is_dunder(what).then_some(Severity::Critical),
        UseKind::Include => Some(Severity::High),
        UseKind::Filter | UseKind::Test | UseKind::Condition => None,
    }
}

fn is_dunder(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}

/// Attributes of functions, frames and modules that lead to globals without
/// two underscores.
const INTERNALS: [&str; 16] = [
    "_module",
    "ag_frame",
    "co_consts",
    "cr_frame",
    "f_back",
    "f_builtins",
    "f_globals",
    "f_locals",
    "func_code",
    "func_globals",
    "gi_code",
    "gi_frame",
    "im_func",
    "mro",
    "subclasses",
    "tb_frame",
];

/// Strings that only make sense on the way to the interpreter.
const WALKS: [&str; 8] = [
    "__base__",
    "__builtins__",
    "__class__",
    "__getattribute__",
    "__globals__",
    "__import__",
    "__mro__",
    "__subclasses__",
];

const FUNCTIONS: [&str; 12] = [
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "getattr",
    "globals",
    "import_module",
    "locals",
    "open",
    "setattr",
    "vars",
];

const METHODS: [&str; 14] = [
    "check_call",
    "check_output",
    "exec",
    "eval",
    "fork",
    "getattr",
    "import_module",
    "mro",
    "popen",
    "spawn",
    "subclasses",
    "system",
    "urlopen",
    "urlretrieve",
];

/// Functions of Jinja2 itself and those that chat runtimes add.
const OFFERED: [&str; 14] = [
    "caller",
    "cycler",
    "date",
    "datetime",
    "dict",
    "joiner",
    "lipsum",
    "namespace",
    "now",
    "raise_exception",
    "range",
    "strftime_now",
    "super",
    "tojson",
];
