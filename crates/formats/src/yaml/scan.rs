//! YAML as events: keys, scalars, tags, anchors and aliases with their place.
//!
//! A scanner of YAML 1.1's shapes rather than a validating parser: indentation
//! and brackets give the way to each scalar. It never refuses; text that is
//! not YAML becomes scalars. One pass, no recursion, one stack entry per open
//! collection.

use std::borrow::Cow;

use self::text::{fold, unescape};

/// Collections within each other.
pub(super) const MAX_DEPTH: usize = 256;

/// Longest scalar that is put together from several lines.
const MAX_SCALAR: usize = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// A new document.
    Document,
    Directive(&'a str),
    /// A collection opens as the value of what stands before it.
    Open {
        list: bool,
    },
    Close,
    Key(Cow<'a, str>),
    /// A list's next item begins.
    Item,
    /// `quoted` scalars are always text.
    Scalar {
        text: Cow<'a, str>,
        quoted: bool,
    },
    Tag(&'a str),
    Anchor(&'a str),
    Alias(&'a str),
    /// Deeper than is followed.
    TooDeep,
}

/// A collection that is open.
#[derive(Debug)]
struct Open {
    list: bool,
    /// Column of a block collection; none inside brackets.
    column: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Scanner<'a> {
    source: &'a str,
    at: usize,
    open: Vec<Open>,
    /// The last key still waits for its value on this line.
    after_key: bool,
}

type Sink<'s, 'a> = &'s mut dyn FnMut(Event<'a>, usize, usize);

impl<'a> Scanner<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            at: 0,
            open: Vec::new(),
            after_key: false,
        }
    }

    /// Tells every event with its first and last byte.
    pub(super) fn run(mut self, sink: Sink<'_, 'a>) {
        sink(Event::Document, 0, 0);
        while self.at < self.source.len() {
            self.line(sink);
        }
        self.close_to(0, sink);
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn advance(&mut self, by: usize) {
        self.at = self.at.saturating_add(by);
    }

    fn in_flow(&self) -> bool {
        self.open.last().is_some_and(|open| open.column.is_none())
    }

    fn close_to(&mut self, len: usize, sink: Sink<'_, 'a>) {
        while self.open.len() > len {
            self.open.pop();
            sink(Event::Close, self.at, self.at);
        }
    }

    fn push(&mut self, list: bool, column: Option<usize>, sink: Sink<'_, 'a>) {
        if self.open.len() >= MAX_DEPTH {
            sink(Event::TooDeep, self.at, self.at);
            return;
        }
        self.open.push(Open { list, column });
        sink(Event::Open { list }, self.at, self.at);
    }

    /// Skips blanks; returns how many.
    fn blanks(&mut self) -> usize {
        let rest = self.rest();
        let len = rest
            .bytes()
            .position(|byte| !matches!(byte, b' ' | b'\t'))
            .unwrap_or(rest.len());
        self.advance(len);
        len
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        let len =
            memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |at| at.saturating_add(1));
        self.advance(len);
    }

    /// One line of block style, with whatever begins on it.
    fn line(&mut self, sink: Sink<'_, 'a>) {
        self.after_key = false;
        let start = self.at;
        let column = self.blanks();
        match self.peek() {
            None | Some(b'\n' | b'\r' | b'#') => return self.skip_line(),
            _ => {}
        }
        if column == 0 {
            let line = self.rest().lines().next().unwrap_or_default();
            if line.starts_with('%') {
                sink(
                    Event::Directive(line),
                    start,
                    start.saturating_add(line.len()),
                );
                return self.skip_line();
            }
            let marker = line.starts_with("---") || line.starts_with("...");
            if marker
                && line
                    .get(3..)
                    .is_none_or(|rest| rest.is_empty() || rest.starts_with([' ', '\r', '\t']))
            {
                self.close_to(0, sink);
                if line.starts_with("---") {
                    sink(Event::Document, start, start);
                }
                self.advance(3);
                self.blanks();
            }
        }
        let column = self.at.saturating_sub(start);
        self.block(start, column, sink);
    }

    /// What stands on a line from `column` on.
    fn block(&mut self, line: usize, mut column: usize, sink: Sink<'_, 'a>) {
        while self.is_item() {
            self.fit(column, true, sink);
            sink(Event::Item, self.at, self.at);
            self.advance(1);
            self.blanks();
            column = self.at.saturating_sub(line);
        }
        if self.rest().starts_with("? ") {
            self.advance(2);
            self.blanks();
            column = self.at.saturating_sub(line);
        }
        // Properties before a key belong to the mapping or the key alike.
        self.node(Some(column), sink);
        while self.in_flow() {
            self.flow(sink);
        }
        if self.after_key {
            self.blanks();
            self.node(None, sink);
            while self.in_flow() {
                self.flow(sink);
            }
        }
        if self.source.as_bytes().get(self.at.saturating_sub(1)) == Some(&b'\n') {
            return;
        }
        self.blanks();
        match self.peek() {
            Some(b'#' | b'\n' | b'\r') | None => self.skip_line(),
            // Something odd follows a complete value: read it as a line's start.
            Some(_) => {
                let before = self.at;
                self.node(None, sink);
                while self.in_flow() {
                    self.flow(sink);
                }
                if self.at == before {
                    self.skip_line();
                }
            }
        }
    }

    fn is_item(&self) -> bool {
        let rest = self.rest();
        rest.starts_with("- ")
            || rest.starts_with("-\t")
            || rest.starts_with("-\n")
            || rest.starts_with("-\r")
            || rest == "-"
    }

    /// Closes what the column ends and opens a collection there if none is.
    fn fit(&mut self, column: usize, list: bool, sink: Sink<'_, 'a>) {
        while let Some(top) = self.open.last() {
            let Some(at) = top.column else { break };
            // A list may stand at its key's own column.
            let ends = at > column || at == column && top.list && !list;
            if !ends {
                break;
            }
            self.open.pop();
            sink(Event::Close, self.at, self.at);
        }
        let fits = self
            .open
            .last()
            .is_some_and(|top| top.column == Some(column) && top.list == list);
        if !fits {
            self.push(list, Some(column), sink);
        }
    }

    /// Properties and a scalar, a key, or the opening of a bracket. `column`
    /// where a key may stand.
    fn node(&mut self, column: Option<usize>, sink: Sink<'_, 'a>) {
        self.after_key = false;
        let mut held: Vec<(Event<'a>, usize, usize)> = Vec::new();
        loop {
            let start = self.at;
            let event = match self.peek() {
                Some(b'!') => Event::Tag(self.word()),
                Some(b'&') => Event::Anchor(self.word().get(1..).unwrap_or_default()),
                Some(b'*') => Event::Alias(self.word().get(1..).unwrap_or_default()),
                _ => break,
            };
            held.push((event, start, self.at));
            self.blanks();
            if held.len() > 16 {
                break;
            }
        }
        let start = self.at;
        let quoted = matches!(self.peek(), Some(b'"' | b'\''));
        let text = match self.peek() {
            None | Some(b'\n' | b'\r' | b'#') => {
                tell(held, sink);
                return;
            }
            Some(open @ (b'[' | b'{')) => {
                tell(held, sink);
                self.advance(1);
                let before = self.open.len();
                self.push(open == b'[', None, sink);
                if self.open.len() == before {
                    self.skip_line();
                }
                return;
            }
            Some(b'|' | b'>') if !self.in_flow() => {
                tell(held, sink);
                let text = self.literal();
                sink(Event::Scalar { text, quoted: true }, start, self.at);
                return;
            }
            Some(b'"') => self.double(),
            Some(b'\'') => self.single(),
            Some(_) => Cow::Borrowed(self.plain(column.is_some())),
        };
        let end = self.at;
        let before_colon = self.at;
        self.blanks();
        if column.is_some() && self.is_colon() {
            if let Some(column) = column {
                self.fit(column, false, sink);
            }
            self.advance(1);
            tell(held, sink);
            sink(Event::Key(text), start, end);
            self.blanks();
            self.after_key = !matches!(self.peek(), None | Some(b'\n' | b'\r' | b'#'));
            return;
        }
        self.at = before_colon;
        tell(held, sink);
        let text = if quoted || self.in_flow() {
            text
        } else {
            self.continued(text)
        };
        sink(Event::Scalar { text, quoted }, start, end);
    }

    fn is_colon(&self) -> bool {
        let after = self.source.as_bytes().get(self.at.saturating_add(1));
        self.peek() == Some(b':') && matches!(after, None | Some(b' ' | b'\t' | b'\n' | b'\r'))
    }

    /// A tag, anchor or alias: up to a blank, or a bracket's mark inside one.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let flow = self.in_flow();
        let verbatim = rest.starts_with("!<");
        let len = rest
            .bytes()
            .position(|byte| {
                byte.is_ascii_whitespace()
                    || flow && !verbatim && matches!(byte, b',' | b']' | b'}' | b'[' | b'{')
            })
            .unwrap_or(rest.len());
        self.advance(len);
        rest.get(..len).unwrap_or_default()
    }

    /// A plain scalar's part on this line.
    fn plain(&mut self, key: bool) -> &'a str {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let flow = self.in_flow();
        let len = bytes
            .iter()
            .enumerate()
            .position(|(at, byte)| {
                let after = bytes.get(at.saturating_add(1));
                match byte {
                    b'\n' | b'\r' => true,
                    b':' => {
                        (key || flow)
                            && (matches!(after, None | Some(b' ' | b'\t' | b'\n' | b'\r'))
                                || flow && matches!(after, Some(b',' | b'[' | b']' | b'{' | b'}')))
                    }
                    b'#' => at > 0 && matches!(bytes.get(at.saturating_sub(1)), Some(b' ' | b'\t')),
                    b',' | b'[' | b']' | b'{' | b'}' => flow,
                    _ => false,
                }
            })
            .unwrap_or(rest.len());
        self.advance(len);
        rest.get(..len).unwrap_or_default().trim_end()
    }

    /// Lines that go on with a plain scalar: those further in than what it
    /// belongs to.
    fn continued(&mut self, first: Cow<'a, str>) -> Cow<'a, str> {
        let before = self.at;
        self.skip_line();
        let more = self.further_in();
        if more.trim().is_empty() {
            self.at = before;
            return first;
        }
        let mut out = first.into_owned();
        for line in more.lines() {
            if line.trim_start().starts_with('#') || out.len() > MAX_SCALAR {
                continue;
            }
            out.push(' ');
            out.push_str(line.trim());
        }
        Cow::Owned(out)
    }

    fn double(&mut self) -> Cow<'a, str> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut at = 1_usize;
        let mut plain = true;
        while let Some(found) =
            memchr::memchr3(b'"', b'\\', b'\n', bytes.get(at..).unwrap_or_default())
        {
            at = at.saturating_add(found);
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    plain = false;
                    at = at.saturating_add(2);
                }
                _ => {
                    plain = false;
                    at = at.saturating_add(1);
                }
            }
        }
        let closed = bytes.get(at) == Some(&b'"');
        let end = if closed { at } else { rest.len() };
        self.advance(if closed {
            at.saturating_add(1)
        } else {
            rest.len()
        });
        let raw = rest.get(1..end).unwrap_or_default();
        if plain {
            Cow::Borrowed(raw)
        } else {
            Cow::Owned(unescape(raw))
        }
    }

    fn single(&mut self) -> Cow<'a, str> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut at = 1_usize;
        while let Some(found) = memchr::memchr(b'\'', bytes.get(at..).unwrap_or_default()) {
            at = at.saturating_add(found);
            if bytes.get(at.saturating_add(1)) != Some(&b'\'') {
                break;
            }
            at = at.saturating_add(2);
        }
        let closed = bytes.get(at) == Some(&b'\'');
        let end = if closed { at } else { rest.len() };
        self.advance(if closed {
            at.saturating_add(1)
        } else {
            rest.len()
        });
        let raw = rest.get(1..end).unwrap_or_default();
        if raw.contains(['\'', '\n']) {
            Cow::Owned(fold(&raw.replace("''", "'")))
        } else {
            Cow::Borrowed(raw)
        }
    }

    /// A block scalar: the lines further in than what it belongs to.
    fn literal(&mut self) -> Cow<'a, str> {
        let folded = self.peek() == Some(b'>');
        self.skip_line();
        let lines = self.further_in();
        let first = lines
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        let indent = first
            .len()
            .saturating_sub(first.trim_start_matches(' ').len());
        let mut out = String::new();
        for line in lines.lines() {
            let cut = line
                .len()
                .saturating_sub(line.trim_start_matches(' ').len())
                .min(indent);
            out.push_str(line.get(cut..).unwrap_or_default());
            out.push(if folded { ' ' } else { '\n' });
            if out.len() > MAX_SCALAR {
                break;
            }
        }
        Cow::Owned(out)
    }

    /// Takes the blank lines and those that stand further in than the innermost
    /// block collection.
    fn further_in(&mut self) -> &'a str {
        let least = self
            .open
            .iter()
            .rev()
            .find_map(|open| open.column)
            .map_or(1, |column| column.saturating_add(1));
        let start = self.at;
        while self.at < self.source.len() {
            let rest = self.rest();
            let line = rest.split_inclusive('\n').next().unwrap_or_default();
            let text = line.trim_start_matches(' ');
            let indent = line.len().saturating_sub(text.len());
            if !text.trim().is_empty() && indent < least {
                break;
            }
            self.advance(line.len());
        }
        self.source.get(start..self.at).unwrap_or_default()
    }

    /// The next piece inside brackets.
    fn flow(&mut self, sink: Sink<'_, 'a>) {
        let rest = self.rest();
        let blank = rest
            .bytes()
            .position(|byte| !byte.is_ascii_whitespace())
            .unwrap_or(rest.len());
        self.advance(blank);
        let list = self.open.last().is_some_and(|open| open.list);
        match self.peek() {
            None => {
                let outside = self.open.iter().rposition(|open| open.column.is_some());
                self.close_to(outside.map_or(0, |at| at.saturating_add(1)), sink);
            }
            Some(b'#') => self.skip_line(),
            Some(b']' | b'}') => {
                let len = self.open.len().saturating_sub(1);
                self.advance(1);
                self.close_to(len, sink);
            }
            Some(b',') => {
                self.advance(1);
                if list {
                    sink(Event::Item, self.at, self.at);
                }
            }
            Some(b':') => self.advance(1),
            Some(b'?') if self.rest().starts_with("? ") => self.advance(2),
            Some(_) => {
                let before = self.at;
                // A key is a scalar that a colon follows.
                let mut events: Vec<(Event<'a>, usize, usize)> = Vec::new();
                let opened = self.open.len();
                {
                    let mut hold = |event, from, to| events.push((event, from, to));
                    self.node(None, &mut hold);
                }
                self.blanks();
                let key = self.open.len() == opened && self.peek() == Some(b':');
                for (event, from, to) in events {
                    match event {
                        Event::Scalar { text, .. } if key && !list => {
                            sink(Event::Key(text), from, to);
                        }
                        event => sink(event, from, to),
                    }
                }
                if self.at == before {
                    self.advance(1);
                    self.align();
                }
            }
        }
    }

    /// Moves on to the start of a character.
    fn align(&mut self) {
        while self.at < self.source.len() && !self.source.is_char_boundary(self.at) {
            self.advance(1);
        }
    }
}

fn tell<'a>(held: Vec<(Event<'a>, usize, usize)>, sink: Sink<'_, 'a>) {
    for (event, start, end) in held {
        sink(event, start, end);
    }
}

mod text;

#[cfg(test)]
mod tests;
