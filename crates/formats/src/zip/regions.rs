//! Bytes that the central directory explains, and what stands in the others.

use modelward_schema::Span;

use super::local::{self, DESCRIBED, Local};
use super::members::{Members, View};
use super::{directory, slice};
use crate::{Input, Session};

#[derive(Debug, Default)]
pub(super) struct Regions {
    explained: Vec<(u64, u64)>,
    /// Start and length of the archive's comment.
    pub(super) comment: Option<(u64, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct Overlaps {
    pub(super) count: u64,
    pub(super) first: Option<(u64, u64)>,
}

impl Regions {
    pub(super) fn explain(&mut self, start: u64, stop: u64) {
        if start < stop {
            self.explained.push((start, stop));
        }
    }

    /// Sorts what is explained and counts what is explained twice.
    pub(super) fn overlaps(&mut self) -> Overlaps {
        self.explained.sort_unstable();
        let mut overlaps = Overlaps::default();
        let mut reach = 0;
        for (start, stop) in &self.explained {
            if *start < reach {
                overlaps.count = overlaps.count.saturating_add(1);
                let len = reach.min(*stop).saturating_sub(*start);
                overlaps.first.get_or_insert((*start, len));
            }
            reach = reach.max(*stop);
        }
        overlaps
    }

    /// The stretches that nothing explains. `overlaps` has sorted the list.
    fn unexplained(&self, len: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut reach = 0;
        for (start, stop) in &self.explained {
            if *start > reach {
                gaps.push((reach, (*start).min(len)));
            }
            reach = reach.max(*stop);
        }
        if reach < len {
            gaps.push((reach, len));
        }
        gaps
    }

    /// Looks into all that the directory does not explain. Returns the local
    /// headers found there.
    pub(super) fn sweep<'a>(&self, input: &Input<'a>, session: &mut Session<'_>) -> Vec<Local<'a>> {
        let mut strays = Vec::new();
        if let Some((start, len)) = self.comment {
            look_at_comment(input, session, start, len);
        }
        for (start, stop) in self.unexplained(input.len()) {
            let (bytes, _) = slice(input.bytes, start, stop.saturating_sub(start));
            // Padding is harmless anywhere but before the archive, where it
            // makes readers of the first bytes see something else.
            if start > 0 && bytes.iter().all(|byte| *byte == 0) {
                continue;
            }
            let before = strays.len();
            find_strays(input, session, start, stop, &mut strays);
            let found = strays.get(before..).unwrap_or_default();
            if has_own_end(bytes, start, found) {
                strays.truncate(before);
            }
            let first = strays.get(before).map(|local: &Local<'_>| local.at);
            let stop = first.unwrap_or(stop);
            if start < stop {
                look_at_rest(input, session, start, stop, self.explained.is_empty());
            }
        }
        strays
    }
}

/// An end record outside of any member: the stretch is an archive of its own.
fn has_own_end(bytes: &[u8], start: u64, strays: &[Local<'_>]) -> bool {
    directory::ends(bytes).into_iter().any(|end| {
        let at = start.saturating_add(end);
        let within =
            |local: &Local<'_>| local.at <= at && at < local.data.saturating_add(local.packed);
        directory::read_end(bytes, end)
            .is_ok_and(|end| end.entries > 0 && !directory::base(bytes, &end).is_empty())
            && !strays.iter().any(within)
    })
}

fn find_strays<'a>(
    input: &Input<'a>,
    session: &Session<'_>,
    start: u64,
    stop: u64,
    strays: &mut Vec<Local<'a>>,
) {
    let most = usize::try_from(session.limits().members).unwrap_or(usize::MAX);
    let mut from = start;
    while let Some(at) = local::next(input.bytes, from, stop) {
        if strays.len() >= most {
            return;
        }
        from = at.saturating_add(4);
        let Ok(mut found) = local::read(input.bytes, at) else {
            continue;
        };
        if found.flags & DESCRIBED != 0 && found.packed == 0 {
            let end = local::next_signature(input.bytes, found.data).unwrap_or(input.len());
            found.packed = end.saturating_sub(found.data);
        }
        let end = found.data.saturating_add(found.packed);
        from = from.max(end.min(stop));
        strays.push(found);
    }
}

fn look_at_comment(input: &Input<'_>, session: &mut Session<'_>, start: u64, len: u64) {
    let (bytes, whole) = slice(input.bytes, start, len);
    if session.hidden(input, "(comment)", bytes, Span::new(start, len)) {
        session.anomaly(
            "zip-comment-holds-archive",
            "the archive's comment is a file of its own",
            input.at(start, len),
        );
    }
    if !whole {
        session.anomaly(
            "zip-comment-truncated",
            "the archive's comment goes on behind the end of the file",
            input.at(start, len),
        );
    }
}

fn look_at_rest(input: &Input<'_>, session: &mut Session<'_>, start: u64, stop: u64, lost: bool) {
    let len = stop.saturating_sub(start);
    let (bytes, _) = slice(input.bytes, start, len);
    let (id, what) = if lost {
        ("zip-unexplained-bytes", "in it")
    } else if start == 0 {
        ("zip-prefix-bytes", "before the archive")
    } else if stop >= input.len() {
        ("zip-trailing-bytes", "behind the archive")
    } else {
        ("zip-unexplained-bytes", "between its members")
    };
    let is_whole = len == input.len();
    let known = !is_whole
        && session.hidden(
            input,
            &format!("(bytes {what} at {start})"),
            bytes,
            Span::new(start, len),
        );
    session.anomaly(
        if known { "zip-hidden-content" } else { id },
        if known {
            format!("{len} bytes {what} are a file of their own")
        } else {
            format!("{len} bytes {what} belong to no member")
        },
        input.at(start, len),
    );
    if known {
        session.anomaly(
            id,
            format!("{len} bytes {what} belong to no member"),
            input.at(start, len),
        );
    }
}

/// Reads a member that only its local header tells of.
pub(super) fn read_stray(
    members: &mut Members<'_>,
    session: &mut Session<'_>,
    local: &Local<'_>,
    name: &str,
) {
    let at = members.input.at(local.at, 30);
    session.anomaly(
        "zip-entry-only-in-local-headers",
        format!("`{name}` is not in the directory"),
        at.clone(),
    );
    super::report_name(session, name, &at);
    let described = local.flags & DESCRIBED != 0;
    let (packed, _) = slice(members.input.bytes, local.data, local.packed);
    if name.ends_with('/') && packed.is_empty() {
        return;
    }
    members.read(
        session,
        View {
            name,
            flags: local.flags,
            method: local.method,
            crc: (!described).then_some(local.crc),
            size: (!described).then_some(local.size),
            packed,
            start: local.data,
            reached: false,
            is_link: false,
        },
    );
}
