//! Block style: structure by indentation.

use super::{At, Entry, Node, Reader, Scalar, SyntaxFault, Value, is_dash, is_gap, scalar};

pub(crate) fn read(text: &str) -> Result<Node, SyntaxFault> {
    let mut reader = Reader::new(text)?;
    let mut from = 0;
    if let Some(first) = reader.content(0)? {
        let text = reader.rest(first);
        if text.starts_with('%') {
            return reader.fault(first, "directives are not used here; remove the line");
        }
        if first.byte == 0 && (text == "---" || text.starts_with("--- ")) {
            let after = At { byte: 3, ..first };
            reader.end_of_line(after).or_else(|_| {
                reader.fault(after, "a value stands beside ---; put it on the next line")
            })?;
            from = first.line.saturating_add(1);
        }
    }
    let Some(at) = reader.content(from)?.filter(|at| !is_end(&reader, *at)) else {
        return reader.null(At { line: 0, byte: 0 });
    };
    if is_marker(&reader, at) {
        return reader.fault(at, "a second document begins; keep one");
    }
    let (node, next) = reader.block_node(at, 0, 0)?;
    if let Some(rest) = reader.content(next)? {
        if is_marker(&reader, rest) && !is_end(&reader, rest) {
            return reader.fault(rest, "a second document begins; keep one");
        }
        if !is_end(&reader, rest) {
            return reader.fault(rest, "this line fits nowhere; check its indentation");
        }
    }
    Ok(node)
}

fn is_end(reader: &Reader<'_>, at: At) -> bool {
    at.byte == 0 && reader.rest(at).trim_end() == "..."
}

/// A document's marker in the first column ends every block.
fn is_marker(reader: &Reader<'_>, at: At) -> bool {
    let text = reader.rest(at);
    at.byte == 0
        && (text.starts_with("---") || text.starts_with("..."))
        && is_gap(text.chars().nth(3))
}

