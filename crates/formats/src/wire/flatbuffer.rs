//! FlatBuffers (flatbuffers.dev, *Internals*): tables that point at each other
//! by offsets, read without generated code.
//!
//! Offsets may lead anywhere, also twice to the same place, so every read is
//! checked and paid for: the bytes handed out never exceed [`SHARING`] times
//! the file. What leads out of the file, or is more than that, marks the file
//! as broken and reads as absent.

use std::cell::Cell;

use crate::Reader;

/// Writers share vtables, strings and small vectors, but not without end.
const SHARING: u64 = 16;

/// A file, with what became of reading it.
#[derive(Debug)]
pub(crate) struct File<'a> {
    bytes: &'a [u8],
    /// The end of all that was read: what follows is no part of the file.
    end: Cell<u64>,
    broken: Cell<Option<u64>>,
    paid: Cell<u64>,
    spent: Cell<bool>,
}

impl<'a> File<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            end: Cell::new(0),
            broken: Cell::new(None),
            paid: Cell::new(0),
            spent: Cell::new(false),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.get()
    }

    /// Where the first offset that leads nowhere stands.
    pub(crate) fn broken(&self) -> Option<u64> {
        self.broken.get()
    }

    /// The same bytes were used more often than a writer would.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent.get()
    }

    pub(crate) fn root(&self) -> Option<Table<'a, '_>> {
        let at = self.number::<4>(0).map(u32::from_le_bytes)?;
        self.table(u64::from(at))
    }

    fn fail<T>(&self, at: u64) -> Option<T> {
        if self.broken.get().is_none() {
            self.broken.set(Some(at));
        }
        None
    }

    /// Bytes that count as read.
    pub(crate) fn take(&self, at: u64, len: u64) -> Option<&'a [u8]> {
        let taken = Reader::at(self.bytes, at).and_then(|mut reader| reader.take(len));
        let Ok(taken) = taken else {
            return self.fail(at);
        };
        self.end.set(self.end.get().max(at.saturating_add(len)));
        Some(taken)
    }

    fn pay(&self, len: u64) -> Option<()> {
        let paid = self.paid.get().saturating_add(len).saturating_add(4);
        if paid > self.len().saturating_mul(SHARING) {
            self.spent.set(true);
            return None;
        }
        self.paid.set(paid);
        Some(())
    }

    fn number<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let len = u64::try_from(N).ok()?;
        self.take(at, len)?.first_chunk().copied()
    }

    /// Follows an offset that stands at `at`.
    fn follow(&self, at: u64) -> Option<u64> {
        let offset = u32::from_le_bytes(self.number(at)?);
        if offset == 0 {
            return self.fail(at);
        }
        at.checked_add(u64::from(offset))
    }

    fn table(&self, at: u64) -> Option<Table<'a, '_>> {
        self.pay(8)?;
        let back = i64::from(i32::from_le_bytes(self.number(at)?));
        let vtable = i64::try_from(at).ok()?.checked_sub(back)?;
        let Ok(vtable) = u64::try_from(vtable) else {
            return self.fail(at);
        };
        let slots = u64::from(u16::from_le_bytes(self.number(vtable)?));
        let size = u64::from(u16::from_le_bytes(self.number(vtable.checked_add(2)?)?));
        self.take(vtable, slots.max(4))?;
        self.take(at, size.max(4))?;
        Some(Table {
            file: self,
            at,
            vtable,
            slots,
            size,
        })
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'a, 'f> {
    file: &'f File<'a>,
    /// Where it stands in the file.
    pub(crate) at: u64,
    vtable: u64,
    slots: u64,
    /// Bytes of its own fields.
    pub(crate) size: u64,
}

impl<'a, 'f> Table<'a, 'f> {
    /// Where a field stands; none when it has its default. `slot` is its place
    /// in the vtable.
    fn field(&self, slot: u16, width: u64) -> Option<u64> {
        let slot = u64::from(slot);
        if slot.saturating_add(2) > self.slots {
            return None;
        }
        let offset = u16::from_le_bytes(self.file.number(self.vtable.checked_add(slot)?)?);
        if offset == 0 {
            return None;
        }
        let end = u64::from(offset).saturating_add(width);
        if end > self.size {
            return self.file.fail(self.at);
        }
        self.at.checked_add(u64::from(offset))
    }

    fn number<const N: usize>(&self, slot: u16) -> Option<[u8; N]> {
        let at = self.field(slot, u64::try_from(N).ok()?)?;
        self.file.number(at)
    }

    pub(crate) fn u8(&self, slot: u16) -> Option<u8> {
        self.number::<1>(slot).map(|[byte]| byte)
    }

    pub(crate) fn i8(&self, slot: u16) -> Option<i8> {
        self.u8(slot).map(u8::cast_signed)
    }

    pub(crate) fn i16(&self, slot: u16) -> Option<i16> {
        self.number(slot).map(i16::from_le_bytes)
    }

    pub(crate) fn i32(&self, slot: u16) -> Option<i32> {
        self.number(slot).map(i32::from_le_bytes)
    }

    pub(crate) fn u32(&self, slot: u16) -> Option<u32> {
        self.number(slot).map(u32::from_le_bytes)
    }

    pub(crate) fn i64(&self, slot: u16) -> Option<i64> {
        self.number(slot).map(i64::from_le_bytes)
    }

    pub(crate) fn u64(&self, slot: u16) -> Option<u64> {
        self.number(slot).map(u64::from_le_bytes)
    }

    pub(crate) fn f32(&self, slot: u16) -> Option<f32> {
        self.number(slot).map(f32::from_le_bytes)
    }

    pub(crate) fn table(&self, slot: u16) -> Option<Table<'a, 'f>> {
        let at = self.file.follow(self.field(slot, 4)?)?;
        self.file.table(at)
    }

    /// A vector of elements of `width` bytes.
    pub(crate) fn vector(&self, slot: u16, width: u64) -> Option<Vector<'a>> {
        let at = self.file.follow(self.field(slot, 4)?)?;
        let count = u64::from(u32::from_le_bytes(self.file.number(at)?));
        let start = at.checked_add(4)?;
        let len = count.checked_mul(width)?;
        let bytes = self.file.take(start, len)?;
        Some(Vector { bytes, at: start })
    }

    /// A vector that is worked through, so it is paid for.
    fn paid(&self, slot: u16, width: u64) -> Option<Vector<'a>> {
        let vector = self.vector(slot, width)?;
        self.file.pay(vector.len())?;
        Some(vector)
    }

    pub(crate) fn text(&self, slot: u16) -> Option<&'a [u8]> {
        self.paid(slot, 1).map(|vector| vector.bytes)
    }

    pub(crate) fn tables(
        &self,
        slot: u16,
    ) -> impl Iterator<Item = Option<Table<'a, 'f>>> + use<'a, 'f> {
        let vector = self.paid(slot, 4);
        let file = self.file;
        let count = vector.map_or(0, |vector| vector.len() / 4);
        let start = vector.map_or(0, |vector| vector.at);
        (0..count).map(move |index| {
            let at = start.checked_add(index.checked_mul(4)?)?;
            file.table(file.follow(at)?)
        })
    }

    pub(crate) fn texts(&self, slot: u16) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a, 'f> {
        let vector = self.paid(slot, 4);
        let file = self.file;
        let count = vector.map_or(0, |vector| vector.len() / 4);
        let start = vector.map_or(0, |vector| vector.at);
        (0..count).map(move |index| {
            let at = file.follow(start.checked_add(index.checked_mul(4)?)?)?;
            let len = u64::from(u32::from_le_bytes(file.number(at)?));
            file.pay(len)?;
            file.take(at.checked_add(4)?, len)
        })
    }

    pub(crate) fn i32s(&self, slot: u16) -> Vec<i32> {
        let bytes = self.paid(slot, 4).map_or(&b""[..], |vector| vector.bytes);
        let numbers = bytes.as_chunks::<4>().0.iter();
        numbers.map(|number| i32::from_le_bytes(*number)).collect()
    }

    pub(crate) fn i64s(&self, slot: u16) -> Vec<i64> {
        let bytes = self.paid(slot, 8).map_or(&b""[..], |vector| vector.bytes);
        let numbers = bytes.as_chunks::<8>().0.iter();
        numbers.map(|number| i64::from_le_bytes(*number)).collect()
    }

    pub(crate) fn f32s(&self, slot: u16) -> Vec<f32> {
        let bytes = self.paid(slot, 4).map_or(&b""[..], |vector| vector.bytes);
        let numbers = bytes.as_chunks::<4>().0.iter();
        numbers.map(|number| f32::from_le_bytes(*number)).collect()
    }

    pub(crate) fn file(&self) -> &'f File<'a> {
        self.file
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Vector<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where its first element stands in the file.
    pub(crate) at: u64,
}

