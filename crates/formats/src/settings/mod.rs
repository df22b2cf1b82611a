//! What the keys of configuration files mean to the programs that read them,
//! whatever the notation. JSON and YAML readers walk their trees and hand every
//! scalar here with the way that led to it.
//!
//! Sources: Hugging Face Transformers, Diffusers and PEFT (which file and key
//! is read, rendered or imported), Hydra's `_target_`, MLflow's `MLmodel`,
//! MXNet's symbol files.

mod card;
mod code;
mod dependency;
mod keys;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

use modelward_schema::Location;

pub(crate) use card::read_sections;
pub(crate) use dependency::read_requirement;

use crate::Session;

/// One step from the root to a value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Level<'a> {
    pub list: bool,
    /// The key that is being read, for a mapping.
    pub key: Cow<'a, str>,
    /// The place in a list, from 0.
    pub item: u64,
    /// The value of `name` in this mapping, once it was seen.
    pub name: Option<Cow<'a, str>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'v> {
    Text(&'v str),
    Bool(bool),
    /// As written.
    Number(&'v str),
}

/// Reads one document.
#[derive(Debug)]
pub(crate) struct Settings<'f> {
    /// The file's own name.
    file: &'f str,
    /// Shards already told of.
    shards: BTreeSet<String>,
    urls: u32,
    /// Values of a model card told so far.
    card: u32,
}

impl<'f> Settings<'f> {
    pub(crate) fn new(file: &'f str) -> Self {
        Self {
            file,
            shards: BTreeSet::new(),
            urls: 0,
            card: 0,
        }
    }

    /// A value and the way to it, outermost first. `at` is asked only when
    /// something is told.
    pub(crate) fn value(
        &mut self,
        way: &[Level<'_>],
        value: Value<'_>,
        at: &dyn Fn() -> Location,
        session: &mut Session<'_>,
    ) {
        match value {
            Value::Text(text) => self.text(way, text, at, session),
            Value::Bool(true) if key_of(way) == "trust_remote_code" => {
                session.metadata(dotted(way), "true", at());
            }
            Value::Bool(_) => {}
            Value::Number(number) => self.number(way, number, at, session),
        }
    }
}

/// The innermost key on the way.
fn key_of<'w>(way: &'w [Level<'_>]) -> &'w str {
    way.iter()
        .rev()
        .find(|level| !level.list)
        .map_or("", |level| &level.key)
}

/// `chat_template[1].template`, the last parts of very long ways only.
fn dotted(way: &[Level<'_>]) -> String {
    let mut out = String::new();
    let skipped = way.len().saturating_sub(8);
    for level in way.iter().skip(skipped) {
        if level.list {
            let _ = write!(out, "[{}]", level.item);
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&crate::text::escape(level.key.as_bytes(), 64));
        }
    }
    out
}
