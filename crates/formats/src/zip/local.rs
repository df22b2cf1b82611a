//! Local headers, the view of a reader that streams: it never sees the central
//! directory.

use super::directory::widen;
use crate::reader::{Reader, Truncated};

pub(super) const HEADER: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// Sizes and checksum stand behind the data.
pub(super) const DESCRIBED: u16 = 8;

#[derive(Debug, Clone)]
pub(super) struct Local<'a> {
    pub(super) at: u64,
    pub(super) name: &'a [u8],
    pub(super) extra: &'a [u8],
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    /// Where the data begin.
    pub(super) data: u64,
}

pub(super) fn read(bytes: &[u8], at: u64) -> Result<Local<'_>, Truncated> {
    let mut reader = Reader::at(bytes, at)?;
    if reader.array()? != HEADER {
        return Err(Truncated);
    }
    let _needed = reader.u16_le()?;
    let flags = reader.u16_le()?;
    let method = reader.u16_le()?;
    let _time = reader.u32_le()?;
    let crc = reader.u32_le()?;
    let mut packed = u64::from(reader.u32_le()?);
    let mut size = u64::from(reader.u32_le()?);
    let name_len = u64::from(reader.u16_le()?);
    let extra_len = u64::from(reader.u16_le()?);
    let name = reader.take(name_len)?;
    let extra = reader.take(extra_len)?;
    widen(extra, [&mut size, &mut packed]);
    Ok(Local {
        at,
        name,
        extra,
        flags,
        method,
        crc,
        packed,
        size,
        data: reader.position(),
    })
}

/// What stands behind the data: checksum, packed size, size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descriptor {
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) len: u64,
}

/// A descriptor at `at`, with or without its signature, 32 or 64 bits wide.
/// Nothing tells which; the one that repeats both sizes is taken, else the one
/// that repeats the `packed` size, and without a signature no other.
pub(super) fn descriptor(bytes: &[u8], at: u64, packed: u64, size: u64) -> Option<Descriptor> {
    let marked = Reader::at(bytes, at).ok()?.array().ok()? == DESCRIPTOR;
    let start = if marked { at.checked_add(4)? } else { at };
    let read = |wide: bool| {
        let mut reader = Reader::at(bytes, start).ok()?;
        let crc = reader.u32_le().ok()?;
        let [packed, size] = if wide {
            [reader.u64_le().ok()?, reader.u64_le().ok()?]
        } else {
            [
                u64::from(reader.u32_le().ok()?),
                u64::from(reader.u32_le().ok()?),
            ]
        };
        Some(Descriptor {
            crc,
            packed,
            size,
            len: reader.position().saturating_sub(at),
        })
    };
    let both = [read(false), read(true)];
    let mut told = both.iter().flatten();
    let whole = |told: &&Descriptor| told.packed == packed && told.size == size;
    let half = |told: &&Descriptor| told.packed == packed;
    let fitting = told.clone().find(whole).or_else(|| told.find(half));
    fitting
        .copied()
        .or_else(|| if marked { read(false) } else { None })
}

/// The first local header from `from` on, before `to`.
pub(super) fn next(bytes: &[u8], from: u64, to: u64) -> Option<u64> {
    let region = bytes.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)?;
    let place = memchr::memmem::find(region, &HEADER)?;
    from.checked_add(u64::try_from(place).ok()?)
}

/// Where the data of a streamed, stored entry end: at the next signature.
pub(super) fn next_signature(bytes: &[u8], from: u64) -> Option<u64> {
    let from = usize::try_from(from).ok()?;
    let rest = bytes.get(from..)?;
    memchr::memmem::find_iter(rest, b"PK")
        .find(|place| {
            matches!(
                rest.get(place.saturating_add(2)..place.saturating_add(4)),
                Some([1, 2] | [3, 4] | [5 | 6, 6] | [7, 8])
            )
        })
        .and_then(|place| u64::try_from(from.saturating_add(place)).ok())
}
