//! The central directory, the view that most loaders take.

use crate::reader::{Reader, Truncated};

const RECORD: [u8; 4] = *b"PK\x01\x02";
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";
/// The end record without its comment, and with the longest one.
const END_LEN: usize = 22;
const END_REACH: usize = END_LEN + 0xffff;
const LOCATOR64_LEN: u64 = 20;

/// The record that a reader finds first from the end.
#[derive(Debug, Clone, Default)]
pub(super) struct End<'a> {
    pub(super) at: u64,
    pub(super) entries: u64,
    pub(super) size: u64,
    /// Where the directory is said to begin.
    pub(super) offset: u64,
    pub(super) comment: &'a [u8],
    /// Where the comment is said to end.
    pub(super) stop: u64,
    /// Place and length of the 64-bit end record, when there is one.
    pub(super) wide: Option<(u64, u64)>,
    /// What the 64-bit record says otherwise than the end record.
    pub(super) contradiction: Option<(String, String)>,
}

/// One entry, as the directory describes it.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// Place of the record itself.
    pub(super) at: u64,
    pub(super) name: &'a [u8],
    pub(super) made_by: u16,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    /// Place of the local header.
    pub(super) local: u64,
    pub(super) attributes: u32,
    pub(super) extra: &'a [u8],
    pub(super) comment: &'a [u8],
    /// The 64-bit fields are missing although the 32-bit ones refer to them.
    pub(super) wide_missing: bool,
}

/// Places of all end records in reach of a reader, the last one first.
pub(super) fn ends(bytes: &[u8]) -> Vec<u64> {
    let from = bytes.len().saturating_sub(END_REACH);
    let tail = bytes.get(from..).unwrap_or_default();
    let mut found: Vec<u64> = memchr::memmem::rfind_iter(tail, &END)
        .filter(|place| tail.len().saturating_sub(*place) >= END_LEN)
        .filter_map(|place| u64::try_from(from.saturating_add(place)).ok())
        .take(64)
        .collect();
    found.dedup();
    found
}

pub(super) fn read_end(bytes: &[u8], at: u64) -> Result<End<'_>, Truncated> {
    let mut reader = Reader::at(bytes, at)?;
    reader.skip(4)?;
    let _disks = reader.u32_le()?;
    let _on_disk = reader.u16_le()?;
    let entries = reader.u16_le()?;
    let size = reader.u32_le()?;
    let offset = reader.u32_le()?;
    let comment_len = u64::from(reader.u16_le()?);
    let stop = reader.position().saturating_add(comment_len);
    let comment = reader.take(comment_len).unwrap_or(reader.rest());
    let mut end = End {
        at,
        entries: u64::from(entries),
        size: u64::from(size),
        offset: u64::from(offset),
        comment,
        stop,
        ..End::default()
    };
    if let Some(wide) = read_wide(bytes, at) {
        end.wide = Some(wide.place);
        let narrow = [end.entries, end.size, end.offset];
        let limits = [0xffff, 0xffff_ffff, 0xffff_ffff];
        let told = [wide.entries, wide.size, wide.offset];
        let lies = (narrow.iter().zip(limits).zip(told))
            .any(|((narrow, limit), wide)| *narrow != limit && *narrow != wide);
        if lies {
            end.contradiction = Some((format!("{narrow:?}"), format!("{told:?}")));
        }
        // CPython and miniz both take the 64-bit record whenever it is there.
        [end.entries, end.size, end.offset] = told;
    }
    Ok(end)
}

struct Wide {
    place: (u64, u64),
    entries: u64,
    size: u64,
    offset: u64,
}

fn read_wide(bytes: &[u8], end: u64) -> Option<Wide> {
    let locator = end.checked_sub(LOCATOR64_LEN)?;
    let mut reader = Reader::at(bytes, locator).ok()?;
    if reader.array().ok()? != LOCATOR64 {
        return None;
    }
    reader.skip(4).ok()?;
    let said = reader.u64_le().ok()?;
    // Bytes before the archive move the record away from where it is said to be.
    let assumed = locator.checked_sub(56);
    let at = [Some(said), assumed]
        .into_iter()
        .flatten()
        .find(|at| Reader::at(bytes, *at).and_then(|mut r| r.array()) == Ok(END64))?;
    let mut reader = Reader::at(bytes, at).ok()?;
    reader.skip(4).ok()?;
    let len = reader.u64_le().ok()?.saturating_add(12);
    reader.skip(12).ok()?;
    let _on_disk = reader.u64_le().ok()?;
    let entries = reader.u64_le().ok()?;
    let size = reader.u64_le().ok()?;
    let offset = reader.u64_le().ok()?;
    Some(Wide {
        place: (at, len.min(locator.saturating_sub(at))),
        entries,
        size,
        offset,
    })
}

