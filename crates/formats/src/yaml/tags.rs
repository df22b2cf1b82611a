//! What a YAML tag asks a loader to do.
//!
//! PyYAML's `python/` tags (`yaml.load` with `UnsafeLoader`, or any version
//! before 5.1), SnakeYAML's global class names (CVE-2022-1471), and
//! HyperPyYAML's `!new:`, `!apply:`, `!name:` and `!module:`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use modelward_schema::{Action, Via};

const YAML: &str = "tag:yaml.org,2002:";

/// Handles declared by `%TAG`, besides the two that always exist.
#[derive(Debug, Default)]
pub(super) struct Handles {
    declared: BTreeMap<String, String>,
}

/// An object that a tag makes a loader construct.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Constructs {
    pub via: Via,
    pub action: Action,
    pub target: String,
}

impl Handles {
    /// A `%TAG handle prefix` line.
    pub(super) fn declare(&mut self, line: &str) {
        let mut words = line.split_whitespace().skip(1);
        if let (Some(handle), Some(prefix)) = (words.next(), words.next())
            && self.declared.len() < 64
        {
            self.declared.insert(handle.to_owned(), prefix.to_owned());
        }
    }

    pub(super) fn forget(&mut self) {
        self.declared.clear();
    }

    /// The full tag: handles replaced, percent escapes resolved.
    fn resolve(&self, tag: &str) -> String {
        let full = if let Some(verbatim) = tag.strip_prefix("!<") {
            verbatim.trim_end_matches('>').to_owned()
        } else {
            let after_first = tag.strip_prefix('!').unwrap_or(tag);
            let (handle, rest) = match after_first.split_once('!') {
                Some((name, rest)) => (format!("!{name}!"), rest),
                None => ("!".to_owned(), after_first),
            };
            match self.declared.get(&handle) {
                Some(prefix) => format!("{prefix}{rest}"),
                None if handle == "!!" => format!("{YAML}{rest}"),
                None => tag.to_owned(),
            }
        };
        unescape(&full).into_owned()
    }

    pub(super) fn meaning(&self, tag: &str) -> Option<Constructs> {
        let full = self.resolve(tag);
        let local = full.strip_prefix('!');
        let name = full.strip_prefix(YAML).or(local)?;
        if let Some(python) = name.strip_prefix("python/") {
            let (kind, target) = python.split_once(':').unwrap_or((python, ""));
            let action = match kind {
                "object/apply" => Action::Call,
                "object/new" | "object" => Action::New,
                "name" | "module" => Action::Import,
                // Tuples, numbers and the like.
                _ => return None,
            };
            return Some(constructs(Via::Yaml, action, target));
        }
        if let Some(ruby) = name.strip_prefix("ruby/") {
            let (kind, class) = ruby.split_once(':').unwrap_or((ruby, ""));
            return kind
                .starts_with("object")
                .then(|| constructs(Via::Yaml, Action::New, &format!("ruby:{class}")));
        }
        if local.is_some() {
            let (kind, target) = name.split_once(':')?;
            let action = match kind {
                "new" | "apply" => Action::Call,
                "name" | "module" => Action::Import,
                _ => return None,
            };
            return Some(constructs(Via::Config, action, target));
        }
        // A global tag with dots is a class to SnakeYAML.
        name.contains('.')
            .then(|| constructs(Via::Yaml, Action::New, &format!("java:{name}")))
    }
}

fn constructs(via: Via, action: Action, target: &str) -> Constructs {
    Constructs {
        via,
        action,
        target: crate::text::cap(&crate::text::escape(target.as_bytes(), 256), 256),
    }
}

/// `%41` to `A`.
fn unescape(tag: &str) -> Cow<'_, str> {
    if !tag.contains('%') {
        return Cow::Borrowed(tag);
    }
    let mut bytes = Vec::with_capacity(tag.len());
    let mut rest = tag.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| std::str::from_utf8(after.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = code {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_tag_is_the_same_tag() {
        let mut handles = Handles::default();
        handles.declare("%TAG !p! tag:yaml.org,2002:python/");
        for tag in [
            "!!python/object/apply:os.system",
            "!<tag:yaml.org,2002:python/object/apply:os.system>",
            "!p!object/apply:os.system",
            "!!python/object/apply:%6fs.system",
            "!python/object/apply:os.system",
        ] {
            let meaning = handles.meaning(tag).expect(tag);
            assert_eq!(
                (meaning.action, meaning.target.as_str()),
                (Action::Call, "os.system")
            );
        }
    }

    #[test]
    fn tags_of_plain_values_construct_nothing() {
        let handles = Handles::default();
        for tag in [
            "!!str",
            "!!python/tuple",
            "!!binary",
            "!ref",
            "!include:a.yaml",
            "!",
            "!!",
        ] {
            assert_eq!(handles.meaning(tag), None, "{tag}");
        }
        let java = handles
            .meaning("!!javax.script.ScriptEngineManager")
            .unwrap();
        assert_eq!(java.target, "java:javax.script.ScriptEngineManager");
    }
}
