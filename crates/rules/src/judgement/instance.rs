//! Objects made without their constructor, their state and their items.

use modelward_schema::{Code, Severity, Term};

use super::{Around, Kind, Verdict, graded, render, shape};
use crate::vocabulary::{Origin, class_shaped, last, root};

pub(super) fn judge_new(code: &Code, around: &Around<'_>) -> Option<Verdict> {
    let table = around.table;
    let name = table.canonical(&code.target);
    let shown = || render::call(code);
    // The class came from a persistent id, which has a judgement of its own.
    if name == "persistent" {
        return None;
    }
    if name.is_empty() || name.split('.').any(|part| part.starts_with('?')) {
        return Some(Verdict::new(
            Kind::ComputesNames,
            Severity::High,
            format!(
                "makes an instance of a class whose name it computes: {}",
                shown()
            ),
        ));
    }
    if let Some(entry) = table.entry(&name)
        && (entry.class.is_some() || entry.value || !entry.calls.is_empty())
    {
        let signatures = entry.class.iter().chain(&entry.calls);
        let fits = code.args.is_empty()
            || code.args.first().and_then(shape::global).is_some()
            || signatures
                .into_iter()
                .any(|signature| shape::fits(table, signature, &code.args))
            || code.args.iter().all(shape::is_plain);
        return (!fits).then(|| {
            Verdict::new(
                Kind::MisusesConstructor,
                Severity::High,
                format!("makes {} with arguments that no serializer writes", shown()),
            )
        });
    }
    let origin = table.origin(&name);
    // `copyreg._reconstructor` with a built-in base and the base's own value.
    let based = code
        .args
        .first()
        .and_then(shape::global)
        .is_some_and(|base| table.canonical(base).starts_with("builtins."));
    let plain = based
        || code
            .args
            .iter()
            .chain(code.kwargs.iter().map(|(_, value)| value))
            .all(|arg| shape::is_plain(arg) || arg.as_str().is_some_and(shape::is_word));
    if origin == Origin::Package && !table.acts(&name) {
        return (!plain).then(|| {
            Verdict::new(
                Kind::MisusesConstructor,
                Severity::High,
                format!("makes {} with arguments that no serializer writes", shown()),
            )
        });
    }
    if class_shaped(&name) && name.ends_with("Error") && origin == Origin::Standard {
        return None;
    }
    if let Some(capability) = table.capability(&name) {
        let (kind, severity, words) = graded(capability);
        return Some(Verdict::new(
            kind,
            severity,
            format!("makes an instance of {}, a class that {words}", shown()),
        ));
    }
    let unknown = |severity, what: &str| {
        Some(
            Verdict::new(
                Kind::UnknownClass,
                severity,
                format!(
                    "makes an instance of {}, {what}",
                    render::name(&code.target)
                ),
            )
            .unsure(),
        )
    };
    match origin {
        Origin::Package => unknown(Severity::High, "a class that acts when it is made"),
        Origin::Standard if code.args.is_empty() => {
            unknown(Severity::Medium, "a class that no known serializer stores")
        }
        Origin::Standard => unknown(Severity::High, "a class that no known serializer stores"),
        Origin::Main => unknown(
            Severity::Medium,
            "a class of the script that wrote the file, which the file does not contain",
        ),
        Origin::Unknown => match table.resembles(&name) {
            Some(known) => unknown(
                Severity::High,
                &format!("a name that is easily taken for {known}"),
            ),
            None => unknown(Severity::Medium, "a class that is not known"),
        },
    }
}

/// Attributes that decide what an object does, not what it holds.
const DECIDING: &[&str] = &[
    "__class__",
    "__reduce__",
    "__reduce_ex__",
    "__getattr__",
    "__getattribute__",
    "__setattr__",
    "__call__",
    "__init__",
    "__new__",
    "__del__",
    "__code__",
    "__globals__",
    "__builtins__",
    "__import__",
    "__path__",
    "__loader__",
    "__spec__",
    "__mro__",
    "__bases__",
    "__subclasses__",
    "__setstate__",
    "__getstate__",
    "__iter__",
    "__next__",
    "__enter__",
    "__exit__",
    "__eq__",
    "__hash__",
    "__len__",
    "__getitem__",
    "__setitem__",
    "__repr__",
    "__str__",
    "__defaults__",
    "__kwdefaults__",
    "__closure__",
    "__func__",
    "__self__",
    "__array__",
    "__array_ufunc__",
    "__torch_function__",
    "__index__",
    "__bool__",
    "__missing__",
];

/// Methods that are called as soon as a model is used.
const METHODS: &[&str] = &[
    "forward",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "fit",
    "fit_transform",
    "fit_predict",
    "score",
    "inverse_transform",
    "eval",
    "train",
    "to",
    "state_dict",
    "load_state_dict",
    "call",
    "generate",
    "encode",
    "decode",
    "parameters",
];

