//! From syntax to facts: what a template reaches for and what it prints under
//! which condition.

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use modelward_schema::{Location, TemplateUse, UseKind};

use super::flow::{self, Known, Names, Origin};
use super::syntax::{Argument, Id, Kind, Node, PieceKind, Syntax};
use crate::plain::secret;
use crate::text;

/// Distinct uses per template.
const MAX_USES: usize = 2000;
/// Pieces of literal text per template.
const MAX_LITERALS: usize = 200;
/// Open blocks that are looked back through; a search through all of them for
/// every block would be quadratic.
const OPEN: usize = 512;

/// A block that is open, and the telling condition it stands under.
struct Guard {
    under: Option<Origin>,
    /// The condition that holds when no branch so far does.
    other: Option<Origin>,
    /// `if`, `for`, `macro`…
    word: &'static str,
}

pub(super) struct Reader<'s, 'a> {
    syntax: &'s Syntax<'a>,
    /// Makes the place of a range of the template's source.
    place: &'s dyn Fn(usize, usize) -> Location,
    known: Vec<Known>,
    /// Strings that are keys or arguments rather than output.
    inner: HashSet<Id>,
    names: Names<'a>,
    /// Names the template defines itself.
    own: HashSet<&'a str>,
    guards: Vec<Guard>,
    seen: BTreeSet<(UseKind, String)>,
    pub uses: Vec<TemplateUse>,
    pub literals: Vec<TemplateUse>,
    pub cut: bool,
}

impl<'s, 'a> Reader<'s, 'a> {
    pub(super) fn new(syntax: &'s Syntax<'a>, place: &'s dyn Fn(usize, usize) -> Location) -> Self {
        Self {
            syntax,
            place,
            known: Vec::with_capacity(syntax.nodes.len()),
            inner: HashSet::new(),
            names: Names::default(),
            own: HashSet::from(["loop", "caller", "varargs", "kwargs"]),
            guards: Vec::new(),
            seen: BTreeSet::new(),
            uses: Vec::new(),
            literals: Vec::new(),
            cut: false,
        }
    }

    pub(super) fn read(&mut self) {
        let syntax = self.syntax;
        // A macro may be called before the place where it is written.
        for piece in &syntax.pieces {
            if let PieceKind::Macro { name, .. } = &piece.kind {
                self.own.insert(name);
            }
        }
        for piece in &syntax.pieces {
            let first = self.known.len();
            while self.known.len() < piece.nodes {
                let id = self.known.len();
                let Some(node) = syntax.nodes.get(id) else {
                    break;
                };
                let known = flow::know(id, node, &self.known, &self.names);
                self.known.push(known);
                self.node(node);
            }
            self.piece(&piece.kind, piece.start, piece.end);
            self.strings(first);
        }
    }

    fn piece(&mut self, kind: &PieceKind<'a>, start: usize, end: usize) {
        match kind {
            PieceKind::Text(text) => {
                let under = self.under().and_then(Origin::condition);
                self.literal(text, under, start, end);
            }
            PieceKind::If(condition) => {
                let (under, other) = self.condition(*condition);
                self.guards.push(Guard {
                    under,
                    other,
                    word: "if",
                });
            }
            PieceKind::Elif(condition) => {
                let (under, other) = self.condition(*condition);
                if let Some(guard) = self.guards.last_mut() {
                    guard.under = guard.other.clone().or(under);
                    guard.other = guard.other.take().or(other);
                }
            }
            PieceKind::Expression => {}
            PieceKind::Else => {
                if let Some(guard) = self.guards.last_mut() {
                    guard.under = guard.other.clone();
                }
            }
            PieceKind::For {
                targets,
                over,
                condition,
            } => {
                let under = condition.and_then(|condition| self.condition(condition).0);
                self.guards.push(Guard {
                    under,
                    other: None,
                    word: "for",
                });
                self.assign(targets, None, self.origin(*over));
            }
            PieceKind::Set { targets, value } => {
                let known = value.and_then(|value| self.known.get(value)).cloned();
                let known = known.unwrap_or_default();
                self.assign(targets, known.text.as_ref(), known.origin);
                if value.is_none() {
                    self.guards.push(Guard {
                        under: None,
                        other: None,
                        word: "set",
                    });
                }
            }
            PieceKind::Macro { parameters, .. } => {
                self.assign(parameters, None, Origin::default());
                self.guards.push(Guard {
                    under: None,
                    other: None,
                    word: "macro",
                });
            }
            PieceKind::Load(name) => {
                let known = self.known.get(*name).and_then(|known| known.text.clone());
                let what = known.unwrap_or_else(|| Rc::from("?"));
                self.tell(UseKind::Include, &what, None, start, end);
            }
            PieceKind::Block(word) => {
                if matches!(*word, "block" | "call" | "filter" | "with" | "generation") {
                    self.guards.push(Guard {
                        under: None,
                        other: None,
                        word: "block",
                    });
                }
            }
            PieceKind::End(word) => self.end(word),
        }
    }

