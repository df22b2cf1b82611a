//! Numbers and strings in the file's own byte order and width.

use crate::Reader;

pub(super) struct Cursor<'a> {
    reader: Reader<'a>,
    big: bool,
    /// Counts and lengths take eight bytes (since version 2), not four.
    wide: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(reader: Reader<'a>, big: bool, wide: bool) -> Self {
        Self { reader, big, wide }
    }

    pub(super) fn position(&self) -> u64 {
        self.reader.position()
    }

    pub(super) fn remaining(&self) -> u64 {
        self.reader.remaining()
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = self.reader.array::<N>().ok()?;
        if self.big {
            bytes.reverse();
        }
        Some(bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count or a length.
    pub(super) fn count(&mut self) -> Option<u64> {
        if self.wide {
            self.u64()
        } else {
            self.u32().map(u64::from)
        }
    }

    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let len = self.count()?;
        self.reader.take(len).ok()
    }

    pub(super) fn skip(&mut self, len: u64) -> Option<()> {
        self.reader.skip(len).ok()
    }
}
