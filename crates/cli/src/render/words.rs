//! Numbers, digests and places as people read them, the same in every format.

use std::time::Duration;

use modelward_schema::{FacetState, Location, Report, SourceKind, Why};

/// `2.1 GB`; decimal units, two significant digits or more.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let (mut whole, mut tenths) = (count, 0);
    let mut unit = "B";
    for next in UNITS {
        if whole < 1000 {
            break;
        }
        tenths = whole % 1000 / 100;
        whole /= 1000;
        unit = next;
    }
    if whole < 100 {
        format!("{whole}.{tenths} {unit}")
    } else {
        format!("{whole} {unit}")
    }
}

/// `1 file`, `14 files`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {noun}s"),
    }
}

/// `sha256:9f3c41d2…`.
pub(super) fn short(digest: &str) -> String {
    let (kind, hex) = digest.split_once(':').unwrap_or(("", digest));
    let kept: String = hex.chars().take(8).collect();
    let cut = if hex.chars().count() > 8 { "…" } else { "" };
    if kind.is_empty() {
        format!("{kept}{cut}")
    } else {
        format!("{kind}:{kept}{cut}")
    }
}

/// `head.pt › archive/data.pkl`.
pub(super) fn path(at: &Location) -> String {
    at.path.replace("!/", " › ")
}

/// `0x1a3`, `line 12:4`, or nothing for a whole file.
pub(super) fn position(at: &Location) -> Option<String> {
    match (at.line, at.column, at.span) {
        (Some(line), Some(column), _) => Some(format!("line {line}:{column}")),
        (Some(line), None, _) => Some(format!("line {line}")),
        (None, _, Some(span)) => Some(format!("{:#x}", span.start)),
        (None, _, None) => None,
    }
}

/// The outermost file that `path` lies in.
pub(super) fn outermost(path: &str) -> &str {
    path.split_once("!/").map_or(path, |(file, _)| file)
}

/// What `path` is called inside its containers, when it is a member.
pub(super) fn member(path: &str) -> Option<&str> {
    path.split_once("!/").map(|(_, member)| member)
}

/// The file on disk, as seen from where the command was run; for a cache or
/// standard input the path within the artifact.
pub(super) fn on_disk(report: &Report, path: &str) -> String {
    let given = report.artifact.source.given.trim_end_matches('/');
    let file = outermost(path);
    let joined = match report.artifact.source.kind {
        SourceKind::Folder if given.is_empty() => format!("/{file}"),
        SourceKind::Folder => format!("{given}/{file}"),
        SourceKind::File => given.to_owned(),
        SourceKind::HuggingFaceCache | SourceKind::Stdin => file.to_owned(),
    };
    let mut rest = joined.as_str();
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter;
    }
    rest.to_owned()
}

/// `sentiment 1.4.0`.
pub(super) fn name(report: &Report) -> String {
    let artifact = &report.artifact;
    let version = artifact.version.as_deref().or_else(|| {
        report
            .manifest
            .as_ref()
            .map(|manifest| manifest.version.as_str())
    });
    match version {
        Some(version) => format!("{} {version}", artifact.name),
        None => artifact.name.clone(),
    }
}

/// Why something was not read, in a word or two.
pub(super) fn why(why: Why) -> &'static str {
    match why {
        Why::Truncated => "truncated",
        Why::Limit => "over a limit",
        Why::Encrypted => "encrypted",
        Why::UnknownFormat => "unknown format",
        Why::Unsupported => "no reader yet",
        Why::Malformed => "malformed",
        Why::Unreadable => "unreadable",
        Why::Crashed => "reader crashed",
        Why::Changed => "changed meanwhile",
    }
}

/// A mark that a reader without colour tells apart.
pub(super) fn mark(state: FacetState) -> &'static str {
    match state {
        FacetState::Shown => "✓",
        FacetState::Partial => "◐",
        FacetState::Missing => "✗",
    }
}

/// What did not confine the reading, when something did not.
pub(super) fn unconfined(report: &Report) -> Option<String> {
    let sandbox = report.tool.sandbox;
    if !sandbox.process {
        return Some("not in force: the bytes were read in this process".to_owned());
    }
    let absent: Vec<&str> = [
        (sandbox.landlock, "landlock"),
        (sandbox.seccomp, "seccomp"),
        (sandbox.rlimits, "rlimits"),
    ]
    .into_iter()
    .filter_map(|(in_force, name)| (!in_force).then_some(name))
    .collect();
    (!absent.is_empty()).then(|| {
        format!(
            "a child process, without {}, which this system lacks",
            absent.join(" and ")
        )
    })
}

/// `14 files, 291 tensors, 2.1 GB`.
pub(super) fn extent(report: &Report) -> String {
    let mut parts = vec![count(report.artifact.files.len(), "file")];
    let members = report
        .facts
        .files
        .iter()
        .filter(|file| file.parent.is_some())
        .count();
    if members > 0 {
        parts.push(count(members, "member"));
    }
    if !report.facts.tensors.is_empty() {
        parts.push(count(report.facts.tensors.len(), "tensor"));
    }
    parts.push(bytes(report.artifact.size));
    parts.join(", ")
}

/// `2026-11-25 10:00` of an RFC 3339 time in UTC.
pub(super) fn moment(time: &str) -> String {
    time.chars()
        .take(16)
        .map(|c| if c == 'T' { ' ' } else { c })
        .collect()
}

/// `2026-11-25` of an RFC 3339 time.
pub(super) fn day(time: &str) -> String {
    time.chars().take(10).collect()
}

/// `0.9 s`, `12 ms`.
pub(super) fn seconds(elapsed: Duration) -> String {
    if elapsed < Duration::from_millis(100) {
        format!("{} ms", elapsed.as_millis())
    } else {
        format!("{:.1} s", elapsed.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1000), "1.0 kB");
        assert_eq!(bytes(43_250_000), "43.2 MB");
        assert_eq!(bytes(2_147_483_648), "2.1 GB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
        assert_eq!(count(1, "entry"), "1 entry");
        assert_eq!(count(3, "entry"), "3 entries");
        assert_eq!(short("sha256:9f3c41d2aa"), "sha256:9f3c41d2…");
    }
}
