//! One JSON document, value by value.

use std::hash::{DefaultHasher, Hasher};

use modelward_schema::Why;

use crate::plain::Lines;
use crate::settings::{Level, Settings, Value};
use crate::wire::json::{Event, Events, Text};
use crate::{Input, Session};

/// Python's own reader gives up at about this depth.
const MAX_DEPTH: usize = 512;

/// Keys compared within one document; 16 bytes each.
const MAX_KEYS: usize = 4_000_000;

/// Duplicates told per document.
const MAX_DUPLICATES: u32 = 100;

/// Keys of the open objects, as hashes with their places.
#[derive(Debug, Default)]
struct Keys {
    seen: Vec<(u64, u64)>,
    /// Where each open object's keys start in `seen`.
    starts: Vec<usize>,
    told: u32,
    full: bool,
}

impl Keys {
    fn add(&mut self, key: &Text<'_>, at: u64) {
        if self.seen.len() >= MAX_KEYS {
            self.full = true;
            return;
        }
        let mut hasher = DefaultHasher::new();
        if key.escaped {
            hasher.write(key.decode().as_bytes());
        } else {
            hasher.write(key.raw);
        }
        self.seen.push((hasher.finish(), at));
    }

    fn close(&mut self, lines: &Lines<'_>, session: &mut Session<'_>) {
        let start = self.starts.pop().unwrap_or(0);
        if let Some(own) = self.seen.get_mut(start..) {
            own.sort_unstable();
        }
        let own = self.seen.get(start..).unwrap_or_default();
        for (first, second) in own.iter().zip(own.iter().skip(1)) {
            if first.0 == second.0 && self.told < MAX_DUPLICATES {
                self.told = self.told.saturating_add(1);
                session.anomaly(
                    "json-duplicate-key",
                    "a key occurs twice in one object, so two readers may take different values",
                    lines.at(usize::try_from(second.1).unwrap_or(0), 1),
                );
            }
        }
        self.seen.truncate(start);
    }
}

/// Reads from `from` and returns where the document ends, or where and why it
/// breaks.
pub(super) fn document(
    input: &Input<'_>,
    from: usize,
    lines: &Lines<'_>,
    session: &mut Session<'_>,
) -> Result<usize, (usize, &'static str)> {
    let source = input.bytes.get(from..).unwrap_or_default();
    let place = |offset: u64| from.saturating_add(usize::try_from(offset).unwrap_or(0));
    let mut events = Events::new(source);
    let mut settings = Settings::new(input.name());
    let mut way: Vec<Level<'_>> = Vec::new();
    let mut keys = Keys::default();
    let mut deep = false;
    while let Some(event) = events.next() {
        let token = event.map_err(|broken| (place(broken.at), broken.what))?;
        let start = place(token.start);
        let len = usize::try_from(token.len()).unwrap_or(0);
        let closes = matches!(token.event, Event::ObjectEnd | Event::ArrayEnd);
        if events.depth().saturating_add(usize::from(closes)) > MAX_DEPTH {
            if !deep {
                deep = true;
                session.anomaly(
                    "json-deeply-nested",
                    format!("values are nested more than {MAX_DEPTH} deep"),
                    lines.at(start, len),
                );
                session.gap(
                    Why::Limit,
                    "what is nested deeper is not read",
                    lines.at(start, len),
                );
            }
            continue;
        }
        match token.event {
            Event::Key(key) => {
                keys.add(&key, u64::try_from(start).unwrap_or(u64::MAX));
                if let Some(level) = way.last_mut() {
                    level.key = key.decode();
                }
            }
            Event::ObjectStart | Event::ArrayStart => {
                keys.starts.push(keys.seen.len());
                way.push(Level {
                    list: token.event == Event::ArrayStart,
                    ..Level::default()
                });
            }
            Event::ObjectEnd | Event::ArrayEnd => {
                keys.close(lines, session);
                way.pop();
                next_item(&mut way);
            }
            Event::String(text) => {
                let text = text.decode();
                let at = || lines.shown(start, len);
                settings.value(&way, Value::Text(&text), &at, session);
                if let Some(level) = way.last_mut()
                    && level.key == "name"
                {
                    level.name = Some(text);
                }
                next_item(&mut way);
            }
            Event::Bool(value) => {
                let at = || lines.shown(start, len);
                settings.value(&way, Value::Bool(value), &at, session);
                next_item(&mut way);
            }
            Event::Number(number) => {
                let at = || lines.shown(start, len);
                settings.value(&way, Value::Number(number), &at, session);
                next_item(&mut way);
            }
            Event::Null => next_item(&mut way),
        }
    }
    if keys.full {
        session.gap(
            Why::Limit,
            "more keys than are compared with each other",
            input.whole(),
        );
    }
    Ok(place(events.offset()))
}

/// A value of the innermost list is over.
fn next_item(way: &mut [Level<'_>]) {
    if let Some(level) = way.last_mut()
        && level.list
    {
        level.item = level.item.saturating_add(1);
    }
}
