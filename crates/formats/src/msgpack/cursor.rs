//! One value after the other; containers say how many follow.

use crate::reader::{Reader, Truncated};

/// A value without what it contains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    /// Beyond `i64`.
    Wide(u64),
    Float(f64),
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    List(u64),
    Map(u64),
    /// Its kind, its content, and where that begins.
    Extension(i8, &'a [u8], u64),
}

#[derive(Debug)]
pub(super) struct Cursor<'a> {
    reader: Reader<'a>,
    /// Something was written in more bytes than it needs.
    pub(super) long: Option<u64>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(bytes),
            long: None,
        }
    }

    pub(super) fn position(&self) -> u64 {
        self.reader.position()
    }

    pub(super) fn remaining(&self) -> u64 {
        self.reader.remaining()
    }

    /// None at the end, at what is cut off, and at the one code that does not
    /// exist.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let at = self.position();
        let token = self.token().ok().flatten()?;
        if !self.is_shortest(at, token) {
            self.long.get_or_insert(at);
        }
        Some(token)
    }

    fn token(&mut self) -> Result<Option<Token<'a>>, Truncated> {
        let [code] = self.reader.array()?;
        Ok(Some(match code {
            0x00..=0x7f => Token::Int(i64::from(code)),
            0x80..=0x8f => Token::Map(u64::from(code & 0x0f)),
            0x90..=0x9f => Token::List(u64::from(code & 0x0f)),
            0xa0..=0xbf => Token::Text(self.reader.take(u64::from(code & 0x1f))?),
            0xc0 => Token::Nil,
            0xc1 => return Ok(None),
            0xc2 => Token::Bool(false),
            0xc3 => Token::Bool(true),
            0xc4 => self.sized(1).map(Token::Bytes)?,
            0xc5 => self.sized(2).map(Token::Bytes)?,
            0xc6 => self.sized(4).map(Token::Bytes)?,
            0xc7 => self.extension(1)?,
            0xc8 => self.extension(2)?,
            0xc9 => self.extension(4)?,
            0xca => Token::Float(f64::from(f32::from_be_bytes(self.reader.array()?))),
            0xcb => Token::Float(f64::from_be_bytes(self.reader.array()?)),
            0xcc..=0xcf => {
                let value = self.number(1_u32.checked_shl(u32::from(code & 3)).unwrap_or(1))?;
                i64::try_from(value).map_or(Token::Wide(value), Token::Int)
            }
            0xd0 => Token::Int(i64::from(i8::from_be_bytes(self.reader.array()?))),
            0xd1 => Token::Int(i64::from(i16::from_be_bytes(self.reader.array()?))),
            0xd2 => Token::Int(i64::from(i32::from_be_bytes(self.reader.array()?))),
            0xd3 => Token::Int(i64::from_be_bytes(self.reader.array()?)),
            0xd4..=0xd8 => {
                let len = 1_u64
                    .checked_shl(u32::from(code.saturating_sub(0xd4)))
                    .unwrap_or(1);
                self.extension_of(len)?
            }
            0xd9 => self.sized(1).map(Token::Text)?,
            0xda => self.sized(2).map(Token::Text)?,
            0xdb => self.sized(4).map(Token::Text)?,
            0xdc => Token::List(self.number(2)?),
            0xdd => Token::List(self.number(4)?),
            0xde => Token::Map(self.number(2)?),
            0xdf => Token::Map(self.number(4)?),
            0xe0..=0xff => Token::Int(i64::from(i8::from_be_bytes([code]))),
        }))
    }

    fn number(&mut self, width: u32) -> Result<u64, Truncated> {
        Ok(match width {
            1 => u64::from(u8::from_be_bytes(self.reader.array()?)),
            2 => u64::from(u16::from_be_bytes(self.reader.array()?)),
            4 => u64::from(u32::from_be_bytes(self.reader.array()?)),
            _ => u64::from_be_bytes(self.reader.array()?),
        })
    }

    fn sized(&mut self, width: u32) -> Result<&'a [u8], Truncated> {
        let len = self.number(width)?;
        self.reader.take(len)
    }

    fn extension(&mut self, width: u32) -> Result<Token<'a>, Truncated> {
        let len = self.number(width)?;
        self.extension_of(len)
    }

    fn extension_of(&mut self, len: u64) -> Result<Token<'a>, Truncated> {
        let kind = i8::from_be_bytes(self.reader.array()?);
        let start = self.position();
        Ok(Token::Extension(kind, self.reader.take(len)?, start))
    }

    /// Whether a packer would have written the same in fewer bytes.
    fn is_shortest(&self, at: u64, token: Token<'_>) -> bool {
        let used = self.position().saturating_sub(at);
        let head = |len: usize| used.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        let need = |len: usize| match len {
            0..=0xff => 2,
            0x100..=0xffff => 3,
            _ => 5,
        };
        match token {
            Token::Int(value) => {
                let shortest = match value {
                    -32..=127 => 1,
                    -128..=255 => 2,
                    -32768..=65535 => 3,
                    -2_147_483_648..=4_294_967_295 => 5,
                    _ => 9,
                };
                used <= shortest
            }
            Token::Text(text) if text.len() < 32 => head(text.len()) <= 1,
            Token::Text(text) => head(text.len()) <= need(text.len()),
            Token::Bytes(bytes) => head(bytes.len()) <= need(bytes.len()),
            Token::List(count) | Token::Map(count) => {
                let shortest = match count {
                    0..=15 => 1,
                    16..=0xffff => 3,
                    _ => 5,
                };
                used <= shortest
            }
            Token::Extension(_, content, _) => {
                let len = content.len();
                let fixed = matches!(len, 1 | 2 | 4 | 8 | 16);
                head(len)
                    <= if fixed {
                        2
                    } else {
                        need(len).saturating_add(1)
                    }
            }
            Token::Nil | Token::Bool(_) | Token::Float(_) | Token::Wide(_) => true,
        }
    }
}
