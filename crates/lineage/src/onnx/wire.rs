//! Protocol buffers read from a place, without holding them: payloads are
//! skipped unless asked for.
//!
//! Follows the wire format of protobuf (varint, 64-bit, length-delimited,
//! 32-bit; groups are refused).

use crate::bytes::Bytes;

/// Fields in one file.
const FIELDS: u64 = 1 << 25;
const WINDOW: u64 = 1 << 16;
/// A payload kept in memory is never longer.
const TEXT: u64 = 16 << 20;

/// One field, and where its payload lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) number: u64,
    pub(super) wire: u8,
    /// Of a varint or fixed field.
    pub(super) value: u64,
    pub(super) start: u64,
    pub(super) len: u64,
}

impl Field {
    pub(super) fn end(self) -> u64 {
        self.start + self.len
    }
}

/// A file with the stretch that was read last.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    bytes: &'a dyn Bytes,
    window: Vec<u8>,
    at: u64,
    fields: u64,
    /// Bytes of texts and typed data that were kept.
    pub(super) kept: u64,
}

impl<'a> Stream<'a> {
    pub(super) fn new(bytes: &'a dyn Bytes) -> Self {
        Self {
            bytes,
            window: Vec::new(),
            at: 0,
            fields: 0,
            kept: 0,
        }
    }

    fn byte(&mut self, at: u64) -> Result<u8, String> {
        let held = at
            .checked_sub(self.at)
            .and_then(|offset| usize::try_from(offset).ok())
            .and_then(|offset| self.window.get(offset));
        if let Some(byte) = held {
            return Ok(*byte);
        }
        let len = self.bytes.len().saturating_sub(at).min(WINDOW);
        self.window
            .resize(usize::try_from(len).unwrap_or_default(), 0);
        self.at = at;
        self.bytes
            .read_at(at, &mut self.window)
            .map_err(|error| format!("it cannot be read: {error}"))?;
        self.window
            .first()
            .copied()
            .ok_or_else(|| "it ends early".to_owned())
    }

    pub(super) fn varint(&mut self, at: &mut u64, end: u64) -> Result<u64, String> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            if *at >= end {
                return Err("a number ends early".to_owned());
            }
            let byte = self.byte(*at)?;
            *at += 1;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number is longer than ten bytes".to_owned())
    }

    /// The field at `at`, which moves behind it; none at the end.
    pub(super) fn next(&mut self, at: &mut u64, end: u64) -> Result<Option<Field>, String> {
        if *at >= end {
            return Ok(None);
        }
        self.fields += 1;
        if self.fields > FIELDS {
            return Err("it has more fields than are read".to_owned());
        }
        let key = self.varint(at, end)?;
        let wire = (key & 7) as u8;
        let mut field = Field {
            number: key >> 3,
            wire,
            value: 0,
            start: *at,
            len: 0,
        };
        match wire {
            0 => field.value = self.varint(at, end)?,
            1 | 5 => {
                let width = if wire == 1 { 8 } else { 4 };
                if end - *at < width {
                    return Err("a number ends early".to_owned());
                }
                for shift in 0..width {
                    field.value |= u64::from(self.byte(*at)?) << (8 * shift);
                    *at += 1;
                }
            }
            2 => {
                field.len = self.varint(at, end)?;
                field.start = *at;
                *at = (*at)
                    .checked_add(field.len)
                    .filter(|after| *after <= end)
                    .ok_or("a field ends beyond its message")?;
            }
            _ => return Err("it has a group, which is not read".to_owned()),
        }
        Ok(Some(field))
    }

    pub(super) fn raw(&mut self, field: Field) -> Result<Vec<u8>, String> {
        self.kept = self.kept.saturating_add(field.len);
        if field.len > TEXT || self.kept > 4 * TEXT {
            return Err("its texts are larger than are read".to_owned());
        }
        let mut out = vec![0; usize::try_from(field.len).unwrap_or_default()];
        self.bytes
            .read_at(field.start, &mut out)
            .map_err(|error| format!("it cannot be read: {error}"))?;
        Ok(out)
    }

    pub(super) fn text(&mut self, field: Field) -> Result<String, String> {
        Ok(String::from_utf8_lossy(&self.raw(field)?).into_owned())
    }
}