impl Reader<'_> {
    /// The node that begins at `at`, whose lines are indented by `parent` or
    /// more, and the line after it.
    pub(super) fn block_node(
        &mut self,
        at: At,
        parent: usize,
        depth: usize,
    ) -> Result<(Node, usize), SyntaxFault> {
        let depth = self.deeper(at, depth)?;
        let text = self.rest(at);
        if is_dash(text) {
            return self.sequence(at, depth);
        }
        if text == "?" || text.starts_with("? ") {
            return self.fault(
                at,
                "a key of more than one word begins with ?; write it as key: value",
            );
        }
        if self.key(at)?.is_some() {
            return self.mapping(at, depth);
        }
        self.inline(at, parent, depth)
    }

    fn sequence(&mut self, start: At, depth: usize) -> Result<(Node, usize), SyntaxFault> {
        let mut items = Vec::new();
        let mut at = start;
        loop {
            let rest = self.rest(At {
                byte: at.byte.saturating_add(1),
                ..at
            });
            let text = rest.trim_start_matches([' ', '\t']);
            let byte = at
                .byte
                .saturating_add(1)
                .saturating_add(rest.len().saturating_sub(text.len()));
            let inner = At {
                line: at.line,
                byte,
            };
            let (item, next) = if text.is_empty() || text.starts_with('#') {
                self.below(
                    At {
                        byte: at.byte.saturating_add(1),
                        ..at
                    },
                    start.byte.saturating_add(1),
                    depth,
                )?
            } else {
                self.block_node(inner, start.byte.saturating_add(1), depth)?
            };
            items.push(item);
            match self.content(next)? {
                Some(found) if found.byte == start.byte && is_dash(self.rest(found)) => at = found,
                Some(found) if found.byte > start.byte => {
                    return self.fault(found, "this line fits nowhere; check its indentation");
                }
                _ => return Ok((self.node(start, Value::Sequence(items))?, next)),
            }
        }
    }

    fn mapping(&mut self, start: At, depth: usize) -> Result<(Node, usize), SyntaxFault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut at = start;
        loop {
            if is_dash(self.rest(at)) {
                return self.fault(at, "a list item stands among keys; check its indentation");
            }
            let Some((key, after)) = self.key(at)? else {
                return self.fault(at, "a key is expected here; write key: value");
            };
            if !seen.insert(key.clone()) {
                return self.fault(
                    at,
                    format!("key {key:?} stands here a second time; keep one"),
                );
            }
            let key_at = self.mark(at);
            let rest = self.rest(after);
            let text = rest.trim_start_matches([' ', '\t']);
            let byte = after
                .byte
                .saturating_add(rest.len().saturating_sub(text.len()));
            let inner = At { byte, ..after };
            let (value, next) = if text.is_empty() || text.starts_with('#') {
                self.value_below(after, start.byte, depth)?
            } else {
                if is_dash(text) {
                    return self.fault(
                        inner,
                        "a list begins beside its key; put it on the next line",
                    );
                }
                let depth = self.deeper(inner, depth)?;
                self.inline(inner, start.byte.saturating_add(1), depth)?
            };
            entries.push(Entry { key, key_at, value });
            match self.content(next)? {
                Some(found) if found.byte == start.byte && !is_marker(self, found) => at = found,
                Some(found) if found.byte > start.byte => {
                    return self.fault(found, "this line fits nowhere; check its indentation");
                }
                _ => return Ok((self.node(start, Value::Mapping(entries))?, next)),
            }
        }
    }

    /// A value that stands on the lines below its key; a list may stand as far
    /// left as the key.
    fn value_below(
        &mut self,
        at: At,
        indent: usize,
        depth: usize,
    ) -> Result<(Node, usize), SyntaxFault> {
        if let Some(found) = self.content(at.line.saturating_add(1))?
            && found.byte == indent
            && is_dash(self.rest(found))
            && !is_marker(self, found)
        {
            return self.block_node(found, indent, depth);
        }
        self.below(at, indent.saturating_add(1), depth)
    }

    fn below(&mut self, at: At, indent: usize, depth: usize) -> Result<(Node, usize), SyntaxFault> {
        let next = at.line.saturating_add(1);
        match self.content(next)? {
            Some(found) if found.byte >= indent && !is_marker(self, found) => {
                self.block_node(found, indent, depth)
            }
            _ => Ok((self.null(at)?, next)),
        }
    }

    /// A key at this place: its text, and the place after its colon.
    fn key(&self, at: At) -> Result<Option<(String, At)>, SyntaxFault> {
        let text = self.rest(at);
        let after = |len: usize| At {
            byte: at.byte.saturating_add(len),
            ..at
        };
        if text.starts_with(['"', '\'']) {
            let Some((key, len)) = scalar::quoted_on_one_line(text) else {
                return Ok(None);
            };
            let rest = text.get(len..).unwrap_or("");
            let colon = rest.trim_start_matches(' ');
            if !colon.starts_with(':') || !is_gap(colon.chars().nth(1)) {
                return Ok(None);
            }
            let skipped = rest.len().saturating_sub(colon.len());
            return Ok(Some((
                key,
                after(len.saturating_add(skipped).saturating_add(1)),
            )));
        }
        if text.starts_with(['[', '{', '|', '>', '#']) {
            return Ok(None);
        }
        self.refuse_indicators(at)?;
        let mut previous = ' ';
        for (byte, c) in text.char_indices() {
            if c == '#' && (previous == ' ' || previous == '\t') {
                return Ok(None);
            }
            if c == ':'
                && is_gap(
                    text.get(byte.saturating_add(1)..)
                        .and_then(|rest| rest.chars().next()),
                )
            {
                let key = text.get(..byte).unwrap_or("").trim_end().to_owned();
                if key.is_empty() {
                    return self.fault(at, "a key is missing before the colon; write key: value");
                }
                return Ok(Some((key, after(byte.saturating_add(1)))));
            }
            previous = c;
        }
        Ok(None)
    }

    /// A flow node or a scalar that begins at `at`; further lines of it are
    /// indented by at least `indent`. Returns it and the line after it.
    fn inline(
        &mut self,
        at: At,
        indent: usize,
        depth: usize,
    ) -> Result<(Node, usize), SyntaxFault> {
        let text = self.rest(at);
        if text.starts_with(['[', '{']) {
            let (node, end) = self.flow(at, depth)?;
            self.end_of_line(end)?;
            return Ok((node, end.line.saturating_add(1)));
        }
        if text.starts_with(['"', '\'']) {
            let (text, end) = self.quoted(at)?;
            self.end_of_line(end)?;
            let node = self.node(at, Value::Scalar(Scalar { text, plain: false }))?;
            return Ok((node, end.line.saturating_add(1)));
        }
        if text.starts_with(['|', '>']) {
            let (text, next) = self.block_scalar(at, indent)?;
            let node = self.node(at, Value::Scalar(Scalar { text, plain: false }))?;
            return Ok((node, next));
        }
        self.refuse_indicators(at)?;
        let (text, next) = self.plain(at, indent)?;
        let node = self.node(at, Value::Scalar(Scalar { text, plain: true }))?;
        Ok((node, next))
    }

    pub(super) fn refuse_indicators(&self, at: At) -> Result<(), SyntaxFault> {
        let text = self.rest(at);
        match text.chars().next() {
            Some('&' | '*') => self.fault(
                at,
                "anchors and aliases are not used here; write the value out, or put it in quotes",
            ),
            Some('!') => self.fault(at, "tags are not used here; put the value in quotes"),
            Some(c @ ('%' | '@' | '`')) => self.fault(
                at,
                format!("a value cannot begin with {c}; put it in quotes"),
            ),
            Some(c @ (']' | '}' | ',')) => self.fault(
                at,
                format!("{c} closes or separates nothing; put the value in quotes"),
            ),
            _ => Ok(()),
        }
    }
}
