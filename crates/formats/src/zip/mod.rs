//! ZIP archives (PKWARE APPNOTE 6.3.10) and what is made of them: PyTorch
//! files, TorchScript, npz, wheels, Keras and skops files.
//!
//! Some loaders trust the central directory, some the local headers. Both views
//! are read; every difference is an anomaly, and what only one view has is read
//! all the same. Only bytes that the directory does not explain are swept for
//! local headers. Stored members are slices; nothing is unpacked to disk.

mod compare;
mod content;
mod directory;
mod flavour;
mod local;
mod members;
pub(crate) mod names;
mod padding;
mod regions;
mod script;
mod storages;
#[cfg(test)]
mod tests;

use modelward_schema::{Location, Span, Why};

use self::directory::{End, Entry};
use self::flavour::Flavour;
use self::local::{DESCRIBED, Local};
use self::members::{Members, View};
use self::regions::Regions;
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "zip",
    identify,
    read,
};

fn identify(input: &Input<'_>) -> Fit {
    let starts = input.bytes.starts_with(&local::HEADER) && local::read(input.bytes, 0).is_ok();
    // Readers look from the end, so bytes before the archive do not matter.
    let ends = || {
        directory::ends(input.bytes).into_iter().any(|at| {
            directory::read_end(input.bytes, at).is_ok_and(|end| {
                !directory::base(input.bytes, &end).is_empty() && (end.entries > 0 || at == 0)
            })
        })
    };
    // An uncompressed archive in a tar is the tar's member.
    if starts || !crate::tar::is_tar(input.bytes) && ends() {
        Fit::Yes
    } else {
        Fit::No
    }
}

/// The directory as the ordinary loader takes it.
struct Directory<'a> {
    end: End<'a>,
    entries: Vec<Entry<'a>>,
    /// Where the records begin and stop.
    start: u64,
    stop: u64,
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let directory = find_directory(input, session);
    let entries = directory.as_ref().map_or(&[][..], |d| &d.entries);
    let names: Vec<String> = entries
        .iter()
        .map(|entry| names::show(entry.name))
        .collect();
    let mut regions = Regions::default();
    if let Some(directory) = &directory {
        explain_directory(&mut regions, directory);
    }
    let locals: Vec<Option<Local<'_>>> = entries
        .iter()
        .map(|entry| local::read(input.bytes, entry.local).ok())
        .collect();
    let mut ends = Vec::with_capacity(entries.len());
    for (entry, local) in entries.iter().zip(&locals) {
        ends.push(local.as_ref().map(|local| {
            let stop = local.data.saturating_add(entry.packed);
            let descriptor = ((local.flags | entry.flags) & DESCRIBED != 0)
                .then(|| local::descriptor(input.bytes, stop, entry.packed, entry.size))
                .flatten();
            let behind = descriptor.map_or(0, |descriptor| descriptor.len);
            regions.explain(local.at, stop.saturating_add(behind));
            descriptor
        }));
    }
    report_overlaps(input, session, &mut regions);
    let strays = regions.sweep(input, session);
    let stray_names: Vec<String> = strays.iter().map(|l| names::show(l.name)).collect();

    let all = names.iter().chain(&stray_names).map(String::as_str);
    let flavour = Flavour::of(&all);
    session.name_format(FORMAT.name, flavour.format());
    report_names(input, session, &names, entries);
    if let Flavour::Keras | Flavour::Skops | Flavour::Exported = flavour {
        session.gap(
            Why::Unsupported,
            format!(
                "a {} archive is recognised, the reader for what it configures does not exist yet",
                flavour.format()
            ),
            input.whole(),
        );
    }

    let mut members = Members::new(input, flavour);
    for (((entry, name), local), descriptor) in entries.iter().zip(&names).zip(&locals).zip(ends) {
        let at = input.at(entry.at, 46);
        let Some(local) = local else {
            session.anomaly(
                "zip-entry-only-in-directory",
                format!("`{name}` has no local header where the directory says"),
                at.clone(),
            );
            session.gap(Why::Malformed, format!("`{name}` is not there"), at);
            continue;
        };
        compare::compare(session, &at, entry, local, descriptor.flatten());
        compare::compare_unicode_path(session, &at, entry);
        if session.hidden(
            input,
            "(comment of a member)",
            entry.comment,
            comment_span(entry),
        ) {
            session.anomaly(
                "zip-comment-holds-archive",
                format!("the comment of `{name}` is a file of its own"),
                at.clone(),
            );
        }
        read_entry(&mut members, session, entry, name, local, &at);
    }
    for (local, name) in strays.iter().zip(&stray_names) {
        regions::read_stray(&mut members, session, local, name);
    }
    storages::place(input, session, &names, entries, &locals);
    padding::check(input, session, &locals);
    if let Some(directory) = &directory {
        padding::tell_comment(input, session, &directory.end);
    }
}

