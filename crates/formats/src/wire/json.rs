//! JSON as a stream of events with byte offsets (RFC 8259).
//!
//! Duplicate keys, their order and their place stay visible, which a map would
//! lose. It accepts what widespread readers accept beyond the RFC (`NaN`,
//! `Infinity`, control characters in strings, which are flagged) and stops at
//! the first byte that none of them accepts. Nesting costs one byte a level,
//! never a stack frame; a consumer that minds depth asks [`Events::depth`].

use std::borrow::Cow;

/// What stands at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    /// A member's name; its value's events follow.
    Key(Text<'a>),
    String(Text<'a>),
    /// As written; also `NaN`, `Infinity` and `-Infinity`.
    Number(&'a str),
    Bool(bool),
    Null,
}

/// An event and its bytes, quotes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) event: Event<'a>,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Token<'_> {
    pub(crate) fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// A string between its quotes, escapes not yet resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    pub(crate) raw: &'a [u8],
    /// There is at least one backslash.
    pub(crate) escaped: bool,
    /// There is an unescaped control character, which strict readers refuse.
    pub(crate) control: bool,
}

/// Where and why reading stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) what: &'static str,
    pub(crate) at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// A value, or `]` of an array without items.
    ItemOrEnd,
    Key,
    /// A key, or `}` of an object without members.
    KeyOrEnd,
    CommaOrEnd,
    /// After the outermost value.
    Done,
}

/// The reader. It ends after the outermost value or after an error; see
/// [`Events::rest`] for what follows.
#[derive(Debug, Clone)]
pub(crate) struct Events<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Open containers; true for an object.
    open: Vec<bool>,
    next: Next,
    failed: bool,
}

