//! The YAML that manifests and model cards are written in, with the line and
//! column of every node.
//!
//! A part of [YAML 1.2.2](https://yaml.org/spec/1.2.2/): one document of block
//! and flow mappings and sequences, plain, quoted and block scalars, comments.
//! Refused, each with its place: anchors, aliases and tags (so nothing can be
//! multiplied or instantiated), complex keys, directives, several documents,
//! tabs as indentation, a key twice in one mapping.

mod block;
mod flow;
mod scalar;
#[cfg(test)]
mod tests;

pub(crate) const MAX_BYTES: usize = 1 << 20;
pub(crate) const MAX_DEPTH: usize = 32;
pub(crate) const MAX_NODES: usize = 50_000;
/// Columns are counted in characters, so lines must not be endless.
pub(crate) const MAX_LINE: usize = 1 << 16;

/// 1-based; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub at: Mark,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub text: String,
    /// Unquoted: `true` is a boolean, `1.4` a number, nothing is null.
    pub plain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub key: String,
    pub key_at: Mark,
    pub value: Node,
}

/// The first thing that is not YAML as understood here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxFault {
    pub at: Mark,
    /// What, and after a semicolon what to do.
    pub message: String,
}

impl Node {
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(entries) => entries
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The text of a scalar that is not null.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
            _ => None,
        }
    }

    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }
}

impl Scalar {
    pub(crate) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self.text.as_str() {
            "true" | "True" | "TRUE" if self.plain => Some(true),
            "false" | "False" | "FALSE" if self.plain => Some(false),
            _ => None,
        }
    }

    /// What another reader would take for a number.
    pub(crate) fn is_number(&self) -> bool {
        let digits = self.text.strip_prefix(['+', '-']).unwrap_or(&self.text);
        self.plain
            && (digits.starts_with(|c: char| c.is_ascii_digit()) || digits.starts_with('.'))
            && (digits.parse::<f64>().is_ok()
                || digits.starts_with("0x")
                || digits.starts_with("0o"))
    }
}

/// Reads one document.
pub(crate) fn read(text: &str) -> Result<Node, SyntaxFault> {
    block::read(text)
}

/// One line of the text without its end.
#[derive(Debug)]
struct Line<'a> {
    text: &'a str,
    /// Leading spaces.
    indent: usize,
    number: u32,
}

/// A place in the text: line by index, column by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct At {
    line: usize,
    byte: usize,
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self, SyntaxFault> {
        let start = Mark { line: 1, column: 1 };
        if text.len() > MAX_BYTES {
            return Err(SyntaxFault {
                at: start,
                message: format!("it is longer than {MAX_BYTES} bytes; shorten it"),
            });
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines: Vec<Line<'_>> = text
            .split('\n')
            .zip(1_u32..)
            .map(|(line, number)| {
                let text = line.strip_suffix('\r').unwrap_or(line);
                Line {
                    text,
                    indent: text
                        .len()
                        .saturating_sub(text.trim_start_matches(' ').len()),
                    number,
                }
            })
            .collect();
        let reader = Self { lines, nodes: 0 };
        if let Some(line) = reader
            .lines
            .iter()
            .position(|line| line.text.len() > MAX_LINE)
        {
            let at = At { line, byte: 0 };
            return reader.fault(
                at,
                format!("this line is longer than {MAX_LINE} bytes; break it"),
            );
        }
        Ok(reader)
    }

    /// The text from a place to the end of its line.
    fn rest(&self, at: At) -> &'a str {
        self.lines
            .get(at.line)
            .and_then(|line| line.text.get(at.byte..))
            .unwrap_or("")
    }

    fn mark(&self, at: At) -> Mark {
        let Some(line) = self.lines.get(at.line) else {
            let line = self.lines.last().map_or(1, |line| line.number);
            return Mark { line, column: 1 };
        };
        let before = line
            .text
            .get(..at.byte)
            .unwrap_or(line.text)
            .chars()
            .count();
        Mark {
            line: line.number,
            column: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
        }
    }

    fn fault<T>(&self, at: At, message: impl Into<String>) -> Result<T, SyntaxFault> {
        Err(SyntaxFault {
            at: self.mark(at),
            message: message.into(),
        })
    }

    fn node(&mut self, at: At, value: Value) -> Result<Node, SyntaxFault> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return self.fault(
                at,
                format!("it has more than {MAX_NODES} values; shorten it"),
            );
        }
        Ok(Node {
            at: self.mark(at),
            value,
        })
    }

    fn null(&mut self, at: At) -> Result<Node, SyntaxFault> {
        let value = Value::Scalar(Scalar {
            text: String::new(),
            plain: true,
        });
        self.node(at, value)
    }

    fn deeper(&self, at: At, depth: usize) -> Result<usize, SyntaxFault> {
        if depth >= MAX_DEPTH {
            return self.fault(at, format!("it nests deeper than {MAX_DEPTH}; flatten it"));
        }
        Ok(depth.saturating_add(1))
    }

    /// The first place at or after a line that is neither blank nor comment.
    fn content(&self, from: usize) -> Result<Option<At>, SyntaxFault> {
        for (line, found) in self.lines.iter().enumerate().skip(from) {
            let text = found.text.get(found.indent..).unwrap_or("");
            let at = At {
                line,
                byte: found.indent,
            };
            if text.trim_start_matches(['\t', ' ']).is_empty() || text.starts_with('#') {
                continue;
            }
            if text.starts_with('\t') {
                return self.fault(at, "a tab indents this line; use spaces");
            }
            return Ok(Some(at));
        }
        Ok(None)
    }

    /// After a value, nothing but a comment may stand on its line.
    fn end_of_line(&self, at: At) -> Result<(), SyntaxFault> {
        let rest = self.rest(at);
        let text = rest.trim_start_matches([' ', '\t']);
        let spaced = text.len() < rest.len();
        if text.is_empty() || (text.starts_with('#') && (spaced || at.byte == 0)) {
            return Ok(());
        }
        let byte = at
            .byte
            .saturating_add(rest.len().saturating_sub(text.len()));
        self.fault(
            At { byte, ..at },
            "something follows the value; put the whole value in quotes",
        )
    }
}

/// `- ` or a lone `-`: an item of a block sequence.
fn is_dash(text: &str) -> bool {
    text == "-" || text.starts_with("- ") || text.starts_with("-\t")
}

fn is_gap(c: Option<char>) -> bool {
    c.is_none_or(|c| c == ' ' || c == '\t')
}