/// How far the bytes of the archive stand behind where its offsets say: bytes
/// before it move everything, unless the writer counted them in.
pub(super) fn base(bytes: &[u8], end: &End<'_>) -> Vec<u64> {
    let edge = end.wide.map_or(end.at, |(at, _)| at);
    let moved = edge.saturating_sub(end.size).saturating_sub(end.offset);
    let mut bases: Vec<u64> = [0, moved]
        .into_iter()
        .filter(|base| {
            end.entries == 0 && end.size == 0
                || Reader::at(bytes, end.offset.saturating_add(*base)).and_then(|mut r| r.array())
                    == Ok(RECORD)
        })
        .collect();
    bases.dedup();
    bases
}

/// The records from `start`, at most `most`, and where they stop.
pub(super) fn read_entries(
    bytes: &[u8],
    start: u64,
    base: u64,
    most: u64,
) -> (Vec<Entry<'_>>, u64) {
    let mut entries = Vec::new();
    let Ok(mut reader) = Reader::at(bytes, start) else {
        return (entries, start);
    };
    let mut stop = start;
    let mut left = most;
    while left > 0 {
        let Ok(entry) = read_entry(&mut reader, base) else {
            break;
        };
        entries.push(entry);
        stop = reader.position();
        left = left.saturating_sub(1);
    }
    (entries, stop)
}

fn read_entry<'a>(reader: &mut Reader<'a>, base: u64) -> Result<Entry<'a>, Truncated> {
    let at = reader.position();
    if reader.array()? != RECORD {
        return Err(Truncated);
    }
    let made_by = reader.u16_le()?;
    let _needed = reader.u16_le()?;
    let flags = reader.u16_le()?;
    let method = reader.u16_le()?;
    let _time = reader.u32_le()?;
    let crc = reader.u32_le()?;
    let mut packed = u64::from(reader.u32_le()?);
    let mut size = u64::from(reader.u32_le()?);
    let name_len = u64::from(reader.u16_le()?);
    let extra_len = u64::from(reader.u16_le()?);
    let comment_len = u64::from(reader.u16_le()?);
    reader.skip(4)?;
    let attributes = reader.u32_le()?;
    let mut local = u64::from(reader.u32_le()?);
    let name = reader.take(name_len)?;
    let extra = reader.take(extra_len)?;
    let comment = reader.take(comment_len)?;
    let wide_missing = !widen(extra, [&mut size, &mut packed, &mut local]);
    Ok(Entry {
        at,
        name,
        made_by,
        flags,
        method,
        crc,
        packed,
        size,
        local: local.saturating_add(base),
        attributes,
        extra,
        comment,
        wide_missing,
    })
}

/// Replaces fields that are all ones by those of the ZIP64 extra field; false
/// when one is asked for and not there.
pub(super) fn widen<const N: usize>(extra: &[u8], fields: [&mut u64; N]) -> bool {
    if fields.iter().all(|field| **field != 0xffff_ffff) {
        return true;
    }
    let Some(body) = extras(extra).find_map(|(id, body)| (id == 1).then_some(body)) else {
        return false;
    };
    let mut reader = Reader::new(body);
    for field in fields {
        if *field == 0xffff_ffff {
            match reader.u64_le() {
                Ok(wide) => *field = wide,
                Err(Truncated) => return false,
            }
        }
    }
    true
}

/// The extra fields: id and body.
pub(super) fn extras(extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut reader = Reader::new(extra);
    std::iter::from_fn(move || {
        let id = reader.u16_le().ok()?;
        let len = u64::from(reader.u16_le().ok()?);
        Some((id, reader.take(len).ok()?))
    })
}
