//! 7z archives, which PyTorch files have been hidden in.
//! <https://py7zr.readthedocs.io/en/latest/archive_format.html>
//!
//! Copy, LZMA, LZMA2, deflate, bzip2, Zstandard, branch and delta filters are
//! unpacked. Encrypted folders, PPMd and BCJ2 leave a gap.

mod coders;
mod header;
#[cfg(test)]
mod tests;

use modelward_schema::{Location, ReferenceKind, Span, Why};

use self::coders::Sealed;
use self::header::{File, Folder, Header, Kind, Streams};
use crate::reader::{Reader, Truncated};
use crate::zip::names::{self, escapes, link_escapes};
use crate::{Fit, Format, Input, Member, Session};

pub(crate) static FORMAT: Format = Format {
    name: "sevenzip",
    identify,
    read,
};

const MAGIC: &[u8; 6] = b"7z\xbc\xaf\x27\x1c";
/// Length of the signature header, from whose end all places are counted.
const FRONT: u64 = 32;
/// A header may be packed, and then packed once more.
const LAYERS: u32 = 4;
const UNIX: u32 = 0x8000;

fn identify(input: &Input<'_>) -> Fit {
    if input.bytes.starts_with(MAGIC) {
        Fit::Yes
    } else {
        Fit::No
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let end = match front(input, session) {
        Ok(Some((at, len))) => {
            read_header(input, session, at, len);
            at.saturating_add(len)
        }
        // An archive without files has no header.
        Ok(None) => FRONT,
        Err(Truncated) => {
            broken(
                input,
                session,
                "sevenzip-truncated",
                "its header is cut off",
            );
            return;
        }
    };
    look_behind(input, session, end);
}

fn broken(input: &Input<'_>, session: &mut Session<'_>, id: &str, what: &str) {
    session.anomaly(id, what, input.whole());
    let why = if id == "sevenzip-truncated" {
        Why::Truncated
    } else {
        Why::Malformed
    };
    session.gap(why, what, input.whole());
}

/// Where the header stands, from the first 32 bytes.
fn front(input: &Input<'_>, session: &mut Session<'_>) -> Result<Option<(u64, u64)>, Truncated> {
    let mut reader = Reader::at(input.bytes, 8)?;
    let crc = reader.u32_le()?;
    let fields = reader.clone().take(20)?;
    if crc != crc32fast::hash(fields) {
        session.anomaly(
            "sevenzip-crc-differs",
            "the checksum of its first header is wrong",
            input.at(8, 4),
        );
    }
    let offset = reader.u64_le()?;
    let len = reader.u64_le()?;
    let header_crc = reader.u32_le()?;
    if len == 0 {
        return Ok(None);
    }
    let at = FRONT.checked_add(offset).ok_or(Truncated)?;
    let header = slice(input.bytes, at, len).ok_or(Truncated)?;
    if header_crc != crc32fast::hash(header) {
        session.anomaly(
            "sevenzip-crc-differs",
            "the checksum of its header is wrong",
            input.at(at, len),
        );
    }
    Ok(Some((at, len)))
}

fn read_header(input: &Input<'_>, session: &mut Session<'_>, at: u64, len: u64) {
    let mut kind = header::read(slice(input.bytes, at, len).unwrap_or_default());
    for _ in 0..LAYERS {
        match kind {
            Ok(Kind::Plain(header)) => {
                read_folders(input, session, &header);
                return;
            }
            Ok(Kind::Packed(streams)) => {
                let Some(unpacked) = unpack_header(input, session, &streams) else {
                    return;
                };
                kind = header::read(&unpacked);
                session.release(unpacked);
            }
            Err(Truncated) => break,
        }
    }
    broken(
        input,
        session,
        "sevenzip-header-malformed",
        "its header is malformed, or longer than the limit",
    );
}

fn unpack_header(
    input: &Input<'_>,
    session: &mut Session<'_>,
    streams: &Streams,
) -> Option<Vec<u8>> {
    let folder = streams.folders.first()?;
    let start = FRONT.saturating_add(streams.start);
    unpack(
        input,
        session,
        folder,
        start,
        streams.packed.first().copied()?,
    )
}

/// The content of a folder, or a gap.
fn unpack(
    input: &Input<'_>,
    session: &mut Session<'_>,
    folder: &Folder,
    start: u64,
    len: u64,
) -> Option<Vec<u8>> {
    let at = input.at(start, len);
    let Some(packed) = slice(input.bytes, start, len) else {
        broken(
            input,
            session,
            "sevenzip-truncated",
            "its packed data lie beyond the end",
        );
        return None;
    };
    match coders::open(folder, packed) {
        Ok(reader) => Some(session.expand_at(&at, len, reader)),
        Err(Sealed::Encrypted) => {
            session.anomaly("sevenzip-encrypted", "it is encrypted", at.clone());
            session.gap(Why::Encrypted, "it is encrypted", at);
            None
        }
        Err(Sealed::Unsupported(what)) => {
            let message = format!("it is packed with {what}, which is not read");
            session.anomaly("sevenzip-unknown-method", message.as_str(), at.clone());
            session.gap(Why::Unsupported, message, at);
            None
        }
        Err(Sealed::Malformed(what)) => Some(session.expand_at(&at, len, coders::failing(what))),
    }
}

fn read_folders(input: &Input<'_>, session: &mut Session<'_>, header: &Header) {
    report_names(input, session, &header.files);
    let mut files = header.files.iter().filter(|file| file.has_stream);
    let mut packed = header.streams.packed.iter();
    let mut start = FRONT.saturating_add(header.streams.start);
    for folder in &header.streams.folders {
        let mut len = 0_u64;
        let mut first = 0;
        for input in 0..folder.inputs {
            let Some(size) = packed.next() else { break };
            if input == 0 {
                first = *size;
            }
            len = len.saturating_add(*size);
        }
        let held: Vec<&File> = (&mut files).take(folder.sizes.len()).collect();
        if held.len() < folder.sizes.len() {
            session.anomaly(
                "sevenzip-count-differs",
                "it holds more streams than it names files",
                input.whole(),
            );
        }
        if session.is_exhausted() {
            session.gap_once(
                Why::Limit,
                "its members unpack to more than the limit",
                &input.whole(),
            );
            return;
        }
        if let Some(content) = unpack(input, session, folder, start, first) {
            hand_on(
                input,
                session,
                folder,
                &held,
                &content,
                Span::new(start, len),
            );
            session.release(content);
        }
        start = start.saturating_add(len);
    }
    if files.next().is_some() {
        session.anomaly(
            "sevenzip-count-differs",
            "it names more files than it holds streams",
            input.whole(),
        );
    }
}

fn hand_on(
    input: &Input<'_>,
    session: &mut Session<'_>,
    folder: &Folder,
    files: &[&File],
    content: &[u8],
    span: Span,
) {
    let at = input.at(span.start, span.len);
    let mut from = 0_u64;
    for (place, (size, crc)) in folder.sizes.iter().zip(&folder.crcs).enumerate() {
        let name = files
            .get(place)
            .map_or_else(|| format!("(stream {place})"), |file| file.name.clone());
        let whole = slice(content, from, *size);
        let rest = || {
            let left = u64::try_from(content.len())
                .unwrap_or(0)
                .saturating_sub(from);
            slice(content, from, left).unwrap_or_default()
        };
        let bytes = whole.unwrap_or_else(rest);
        if whole.is_some() && crc.is_some_and(|crc| crc != crc32fast::hash(bytes)) {
            session.anomaly(
                "sevenzip-crc-differs",
                format!("the checksum of `{name}` does not match its content"),
                at.clone(),
            );
        }
        let attributes = files.get(place).map_or(0, |file| file.attributes);
        if attributes & UNIX != 0 && attributes >> 28 == 0xa {
            link(session, &name, bytes, &at);
        } else {
            session.child(
                input,
                Member {
                    name: &name,
                    bytes,
                    span: Some(span),
                    reached: true,
                    inside: FORMAT.name,
                },
            );
        }
        from = from.saturating_add(*size);
    }
}

fn link(session: &mut Session<'_>, name: &str, content: &[u8], at: &Location) {
    let target = crate::text::escape(content, 1024);
    session.reference(ReferenceKind::Link, &target, at.clone());
    if link_escapes(name, &target) {
        session.anomaly(
            "sevenzip-link-escapes",
            format!("`{name}` is a link out of the archive, to `{target}`"),
            at.clone(),
        );
    }
}

fn report_names(input: &Input<'_>, session: &mut Session<'_>, files: &[File]) {
    let held: Vec<&str> = files
        .iter()
        .filter(|file| !file.is_folder)
        .map(|file| file.name.as_str())
        .collect();
    for (_, second) in names::twins(held.iter().copied()).same {
        session.anomaly(
            "sevenzip-duplicate-name",
            format!(
                "`{}` occurs more than once",
                held.get(second).copied().unwrap_or_default()
            ),
            input.whole(),
        );
    }
    for file in files {
        if let Some(how) = escapes(&file.name) {
            session.anomaly(
                "sevenzip-name-escapes",
                format!(
                    "the name `{}` leads out of the folder it is unpacked into: {how}",
                    file.name
                ),
                input.whole(),
            );
        }
    }
}

fn look_behind(input: &Input<'_>, session: &mut Session<'_>, end: u64) {
    let left = input.len().saturating_sub(end);
    let rest = slice(input.bytes, end, left).unwrap_or_default();
    crate::compressed::trailing(input, session, FORMAT.name, rest);
}

fn slice(bytes: &[u8], start: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    bytes.get(start..end)
}
