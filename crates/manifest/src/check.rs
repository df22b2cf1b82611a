//! From the text's nodes to a [`Manifest`], collecting every fault on the way.

use modelward_schema::{Location, Manifest, ManifestFault};
use serde_json::{Map, Value as Json};

use crate::form::{Field, Kind, MANIFEST};
use crate::nearest::nearest;
use crate::words::any_of;
use crate::yaml::{self, Entry, Mark, Node, Scalar, Value};

/// More faults than anybody reads.
const MAX_FAULTS: usize = 100;
/// Characters of a wrong value that are shown.
const MAX_SHOWN: usize = 60;

pub(crate) fn check(file: &str, text: &str) -> Result<Manifest, Vec<ManifestFault>> {
    let mut faults = Faults {
        file,
        found: Vec::new(),
    };
    let root = match yaml::read(text) {
        Ok(root) => root,
        Err(fault) => {
            faults.push("manifest-syntax", fault.at, fault.message);
            return Err(faults.found);
        }
    };
    let document = if root.is_null() {
        faults.push(
            "manifest-invalid",
            root.at,
            "it is empty; write one with modelward init",
        );
        Json::Null
    } else {
        let top = Field {
            key: "the manifest",
            kind: Kind::Text,
            required: true,
            code: "manifest-invalid",
            write: "keys such as name: and version:",
        };
        faults.read(&root, &MANIFEST, "", &top)
    };
    if faults.found.is_empty() {
        match serde_json::from_value(document) {
            Ok(manifest) => return Ok(manifest),
            // The form accepts no more than the type; should the two ever
            // differ, the type is right.
            Err(error) => faults.push("manifest-invalid", root.at, error.to_string()),
        }
    }
    faults
        .found
        .sort_by_key(|fault| (fault.at.line, fault.at.column));
    Err(faults.found)
}

struct Faults<'a> {
    file: &'a str,
    found: Vec<ManifestFault>,
}

