//! tar archives: V7, ustar, GNU and pax; the first PyTorch files were such.
//! <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html>
//!
//! Members are slices. What overrides a header is believed as loaders believe
//! it, and told when it contradicts the header.

mod header;
mod pax;
#[cfg(test)]
mod tests;

use modelward_schema::{ReferenceKind, Span, Why};

use self::header::{BLOCK, Header};
use self::pax::Overrides;
use crate::zip::names::{self, escapes, link_escapes, show};
use crate::{Fit, Format, Input, Member, Session};

pub(crate) static FORMAT: Format = Format {
    name: "tar",
    identify,
    read,
};

/// What the files of PyTorch 0.1 hold, besides `tensors`.
const TORCH: [&str; 3] = ["sys_info", "pickle", "storages"];

fn identify(input: &Input<'_>) -> Fit {
    if is_tar(input.bytes) {
        Fit::Yes
    } else {
        Fit::No
    }
}

pub(crate) fn is_tar(bytes: &[u8]) -> bool {
    bytes
        .get(..512)
        .is_some_and(|block| header::read(block).is_some())
}

#[derive(Debug)]
struct Entry {
    at: u64,
    header: Header,
    name: String,
    link: String,
    /// Where the data begin, and how long loaders take them to be.
    data: u64,
    size: u64,
    sparse: bool,
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let (entries, end) = collect(input, session);
    let is_torch = TORCH.iter().all(|name| {
        entries
            .iter()
            .any(|entry| entry.name.trim_start_matches("./") == *name)
    });
    let inside = if is_torch { "pytorch-tar" } else { FORMAT.name };
    session.name_format(FORMAT.name, inside);
    report_names(input, session, &entries);
    for entry in &entries {
        read_entry(input, session, entry, inside);
    }
    look_behind(input, session, end);
}

/// Walks the headers. Returns the entries and where the archive ends.
fn collect(input: &Input<'_>, session: &mut Session<'_>) -> (Vec<Entry>, u64) {
    let mut entries = Vec::new();
    let mut at = 0_u64;
    let mut global = Overrides::default();
    let mut next = Overrides::default();
    while let Some(block) = slice(input.bytes, at, BLOCK) {
        if block.iter().all(|byte| *byte == 0) {
            return (entries, at);
        }
        let Some(header) = header::read(block) else {
            session.anomaly(
                "tar-header-malformed",
                "a header block is none",
                input.at(at, BLOCK),
            );
            session.gap(
                Why::Malformed,
                "the archive breaks off at a malformed header",
                input.at(at, BLOCK),
            );
            return (entries, at);
        };
        if !header.sum_fits {
            session.anomaly(
                "tar-checksum-differs",
                format!(
                    "the header of `{}` has a wrong checksum",
                    show(&header.name)
                ),
                input.at(at, BLOCK),
            );
        }
        if u64::try_from(entries.len()).unwrap_or(u64::MAX) >= session.limits().members {
            session.gap(
                Why::Limit,
                "more members than the limit allows",
                input.whole(),
            );
            return (entries, at);
        }
        let data = at.saturating_add(BLOCK);
        let body = slice(input.bytes, data, header.size).unwrap_or_default();
        let size = match header.kind {
            b'x' | b'X' => {
                next.read(body);
                header.size
            }
            b'g' => {
                global.read(body);
                header.size
            }
            b'L' => {
                next.path = Some(header::text(body).to_vec());
                header.size
            }
            b'K' => {
                next.link = Some(header::text(body).to_vec());
                header.size
            }
            _ => {
                let overrides = std::mem::take(&mut next);
                let entry = finish(input, session, at, header, &overrides, &global);
                let size = entry.size;
                entries.push(entry);
                size
            }
        };
        let blocks = size.div_ceil(BLOCK).saturating_mul(BLOCK);
        at = data.saturating_add(blocks);
    }
    (entries, at)
}

/// Applies what overrides the header, and compares.
fn finish(
    input: &Input<'_>,
    session: &mut Session<'_>,
    at: u64,
    header: Header,
    own: &Overrides,
    global: &Overrides,
) -> Entry {
    let place = input.at(at, BLOCK);
    let path = own.path.as_ref().or(global.path.as_ref());
    let link = own.link.as_ref().or(global.link.as_ref());
    let told = own.size.or(global.size);
    let name = show(path.unwrap_or(&header.name));
    // A header has room for 100 ASCII characters; what fits needs no override.
    let needless = path.is_some_and(|path| {
        path.len() < 100 && path.is_ascii() && trim(path) != trim(&header.name)
    });
    if needless {
        session.differs(
            "tar-name-differs",
            format!("an extended header renames `{}`", show(&header.name)),
            place.clone(),
            [("header", show(&header.name)), ("extended", name.clone())],
        );
    }
    if let Some(size) = told.filter(|size| *size != header.size && *size < 1 << 33) {
        session.differs(
            "tar-size-differs",
            format!("an extended header gives `{name}` another size"),
            place.clone(),
            [
                ("header", header.size.to_string()),
                ("extended", size.to_string()),
            ],
        );
    }
    if own.malformed || global.malformed {
        session.anomaly(
            "tar-pax-malformed",
            format!("an extended header before `{name}` is malformed"),
            place,
        );
    }
    // Only files have data; other kinds may say a size and have none.
    let has_data = !matches!(header.kind, b'1'..=b'6');
    let size = if has_data {
        told.unwrap_or(header.size)
    } else {
        0
    };
    Entry {
        at,
        name,
        link: show(link.unwrap_or(&header.link)),
        data: at.saturating_add(BLOCK),
        size,
        sparse: header.kind == b'S' || own.sparse,
        header,
    }
}