impl<'a> Events<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            open: Vec::new(),
            next: Next::Value,
            failed: false,
        }
    }

    /// Containers open now.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Offset of the next unread byte.
    pub(crate) fn offset(&self) -> u64 {
        u64::try_from(self.position).unwrap_or(u64::MAX)
    }

    /// The unread bytes.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// Reads on until the container that `token` opened is closed. Nothing to
    /// do for any other token.
    pub(crate) fn pass_over(&mut self, token: &Token<'a>) -> Result<(), Broken> {
        if !matches!(token.event, Event::ObjectStart | Event::ArrayStart) {
            return Ok(());
        }
        let outside = self.depth().saturating_sub(1);
        while self.depth() > outside {
            match self.next() {
                Some(Ok(_)) => {}
                Some(Err(broken)) => return Err(broken),
                None => break,
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn advance(&mut self, by: usize) {
        self.position = self.position.saturating_add(by).min(self.bytes.len());
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.advance(1);
        }
    }

    fn broken<T>(&self, what: &'static str) -> Result<T, Broken> {
        Err(Broken {
            what,
            at: self.offset(),
        })
    }

    fn step(&mut self) -> Result<Option<Token<'a>>, Broken> {
        loop {
            self.skip_space();
            if self.next == Next::Done {
                return Ok(None);
            }
            let Some(byte) = self.peek() else {
                return self.broken("it ends inside a value");
            };
            match (self.next, byte) {
                (Next::CommaOrEnd, b',') => {
                    self.advance(1);
                    self.next = if self.open.last() == Some(&true) {
                        Next::Key
                    } else {
                        Next::Value
                    };
                }
                (Next::CommaOrEnd | Next::ItemOrEnd, b']') if self.open.last() == Some(&false) => {
                    return Ok(Some(self.close(Event::ArrayEnd)));
                }
                (Next::CommaOrEnd | Next::KeyOrEnd, b'}') if self.open.last() == Some(&true) => {
                    return Ok(Some(self.close(Event::ObjectEnd)));
                }
                (Next::CommaOrEnd, _) => return self.broken("a comma or an end is missing"),
                (Next::Key | Next::KeyOrEnd, b'"') => return self.key().map(Some),
                (Next::Key | Next::KeyOrEnd, _) => return self.broken("a key is missing"),
                (Next::Value | Next::ItemOrEnd, _) => return self.value(byte).map(Some),
                (Next::Done, _) => return Ok(None),
            }
        }
    }

    fn close(&mut self, event: Event<'a>) -> Token<'a> {
        let start = self.offset();
        self.advance(1);
        self.open.pop();
        self.after_value();
        Token {
            event,
            start,
            end: self.offset(),
        }
    }

    fn after_value(&mut self) {
        self.next = if self.open.is_empty() {
            Next::Done
        } else {
            Next::CommaOrEnd
        };
    }

    fn key(&mut self) -> Result<Token<'a>, Broken> {
        let start = self.offset();
        let text = self.string()?;
        let end = self.offset();
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.broken("a colon is missing");
        }
        self.advance(1);
        self.next = Next::Value;
        Ok(Token {
            event: Event::Key(text),
            start,
            end,
        })
    }

    fn value(&mut self, first: u8) -> Result<Token<'a>, Broken> {
        let start = self.offset();
        let event = match first {
            b'{' | b'[' => {
                self.advance(1);
                let object = first == b'{';
                self.open.push(object);
                self.next = if object {
                    Next::KeyOrEnd
                } else {
                    Next::ItemOrEnd
                };
                return Ok(Token {
                    event: if object {
                        Event::ObjectStart
                    } else {
                        Event::ArrayStart
                    },
                    start,
                    end: self.offset(),
                });
            }
            b'"' => Event::String(self.string()?),
            _ => self.word()?,
        };
        self.after_value();
        Ok(Token {
            event,
            start,
            end: self.offset(),
        })
    }

    /// From the opening quote past the closing one.
    fn string(&mut self) -> Result<Text<'a>, Broken> {
        self.advance(1);
        let rest = self.rest();
        let mut at = 0_usize;
        let mut escaped = false;
        let control;
        loop {
            let ahead = rest.get(at..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'"', b'\\', ahead) else {
                return self.broken("a string does not end");
            };
            at = at.saturating_add(found);
            if rest.get(at) == Some(&b'"') {
                let raw = rest.get(..at).unwrap_or_default();
                control = raw.iter().any(|byte| *byte < 0x20);
                self.advance(at.saturating_add(1));
                return Ok(Text {
                    raw,
                    escaped,
                    control,
                });
            }
            escaped = true;
            at = at.saturating_add(2);
        }
    }

    fn word(&mut self) -> Result<Event<'a>, Broken> {
        let rest = self.rest();
        let len = rest
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))
            .unwrap_or(rest.len());
        let word = std::str::from_utf8(rest.get(..len).unwrap_or_default()).unwrap_or_default();
        let event = match word {
            "true" => Event::Bool(true),
            "false" => Event::Bool(false),
            "null" => Event::Null,
            "NaN" | "Infinity" | "-Infinity" => Event::Number(word),
            _ if is_number(word) => Event::Number(word),
            _ => return self.broken("what stands here is not a value"),
        };
        self.advance(len);
        Ok(event)
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<Token<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        step.transpose()
    }
}

/// The RFC's grammar of numbers.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

impl<'a> Text<'a> {
    /// Some escape is unknown, cut short, or half of a surrogate pair.
    pub(crate) fn has_bad_escape(&self) -> bool {
        !self.resolve().1
    }

    /// The text that a reader gets. Lone surrogates, unknown escapes and
    /// invalid UTF-8 become U+FFFD.
    pub(crate) fn decode(&self) -> Cow<'a, str> {
        self.resolve().0
    }

    /// The text, and whether every escape in it is sound.
    fn resolve(&self) -> (Cow<'a, str>, bool) {
        if !self.escaped {
            return (String::from_utf8_lossy(self.raw), true);
        }
        let mut out = String::with_capacity(self.raw.len());
        let mut rest = self.raw;
        let mut sound = true;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            out.push_str(&String::from_utf8_lossy(rest.get(..at).unwrap_or_default()));
            let (character, used) = unescape(rest.get(at.saturating_add(1)..).unwrap_or_default());
            out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
            sound &= character.is_some();
            rest = rest
                .get(at.saturating_add(1).saturating_add(used)..)
                .unwrap_or_default();
        }
        out.push_str(&String::from_utf8_lossy(rest));
        (Cow::Owned(out), sound)
    }
}