impl Faults<'_> {
    fn push(&mut self, code: &str, at: Mark, message: impl Into<String>) {
        if self.found.len() < MAX_FAULTS {
            self.found.push(ManifestFault {
                code: code.to_owned(),
                message: message.into(),
                at: Location::line(self.file, at.line, at.column),
            });
        }
    }

    /// The value as JSON; `path` is empty at the top, else as in `tags.data`.
    fn read(&mut self, node: &Node, kind: &Kind, path: &str, field: &Field) -> Json {
        match (kind, &node.value) {
            (Kind::Map(fields), Value::Mapping(entries)) => {
                let out = self.mapping(entries, fields, path);
                for field in fields.iter().filter(|field| field.required) {
                    if !entries.iter().any(|entry| entry.key == field.key) {
                        let name = join(path, field.key);
                        self.push(
                            field.code,
                            node.at,
                            format!("{name} is missing; write {}", field.write),
                        );
                    }
                }
                Json::Object(out)
            }
            (Kind::OneOf(fields), Value::Mapping(entries)) => {
                let out = self.mapping(entries, fields, path);
                let keys: Vec<&str> = fields.iter().map(|field| field.key).collect();
                let mut known = entries
                    .iter()
                    .filter(|entry| keys.contains(&entry.key.as_str()));
                match (known.next(), known.next()) {
                    (Some(_), Some(second)) => self.push(
                        "manifest-invalid",
                        second.key_at,
                        format!("{path} is one of {}, not both; keep one", any_of(&keys)),
                    ),
                    (None, _) => self.push(
                        field.code,
                        node.at,
                        format!("{path} names nobody; write {}", field.write),
                    ),
                    _ => {}
                }
                Json::Object(out)
            }
            (Kind::List(inner), Value::Sequence(items)) => {
                let items = items
                    .iter()
                    .map(|item| self.read(item, inner, path, field))
                    .collect();
                Json::Array(items)
            }
            (_, Value::Scalar(scalar)) if !scalar.is_null() => {
                self.scalar(scalar, kind, node.at, path, field)
            }
            (_, value) => {
                let what = match value {
                    Value::Scalar(_) => "is empty",
                    Value::Sequence(_) => "is a list",
                    Value::Mapping(_) => "has keys below it",
                };
                self.push(
                    field.code,
                    node.at,
                    format!("{} {what}; write {}", label(path, field), field.write),
                );
                Json::Null
            }
        }
    }

    fn mapping(&mut self, entries: &[Entry], fields: &[Field], path: &str) -> Map<String, Json> {
        let mut out = Map::new();
        for entry in entries {
            let Some(field) = fields.iter().find(|field| field.key == entry.key) else {
                let known: Vec<&str> = fields.iter().map(|field| field.key).collect();
                let key = shown(&entry.key);
                let message = match nearest(&entry.key, &known) {
                    Some(meant) => format!("key {key} is not known here; did you mean {meant}?"),
                    None => format!("key {key} is not known here; use {}", any_of(&known)),
                };
                self.push("key-unknown", entry.key_at, message);
                continue;
            };
            // A section with nothing below it says nothing; `person:` with
            // nothing after it is a question left open.
            let section = matches!(field.kind, Kind::Map(_) | Kind::List(_));
            if section && !field.required && entry.value.is_null() {
                continue;
            }
            let value = self.read(&entry.value, &field.kind, &join(path, field.key), field);
            if !value.is_null() {
                out.insert(field.key.to_owned(), value);
            }
        }
        out
    }

    fn scalar(
        &mut self,
        scalar: &Scalar,
        kind: &Kind,
        at: Mark,
        path: &str,
        field: &Field,
    ) -> Json {
        let text = scalar.text.as_str();
        let name = label(path, field);
        let fault = match kind {
            Kind::Flag => match scalar.as_bool() {
                Some(flag) => return Json::Bool(flag),
                None => format!("{name} {} is not known; use true or false", shown(text)),
            },
            Kind::Word(words) if words.contains(&text) => return Json::String(text.to_owned()),
            Kind::Word(words) => {
                format!("{name} {} is not known; use {}", shown(text), any_of(words))
            }
            Kind::Exactly(wanted) if text == *wanted => return Json::String(text.to_owned()),
            Kind::Exactly(wanted) => {
                format!("{name} {} is not known; use {wanted}", shown(text))
            }
            Kind::Date if is_date(text) => return Json::String(text.to_owned()),
            Kind::Date => format!(
                "{name} {} is not a date; write {}",
                shown(text),
                field.write
            ),
            Kind::Tag if is_tag(text) => return Json::String(text.to_owned()),
            Kind::Tag => format!("{name} {} is not a tag; write {}", shown(text), field.write),
            Kind::Text if text.trim().is_empty() => {
                self.push(
                    field.code,
                    at,
                    format!("{name} is empty; write {}", field.write),
                );
                return Json::Null;
            }
            Kind::Text if scalar.is_number() => {
                format!("{name} is the number {text}; put it in quotes: \"{text}\"")
            }
            Kind::Text if scalar.as_bool().is_some() => {
                format!("{name} is {text}, not text; put it in quotes: \"{text}\"")
            }
            Kind::Text => return Json::String(text.to_owned()),
            Kind::List(_) => format!("{name} is a single value; write {}", field.write),
            Kind::Map(_) | Kind::OneOf(_) => {
                self.push(
                    field.code,
                    at,
                    format!("{name} is a single value; write {}", field.write),
                );
                return Json::Null;
            }
        };
        let code = match kind {
            Kind::Word(_) if field.key == "tier" => "tier-unknown",
            _ => "manifest-invalid",
        };
        self.push(code, at, fault);
        Json::Null
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn label<'a>(path: &'a str, field: &Field) -> &'a str {
    if path.is_empty() { field.key } else { path }
}

/// A value from the text, quoted, escaped and capped.
fn shown(text: &str) -> String {
    let mut kept: String = text.chars().take(MAX_SHOWN).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    format!("{kept:?}")
}

fn is_tag(text: &str) -> bool {
    text.split('-').all(|word| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    })
}

/// `YYYY-MM-DD` of the Gregorian calendar.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let number = |text: &str, digits: usize| {
        (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}
