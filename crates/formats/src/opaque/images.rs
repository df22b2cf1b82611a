//! Where a picture ends: what follows is no part of it.

use crate::reader::{Reader, Truncated};

/// The length of the picture; `None` when its end is not found.
pub(super) fn len(name: &str, bytes: &[u8]) -> Option<u64> {
    match name {
        "png" => png(bytes).ok(),
        "gif" => gif(bytes).ok(),
        "jpeg" => jpeg(bytes),
        "webp" | "wav" | "avi" => riff(bytes).ok(),
        _ => None,
    }
}

fn png(bytes: &[u8]) -> Result<u64, Truncated> {
    let mut reader = Reader::at(bytes, 8)?;
    loop {
        let len = u32::from_be_bytes(reader.array()?);
        let kind: [u8; 4] = reader.array()?;
        reader.skip(u64::from(len))?;
        reader.skip(4)?;
        if &kind == b"IEND" {
            return Ok(reader.position());
        }
    }
}

fn gif(bytes: &[u8]) -> Result<u64, Truncated> {
    let mut reader = Reader::at(bytes, 10)?;
    let flags = reader.u8()?;
    reader.skip(2)?;
    skip_colours(&mut reader, flags)?;
    loop {
        match reader.u8()? {
            0x3b => return Ok(reader.position()),
            0x21 => reader.skip(1)?,
            0x2c => {
                reader.skip(8)?;
                let flags = reader.u8()?;
                skip_colours(&mut reader, flags)?;
                reader.skip(1)?;
            }
            _ => return Err(Truncated),
        }
        loop {
            let len = reader.u8()?;
            if len == 0 {
                break;
            }
            reader.skip(u64::from(len))?;
        }
    }
}

fn skip_colours(reader: &mut Reader<'_>, flags: u8) -> Result<(), Truncated> {
    if flags & 0x80 == 0 {
        return Ok(());
    }
    let bits = u32::from(flags & 7).saturating_add(1);
    reader.skip(3_u64.checked_shl(bits).ok_or(Truncated)?)
}

/// The last end marker that no other segment follows directly: thumbnails hold
/// one too, so segments with a length are stepped over.
fn jpeg(bytes: &[u8]) -> Option<u64> {
    let mut reader = Reader::at(bytes, 2).ok()?;
    loop {
        if reader.u8().ok()? != 0xff {
            return None;
        }
        match reader.u8().ok()? {
            0xd9 => return Some(reader.position()),
            0x01 | 0xd0..=0xd7 => {}
            kind => {
                let len = u16::from_be_bytes(reader.array().ok()?);
                reader.skip(u64::from(len).checked_sub(2)?).ok()?;
                if kind == 0xda {
                    skip_scan(&mut reader)?;
                }
            }
        }
    }
}

/// Entropy-coded data go on until a marker that is none of their own.
fn skip_scan(reader: &mut Reader<'_>) -> Option<()> {
    let rest = reader.rest();
    let end = memchr::memchr_iter(0xff, rest).find(|place| {
        let next = place.checked_add(1).and_then(|next| rest.get(next));
        !matches!(next, None | Some(0 | 0xd0..=0xd7 | 0xff))
    })?;
    reader.skip(u64::try_from(end).ok()?).ok()
}

fn riff(bytes: &[u8]) -> Result<u64, Truncated> {
    let mut reader = Reader::at(bytes, 4)?;
    let len = u64::from(reader.u32_le()?);
    let end = len.saturating_add(8).saturating_add(len % 2);
    Ok(end)
}
