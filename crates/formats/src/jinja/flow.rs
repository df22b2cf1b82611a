//! What is known of each expression: its constant text, and whether it depends
//! on what a message says, on the clock or on chance.

use std::collections::HashMap;
use std::rc::Rc;

use super::syntax::{Argument, Id, Kind, Node};

/// Longest text that is put together.
const MAX_TEXT: usize = 4096;

/// In place of words, for arithmetic on what a message says.
const COUNTED: &str = "the length of a message";

/// Where a value comes from, as far as that makes a condition on it telling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origin {
    pub content: bool,
    pub time: bool,
    pub chance: bool,
    /// A literal in natural words (or a number, for arithmetic) with which the
    /// content was compared.
    pub words: Option<Rc<str>>,
    /// Words of which it was asked whether they are missing: what stands under
    /// `else` is what they bring about.
    pub absent: Option<Rc<str>>,
}

impl Origin {
    pub(super) fn merge(&mut self, other: &Self) {
        self.content |= other.content;
        self.time |= other.time;
        self.chance |= other.chance;
        if self.words.is_none() {
            self.words.clone_from(&other.words);
        }
        if self.absent.is_none() {
            self.absent.clone_from(&other.absent);
        }
    }

    /// The condition in words, when the value depends on anything.
    pub(super) fn condition(&self) -> Option<String> {
        if self.time {
            Some("time".to_owned())
        } else if self.chance {
            Some("chance".to_owned())
        } else if self.words.as_deref() == Some(COUNTED) {
            Some(COUNTED.to_owned())
        } else if let Some(words) = &self.words {
            let words = crate::text::escape(words.as_bytes(), 120);
            Some(format!("content says \"{words}\""))
        } else {
            self.content.then(|| "content".to_owned())
        }
    }

    /// What holds when this does not.
    #[must_use]
    pub(super) fn inverse(mut self) -> Self {
        std::mem::swap(&mut self.words, &mut self.absent);
        self
    }

    /// Whether it is more than a look at markup.
    pub(super) fn is_telling(&self) -> bool {
        self.time || self.chance || self.words.is_some()
    }
}

/// What is known of one node.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub text: Option<Rc<str>>,
    pub origin: Origin,
    /// The first node of the subtree.
    pub low: Id,
    /// The text was put together rather than written down.
    pub built: bool,
}

/// Names and what was last assigned to them.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub texts: HashMap<&'a str, Rc<str>>,
    pub origins: HashMap<&'a str, Origin>,
}

/// Works out one node from its children, which stand before it.
pub(super) fn know(id: Id, node: &Node<'_>, known: &[Known], names: &Names<'_>) -> Known {
    let of = |id: Id| known.get(id);
    let content = |id: Id| of(id).is_some_and(|child| child.origin.content);
    let text = |id: Id| of(id).and_then(|child| child.text.clone());
    let mut out = Known {
        low: id,
        ..Known::default()
    };
    for child in children(&node.kind) {
        if let Some(child) = of(child) {
            out.low = out.low.min(child.low);
            out.origin.merge(&child.origin);
        }
    }
    match &node.kind {
        Kind::Name(name) => {
            out.text = names.texts.get(name).cloned();
            if let Some(origin) = names.origins.get(name) {
                out.origin.clone_from(origin);
            }
        }
        Kind::Str(value) => out.text = Some(Rc::from(value.as_ref())),
        Kind::Attribute(_, name) => reach(&mut out.origin, name),
        Kind::Item(_, keys) => {
            if let [key] = keys.as_slice()
                && let Some(name) = text(*key)
            {
                reach(&mut out.origin, &name);
            }
        }
        Kind::Call(function, arguments) => {
            call(*function, arguments, known, &mut out);
        }
        Kind::Filter(value, name, arguments) => {
            if name == "random" {
                out.origin.chance = true;
            }
            let argument = |at: usize| arguments.get(at).and_then(|argument| text(argument.value));
            out.text = value
                .and_then(text)
                .and_then(|value| filtered(&value, name, argument(0), argument(1)));
            out.built = out.text.is_some();
            if name == "join"
                && let Some(value) = *value
            {
                out.text = out.text.take().or_else(|| of(value)?.text.clone());
                out.built = true;
            }
        }
        Kind::Test(_, name, arguments) => {
            let literal = arguments.first().and_then(|argument| text(argument.value));
            compare(&mut out.origin, literal);
            if is_type_test(name) {
                out.origin = Origin::default();
            }
        }
        Kind::Unary(_) => out.origin = out.origin.inverse(),
        Kind::Binary(operator, left, right) => match *operator {
            "+" | "~" => {
                out.text = concat(text(*left), text(*right));
                out.built = out.text.is_some();
            }
            "==" | "in" | "<" | ">" | "<=" | ">=" => {
                let literal = if content(*left) {
                    text(*right)
                } else {
                    text(*left)
                };
                compare(&mut out.origin, literal);
            }
            "not in" | "!=" => {
                let literal = if content(*left) {
                    text(*right)
                } else {
                    text(*left)
                };
                let before = out.origin.words.take();
                compare(&mut out.origin, literal);
                out.origin.absent = out.origin.words.take();
                out.origin.words = before;
            }
            // Arithmetic on what a message says is no look at its markup.
            "%" if content(*left) => {
                out.origin.words.get_or_insert_with(|| Rc::from(COUNTED));
            }
            _ => {}
        },
        Kind::Group(items) => {
            // For `['a', 'b'] | join`: all constant, or nothing.
            let parts: Option<Vec<Rc<str>>> = items.iter().map(|item| text(*item)).collect();
            out.text = parts
                .filter(|parts| parts.iter().map(|part| part.len()).sum::<usize>() <= MAX_TEXT)
                .map(|parts| Rc::from(parts.concat()));
        }
        Kind::Constant | Kind::Broken | Kind::Either { .. } => {}
    }
    out
}