impl Vector<'_> {
    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with a number (slot 4), a text (slot 6) and tables (slot 8).
    fn sample() -> Vec<u8> {
        let mut out = vec![20, 0, 0, 0];
        out.extend([0; 4]);
        // vtable at 8: 10 bytes of slots, 16 of table
        out.extend([10, 0, 16, 0, 4, 0, 8, 0, 12, 0, 0, 0]);
        // table at 20
        out.extend(12_i32.to_le_bytes());
        out.extend(7_i32.to_le_bytes());
        out.extend(8_u32.to_le_bytes());
        out.extend(12_u32.to_le_bytes());
        // text at 36
        out.extend([2, 0, 0, 0, b'h', b'i', 0, 0]);
        // vector at 44, whose table is the first one again
        out.extend([1, 0, 0, 0]);
        out.extend((20_u32.wrapping_sub(48)).to_le_bytes());
        out
    }

    #[test]
    fn fields_are_found_through_the_vtable() {
        let bytes = sample();
        let file = File::new(&bytes);
        let root = file.root().unwrap();
        assert_eq!(root.i32(4), Some(7));
        assert_eq!(root.text(6), Some(&b"hi"[..]));
        assert_eq!(root.i32(10), None);
        assert_eq!(file.broken(), None);
        assert_eq!(root.tables(8).count(), 1);
        assert_eq!(file.end(), 52);
        // Offsets only lead forwards.
        assert!(root.tables(8).next().unwrap().is_none());
        assert_eq!(file.broken(), Some(0xffff_ffe4 + 48));
    }

    #[test]
    fn what_leads_out_of_the_file_reads_as_absent() {
        let mut bytes = sample();
        bytes[28..32].copy_from_slice(&u32::MAX.to_le_bytes());
        let file = File::new(&bytes);
        assert_eq!(file.root().unwrap().text(6), None);
        assert!(file.broken().is_some());
        assert!(File::new(b"\xff\xff\xff\xff").root().is_none());
        assert!(File::new(b"").root().is_none());
    }

    #[test]
    fn the_same_bytes_are_not_read_without_end() {
        let bytes = sample();
        let file = File::new(&bytes);
        let root = file.root().unwrap();
        let read = (0..10_000).filter(|_| root.text(6).is_some()).count();
        assert!(read < 1000 && file.is_spent());
    }
}
