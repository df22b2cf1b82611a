//! Jinja source to tokens, as Jinja2's default environment splits it.
//!
//! Nothing is refused: a tag that does not end runs to the end of the source,
//! an unknown character is skipped.

use std::borrow::Cow;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Output text between tags.
    Text(&'a str),
    Comment,
    /// `{{` or `{%`, with or without a trim mark.
    Open(Tag),
    Close,
    Name(&'a str),
    /// Escapes resolved.
    Str(Cow<'a, str>),
    Number(&'a str),
    Op(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Output,
    Statement,
}

/// A token and its bytes.
#[derive(Debug, Clone)]
pub(super) struct Spanned<'a> {
    pub token: Token<'a>,
    pub start: usize,
    pub end: usize,
}

/// Longest first, so that the first that fits is the one.
const OPERATORS: [&str; 27] = [
    "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "|", "(", ")", "[", "]", "{",
    "}", ",", ".", ":", "<", ">", "=", "!", ";",
];

#[derive(Debug)]
pub(super) struct Lexer<'a> {
    source: &'a str,
    at: usize,
    inside: Option<Tag>,
    /// Inside `{% raw %}`.
    raw: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            at: 0,
            inside: None,
            raw: false,
        }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn token(&mut self, token: Token<'a>, len: usize) -> Spanned<'a> {
        let start = self.at;
        self.at = self.at.saturating_add(len);
        Spanned {
            token,
            start,
            end: self.at,
        }
    }

    fn outside(&mut self) -> Spanned<'a> {
        let rest = self.rest();
        if self.raw {
            self.raw = false;
            let len = end_of_raw(rest);
            if len > 0 {
                return self.token(Token::Text(rest.get(..len).unwrap_or_default()), len);
            }
        }
        if rest.starts_with("{#") {
            let len = rest
                .find("#}")
                .map_or(rest.len(), |at| at.saturating_add(2));
            return self.token(Token::Comment, len);
        }
        let tag = match rest.get(..2) {
            Some("{{") => Some(Tag::Output),
            Some("{%") => Some(Tag::Statement),
            _ => None,
        };
        if let Some(tag) = tag {
            let marked = matches!(rest.as_bytes().get(2), Some(b'-' | b'+'));
            self.inside = Some(tag);
            if tag == Tag::Statement {
                let name = rest.get(2..).unwrap_or_default();
                let name = name.trim_start_matches(['-', '+']).trim_start();
                self.raw = name
                    .strip_prefix("raw")
                    .is_some_and(|after| after.trim_start().starts_with(['%', '-', '+']));
            }
            return self.token(Token::Open(tag), if marked { 3 } else { 2 });
        }
        let len = text_len(rest);
        self.token(Token::Text(rest.get(..len).unwrap_or_default()), len)
    }

    fn inside(&mut self, tag: Tag) -> Option<Spanned<'a>> {
        loop {
            let rest = self.rest();
            let first = rest.chars().next()?;
            if first.is_whitespace() {
                self.at = self.at.saturating_add(first.len_utf8());
                continue;
            }
            let close = match tag {
                Tag::Output => "}}",
                Tag::Statement => "%}",
            };
            let unmarked = rest.strip_prefix(['-', '+']).unwrap_or(rest);
            if unmarked.starts_with(close) {
                self.inside = None;
                let mark = rest.len().saturating_sub(unmarked.len());
                return Some(self.token(Token::Close, mark.saturating_add(2)));
            }
            if first == '"' || first == '\'' {
                let (text, len) = string(rest, first);
                return Some(self.token(Token::Str(text), len));
            }
            if first.is_ascii_digit() {
                let len = rest
                    .bytes()
                    .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
                    .unwrap_or(rest.len());
                return Some(self.token(Token::Number(rest.get(..len).unwrap_or_default()), len));
            }
            if first.is_alphabetic() || first == '_' {
                let len = rest
                    .char_indices()
                    .find(|(_, character)| !(character.is_alphanumeric() || *character == '_'))
                    .map_or(rest.len(), |(at, _)| at);
                return Some(self.token(Token::Name(rest.get(..len).unwrap_or_default()), len));
            }
            if let Some(operator) = OPERATORS.iter().find(|op| rest.starts_with(**op)) {
                return Some(self.token(Token::Op(operator), operator.len()));
            }
            self.at = self.at.saturating_add(first.len_utf8());
        }
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Spanned<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.source.len() {
            return None;
        }
        match self.inside {
            Some(tag) => self.inside(tag),
            None => Some(self.outside()),
        }
    }
}

/// Up to the next tag.
fn text_len(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    memchr::memchr_iter(b'{', bytes)
        .find(|at| {
            let next = bytes.get(at.saturating_add(1));
            matches!(next, Some(b'{' | b'%' | b'#'))
        })
        .unwrap_or(rest.len())
}

/// Up to the `{% endraw %}` tag.
fn end_of_raw(rest: &str) -> usize {
    rest.match_indices("{%")
        .find(|(at, _)| {
            let inner = rest.get(at.saturating_add(2)..).unwrap_or_default();
            inner
                .trim_start_matches(['-', '+'])
                .trim_start()
                .starts_with("endraw")
        })
        .map_or(rest.len(), |(at, _)| at)
}

/// A quoted string with its escapes resolved, and its length with quotes.
fn string(rest: &str, quote: char) -> (Cow<'_, str>, usize) {
    let bytes = rest.as_bytes();
    let mark = u8::try_from(quote).unwrap_or(b'"');
    let mut at = 1_usize;
    let mut escaped = false;
    while let Some(found) = memchr::memchr2(mark, b'\\', bytes.get(at..).unwrap_or_default()) {
        at = at.saturating_add(found);
        if bytes.get(at) == Some(&mark) {
            let raw = rest.get(1..at).unwrap_or_default();
            let text = if escaped {
                Cow::Owned(unescape(raw))
            } else {
                Cow::Borrowed(raw)
            };
            return (text, at.saturating_add(1));
        }
        escaped = true;
        at = at.saturating_add(2);
    }
    let raw = rest.get(1..).unwrap_or_default();
    (Cow::Owned(unescape(raw)), rest.len())
}

/// Python's `unicode-escape`, as far as it spells characters.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (character, len) = escape(after);
        out.extend(character);
        rest = after.get(len..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What a backslash before `after` yields and how many bytes it takes; an
/// unknown escape keeps its backslash.
fn escape(after: &str) -> (Option<char>, usize) {
    let coded = |from: usize, len: usize, radix: u32| {
        let digits = after.get(from..from.saturating_add(len))?;
        char::from_u32(u32::from_str_radix(digits, radix).ok()?)
    };
    let Some(first) = after.chars().next() else {
        return (Some('\\'), 0);
    };
    let hex = |len: usize| match coded(1, len, 16) {
        Some(character) => (Some(character), len.saturating_add(1)),
        None => (Some('\\'), 0),
    };
    match first {
        'n' => (Some('\n'), 1),
        't' => (Some('\t'), 1),
        'r' => (Some('\r'), 1),
        '\n' => (None, 1),
        '\\' | '\'' | '"' => (Some(first), 1),
        'x' => hex(2),
        'u' => hex(4),
        'U' => hex(8),
        '0'..='7' => {
            let len = after
                .bytes()
                .take(3)
                .take_while(|byte| matches!(byte, b'0'..=b'7'))
                .count();
            (coded(0, len, 8), len)
        }
        _ => (Some('\\'), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> Vec<Token<'_>> {
        Lexer::new(source).map(|spanned| spanned.token).collect()
    }

    #[test]
    fn text_tags_and_comments_are_told_apart() {
        let seen = tokens("a{# {{ x }} #}{{- b.c -}}{% raw %}{{ d }}{% endraw %}");
        assert_eq!(seen[0], Token::Text("a"));
        assert_eq!(seen[1], Token::Comment);
        assert_eq!(seen[2], Token::Open(Tag::Output));
        assert_eq!(seen[4], Token::Op("."));
        assert!(seen.contains(&Token::Text("{{ d }}")));
    }

    #[test]
    fn strings_are_what_python_makes_of_them() {
        let text = |source| match &tokens(source)[1] {
            Token::Str(text) => text.clone().into_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(r"{{ '\x5f\137\u005f\'\d' }}"), "___'\\d");
        assert_eq!(text("{{ 'open"), "open");
    }

    #[test]
    fn broken_tags_run_to_the_end() {
        for source in [
            "{{",
            "{%",
            "{#",
            "{{ 'a",
            "{% raw %}",
            "{{ \u{1f600} §",
            "{{ a b c",
        ] {
            assert!(tokens(source).len() < 10);
        }
    }
}