    /// Closes the innermost block of that kind.
    fn end(&mut self, word: &str) {
        let kind = word.trim_start_matches("end");
        let inner = self.guards.iter().rev().take(OPEN).position(|guard| {
            guard.word == kind
                || guard.word == "block" && !matches!(kind, "if" | "for" | "set" | "macro")
        });
        if let Some(inner) = inner {
            let open = self.guards.len().saturating_sub(inner).saturating_sub(1);
            self.guards.truncate(open);
        }
    }

    fn assign(&mut self, targets: &[&'a str], text: Option<&Rc<str>>, mut origin: Origin) {
        let guard = self.under().cloned();
        for target in targets {
            self.own.insert(target);
            if let Some(guard) = &guard {
                origin.merge(guard);
                if let Some(before) = self.names.origins.get(target) {
                    origin.merge(before);
                }
            }
            match text {
                Some(text) => self.names.texts.insert(target, text.clone()),
                None => self.names.texts.remove(target),
            };
            self.names.origins.insert(target, origin.clone());
        }
    }

    fn origin(&self, id: Id) -> Origin {
        self.known
            .get(id)
            .map(|known| known.origin.clone())
            .unwrap_or_default()
    }

    /// The innermost telling condition that is open.
    fn under(&self) -> Option<&Origin> {
        self.guards
            .iter()
            .rev()
            .take(OPEN)
            .find_map(|guard| guard.under.as_ref())
    }

    /// Tells of a condition and returns it, and what holds when it does not,
    /// where they are telling.
    fn condition(&mut self, id: Id) -> (Option<Origin>, Option<Origin>) {
        let origin = self.origin(id);
        let inverse = origin.clone().inverse();
        let told = if origin.is_telling() {
            &origin
        } else {
            &inverse
        };
        if let Some(what) = told.condition()
            && let Some(node) = self.syntax.nodes.get(id)
        {
            let under = self.under().and_then(Origin::condition);
            self.tell(UseKind::Condition, &what, under, node.start, node.end);
        }
        let telling = |origin: Origin| origin.is_telling().then_some(origin);
        (telling(origin), telling(inverse))
    }

    /// Strings of the piece that began with node `first` that are output.
    fn strings(&mut self, first: Id) {
        let syntax = self.syntax;
        let block = self.under().cloned();
        let mut ranges: Vec<(Id, Id, Origin)> = Vec::new();
        let nodes = || {
            syntax
                .nodes
                .iter()
                .enumerate()
                .skip(first)
                .take(self.known.len().saturating_sub(first))
        };
        for (_, node) in nodes() {
            if let Kind::Either {
                then,
                condition,
                other,
            } = node.kind
            {
                let origin = self.origin(condition);
                for (branch, origin) in [(Some(then), origin.clone()), (other, origin.inverse())] {
                    if let Some(branch) = branch
                        && origin.is_telling()
                        && ranges.len() < 64
                    {
                        let low = self.known.get(branch).map_or(branch, |known| known.low);
                        ranges.push((low, branch, origin));
                    }
                }
            }
        }
        let mut found = Vec::new();
        for (id, node) in nodes() {
            if let Kind::Str(value) = &node.kind
                && !self.inner.contains(&id)
                && !value.is_empty()
            {
                let range = ranges
                    .iter()
                    .find(|(low, high, _)| (*low..=*high).contains(&id));
                let origin = range.map(|(_, _, origin)| origin).or(block.as_ref());
                let under = origin.and_then(Origin::condition);
                found.push((value.as_ref(), under, node.start, node.end));
            }
            if let Kind::Either { condition, .. } = node.kind {
                found.push(("", None, condition, 0));
            }
        }
        for (value, under, start, end) in found {
            if value.is_empty() {
                self.condition(start);
            } else {
                self.literal(value, under, start, end);
            }
        }
    }

    fn literal(&mut self, value: &str, under: Option<String>, start: usize, end: usize) {
        if value.trim().is_empty() {
            return;
        }
        if self.literals.len() >= MAX_LITERALS {
            // A guarded text is worth more than any other.
            let Some(plain) = self
                .literals
                .iter()
                .rposition(|literal| literal.under.is_none())
            else {
                return;
            };
            if under.is_none() {
                return;
            }
            self.literals.remove(plain);
        }
        self.literals.push(TemplateUse {
            kind: UseKind::Text,
            what: text::cap(&secret::redact(value), 1024),
            under,
            at: (self.place)(start, end),
        });
    }

    fn tell(&mut self, kind: UseKind, what: &str, under: Option<String>, start: usize, end: usize) {
        let what = text::cap(&secret::redact(what), 256);
        if self.uses.len() >= MAX_USES {
            self.cut = true;
            return;
        }
        if self.seen.insert((kind, what.clone())) {
            self.uses.push(TemplateUse {
                kind,
                what,
                under,
                at: (self.place)(start, end),
            });
        }
    }

    /// The text of a node and whether it was put together.
    fn text(&self, id: Id) -> Option<(Rc<str>, bool)> {
        let known = self.known.get(id)?;
        let direct = matches!(
            self.syntax.nodes.get(id)?.kind,
            Kind::Str(_) | Kind::Name(_)
        );
        let variable = matches!(self.syntax.nodes.get(id)?.kind, Kind::Name(_));
        let built = !direct || variable && known.text.is_some();
        Some((known.text.clone()?, built))
    }

    /// A string that is used as a name.
    fn named(&mut self, kind: UseKind, key: Id, node: &Node<'a>) {
        match self.text(key) {
            Some((name, built)) => {
                self.tell(kind, &name, None, node.start, node.end);
                if built {
                    self.tell(UseKind::ComputedName, &name, None, node.start, node.end);
                }
            }
            None if self.builds_text(key) => {
                self.tell(UseKind::ComputedName, "?", None, node.start, node.end);
            }
            None => {}
        }
    }

    /// Whether a node puts strings together.
    fn builds_text(&self, id: Id) -> bool {
        let Some(node) = self.syntax.nodes.get(id) else {
            return false;
        };
        let low = self.known.get(id).map_or(id, |known| known.low);
        let strings = self
            .syntax
            .nodes
            .get(low..id)
            .unwrap_or_default()
            .iter()
            .any(|child| matches!(child.kind, Kind::Str(_)));
        match &node.kind {
            Kind::Binary(operator, ..) => matches!(*operator, "+" | "~" | "%") && strings,
            Kind::Filter(_, name, _) => {
                matches!(name.as_ref(), "join" | "format" | "replace" | "reverse")
            }
            Kind::Call(function, _) => matches!(
                self.syntax.nodes.get(*function).map(|node| &node.kind),
                Some(Kind::Attribute(
                    _,
                    "join" | "format" | "replace" | "decode" | "lower"
                ))
            ),
            _ => false,
        }
    }

    fn node(&mut self, node: &Node<'a>) {
        match &node.kind {
            Kind::Name(name) if !self.own.contains(name) => {
                self.tell(UseKind::Variable, name, None, node.start, node.end);
            }
            Kind::Str(value) if has_dunder(value) => {
                self.tell(UseKind::Text, value, None, node.start, node.end);
            }
            Kind::Attribute(_, name) => {
                self.tell(UseKind::Attribute, name, None, node.start, node.end);
            }
            Kind::Item(_, keys) => {
                self.inner.extend(keys);
                for key in keys {
                    self.named(UseKind::Item, *key, node);
                }
            }
            Kind::Call(function, arguments) => self.call(*function, arguments, node),
            Kind::Filter(value, name, arguments) => {
                self.hide(arguments);
                if name != "join" {
                    self.inner.extend(*value);
                }
                self.tell(UseKind::Filter, name, None, node.start, node.end);
                if name == "attr"
                    && let Some(argument) = arguments.first()
                {
                    self.named(UseKind::Attribute, argument.value, node);
                }
                for argument in arguments
                    .iter()
                    .filter(|argument| argument.name == Some("attribute"))
                {
                    self.named(UseKind::Attribute, argument.value, node);
                }
                if name == "replace" && value.is_some_and(|value| self.origin(value).content) {
                    self.rewrites(arguments, node);
                }
            }
            Kind::Test(_, name, arguments) => {
                self.hide(arguments);
                self.tell(UseKind::Test, name, None, node.start, node.end);
            }
            Kind::Binary("==" | "!=" | "in" | "not in" | "<" | ">" | "<=" | ">=", left, right) => {
                self.inner.extend([*left, *right]);
            }
            _ => {}
        }
    }

    fn hide(&mut self, arguments: &[Argument<'a>]) {
        self.inner
            .extend(arguments.iter().map(|argument| argument.value));
    }

    fn call(&mut self, function: Id, arguments: &[Argument<'a>], node: &Node<'a>) {
        let syntax = self.syntax;
        match syntax.nodes.get(function).map(|node| &node.kind) {
            Some(Kind::Name(name)) => {
                if !self.own.contains(name) {
                    // Their strings are names, formats and messages.
                    self.hide(arguments);
                    self.tell(UseKind::Call, name, None, node.start, node.end);
                    if *name == "raise_exception"
                        && let Some(under) = self.under().filter(|under| under.is_telling())
                    {
                        let under = under.condition();
                        self.tell(
                            UseKind::Condition,
                            "it refuses to render",
                            under,
                            node.start,
                            node.end,
                        );
                    }
                }
                if matches!(*name, "getattr" | "setattr" | "hasattr")
                    && let Some(argument) = arguments.get(1)
                {
                    self.named(UseKind::Attribute, argument.value, node);
                }
                if *name == "strftime_now"
                    && let Some(known) = self.known.last_mut()
                {
                    known.origin.time = true;
                }
            }
            Some(Kind::Attribute(base, method)) => {
                if !matches!(*method, "append" | "extend") {
                    self.hide(arguments);
                }
                let name = [".", method].concat();
                self.tell(UseKind::Call, &name, None, node.start, node.end);
                if *method == "get"
                    && let Some(argument) = arguments.first()
                {
                    let content = self
                        .text(argument.value)
                        .is_some_and(|(text, _)| text.as_ref() == "content");
                    if content && let Some(known) = self.known.last_mut() {
                        known.origin.content = true;
                    }
                }
                if *method == "replace" && self.origin(*base).content {
                    self.rewrites(arguments, node);
                }
            }
            _ => self.hide(arguments),
        }
    }

    /// Words of a message are replaced by others.
    fn rewrites(&mut self, arguments: &[Argument<'a>], node: &Node<'a>) {
        let text = |at: usize| {
            let argument = arguments.get(at)?;
            self.text(argument.value).map(|(text, _)| text)
        };
        if let (Some(from), Some(to)) = (text(0), text(1))
            && flow::is_natural(&from)
        {
            let shown = |text: &str| text::escape(text.as_bytes(), 80);
            let what = format!("\"{}\" becomes \"{}\"", shown(&from), shown(&to));
            self.tell(
                UseKind::Condition,
                &what,
                Some("content".to_owned()),
                node.start,
                node.end,
            );
        }
    }
}

/// `__name__` somewhere in a string.
fn has_dunder(value: &str) -> bool {
    value.split("__").skip(1).any(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }) && value.matches("__").count() >= 2
}