/// The character of an escape, if it is sound, and its bytes after the
/// backslash.
fn unescape(rest: &[u8]) -> (Option<char>, usize) {
    let character = match rest.first() {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(rest),
        Some(byte) if byte.is_ascii() => return (None, 1),
        // Of a longer character only the first byte would be taken, so none is.
        None | Some(_) => return (None, 0),
    };
    (Some(character), 1)
}

/// `uXXXX`, or a surrogate pair of two of them.
fn unicode(rest: &[u8]) -> (Option<char>, usize) {
    let unit = |from: usize| -> Option<u32> {
        let digits = rest.get(from..from.checked_add(4)?)?;
        let text = std::str::from_utf8(digits).ok()?;
        text.bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(text, 16).ok())?
    };
    let Some(high) = unit(1) else {
        return (None, 1);
    };
    if let Some(character) = char::from_u32(high) {
        return (Some(character), 5);
    }
    let low = (rest.get(5..7) == Some(b"\\u"))
        .then(|| unit(7))
        .flatten()
        .filter(|low| (0xdc00..0xe000).contains(low));
    match low {
        Some(low) if high < 0xdc00 => {
            let code = 0x1_0000_u32
                .saturating_add((high & 0x3ff).checked_shl(10).unwrap_or(0))
                .saturating_add(low & 0x3ff);
            (char::from_u32(code), 11)
        }
        _ => (None, 5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Events::new(text.as_bytes())
            .map(|step| match step {
                Ok(token) => match token.event {
                    Event::ObjectStart => "{".to_owned(),
                    Event::ObjectEnd => "}".to_owned(),
                    Event::ArrayStart => "[".to_owned(),
                    Event::ArrayEnd => "]".to_owned(),
                    Event::Key(text) => format!("{}:", text.decode()),
                    Event::String(text) => format!("'{}'", text.decode()),
                    Event::Number(word) => word.to_owned(),
                    Event::Bool(value) => value.to_string(),
                    Event::Null => "null".to_owned(),
                },
                Err(broken) => format!("!{}", broken.at),
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn every_value_is_an_event_in_its_order() {
        assert_eq!(
            shown(r#" {"a": [1, -2.5e+3, "x"], "a": {}, "b": [], "c": null, "d": true} "#),
            "{ a: [ 1 -2.5e+3 'x' ] a: { } b: [ ] c: null d: true }"
        );
        assert_eq!(shown("NaN"), "NaN");
    }

    #[test]
    fn it_stops_where_no_reader_goes_on() {
        assert_eq!(shown("[1 2]"), "[ 1 !3");
        assert_eq!(shown("[1,]"), "[ 1 !3");
        assert_eq!(shown("{\"a\" 1}"), "{ !5");
        assert_eq!(shown("[01]"), "[ !1");
        assert_eq!(shown("[1}"), "[ 1 !2");
        assert_eq!(shown("\"abc\\"), "!1");
        assert_eq!(shown(""), "!0");
    }

    #[test]
    fn escapes_are_resolved_and_bad_ones_marked() {
        assert_eq!(shown(r#""\u0041\ud83d\ude00\n\/""#), "'A😀\n/'");
        assert_eq!(shown(r#""\ud83dx\q\u12""#), "'\u{fffd}x\u{fffd}\u{fffd}12'");
    }

    #[test]
    fn tokens_know_their_bytes_and_can_be_skipped() {
        let text = br#"{"k": [[1], 2], "l": 3} tail"#;
        let mut events = Events::new(text);
        events.next();
        events.next();
        let list = events.next().unwrap().unwrap();
        assert_eq!((list.start, events.depth()), (6, 2));
        events.pass_over(&list).unwrap();
        let key = events.next().unwrap().unwrap();
        assert_eq!((key.start, key.end, key.len()), (16, 19, 3));
        assert_eq!(events.by_ref().count(), 2);
        assert_eq!(events.rest(), b"tail");
    }

    #[test]
    fn a_million_levels_cost_no_stack() {
        let text = "[".repeat(1_000_000);
        let mut events = Events::new(text.as_bytes());
        assert_eq!(events.by_ref().flatten().count(), 1_000_000);
        assert_eq!(events.depth(), 1_000_000);
    }
}
