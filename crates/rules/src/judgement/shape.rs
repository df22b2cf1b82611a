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
    if let Some(start) = kind.strip_prefix('^') {
        return arg.as_str().is_some_and(|text| text.starts_with(start));
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
        ("bytes", Term::Result { target, .. }) => matches!(
            table.canonical(target).as_str(),
            "_codecs.encode" | "builtins.bytes" | "builtins.bytearray"
        ),
        // Numbers of NumPy, `bytes` by way of `_codecs.encode`, sets and the
        // like are results; their own calls are judged where they stand.
        ("int" | "num", Term::Int(_) | Term::BigInt(_) | Term::Bool(_))
        | ("num", Term::Float(_))
        | ("bool", Term::Bool(_))
        | ("none", Term::None)
        | ("text", Term::Str { .. })
        | ("bytes", Term::Bytes { .. } | Term::Unknown)
        | ("tuple", Term::Tuple { .. })
        | ("list", Term::List { .. })
        | ("set", Term::Set { .. })
        | ("dict", Term::Dict { .. })
        | ("iterator", Term::Result { .. } | Term::List { .. } | Term::Tuple { .. })
        | ("made", Term::Result { .. })
        | (
            "int" | "num" | "bool" | "text" | "tuple" | "list" | "set" | "dict",
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
        Term::Str { text, .. } => is_label(text) || text.chars().count() == 1,
        Term::Tuple { items, .. } | Term::List { items, .. } | Term::Set { items, .. } => {
            items.iter().all(|item| is_plain(item) || is_cut(item))
        }
        Term::Dict { items, .. } => items
            .iter()
            .flat_map(|(key, value)| [key, value])
            .all(|item| is_plain(item) || is_cut(item)),
        Term::Unknown => false,
    }
}

/// Deep inside, terms are cut; what was there is judged where it stands.
fn is_cut(arg: &Term) -> bool {
    matches!(arg, Term::Unknown)
}

/// Words in a class's name that promise more than data.
const ACTING: &[&str] = &[
    "Archive",
    "Browser",
    "Client",
    "Command",
    "Compiler",
    "Connection",
    "Console",
    "Daemon",
    "Database",
    "Debugger",
    "Deserializer",
    "Downloader",
    "Editor",
    "Eval",
    "Evaluator",
    "Exec",
    "Executor",
    "Fetcher",
    "File",
    "Finder",
    "Ftp",
    "Http",
    "Import",
    "Importer",
    "Installer",
    "Interpreter",
    "Library",
    "Loader",
    "Mailbox",
    "Opener",
    "Plugin",
    "Pool",
    "Popen",
    "Process",
    "Profiler",
    "Proxy",
    "Reader",
    "Request",
    "Runner",
    "Script",
    "Server",
    "Session",
    "Shell",
    "Socket",
    "Spawn",
    "Spawner",
    "Template",
    "Terminal",
    "Thread",
    "Tool",
    "Tracer",
    "Unpickler",
    "Url",
    "Worker",
    "Writer",
    "Zip",
];

pub(crate) fn promises_action(class: &str) -> bool {
    humps(class)
        .iter()
        .any(|word| ACTING.contains(&word.as_str()))
}

/// The words of a name in camel case; runs of capitals are one word.
fn humps(class: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut upper = false;
    for c in class.chars() {
        if !c.is_alphabetic() {
            upper = false;
            words.push(String::new());
            continue;
        }
        if c.is_uppercase() && !upper {
            words.push(String::new());
        }
        // `HTTPServer`: the last capital of a run begins the next word.
        if c.is_lowercase()
            && upper
            && let Some(word) = words.last_mut()
            && word.chars().count() > 1
        {
            let first = word.chars().next_back().map(|c| c.to_ascii_uppercase());
            word.pop();
            words.push(first.into_iter().collect());
        }
        match words.last_mut() {
            Some(word) if !word.is_empty() => word.extend(c.to_lowercase()),
            Some(word) => word.push(c),
            None => words.push(c.to_string()),
        }
        upper = c.is_uppercase();
    }
    words
}

/// Words of a function's name that tell of more than arithmetic.
const RISKY: &[&str] = &[
    "call",
    "command",
    "compile",
    "connect",
    "delete",
    "deserialize",
    "download",
    "dump",
    "dumps",
    "eval",
    "evaluate",
    "exec",
    "execute",
    "execfile",
    "extract",
    "fetch",
    "file",
    "getattr",
    "globals",
    "hook",
    "import",
    "inject",
    "install",
    "invoke",
    "launch",
    "listen",
    "load",
    "loads",
    "locate",
    "main",
    "mkdir",
    "open",
    "patch",
    "pickle",
    "popen",
    "read",
    "remove",
    "rename",
    "request",
    "resolve",
    "rmtree",
    "run",
    "save",
    "script",
    "send",
    "serve",
    "setattr",
    "shell",
    "spawn",
    "start",
    "subprocess",
    "system",
    "unlink",
    "unpickle",
    "urlopen",
    "urlretrieve",
    "write",
];

pub(crate) fn sounds_risky(function: &str) -> bool {
    let lower = function.to_ascii_lowercase();
    let first = lower
        .trim_start_matches('_')
        .split('_')
        .next()
        .unwrap_or("");
    // A verb leads or is the whole point; `call_on_class_only` is named by what
    // it refuses, `_call_linear` by what it interpolates.
    RISKY.contains(&lower.trim_matches('_'))
        || (RISKY.contains(&first) && first != "call")
        || lower.ends_with("_file")
        || lower.ends_with("eval")
        || lower.ends_with("exec")
}

/// A helper that a library's own `__reduce__` names.
pub(crate) fn rebuilds(function: &str) -> bool {
    let name = function.trim_start_matches('_');
    function == "newObj"
        || function.starts_with("unpickle_")
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
    fn a_class_is_judged_by_the_words_of_its_name() {
        for acting in [
            "HTTPServer",
            "Popen",
            "DataLoader",
            "_FileReader",
            "SSHClient",
        ] {
            assert!(promises_action(acting), "{acting}");
        }
        for plain in [
            "Profile",
            "MedievalModel",
            "ShellyNet",
            "PinballLoss",
            "SVC",
        ] {
            assert!(!promises_action(plain), "{plain}");
        }
        assert!(sounds_risky("load_model") && sounds_risky("_eval_length"));
        assert!(!sounds_risky("truncate") && !sounds_risky("prune") && !sounds_risky("softmax"));
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
