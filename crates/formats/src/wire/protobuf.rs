//! The protobuf wire format, field by field (protobuf.dev, *Encoding*).
//!
//! No schema: generated readers drop unknown fields and keep the last of a
//! field that stands twice, and both are places to hide in. Nothing is copied,
//! and nesting is the caller's business.

use crate::Reader;

/// Field numbers have 29 bits.
const MAX_NUMBER: u64 = (1 << 29) - 1;
/// Groups within a group that are still passed over.
const MAX_GROUPS: u32 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    /// A string, bytes, a message or packed numbers.
    Bytes(&'a [u8]),
    /// A group, which no schema of the last fifteen years has.
    Group,
    Fixed32([u8; 4]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
    /// Offset in the file of its tag.
    pub(crate) start: u64,
    /// Offset in the file of its value: of the content, for bytes.
    pub(crate) at: u64,
    pub(crate) len: u64,
}

/// Where and why reading stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) what: &'static str,
    pub(crate) at: u64,
}

/// The bytes of a message and their offset in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) base: u64,
}

impl<'a> Message<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, base: 0 }
    }

    pub(crate) fn fields(&self) -> Fields<'a> {
        Fields {
            reader: Reader::new(self.bytes),
            base: self.base,
            cut: None,
            failed: false,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }
}

impl<'a> Field<'a> {
    pub(crate) fn bytes(&self) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn message(&self) -> Option<Message<'a>> {
        let bytes = self.bytes()?;
        Some(Message {
            bytes,
            base: self.at,
        })
    }

    pub(crate) fn varint(&self) -> Option<u64> {
        match self.value {
            Value::Varint(number) => Some(number),
            _ => None,
        }
    }

    /// The varints of a field that may be packed.
    pub(crate) fn varints(&self) -> Varints<'a> {
        match self.value {
            Value::Varint(number) => Varints {
                one: Some(number),
                packed: Reader::new(&[]),
            },
            Value::Bytes(bytes) => Varints {
                one: None,
                packed: Reader::new(bytes),
            },
            _ => Varints {
                one: None,
                packed: Reader::new(&[]),
            },
        }
    }
}

/// A signed number as protobuf writes it: two's complement in 64 bits.
pub(crate) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

#[derive(Debug, Clone)]
pub(crate) struct Varints<'a> {
    one: Option<u64>,
    packed: Reader<'a>,
}

impl Iterator for Varints<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.one.take().or_else(|| self.packed.varint().ok())
    }
}

/// Fields in their order. One whose bytes are cut off is yielded with what is
/// there of it, then the error.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    reader: Reader<'a>,
    base: u64,
    cut: Option<Broken>,
    failed: bool,
}

impl<'a> Fields<'a> {
    fn offset(&self) -> u64 {
        self.base.saturating_add(self.reader.position())
    }

    fn broken<T>(&self, what: &'static str) -> Result<T, Broken> {
        Err(Broken {
            what,
            at: self.offset(),
        })
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        self.reader
            .varint()
            .or_else(|_| self.broken("a varint does not end"))
    }

    /// Number and wire type.
    fn tag(&mut self) -> Result<(u32, u64), Broken> {
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > MAX_NUMBER {
            return self.broken("a field's number is out of range");
        }
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        Ok((number, tag & 7))
    }