pub(super) fn judge_state(code: &Code, around: &Around<'_>) -> Option<Verdict> {
    let table = around.table;
    let name = table.canonical(&code.target);
    let shown = render::name(&code.target);
    let rewrites = |severity, does: String| Some(Verdict::new(Kind::RewritesState, severity, does));
    // Nothing was made of it, so the state goes to the global itself, and with
    // it to everyone who uses it.
    let made = around
        .used
        .contains(&(code.at.path.as_str(), code.target.as_str()));
    // Built-in types cannot be changed; running iterators are read as lists.
    let builtin = name.starts_with("builtins.") || name.contains('?') || name == "persistent";
    if code.args.len() > 1 || (!made && !builtin) {
        return rewrites(
            Severity::Critical,
            format!("sets attributes on {shown} itself, for the whole process"),
        );
    }
    let state = code.args.first()?;
    if let Some((key, value)) = deciding(state, root(&name), 0) {
        let severity = if key.starts_with("__") {
            Severity::High
        } else {
            replaced_by(around, value)
        };
        return rewrites(
            severity,
            format!("replaces {} of an instance of {shown}", render::name(key)),
        );
    }
    if name.starts_with("statsmodels.") && runs_formula(state) {
        return rewrites(
            Severity::Critical,
            format!("makes {shown} evaluate a formula that is a program"),
        );
    }
    // The class itself has its finding where the instance is made.
    None
}

/// statsmodels builds its design again from the formula when it is unpickled,
/// and a formula may hold any expression.
fn runs_formula(state: &Term) -> bool {
    let Term::Dict { items, .. } = state else {
        return false;
    };
    let signs = [
        "__", "import", "eval", "exec", "open", "getattr", "lambda", "os.", "sys.", "system",
    ];
    items.iter().any(|(key, value)| {
        key.as_str() == Some("formula")
            && value
                .as_str()
                .is_some_and(|formula| signs.iter().any(|sign| formula.contains(sign)))
    })
}

/// A replaced method is as bad as what replaces it. Wrappers of the object's own
/// methods are made by `partial`; what they hold is judged where it is named.
fn replaced_by(around: &Around<'_>, value: &Term) -> Severity {
    let Some(global) = shape::global(value) else {
        return Severity::Medium;
    };
    match around.table.capability(&around.table.canonical(global)) {
        Some(_) => Severity::Critical,
        None => Severity::High,
    }
}

/// The first key of the state that decides behaviour, with its value.
fn deciding<'a>(state: &'a Term, package: &str, depth: u32) -> Option<(&'a str, &'a Term)> {
    match state {
        Term::Dict { items, .. } => items.iter().find_map(|(key, value)| {
            let key = key.as_str()?;
            let callable = match value {
                // A library may keep functions of its own.
                Term::Global(name) => !class_shaped(name) && root(name) != package,
                Term::Result { target, .. } => {
                    matches!(last(target), "partial" | "methodcaller" | "attrgetter")
                }
                _ => false,
            };
            (DECIDING.contains(&key) || (METHODS.contains(&key) && callable))
                .then_some((key, value))
        }),
        // Instance and slot state, as protocol 2 writes them.
        Term::Tuple { items, .. } if items.len() == 2 && depth == 0 => {
            items.iter().find_map(|part| deciding(part, package, 1))
        }
        _ => None,
    }
}

pub(super) fn judge_fill(code: &Code, around: &Around<'_>) -> Option<Verdict> {
    let table = around.table;
    let name = table.canonical(&code.target);
    let shown = render::name(&code.target);
    if code.args.len() > 1 && shape::global(code.args.first()?) == Some(code.target.as_str()) {
        return Some(Verdict::new(
            Kind::RewritesState,
            Severity::Critical,
            format!("puts items into {shown} itself, for the whole process"),
        ));
    }
    if around
        .used
        .contains(&(code.at.path.as_str(), code.target.as_str()))
        || name.contains('?')
    {
        return None;
    }
    if table.entry(&name).is_some() || table.origin(&name) == Origin::Package {
        return None;
    }
    let severity = match table.origin(&name) {
        Origin::Standard => Severity::High,
        _ => Severity::Medium,
    };
    Some(Verdict::new(
        Kind::RewritesState,
        severity,
        format!("puts items into {shown}, which no known serializer does"),
    ))
}

/// The ids that `torch.save` writes: `("storage", type, key, location, count)`,
/// and `("module", class, source file, source)` of its first format.
pub(super) fn judge_persistent(code: &Code, around: &Around<'_>) -> Option<Verdict> {
    let table = around.table;
    let tensor = match code.args.first().and_then(Term::as_str) {
        Some("storage") => {
            code.args.len() >= 5
                && code
                    .args
                    .get(1)
                    .and_then(shape::global)
                    .is_some_and(|name| {
                        let name = table.canonical(name);
                        name.starts_with("torch.") && last(&name).ends_with("Storage")
                    })
        }
        Some("module") => code.args.len() == 4,
        _ => false,
    };
    (!tensor).then(|| {
        Verdict::new(
            Kind::UsesPersistentId,
            Severity::Medium,
            "asks its loader for an object by an id that torch.save does not write".to_owned(),
        )
        .unsure()
    })
}