fn trim(name: &[u8]) -> &[u8] {
    let name = name.strip_prefix(b"./").unwrap_or(name);
    name.strip_suffix(b"/").unwrap_or(name)
}

fn report_names(input: &Input<'_>, session: &mut Session<'_>, entries: &[Entry]) {
    let twins = names::twins(entries.iter().map(|entry| entry.name.as_str()));
    for (first, second) in twins.same {
        let (Some(first), Some(second)) = (entries.get(first), entries.get(second)) else {
            continue;
        };
        // Folders may well be told twice.
        if first.header.kind != b'5' || second.header.kind != b'5' {
            session.anomaly(
                "tar-duplicate-name",
                format!("`{}` occurs more than once", second.name),
                input.at(second.at, BLOCK),
            );
        }
    }
    let mut links: Vec<String> = Vec::new();
    for entry in entries {
        let at = input.at(entry.at, BLOCK);
        if let Some(how) = escapes(&entry.name) {
            session.anomaly(
                "tar-name-escapes",
                format!(
                    "the name `{}` leads out of the folder it is unpacked into: {how}",
                    entry.name
                ),
                at.clone(),
            );
        }
        let through = links
            .iter()
            .take(64)
            .any(|link| entry.name.starts_with(link.as_str()));
        if through {
            session.anomaly(
                "tar-writes-through-link",
                format!(
                    "`{}` is unpacked through a link of the same archive",
                    entry.name
                ),
                at,
            );
        }
        if entry.header.kind == b'2' {
            links.push(format!("{}/", entry.name.trim_end_matches('/')));
        }
    }
}

fn read_entry(input: &Input<'_>, session: &mut Session<'_>, entry: &Entry, inside: &'static str) {
    let at = input.at(entry.at, BLOCK);
    let name = entry.name.as_str();
    match entry.header.kind {
        b'1' | b'2' => {
            session.reference(ReferenceKind::Link, &entry.link, at.clone());
            // A hard link names a member, a symbolic one a place beside it.
            let out = if entry.header.kind == b'1' {
                escapes(&entry.link).is_some()
            } else {
                link_escapes(name, &entry.link)
            };
            if out {
                session.anomaly(
                    "tar-link-escapes",
                    format!("`{name}` is a link out of the archive, to `{}`", entry.link),
                    at,
                );
            }
        }
        b'3' | b'4' | b'6' => {
            session.anomaly("tar-device", format!("`{name}` is a device or a pipe"), at);
        }
        b'5' | b'V' => {}
        _ => read_file(input, session, entry, inside),
    }
}

fn read_file(input: &Input<'_>, session: &mut Session<'_>, entry: &Entry, inside: &'static str) {
    let at = input.at(entry.at, BLOCK);
    let name = entry.name.as_str();
    let whole = slice(input.bytes, entry.data, entry.size);
    if whole.is_none() {
        session.anomaly(
            "tar-truncated",
            format!("`{name}` goes on behind the end of the file"),
            at.clone(),
        );
        session.gap(
            Why::Truncated,
            format!("`{name}` goes on behind the end of the file"),
            at.clone(),
        );
    }
    if entry.sparse {
        session.gap(
            Why::Unsupported,
            format!("`{name}` is a sparse file, its holes are not read"),
            at,
        );
    }
    let rest = input.len().saturating_sub(entry.data);
    let bytes = whole
        .or_else(|| slice(input.bytes, entry.data, rest))
        .unwrap_or_default();
    if name.ends_with('/') && bytes.is_empty() {
        return;
    }
    let member = Member {
        name,
        bytes,
        span: Some(Span::new(entry.data, rest.min(entry.size))),
        reached: true,
        inside,
    };
    session.child(input, member);
    // Readers that ignore the extended header take other bytes.
    if entry.header.size != entry.size
        && let Some(bytes) = slice(input.bytes, entry.data, entry.header.size)
        && !bytes.is_empty()
    {
        let span = Some(Span::new(entry.data, entry.header.size));
        session.child(
            input,
            Member {
                bytes,
                span,
                reached: false,
                ..member
            },
        );
    }
}

/// Zeros fill the last record; anything else there is read by nobody.
fn look_behind(input: &Input<'_>, session: &mut Session<'_>, end: u64) {
    let rest = usize::try_from(end)
        .ok()
        .and_then(|end| input.bytes.get(end..))
        .unwrap_or_default();
    let Some(padding) = rest.iter().position(|byte| *byte != 0) else {
        return;
    };
    let rest = rest.get(padding..).unwrap_or_default();
    let len = u64::try_from(rest.len()).unwrap_or(u64::MAX);
    let start = input.len().saturating_sub(len);
    if session.hidden(input, "(trailing bytes)", rest, Span::new(start, len)) {
        session.anomaly(
            "tar-hidden-content",
            format!("{len} bytes behind the archive are a file of their own"),
            input.at(start, len),
        );
    }
    session.anomaly(
        "tar-trailing-bytes",
        format!("{len} bytes stand behind the archive's end"),
        input.at(start, len),
    );
}

fn slice(bytes: &[u8], start: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    bytes.get(start..end)
}
