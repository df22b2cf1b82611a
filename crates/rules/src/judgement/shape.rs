//! Whether arguments look like those that a serializer writes.

use modelward_schema::Term;

use crate::vocabulary::{Vocabulary, class_shaped};

/// Whether the arguments fit one of the entry's signatures.
pub(crate) fn fits(table: &Vocabulary, signature: &str, args: &[Term]) -> bool {
    let mut args = args.iter();
    for pattern in signature.split_whitespace() {
        if let Some(pattern) = pattern.strip_suffix('*') {
            return args.all(|arg| one_of(table, pattern, arg));
        }
        let optional = pattern.ends_with('?');
        match args.next() {
            Some(arg) if one_of(table, pattern.trim_end_matches('?'), arg) => {}
            None if optional => return true,
            _ => return false,
        }
    }
    args.next().is_none()
}

fn one_of(table: &Vocabulary, pattern: &str, arg: &Term) -> bool {
    pattern.split('|').any(|kind| is(table, kind, arg))
}

fn is(table: &Vocabulary, kind: &str, arg: &Term) -> bool {
    if kind == "any" {
        return true;
    }
    if let Some(prefix) = kind.strip_prefix('~') {
        return global(arg).is_some_and(|name| table.canonical(name).starts_with(prefix));
    }
    if let Some(text) = kind.strip_prefix('=') {
        return arg.as_str() == Some(text);
    }
    match (kind, arg) {
        ("type", _) => is_type(table, arg),
        ("func", _) => is_harmless_function(table, arg),
        ("dtype", Term::Result { target, args }) => {
            table.canonical(target) == "numpy.dtype"
                && !args.first().and_then(Term::as_str).is_some_and(|code| {
                    code.trim_start_matches(['|', '<', '>', '='])
                        .starts_with('O')
                })
        }
        ("dtype", Term::Global(name)) => table.canonical(name).starts_with("numpy."),
        ("word", Term::Str { text, .. }) => is_word(text),
        // Numbers of NumPy, `bytes` by way of `_codecs.encode`, sets and the
        // like are results; their own calls are judged where they stand.
        ("int" | "num", Term::Int(_) | Term::BigInt(_) | Term::Bool(_))
        | ("num", Term::Float(_))
        | ("bool", Term::Bool(_))
        | ("none", Term::None)
        | ("text", Term::Str { .. })
        | ("bytes", Term::Bytes { .. })
        | ("tuple", Term::Tuple { .. })
        | ("list", Term::List { .. })
        | ("set", Term::Set { .. })
        | ("dict", Term::Dict { .. })
        | (
            "int" | "num" | "bool" | "text" | "bytes" | "tuple" | "list" | "set" | "dict",
            Term::Result { .. } | Term::Unknown,
        ) => true,
        _ => false,
    }
}

pub(crate) fn global(arg: &Term) -> Option<&str> {
    match arg {
        Term::Global(name) => Some(name),
        _ => None,
    }
}

fn is_type(table: &Vocabulary, arg: &Term) -> bool {
    match arg {
        // Unknown classes have a finding where they are looked up.
        Term::Global(name) => {
            let name = table.canonical(name);
            class_shaped(&name) || table.entry(&name).is_some() || table.capability(&name).is_none()
        }
        Term::Result { target, args } => match table.canonical(target).as_str() {
            "builtins.type" | "types.GenericAlias" | "operator.getitem" => args.len() <= 2,
            "builtins.getattr" => true,
            _ => false,
        },
        Term::None => true,
        _ => false,
    }
}

fn is_harmless_function(table: &Vocabulary, arg: &Term) -> bool {
    let Some(name) = global(arg) else {
        return false;
    };
    let name = table.canonical(name);
    table
        .entry(&name)
        .is_some_and(|entry| entry.value || entry.class.is_some())
}

/// Short, and no path, address, command or expression.
pub(crate) fn is_word(text: &str) -> bool {
    text.len() <= 64
        && !text.contains("..")
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_-.[]<>|=+:,%#*&^~! ".contains(c))
        && text.split(' ').count() <= 3
}

/// A value's name, such as an enumeration has: no dot, no blank.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= 40
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_-[]<>|=+:".contains(c))
}

/// Plain data as a value object's constructor takes: numbers, labels, arrays
/// and what allowed calls yield.
pub(crate) fn is_plain(arg: &Term) -> bool {
    match arg {
        Term::None
        | Term::Bool(_)
        | Term::Int(_)
        | Term::BigInt(_)
        | Term::Float(_)
        | Term::Bytes { .. }
        | Term::Global(_)
        | Term::Result { .. }
        | Term::Persistent => true,
        Term::Str { text, .. } => is_label(text),
        Term::Tuple { items, .. } | Term::List { items, .. } | Term::Set { items, .. } => {
            items.iter().all(is_plain)
        }
        Term::Dict { items, .. } => items
            .iter()
            .all(|(key, value)| is_plain(key) && is_plain(value)),
        Term::Unknown => false,
    }
}

