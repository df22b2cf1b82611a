//! What happens while a stream is read, each thing once.
//!
//! The same action with the same arguments is one fact with a count. A target
//! that appears with more than 64 different argument lists is from then on told
//! apart by the *kinds* of its arguments only (names and makers count as
//! kinds), so that a million honest calls stay a handful of facts while one odd
//! call among them still shows.

use std::collections::HashMap;

use modelward_schema::{Action, Code, Location, Term, Via};

use crate::{Input, Session};

/// Argument lists of one target that are told apart exactly.
const EXACT: u32 = 64;

#[derive(Debug)]
pub(super) struct Ledger {
    via: Via,
    facts: Vec<Code>,
    seen: HashMap<Vec<u8>, usize>,
    variants: HashMap<(Action, String), u32>,
    limit: usize,
    pub(super) overflowed: bool,
}

/// One event, before it is known whether it is new.
#[derive(Debug)]
pub(super) struct Event<'e> {
    pub(super) action: Action,
    pub(super) target: &'e str,
    pub(super) written: Option<&'e str>,
    pub(super) computed: bool,
    pub(super) reached: bool,
    pub(super) at: (u64, u64),
    pub(super) args: Vec<Term>,
    pub(super) kwargs: Vec<(String, Term)>,
    /// Text that stands in the arguments' bytes.
    pub(super) excerpt: Option<String>,
}

impl Ledger {
    pub(super) fn new(via: Via, limit: usize) -> Self {
        Self {
            via,
            facts: Vec::new(),
            seen: HashMap::new(),
            variants: HashMap::new(),
            limit,
            overflowed: false,
        }
    }

    pub(super) fn add(&mut self, input: &Input<'_>, event: Event<'_>) {
        let mut key = Vec::with_capacity(96);
        let exact = !self.crowded(&event);
        let flags = [
            u8::from(exact),
            u8::from(event.reached),
            u8::from(event.computed),
        ];
        key.extend(flags);
        key.extend(format!("{:?} {}\0", event.action, event.target).bytes());
        key.extend(event.written.unwrap_or_default().bytes());
        kinds(&event.args, exact, &mut key);
        for (name, term) in &event.kwargs {
            key.extend(name.bytes());
            kind(term, exact, &mut key);
        }
        if let Some(index) = self.seen.get(&key) {
            if let Some(fact) = self.facts.get_mut(*index) {
                fact.count = fact.count.saturating_add(1);
            }
            return;
        }
        if self.facts.len() >= self.limit {
            self.overflowed = true;
            return;
        }
        if exact {
            let count = self
                .variants
                .entry((event.action, event.target.to_owned()))
                .or_default();
            *count = count.saturating_add(1);
        }
        self.seen.insert(key, self.facts.len());
        let (start, len) = event.at;
        self.facts.push(Code {
            via: self.via,
            action: event.action,
            target: event.target.to_owned(),
            written: event.written.map(str::to_owned),
            args: event.args,
            kwargs: event.kwargs,
            computed: event.computed,
            reached: event.reached,
            count: 1,
            at: Location {
                excerpt: event.excerpt,
                ..input.at(start, len)
            },
        });
    }

    fn crowded(&self, event: &Event<'_>) -> bool {
        self.variants
            .get(&(event.action, event.target.to_owned()))
            .is_some_and(|count| *count >= EXACT)
    }

    pub(super) fn close(self, session: &mut Session<'_>) {
        for fact in self.facts {
            session.code(fact);
        }
    }
}

/// The kinds of a list of terms; runs of one kind are told once.
fn kinds(terms: &[Term], exact: bool, key: &mut Vec<u8>) {
    key.push(b'(');
    let mut last: Option<std::ops::Range<usize>> = None;
    for term in terms {
        let start = key.len();
        kind(term, exact, key);
        let this = start..key.len();
        if !exact
            && let Some(before) = last.clone()
            && key.get(before) == key.get(this.clone())
        {
            key.truncate(start);
            continue;
        }
        last = Some(this);
    }
    key.push(b')');
}

fn kind(term: &Term, exact: bool, key: &mut Vec<u8>) {
    match term {
        Term::None => key.push(b'N'),
        Term::Bool(value) => {
            key.push(b'b');
            if exact {
                key.push(u8::from(*value));
            }
        }
        Term::Int(value) => {
            key.push(b'i');
            if exact {
                key.extend(value.to_le_bytes());
            }
        }
        Term::BigInt(value) => {
            key.push(b'I');
            if exact {
                key.extend(value.to_le_bytes());
            }
        }
        Term::Float(value) => {
            key.push(b'f');
            if exact {
                key.extend(value.to_le_bytes());
            }
        }
        Term::Str { text, len } => {
            key.push(b's');
            if exact {
                key.extend(len.to_le_bytes());
                key.extend(text.bytes());
            }
        }
        Term::Bytes { hex, len } => {
            key.push(b'B');
            if exact {
                key.extend(len.to_le_bytes());
                key.extend(hex.bytes());
            }
        }
        Term::Tuple { items, more } | Term::List { items, more } | Term::Set { items, more } => {
            key.push(match term {
                Term::Tuple { .. } => b't',
                Term::List { .. } => b'l',
                _ => b'S',
            });
            kinds(items, exact, key);
            if exact {
                key.extend(more.to_le_bytes());
            }
        }
        Term::Dict { items, more } => {
            key.push(b'd');
            for (name, value) in items {
                // The names of attributes are what makes two states differ.
                kind(name, true, key);
                kind(value, exact, key);
            }
            if exact {
                key.extend(more.to_le_bytes());
            }
        }
        Term::Global(target) => {
            key.push(b'g');
            key.extend(target.bytes());
            key.push(0);
        }
        Term::Result { target, args } => {
            key.push(b'r');
            key.extend(target.bytes());
            kinds(args, exact, key);
        }
        Term::Persistent => key.push(b'P'),
        Term::Unknown => key.push(b'?'),
    }
}