fn find_directory<'a>(input: &Input<'a>, session: &mut Session<'_>) -> Option<Directory<'a>> {
    let candidates = directory::ends(input.bytes);
    let mut readable = candidates.iter().filter_map(|at| {
        let end = directory::read_end(input.bytes, *at).ok()?;
        let bases = directory::base(input.bytes, &end);
        let base = bases.last().copied()?;
        Some((end, base, bases.len()))
    });
    let Some((end, base, bases)) = readable.next() else {
        session.anomaly(
            "zip-directory-missing",
            "it has no readable central directory",
            input.whole(),
        );
        session.gap(
            Why::Malformed,
            "there is no central directory, so members are found by their local headers only",
            input.whole(),
        );
        return None;
    };
    let at = input.at(end.at, 22);
    if bases > 1 {
        session.anomaly(
            "zip-directory-ambiguous",
            "two directories fit the end record, one by its offset and one by its place",
            at.clone(),
        );
    }
    if candidates.first() != Some(&end.at) {
        session.anomaly(
            "zip-several-ends",
            "the last end record leads nowhere, an earlier one is taken",
            at.clone(),
        );
    }
    if let Some((narrow, wide)) = &end.contradiction {
        session.differs(
            "zip64-contradicts",
            "the 64-bit end record contradicts the 32-bit one",
            at.clone(),
            [("narrow", narrow.clone()), ("wide", wide.clone())],
        );
    }
    let start = end.offset.saturating_add(base);
    let most = session.limits().members;
    let (entries, stop) = directory::read_entries(input.bytes, start, base, most);
    let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    if count == most && count != end.entries {
        session.gap(
            Why::Limit,
            "more members than the limit allows",
            input.whole(),
        );
    } else if count != end.entries {
        session.differs(
            "zip-count-differs",
            "the end record counts other entries than the directory holds",
            at,
            [("said", end.entries.to_string()), ("is", count.to_string())],
        );
    }
    Some(Directory {
        end,
        entries,
        start,
        stop,
    })
}

fn explain_directory(regions: &mut Regions, directory: &Directory<'_>) {
    let end = &directory.end;
    regions.explain(directory.start, directory.stop);
    if let Some((at, len)) = end.wide {
        regions.explain(at, at.saturating_add(len));
        regions.explain(end.at.saturating_sub(20), end.at);
    }
    let comment = u64::try_from(end.comment.len()).unwrap_or(u64::MAX);
    regions.explain(end.at, end.at.saturating_add(22));
    if comment > 0 {
        regions.comment = Some((end.at.saturating_add(22), comment));
        regions.explain(end.at.saturating_add(22), end.stop);
    }
}

fn report_overlaps(input: &Input<'_>, session: &mut Session<'_>, regions: &mut Regions) {
    let overlaps = regions.overlaps();
    if let Some((start, len)) = overlaps.first {
        session.anomaly(
            "zip-overlapping-entries",
            format!("{} members share bytes with another", overlaps.count),
            input.at(start, len),
        );
    }
}

