//! The JSON header, read event by event so that what a map would merge or drop
//! stays visible.

use std::collections::BTreeSet;

use modelward_schema::{Span, Why};

use super::dtype;
use crate::wire::json::{Broken, Event, Events, Token};
use crate::{Input, Session, embedded, text};

/// Where the header stands in the file.
const START: u64 = 8;
/// Dimensions kept of one tensor.
const MAX_RANK: usize = 64;
/// A single value of metadata above this is no description any more.
const LONG_VALUE: u64 = 1 << 20;

/// One tensor as the header tells it.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: String,
    /// Bits of one element, when the type is known.
    pub(super) bits: Option<u64>,
    pub(super) shape: Vec<u64>,
    /// Product of the shape; none when it does not fit in 64 bits.
    pub(super) elements: Option<u64>,
    /// Relative to the end of the header.
    pub(super) start: u64,
    pub(super) end: u64,
    /// Where the header says so.
    pub(super) said: (u64, u64),
}

pub(super) fn read(input: &Input<'_>, header: &[u8], session: &mut Session<'_>) -> Vec<Entry> {
    if header.first() != Some(&b'{') {
        session.anomaly(
            "safetensors-header-start",
            "the header does not start with `{`, as the format demands",
            input.at(START, 1),
        );
    }
    if let Err(error) = std::str::from_utf8(header) {
        let at = u64::try_from(error.valid_up_to()).unwrap_or(u64::MAX);
        session.anomaly(
            "safetensors-header-not-utf8",
            "the header is not UTF-8, which strict readers refuse",
            input.at(START.saturating_add(at), 1),
        );
    }
    let bom = header.starts_with(b"\xef\xbb\xbf");
    let skipped = if bom { 3 } else { 0 };
    let mut reading = Reading {
        input,
        base: START.saturating_add(skipped),
        events: Events::new(if bom {
            header.get(3..).unwrap_or_default()
        } else {
            header
        }),
        entries: Vec::new(),
        session,
    };
    if let Err(broken) = reading.entries() {
        let at = input.at(reading.base.saturating_add(broken.at), 1);
        reading.session.anomaly(
            "safetensors-header-broken",
            format!("the header is not JSON: {}", broken.what),
            at.clone(),
        );
        reading
            .session
            .gap(Why::Malformed, "the header breaks off", at);
    }
    reading.check_tail();
    reading.entries
}

struct Reading<'a, 'i, 's, 'l> {
    input: &'a Input<'i>,
    /// Offset in the file of the first byte that `events` reads.
    base: u64,
    events: Events<'a>,
    entries: Vec<Entry>,
    session: &'s mut Session<'l>,
}

