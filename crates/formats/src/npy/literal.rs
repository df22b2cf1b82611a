//! The header's Python literal: parsed, never evaluated.

/// Deeper nesting than any data type has.
const DEPTH: u32 = 32;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Int(i128),
    Bool(bool),
    None,
    Tuple(Vec<Literal>),
    List(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

/// Why a header is no literal, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: usize,
    /// It goes on with a name or an operator, which only evaluation would read.
    pub(super) is_code: bool,
}

pub(super) fn parse(text: &[u8]) -> Result<Literal, Broken> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.blank();
    if parser.peek().is_some() {
        return Err(parser.broken());
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.step();
        }
    }

    fn eat(&mut self, wanted: u8) -> bool {
        self.blank();
        let found = self.peek() == Some(wanted);
        if found {
            self.step();
        }
        found
    }

    fn broken(&self) -> Broken {
        let next = self.peek();
        Broken {
            at: self.at,
            is_code: next.is_some_and(|b| b.is_ascii_alphabetic() || b"_.([+*-%@".contains(&b)),
        }
    }

    fn value(&mut self, depth: u32) -> Result<Literal, Broken> {
        if depth > DEPTH {
            return Err(self.broken());
        }
        let depth = depth.saturating_add(1);
        self.blank();
        match self.peek() {
            Some(b'\'' | b'"') => self.text().map(Literal::Text),
            Some(b'0'..=b'9' | b'-') => self.int(),
            Some(b'{') => self.dict(depth),
            Some(b'[') => self
                .items(b']', depth)
                .map(|(items, _)| Literal::List(items)),
            Some(b'(') => {
                let (mut items, comma) = self.items(b')', depth)?;
                // Parentheses alone make no tuple.
                match items.pop() {
                    Some(only) if items.is_empty() && !comma => Ok(only),
                    Some(last) => {
                        items.push(last);
                        Ok(Literal::Tuple(items))
                    }
                    None => Ok(Literal::Tuple(items)),
                }
            }
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Literal, Broken> {
        let words = [
            ("True", Literal::Bool(true)),
            ("False", Literal::Bool(false)),
            ("None", Literal::None),
        ];
        let rest = self.text.get(self.at..).unwrap_or_default();
        // A Python 2 header may mark its strings.
        if let [b'u' | b'b', b'\'' | b'"', ..] = rest {
            self.step();
            return self.text().map(Literal::Text);
        }
        for (word, value) in words {
            let after = rest.get(word.len());
            let ends = after.is_none_or(|b| !(b.is_ascii_alphanumeric() || *b == b'_'));
            if rest.starts_with(word.as_bytes()) && ends {
                self.at = self.at.saturating_add(word.len());
                return Ok(value);
            }
        }
        Err(self.broken())
    }

    fn text(&mut self) -> Result<String, Broken> {
        let quote = self.peek();
        self.step();
        let mut out = Vec::new();
        while let Some(byte) = self.peek() {
            self.step();
            if Some(byte) == quote {
                return Ok(String::from_utf8_lossy(&out).into_owned());
            }
            out.push(byte);
            if byte == b'\\' {
                out.extend(self.peek());
                self.step();
            }
        }
        Err(self.broken())
    }

    fn int(&mut self) -> Result<Literal, Broken> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.step();
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.step();
        }
        let digits = self.text.get(start..self.at).unwrap_or_default();
        let value = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok());
        // Python 2 wrote long integers as `3L`.
        if self.peek() == Some(b'L') {
            self.step();
        }
        value.map(Literal::Int).ok_or_else(|| self.broken())
    }

    /// Items up to `close`, and whether a comma followed the last one.
    fn items(&mut self, close: u8, depth: u32) -> Result<(Vec<Literal>, bool), Broken> {
        self.step();
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            if self.eat(close) {
                return Ok((items, comma));
            }
            if !items.is_empty() && !comma {
                return Err(self.broken());
            }
            items.push(self.value(depth)?);
            comma = self.eat(b',');
        }
    }

    fn dict(&mut self, depth: u32) -> Result<Literal, Broken> {
        self.step();
        let mut items = Vec::new();
        let mut comma = true;
        loop {
            if self.eat(b'}') {
                return Ok(Literal::Dict(items));
            }
            if !comma {
                return Err(self.broken());
            }
            let key = self.value(depth)?;
            if !self.eat(b':') {
                return Err(self.broken());
            }
            items.push((key, self.value(depth)?));
            comma = self.eat(b',');
        }
    }
}