    fn field(&mut self) -> Result<Field<'a>, Broken> {
        let start = self.offset();
        let (number, wire) = self.tag()?;
        let mut at = self.offset();
        let value = match wire {
            0 => Value::Varint(self.varint()?),
            1 => match self.reader.array() {
                Ok(bytes) => Value::Fixed64(bytes),
                Err(_) => return self.broken("a number is cut off"),
            },
            2 => {
                let len = self.varint()?;
                at = self.offset();
                let bytes = if let Ok(bytes) = self.reader.take(len) {
                    bytes
                } else {
                    let rest = self.reader.rest();
                    let _ = self.reader.skip(self.reader.remaining());
                    self.cut = Some(Broken {
                        what: "a field is longer than the bytes around it",
                        at: start,
                    });
                    rest
                };
                Value::Bytes(bytes)
            }
            3 => {
                self.group()?;
                Value::Group
            }
            5 => match self.reader.array() {
                Ok(bytes) => Value::Fixed32(bytes),
                Err(_) => return self.broken("a number is cut off"),
            },
            4 => return self.broken("a group ends that did not begin"),
            _ => return self.broken("a wire type does not exist"),
        };
        Ok(Field {
            number,
            value,
            start,
            at,
            len: self.offset().saturating_sub(at),
        })
    }

    /// Passes over a group, and the groups in it, to its end.
    fn group(&mut self) -> Result<(), Broken> {
        let mut depth = 1_u32;
        while depth > 0 {
            let (_, wire) = self.tag()?;
            let skipped = match wire {
                0 => self.varint().map(|_| Ok(()))?,
                1 => self.reader.skip(8),
                2 => {
                    let len = self.varint()?;
                    self.reader.skip(len)
                }
                3 if depth < MAX_GROUPS => {
                    depth = depth.saturating_add(1);
                    Ok(())
                }
                4 => {
                    depth = depth.saturating_sub(1);
                    Ok(())
                }
                5 => self.reader.skip(4),
                _ => return self.broken("a group cannot be read"),
            };
            if skipped.is_err() {
                return self.broken("a group does not end");
            }
        }
        Ok(())
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        if let Some(broken) = self.cut.take() {
            self.failed = true;
            return Some(Err(broken));
        }
        if self.reader.is_empty() {
            return None;
        }
        let field = self.field();
        self.failed = field.is_err();
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Result<Field<'_>, Broken>> {
        Message::new(bytes).fields().collect()
    }

    #[test]
    fn every_wire_type_is_a_field_with_its_place() {
        let bytes = b"\x08\xac\x02\x12\x02hi\x1d\x01\0\0\0\x21\x02\0\0\0\0\0\0\0\x2b\x33\x34\x2c";
        let fields = all(bytes);
        let values: Vec<_> = fields
            .iter()
            .flatten()
            .map(|f| (f.number, f.value))
            .collect();
        assert_eq!(
            values,
            [
                (1, Value::Varint(300)),
                (2, Value::Bytes(b"hi")),
                (3, Value::Fixed32([1, 0, 0, 0])),
                (4, Value::Fixed64([2, 0, 0, 0, 0, 0, 0, 0])),
                (5, Value::Group),
            ]
        );
        let text = fields[1].unwrap();
        assert_eq!((text.start, text.at, text.len), (3, 5, 2));
    }

    #[test]
    fn a_field_that_is_cut_off_is_still_seen() {
        let fields = all(b"\x0a\x7fabc");
        assert_eq!(fields[0].unwrap().value, Value::Bytes(b"abc"));
        assert!(fields[1].is_err());
        assert_eq!(fields.len(), 2);
    }

    #[test]
    fn what_no_reader_takes_ends_the_reading() {
        for bytes in [
            &b"\x00"[..],
            b"\x0c",
            b"\x0e",
            b"\x0b",
            b"\x08",
            b"\x0d\0",
            b"\xff",
        ] {
            let fields = all(bytes);
            assert!(fields.len() == 1 && fields[0].is_err(), "{bytes:?}");
        }
        assert!(all(&[0x0b; 4000])[0].is_err());
    }

    #[test]
    fn packed_and_single_numbers_read_alike() {
        let numbers = |bytes| all(bytes)[0].unwrap().varints().collect::<Vec<_>>();
        assert_eq!(numbers(b"\x08\x05"), [5]);
        assert_eq!(numbers(b"\x0a\x03\x05\xac\x02"), [5, 300]);
        assert_eq!(signed(u64::MAX), -1);
    }
}