fn report_names(
    input: &Input<'_>,
    session: &mut Session<'_>,
    names: &[String],
    entries: &[Entry<'_>],
) {
    let place = |index: usize| {
        entries
            .get(index)
            .map_or_else(|| input.whole(), |entry| input.at(entry.at, 46))
    };
    let name_of = |index: usize| names.get(index).map_or("", String::as_str);
    let twins = names::twins(names.iter().map(String::as_str));
    for (_, second) in twins.same {
        session.anomaly(
            "zip-duplicate-name",
            format!("`{}` occurs more than once", name_of(second)),
            place(second),
        );
    }
    for (first, second) in twins.case {
        session.anomaly(
            "zip-case-variant",
            format!(
                "`{}` and `{}` differ in case only",
                name_of(first),
                name_of(second)
            ),
            place(second),
        );
    }
    for (index, name) in names.iter().enumerate() {
        report_name(session, name, &place(index));
    }
}

fn report_name(session: &mut Session<'_>, name: &str, at: &Location) {
    if let Some(how) = names::escapes(name) {
        session.anomaly(
            "zip-name-escapes",
            format!("the name `{name}` leads out of the folder it is unpacked into: {how}"),
            at.clone(),
        );
    }
    if name.contains('\\') {
        session.anomaly(
            "zip-backslash-name",
            format!("the name `{name}` has backslashes, which are folders to some readers only"),
            at.clone(),
        );
    }
    if name.contains('\0') {
        session.anomaly(
            "zip-name-has-nul",
            format!("the name `{name}` goes on behind a zero byte, where some readers stop"),
            at.clone(),
        );
    }
}

fn read_entry(
    members: &mut Members<'_>,
    session: &mut Session<'_>,
    entry: &Entry<'_>,
    name: &str,
    local: &Local<'_>,
    at: &Location,
) {
    if entry.wide_missing {
        session.anomaly(
            "zip64-contradicts",
            format!("`{name}` refers to 64-bit sizes that are not there"),
            at.clone(),
        );
    }
    let bytes = members.input.bytes;
    let (packed, whole) = slice(bytes, local.data, entry.packed);
    if !whole {
        session.anomaly(
            "zip-entry-truncated",
            format!("`{name}` goes on behind the end of the file"),
            at.clone(),
        );
        session.gap(
            Why::Truncated,
            format!("`{name}` goes on behind the end of the file"),
            at.clone(),
        );
    }
    if name.ends_with('/') && packed.is_empty() {
        return;
    }
    let view = View {
        name,
        flags: entry.flags | local.flags,
        method: entry.method,
        crc: whole.then_some(entry.crc),
        size: whole.then_some(entry.size),
        packed,
        start: local.data,
        reached: true,
        is_link: entry.made_by >> 8 == 3 && entry.attributes >> 28 == 0xa,
    };
    members.read(session, view);
    // A reader that streams takes the local header's word.
    let described = local.flags & DESCRIBED != 0;
    let other_size = !described && local.packed != entry.packed;
    if local.method != entry.method || other_size {
        let len = if other_size {
            local.packed
        } else {
            entry.packed
        };
        let (packed, _) = slice(bytes, local.data, len);
        members.read(
            session,
            View {
                method: local.method,
                crc: None,
                size: None,
                packed,
                reached: false,
                ..view
            },
        );
    }
}

/// A member's comment ends its record in the directory.
fn comment_span(entry: &Entry<'_>) -> Span {
    let lens = [46, entry.name.len(), entry.extra.len()];
    let before = lens.into_iter().fold(0_usize, usize::saturating_add);
    let start = (entry.at).saturating_add(u64::try_from(before).unwrap_or(u64::MAX));
    Span::new(start, u64::try_from(entry.comment.len()).unwrap_or(0))
}

/// `len` bytes from `start`, or what there is of them.
fn slice(bytes: &[u8], start: u64, len: u64) -> (&[u8], bool) {
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let rest = bytes.get(start..).unwrap_or_default();
    match usize::try_from(len).ok().and_then(|len| rest.get(..len)) {
        Some(slice) => (slice, true),
        None => (rest, false),
    }
}