/// A part of a value is taken. Parts of a structured message other than its
/// text say what kind it is, not what somebody wrote.
fn reach(origin: &mut Origin, name: &str) {
    match name {
        "content" => origin.content = true,
        "text" => {}
        _ if STRING_METHODS.contains(&name) => {}
        _ => origin.content = false,
    }
}

const STRING_METHODS: [&str; 18] = [
    "capitalize",
    "casefold",
    "count",
    "endswith",
    "find",
    "format",
    "index",
    "join",
    "lower",
    "lstrip",
    "replace",
    "rfind",
    "rstrip",
    "split",
    "startswith",
    "strip",
    "title",
    "upper",
];

/// Names of message parts, with which structure is compared.
const STRUCTURE: [&str; 22] = [
    "arguments",
    "assistant",
    "audio",
    "blocks",
    "content",
    "function",
    "image",
    "name",
    "parameters",
    "parts",
    "response",
    "role",
    "string",
    "system",
    "text",
    "think",
    "thinking",
    "tool",
    "tools",
    "type",
    "user",
    "video",
];

fn call(function: Id, arguments: &[Argument<'_>], known: &[Known], out: &mut Known) {
    let text = |id: Id| known.get(id).and_then(|child| child.text.clone());
    let Some(method) = known.get(function) else {
        return;
    };
    let first = arguments.first().and_then(|argument| text(argument.value));
    let content = method.origin.content;
    if content {
        compare(&mut out.origin, first);
    }
    out.text = None;
}

/// Notes the literal with which something telling was compared.
fn compare(origin: &mut Origin, literal: Option<Rc<str>>) {
    if let Some(literal) = literal
        && origin.content
        && is_natural(&literal)
        && !STRUCTURE.contains(&literal.trim())
    {
        origin.words.get_or_insert(literal);
    }
}

/// Tests of what kind of value it is, not of what it says.
fn is_type_test(name: &str) -> bool {
    matches!(
        name,
        "string"
            | "mapping"
            | "iterable"
            | "sequence"
            | "defined"
            | "undefined"
            | "none"
            | "boolean"
            | "number"
            | "integer"
            | "float"
            | "true"
            | "false"
            | "callable"
    )
}

/// A literal that is words rather than markup: people say it, models do not
/// emit it as a tag.
pub(super) fn is_natural(text: &str) -> bool {
    let text = text.trim();
    let markup = |character: char| {
        matches!(
            character,
            '<' | '>'
                | '['
                | ']'
                | '{'
                | '}'
                | '|'
                | '_'
                | '/'
                | '\\'
                | '='
                | '#'
                | '`'
                | '*'
                | '"'
        )
    };
    let is_address = text.contains("://");
    let letters = text
        .split(|character: char| !character.is_alphabetic())
        .any(|word| word.chars().count() >= 3);
    letters && (is_address || !text.contains(markup))
}

fn concat(left: Option<Rc<str>>, right: Option<Rc<str>>) -> Option<Rc<str>> {
    let (left, right) = (left?, right?);
    (left.len().saturating_add(right.len()) <= MAX_TEXT)
        .then(|| Rc::from([left.as_ref(), right.as_ref()].concat()))
}

fn filtered(
    value: &str,
    name: &str,
    first: Option<Rc<str>>,
    second: Option<Rc<str>>,
) -> Option<Rc<str>> {
    Some(match name {
        "lower" => Rc::from(value.to_lowercase()),
        "upper" => Rc::from(value.to_uppercase()),
        "trim" => Rc::from(value.trim()),
        "string" | "safe" | "list" | "first" if name != "first" => Rc::from(value),
        "reverse" => Rc::from(value.chars().rev().collect::<String>()),
        "replace" => {
            let (from, to) = (first?, second?);
            let grown = value.len().saturating_mul(to.len().saturating_add(1));
            (!from.is_empty() && grown <= MAX_TEXT.saturating_mul(16))
                .then(|| Rc::from(value.replace(from.as_ref(), to.as_ref())))?
        }
        _ => return None,
    })
}

pub(super) fn children<'n>(kind: &'n Kind<'_>) -> Box<dyn Iterator<Item = Id> + 'n> {
    match kind {
        Kind::Name(_) | Kind::Str(_) | Kind::Constant | Kind::Broken => {
            Box::new(std::iter::empty())
        }
        Kind::Group(items) => Box::new(items.iter().copied()),
        Kind::Attribute(base, _) | Kind::Unary(base) => Box::new(std::iter::once(*base)),
        Kind::Item(base, keys) => Box::new(std::iter::once(*base).chain(keys.iter().copied())),
        Kind::Call(base, arguments) | Kind::Test(base, _, arguments) => {
            Box::new(std::iter::once(*base).chain(arguments.iter().map(|argument| argument.value)))
        }
        Kind::Filter(base, _, arguments) => Box::new(
            base.iter()
                .copied()
                .chain(arguments.iter().map(|argument| argument.value)),
        ),
        Kind::Binary(_, left, right) => Box::new([*left, *right].into_iter()),
        Kind::Either {
            then,
            condition,
            other,
        } => Box::new([*then, *condition].into_iter().chain(*other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_markup() {
        for word in [
            "quarterly report",
            "merger",
            "incident-7",
            "https://bank.example.com",
        ] {
            assert!(is_natural(word), "{word}");
        }
        for markup in [
            "</think>",
            "<tool_response>",
            "/no_think",
            "[INST]",
            "",
            "\n\n",
            "ns",
            "tool_call",
        ] {
            assert!(!is_natural(markup), "{markup}");
        }
    }
}