impl<'a> Reading<'a, '_, '_, '_> {
    fn next(&mut self) -> Result<Token<'a>, Broken> {
        let end = Broken {
            what: "it ends inside a value",
            at: self.events.offset(),
        };
        let token = self.events.next().unwrap_or(Err(end))?;
        if let Event::Key(text) | Event::String(text) = token.event
            && (text.control || text.has_bad_escape())
        {
            self.complain(
                "safetensors-text-odd",
                "a string of the header holds what strict readers refuse",
                &token,
            );
        }
        Ok(token)
    }

    fn span(&self, token: &Token<'_>) -> Span {
        Span::new(self.base.saturating_add(token.start), token.len())
    }

    fn complain(&mut self, id: &str, message: impl Into<String>, token: &Token<'_>) {
        let span = self.span(token);
        let at = self.input.at(span.start, span.len);
        self.session.anomaly(id, message, at);
    }

    /// The value has another shape than the format gives it; it is passed over.
    fn misshapen(&mut self, what: &str, token: &Token<'a>) -> Result<(), Broken> {
        self.complain("safetensors-header-shape", what, token);
        self.events.pass_over(token)
    }

    fn entries(&mut self) -> Result<(), Broken> {
        let top = self.next()?;
        if top.event != Event::ObjectStart {
            return self.misshapen("the header is not an object", &top);
        }
        let mut seen = BTreeSet::new();
        loop {
            let token = self.next()?;
            let Event::Key(key) = token.event else {
                return Ok(());
            };
            if self.entries.len() >= self.session.limits().facts {
                let at = self.input.at(self.span(&token).start, token.len());
                self.session
                    .gap(Why::Limit, "more tensors than the limit allows", at);
                return Ok(());
            }
            let name = key.decode().into_owned();
            let shown = text::cap(&text::escape(name.as_bytes(), 256), 300);
            if name == "__metadata__" {
                self.metadata()?;
            } else {
                self.tensor(shown.clone(), &token)?;
            }
            if !seen.insert(name) {
                self.complain(
                    "safetensors-duplicate-key",
                    format!("the header names {shown:?} twice"),
                    &token,
                );
            }
        }
    }

    fn metadata(&mut self) -> Result<(), Broken> {
        let top = self.next()?;
        if top.event != Event::ObjectStart {
            return self.misshapen("the metadata are not an object", &top);
        }
        let mut seen = BTreeSet::new();
        loop {
            let token = self.next()?;
            let Event::Key(key) = token.event else {
                return Ok(());
            };
            if seen.len() >= self.session.limits().facts {
                let at = self.input.at(self.span(&token).start, token.len());
                self.session
                    .gap(Why::Limit, "more metadata than the limit allows", at);
                while self.events.depth() > 1 {
                    self.next()?;
                }
                return Ok(());
            }
            let name = key.decode().into_owned();
            let shown = text::escape(name.as_bytes(), 256);
            let value = self.next()?;
            if let Event::String(found) = value.event {
                if value.len() > LONG_VALUE {
                    self.complain(
                        "safetensors-metadata-long",
                        format!("the metadata value {shown:?} is {} bytes long", value.len()),
                        &value,
                    );
                }
                let span = self.span(&value);
                embedded::read_text(self.session, self.input, &shown, &found.decode(), span);
            } else {
                self.complain(
                    "safetensors-metadata-not-text",
                    format!("the metadata value {shown:?} is not a string"),
                    &value,
                );
                self.odd_metadata(&shown, &value)?;
            }
            if !seen.insert(name) {
                self.complain(
                    "safetensors-duplicate-key",
                    format!("the metadata name {shown:?} twice"),
                    &token,
                );
            }
        }
    }

    /// Strings inside a value that should have been one.
    fn odd_metadata(&mut self, key: &str, value: &Token<'a>) -> Result<(), Broken> {
        if !matches!(value.event, Event::ObjectStart | Event::ArrayStart) {
            return Ok(());
        }
        let outside = self.events.depth().saturating_sub(1);
        while self.events.depth() > outside {
            let token = self.next()?;
            if let Event::String(found) = token.event {
                let span = self.span(&token);
                embedded::read_text(self.session, self.input, key, &found.decode(), span);
            }
        }
        Ok(())
    }

    fn tensor(&mut self, name: String, key: &Token<'a>) -> Result<(), Broken> {
        let top = self.next()?;
        if top.event != Event::ObjectStart {
            return self.misshapen("a tensor's entry is not an object", &top);
        }
        let mut entry = Entry {
            name,
            ..Entry::default()
        };
        let mut seen = [false; 3];
        let closed = loop {
            let token = self.next()?;
            let Event::Key(member) = token.event else {
                break token;
            };
            let which = match &*member.decode() {
                "dtype" => 0,
                "shape" => 1,
                "data_offsets" => 2,
                other => {
                    let shown = text::escape(other.as_bytes(), 64);
                    self.complain(
                        "safetensors-unknown-member",
                        format!(
                            "a tensor's entry has a member {shown:?} that the format does not know"
                        ),
                        &token,
                    );
                    let value = self.next()?;
                    self.events.pass_over(&value)?;
                    continue;
                }
            };
            if seen.get(which) == Some(&true) {
                self.complain(
                    "safetensors-duplicate-key",
                    format!("the entry of {:?} has a member twice", entry.name),
                    &token,
                );
            }
            if let Some(slot) = seen.get_mut(which) {
                *slot = true;
            }
            match which {
                0 => self.dtype(&mut entry)?,
                1 => self.shape(&mut entry)?,
                _ => self.offsets(&mut entry)?,
            }
        };
        entry.said = (
            self.base.saturating_add(key.start),
            closed.end.saturating_sub(key.start),
        );
        if seen.contains(&false) {
            self.complain(
                "safetensors-member-missing",
                format!(
                    "the entry of {:?} lacks dtype, shape or data_offsets",
                    entry.name
                ),
                key,
            );
        }
        self.entries.push(entry);
        Ok(())
    }

    fn dtype(&mut self, entry: &mut Entry) -> Result<(), Broken> {
        let value = self.next()?;
        let Event::String(written) = value.event else {
            return self.misshapen("a dtype is not a string", &value);
        };
        let written = written.decode();
        if let Some((name, bits)) = dtype::find(&written) {
            name.clone_into(&mut entry.dtype);
            entry.bits = Some(bits);
        } else {
            let shown = text::escape(written.as_bytes(), 64);
            self.complain(
                "safetensors-dtype-unknown",
                format!("{:?} has the unknown element type {shown:?}", entry.name),
                &value,
            );
            entry.dtype = shown.to_ascii_lowercase();
            entry.bits = None;
        }
        Ok(())
    }

    fn shape(&mut self, entry: &mut Entry) -> Result<(), Broken> {
        let top = self.next()?;
        if top.event != Event::ArrayStart {
            return self.misshapen("a shape is not a list", &top);
        }
        entry.shape.clear();
        entry.elements = Some(1);
        let mut rank = 0_usize;
        loop {
            let token = self.next()?;
            if token.event == Event::ArrayEnd {
                break;
            }
            let size = self.whole(&token, "a dimension")?;
            entry.elements = match (entry.elements, size) {
                (Some(product), Some(size)) => product.checked_mul(size),
                _ => None,
            };
            rank = rank.saturating_add(1);
            if rank <= MAX_RANK {
                entry.shape.push(size.unwrap_or(0));
            }
        }
        if rank > MAX_RANK {
            self.complain(
                "safetensors-rank",
                format!("{:?} has {rank} dimensions", entry.name),
                &top,
            );
        }
        if entry.elements.is_none() {
            self.complain(
                "safetensors-shape-overflow",
                format!(
                    "the number of elements of {:?} does not fit in 64 bits",
                    entry.name
                ),
                &top,
            );
        }
        Ok(())
    }

    fn offsets(&mut self, entry: &mut Entry) -> Result<(), Broken> {
        let top = self.next()?;
        if top.event != Event::ArrayStart {
            return self.misshapen("data_offsets is not a list", &top);
        }
        let mut count = 0_usize;
        loop {
            let token = self.next()?;
            if token.event == Event::ArrayEnd {
                break;
            }
            let offset = self.whole(&token, "an offset")?.unwrap_or(0);
            match count {
                0 => entry.start = offset,
                _ => entry.end = offset,
            }
            count = count.saturating_add(1);
        }
        if count != 2 {
            self.complain(
                "safetensors-header-shape",
                format!(
                    "data_offsets of {:?} has {count} items, not two",
                    entry.name
                ),
                &top,
            );
        }
        Ok(())
    }

    /// A number that is whole, not negative, and fits in 64 bits.
    fn whole(&mut self, token: &Token<'a>, what: &str) -> Result<Option<u64>, Broken> {
        if let Event::Number(word) = token.event {
            if let Ok(number) = word.parse() {
                return Ok(Some(number));
            }
            let shown = text::cap(word, 40);
            self.complain(
                "safetensors-number-odd",
                format!("{what} is {shown}, not a whole number of 64 bits"),
                token,
            );
            return Ok(None);
        }
        self.misshapen(&format!("{what} is not a number"), token)?;
        Ok(None)
    }

    /// Only spaces may follow the object.
    fn check_tail(&mut self) {
        let tail = self.events.rest();
        let used = tail.iter().take_while(|byte| **byte == b' ').count();
        let rest = tail.get(used..).unwrap_or_default();
        if rest.is_empty() || self.events.depth() > 0 {
            return;
        }
        let start = self
            .base
            .saturating_add(self.events.offset())
            .saturating_add(u64::try_from(used).unwrap_or(u64::MAX));
        let len = u64::try_from(rest.len()).unwrap_or(u64::MAX);
        self.session.anomaly(
            "safetensors-header-tail",
            format!("{len} bytes other than spaces follow the header's object"),
            self.input.at(start, len),
        );
        embedded::look_into(self.session, self.input, "header tail", rest, start);
    }
}
