//! Flow style: `[a, b]` and `{a: b}`, over as many lines as it takes.

use super::{At, Entry, Node, Reader, Scalar, SyntaxFault, Value, is_gap};

impl Reader<'_> {
    /// The flow node that begins at `at`, and the place after it.
    pub(super) fn flow(&mut self, at: At, depth: usize) -> Result<(Node, At), SyntaxFault> {
        let text = self.rest(at);
        if text.starts_with('[') {
            return self.flow_sequence(at, depth);
        }
        if text.starts_with('{') {
            return self.flow_mapping(at, depth);
        }
        let (scalar, end) = self.flow_scalar(at)?;
        Ok((self.node(at, Value::Scalar(scalar))?, end))
    }

    fn flow_sequence(&mut self, start: At, depth: usize) -> Result<(Node, At), SyntaxFault> {
        let depth = self.deeper(start, depth)?;
        let mut items = Vec::new();
        let mut at = self.flow_skip(step(start), start)?;
        loop {
            if self.rest(at).starts_with(']') {
                return Ok((self.node(start, Value::Sequence(items))?, step(at)));
            }
            let (item, end) = self.flow(at, depth)?;
            let end = self.flow_skip(end, start)?;
            if self.rest(end).starts_with(':') {
                return self.fault(at, "a pair stands in a list; put it in braces");
            }
            items.push(item);
            at = self.flow_next(end, start, ']')?;
        }
    }

    fn flow_mapping(&mut self, start: At, depth: usize) -> Result<(Node, At), SyntaxFault> {
        let depth = self.deeper(start, depth)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut at = self.flow_skip(step(start), start)?;
        loop {
            if self.rest(at).starts_with('}') {
                return Ok((self.node(start, Value::Mapping(entries))?, step(at)));
            }
            let (key, end) = self.flow_scalar(at)?;
            if !seen.insert(key.text.clone()) {
                return self.fault(
                    at,
                    format!("key {:?} stands here a second time; keep one", key.text),
                );
            }
            let colon = self.flow_skip(end, start)?;
            if key.plain
                && self.rest(colon).starts_with(':')
                && !is_gap(self.rest(colon).chars().nth(1))
            {
                return self.fault(colon, "a space is missing after the colon; add it");
            }
            if colon.line > end.line && self.rest(colon).starts_with(':') {
                return self.fault(
                    colon,
                    "the colon stands on another line than its key; put it beside the key",
                );
            }
            let (value, end) = if self.rest(colon).starts_with(':') {
                let value_at = self.flow_skip(step(colon), start)?;
                if self.rest(value_at).starts_with([',', '}']) {
                    (self.null(value_at)?, value_at)
                } else {
                    self.flow(value_at, depth)?
                }
            } else {
                (self.null(colon)?, colon)
            };
            entries.push(Entry {
                key: key.text,
                key_at: self.mark(at),
                value,
            });
            let end = self.flow_skip(end, start)?;
            at = self.flow_next(end, start, '}')?;
        }
    }

    /// Over a comma to the next item, or to the closing bracket.
    fn flow_next(&self, at: At, start: At, close: char) -> Result<At, SyntaxFault> {
        let rest = self.rest(at);
        if rest.starts_with(',') {
            return self.flow_skip(step(at), start);
        }
        if rest.starts_with(close) {
            return Ok(at);
        }
        self.fault(
            at,
            format!("a comma or {close} is missing here; add it, or put the value in quotes"),
        )
    }

    /// Over spaces, line ends and comments.
    fn flow_skip(&self, from: At, start: At) -> Result<At, SyntaxFault> {
        let mut at = from;
        loop {
            let rest = self.rest(at);
            let text = rest.trim_start_matches([' ', '\t']);
            let byte = at
                .byte
                .saturating_add(rest.len().saturating_sub(text.len()));
            let comment = text.starts_with('#') && (byte > at.byte || byte == 0 || at.byte == 0);
            if !text.is_empty() && !comment {
                return Ok(At { byte, ..at });
            }
            let line = at.line.saturating_add(1);
            if line >= self.lines.len() {
                return self.fault(start, "a bracket is not closed; close it");
            }
            at = At { line, byte: 0 };
        }
    }

    fn flow_scalar(&mut self, at: At) -> Result<(Scalar, At), SyntaxFault> {
        let text = self.rest(at);
        if text.starts_with(['"', '\'']) {
            let (text, end) = self.quoted(at)?;
            return Ok((Scalar { text, plain: false }, end));
        }
        self.refuse_indicators(at)?;
        let mut start = text.chars();
        let lead = matches!(start.next(), Some('-' | '?' | '|' | '>'));
        if lead && (text.starts_with(['|', '>']) || !start.next().is_some_and(is_word)) {
            return self.fault(
                at,
                "a value inside brackets cannot begin so; put it in quotes",
            );
        }
        let mut end = text.len();
        let mut previous = ' ';
        for (byte, c) in text.char_indices() {
            let next = text
                .get(byte.saturating_add(c.len_utf8())..)
                .and_then(|rest| rest.chars().next());
            let colon =
                c == ':' && (is_gap(next) || matches!(next, Some(',' | '[' | ']' | '{' | '}')));
            let comment = c == '#' && (previous == ' ' || previous == '\t');
            if colon || comment || matches!(c, ',' | '[' | ']' | '{' | '}') {
                end = byte;
                break;
            }
            previous = c;
        }
        let plain = text.get(..end).unwrap_or("").trim_end();
        if plain.is_empty() {
            return self.fault(at, "a value is missing here; add it");
        }
        let byte = at.byte.saturating_add(plain.len());
        let scalar = Scalar {
            text: plain.to_owned(),
            plain: true,
        };
        Ok((scalar, At { byte, ..at }))
    }
}

/// What may follow a dash or question mark that is part of a word.
fn is_word(c: char) -> bool {
    !matches!(c, ' ' | '\t' | ',' | '[' | ']' | '{' | '}')
}

fn step(at: At) -> At {
    At {
        byte: at.byte.saturating_add(1),
        ..at
    }
}