/// Words in a class's name that promise more than data.
const ACTING: &[&str] = &[
    "Popen",
    "Process",
    "Command",
    "Shell",
    "Exec",
    "Eval",
    "Runner",
    "Interpreter",
    "Compiler",
    "Import",
    "Loader",
    "Finder",
    "Reader",
    "Writer",
    "File",
    "Opener",
    "Server",
    "Client",
    "Connection",
    "Socket",
    "Session",
    "Request",
    "Http",
    "HTTP",
    "Ftp",
    "FTP",
    "Url",
    "URL",
    "Download",
    "Fetch",
    "Thread",
    "Template",
    "Script",
    "Terminal",
    "Console",
    "Spawn",
    "Daemon",
    "Database",
    "Proxy",
    "Library",
    "DLL",
    "Plugin",
    "Unpickl",
    "Deserializ",
    "Archive",
    "Zip",
    "Pool",
    "Worker",
    "Tool",
    "Browser",
    "Editor",
    "Debug",
    "Profil",
    "Trace",
    "Install",
    "Mailbox",
];

pub(crate) fn promises_action(class: &str) -> bool {
    ACTING.iter().any(|word| class.contains(word))
}

/// Parts of a function's name that tell of more than arithmetic.
const RISKY: &[&str] = &[
    "eval",
    "exec",
    "compile",
    "load",
    "open",
    "read",
    "write",
    "save",
    "dump",
    "run",
    "spawn",
    "popen",
    "system",
    "shell",
    "import",
    "download",
    "fetch",
    "request",
    "connect",
    "send",
    "url",
    "unlink",
    "remove",
    "delete",
    "mkdir",
    "rmtree",
    "rename",
    "extract",
    "install",
    "launch",
    "start",
    "call",
    "command",
    "subprocess",
    "invoke",
    "getattr",
    "setattr",
    "resolve",
    "locate",
    "globals",
    "script",
    "hook",
    "file",
    "pickle",
    "deserial",
    "serve",
    "listen",
    "main",
    "create",
    "patch",
    "inject",
];

pub(crate) fn sounds_risky(function: &str) -> bool {
    let lower = function.to_ascii_lowercase();
    RISKY.iter().any(|word| lower.contains(word))
}

/// A helper that a library's own `__reduce__` names.
pub(crate) fn rebuilds(function: &str) -> bool {
    let name = function.trim_start_matches('_');
    function == "newObj"
        || [
            "pyx_unpickle_",
            "unpickle",
            "reconstruct",
            "rebuild",
            "restore",
            "recreate",
        ]
        .iter()
        .any(|start| function.starts_with('_') && name.starts_with(start))
        || (function.starts_with('_') && (name.ends_with("_unpickle") || name.ends_with("_ctor")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::vocabulary;

    fn text(text: &str) -> Term {
        Term::Str {
            text: text.to_owned(),
            len: text.len() as u64,
        }
    }

    #[test]
    fn optional_and_repeated_arguments_end_a_signature() {
        let table = vocabulary();
        assert!(fits(table, "", &[]));
        assert!(!fits(table, "", &[Term::None]));
        assert!(fits(table, "int word?", &[Term::Int(1)]));
        assert!(!fits(
            table,
            "int word?",
            &[Term::Int(1), text("/etc/passwd")]
        ));
        assert!(fits(table, "text*", &[text("a"), text("b")]));
        assert!(!fits(table, "text*", &[text("a"), Term::Int(1)]));
        assert!(fits(table, "=latin1|=ascii", &[text("ascii")]));
    }

    #[test]
    fn a_word_is_no_path_command_or_expression() {
        for good in [
            "f8",
            "<f8",
            "|S5",
            "period[M]",
            "datetime64[ns, UTC]",
            "roc_auc",
        ] {
            assert!(is_word(good), "{good}");
        }
        for bad in [
            "/bin/sh",
            "../x",
            "os.system('id')",
            "a;b",
            "$(id)",
            "http://a",
        ] {
            assert!(!is_word(bad), "{bad}");
        }
    }

    #[test]
    fn only_harmless_functions_may_be_called_by_an_iterator() {
        let table = vocabulary();
        assert!(fits(
            table,
            "func any",
            &[Term::Global("builtins.len".into()), Term::None]
        ));
        for bad in ["os.system", "builtins.getattr", "evil.run"] {
            assert!(!fits(
                table,
                "func any",
                &[Term::Global(bad.into()), Term::None]
            ));
        }
    }
}
