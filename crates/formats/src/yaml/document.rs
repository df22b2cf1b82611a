//! From events to facts.

use std::borrow::Cow;
use std::collections::HashMap;

use modelward_schema::{Code, Location, Term, Why};

use super::scan::{Event, Scanner};
use super::tags::Handles;
use crate::plain::{Lines, secret};
use crate::settings::{Level, Settings, Value};
use crate::{Input, Session, text};

/// Values that aliases may stand for, for each value written down.
const MAX_GROWTH: u64 = 1000;
const MAX_VALUES: u64 = 100_000;

/// Arguments kept per construction.
const MAX_ARGUMENTS: usize = 8;

/// A collection and what aliases make of it.
#[derive(Debug, Default)]
struct Weight<'a> {
    anchor: Option<&'a str>,
    /// Scalars in it once every alias is followed.
    values: u64,
}

#[derive(Debug)]
struct Reader<'a, 's, 'l, 'f> {
    settings: Settings<'f>,
    session: &'s mut Session<'l>,
    way: Vec<Level<'a>>,
    weights: Vec<Weight<'a>>,
    anchors: HashMap<&'a str, u64>,
    /// An anchor whose value comes next.
    anchor: Option<&'a str>,
    handles: Handles,
    /// A construction whose arguments are being read, and how deep it stands.
    building: Option<(Code, usize)>,
    written: u64,
    bomb: bool,
}

/// Reads YAML that starts `offset` bytes into the file.
pub(super) fn read(
    input: &Input<'_>,
    source: &str,
    offset: usize,
    lines: &Lines<'_>,
    session: &mut Session<'_>,
) {
    let mut reader = Reader {
        settings: Settings::new(input.name()),
        session,
        way: Vec::new(),
        weights: vec![Weight::default()],
        anchors: HashMap::new(),
        anchor: None,
        handles: Handles::default(),
        building: None,
        written: 0,
        bomb: false,
    };
    Scanner::new(source).run(&mut |event, start, end| {
        let at = |end: usize| {
            let len = end.saturating_sub(start);
            lines.shown(offset.saturating_add(start), len)
        };
        let line_end = || {
            let rest = source.get(start..).unwrap_or_default();
            start.saturating_add(rest.lines().next().map_or(0, str::len))
        };
        reader.event(event, &|| at(end), &|| at(line_end()));
    });
    reader.finish();
}

impl<'a> Reader<'a, '_, '_, '_> {
    fn event(&mut self, event: Event<'a>, at: &dyn Fn() -> Location, line: &dyn Fn() -> Location) {
        match event {
            Event::Document => {
                self.handles.forget();
                self.anchors.clear();
            }
            Event::Directive(directive) if directive.starts_with("%TAG") => {
                self.handles.declare(directive);
            }
            Event::Directive(_) => {}
            Event::Open { list } => {
                self.way.push(Level {
                    list,
                    ..Level::default()
                });
                self.weights.push(Weight {
                    anchor: self.anchor.take(),
                    values: 0,
                });
            }
            Event::Close => self.close(),
            Event::Key(key) => {
                self.built();
                self.anchor = None;
                if let Some(level) = self.way.last_mut() {
                    level.key = key;
                }
            }
            Event::Item => {
                self.built();
                if let Some(level) = self.way.last_mut() {
                    level.item = level.item.saturating_add(1);
                }
            }
            Event::Scalar { text, quoted } => self.scalar(text, quoted, at),
            Event::Tag(tag) => self.tag(tag, line),
            Event::Anchor(name) => self.anchor = Some(name),
            Event::Alias(name) => self.alias(name, at),
            Event::TooDeep => self.session.gap_once(
                Why::Limit,
                "collections are nested deeper than the limit",
                &at(),
            ),
        }
    }

    fn close(&mut self) {
        self.way.pop();
        self.built();
        if self.weights.len() > 1
            && let Some(weight) = self.weights.pop()
        {
            if let Some(anchor) = weight.anchor {
                self.anchors.insert(anchor, weight.values);
            }
            self.add(weight.values);
        }
    }

    fn add(&mut self, values: u64) {
        if let Some(outer) = self.weights.last_mut() {
            outer.values = outer.values.saturating_add(values);
        }
    }

    fn scalar(&mut self, text: Cow<'a, str>, quoted: bool, at: &dyn Fn() -> Location) {
        self.written = self.written.saturating_add(1);
        if let Some(anchor) = self.anchor.take() {
            self.anchors.insert(anchor, 1);
        }
        self.add(1);
        if let Some((code, _)) = &mut self.building
            && code.args.len() < MAX_ARGUMENTS
        {
            code.args.push(Term::Str {
                len: u64::try_from(text.len()).unwrap_or(u64::MAX),
                text: text::cap(&secret::redact(&text), 1024),
            });
        }
        let value = match text.as_ref() {
            "true" | "True" | "TRUE" | "yes" | "on" if !quoted => Value::Bool(true),
            "false" | "False" | "FALSE" | "no" | "off" if !quoted => Value::Bool(false),
            _ if !quoted && is_number(&text) => Value::Number(&text),
            _ => Value::Text(&text),
        };
        self.settings.value(&self.way, value, at, self.session);
        if let Some(level) = self.way.last_mut()
            && !level.list
            && level.key == "name"
        {
            level.name = Some(text);
        }
    }

    fn tag(&mut self, tag: &str, line: &dyn Fn() -> Location) {
        let Some(constructs) = self.handles.meaning(tag) else {
            return;
        };
        self.finish();
        let code = Code {
            via: constructs.via,
            action: constructs.action,
            target: constructs.target,
            written: Some(text::cap(&text::escape(tag.as_bytes(), 256), 256)),
            args: Vec::new(),
            kwargs: Vec::new(),
            computed: false,
            reached: true,
            count: 1,
            at: line(),
        };
        self.building = Some((code, self.way.len()));
    }

    /// Tells of a construction once the way leads out of it.
    fn built(&mut self) {
        if self
            .building
            .as_ref()
            .is_some_and(|(_, since)| self.way.len() <= *since)
        {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some((code, _)) = self.building.take() {
            self.session.code(code);
        }
    }

    fn alias(&mut self, name: &str, at: &dyn Fn() -> Location) {
        self.written = self.written.saturating_add(1);
        let open = self
            .weights
            .iter()
            .any(|weight| weight.anchor == Some(name));
        let values = self.anchors.get(name).copied().unwrap_or(1);
        self.add(values);
        if open && !self.bomb {
            self.bomb = true;
            self.session.anomaly(
                "yaml-alias-loop",
                format!(
                    "the alias {:?} stands inside what it repeats",
                    text::cap(name, 64)
                ),
                at(),
            );
            return;
        }
        let total = self
            .weights
            .iter()
            .map(|weight| weight.values)
            .fold(0, u64::saturating_add);
        let allowed = self.written.saturating_mul(MAX_GROWTH).max(MAX_VALUES);
        if total > allowed && !self.bomb {
            self.bomb = true;
            self.session.anomaly(
                "yaml-alias-bomb",
                format!(
                    "aliases turn {} values into more than {total}",
                    self.written
                ),
                at(),
            );
        }
    }
}

/// A plain decimal number, as the YAML core schema has it.
fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'))
        && text.parse::<f64>().is_ok()
}
