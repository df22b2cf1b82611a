//! Lists the regular files of a folder without following what leaves it.
//!
//! A link is followed only when it ends at a regular file inside the root, or,
//! in a Hugging Face snapshot, inside the repository's own cache folder.
//! Devices, sockets, pipes, dangling and looping links become gaps.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use modelward_schema::{Gap, Location, Why};
use modelward_trust::Stamp;

use super::SourceFile;

/// More than this and the rest is a gap.
const MAX_FILES: usize = 100_000;
/// Folders within folders.
const MAX_DEPTH: usize = 64;
/// Version-control folders are not part of an artifact's identity
/// (OpenSSF Model Signing v1.0, default ignore paths).
const IGNORED: [&str; 2] = [".git", ".github"];

/// What tells that a file is still the one that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    pub size: u64,
    pub modified: Option<SystemTime>,
    /// Where the platform has more to trust than the modification time.
    pub stamp: Option<Stamp>,
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<SourceFile>,
    pub(super) gaps: Vec<Gap>,
}

pub(super) fn walk(root: &Path, hub_snapshot: bool) -> Found {
    let mut found = Found::default();
    match std::fs::metadata(root) {
        Ok(meta) if meta.is_file() => {
            let name = root
                .file_name()
                .map_or_else(String::new, |n| shown(&n.to_string_lossy()));
            found.files.push(SourceFile {
                path: name,
                place: root.to_owned(),
                stamp: stamp(&meta),
            });
        }
        Ok(meta) if meta.is_dir() => walk_folder(root, hub_snapshot, &mut found),
        Ok(_) => found.gap(
            Why::Unreadable,
            "it is a device, pipe or socket, not a file",
            "",
        ),
        Err(error) => found.gap(
            Why::Unreadable,
            &format!("it cannot be opened: {error}"),
            "",
        ),
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk_folder(root: &Path, hub_snapshot: bool, found: &mut Found) {
    let home = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    // In a snapshot, files are links to `../../blobs`, two levels up.
    let allowed = match (hub_snapshot, home.parent().and_then(Path::parent)) {
        (true, Some(repository)) => repository.to_owned(),
        _ => home.clone(),
    };
    let mut folders: Vec<(PathBuf, String, usize)> = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                found.gap(
                    Why::Unreadable,
                    &format!("the folder cannot be listed: {error}"),
                    &prefix,
                );
                continue;
            }
        };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let text = shown(&name.to_string_lossy());
            if name.to_str().is_none() {
                found.gap(
                    Why::Malformed,
                    "its name is not valid text",
                    &join(&prefix, &text),
                );
            }
            let path = join(&prefix, &text);
            let place = entry.path();
            let Ok(kind) = entry.file_type() else {
                found.gap(Why::Unreadable, "its kind cannot be told", &path);
                continue;
            };
            if kind.is_dir() {
                if depth == 0 && IGNORED.iter().any(|ignored| name == *ignored) {
                    continue;
                }
                if depth >= MAX_DEPTH {
                    found.gap(
                        Why::Limit,
                        "folders are nested deeper than the limit",
                        &path,
                    );
                } else {
                    folders.push((place, path, depth + 1));
                }
            } else if kind.is_symlink() {
                follow(&place, &path, &allowed, found);
            } else if kind.is_file() {
                match entry.metadata() {
                    Ok(meta) => found.file(path, place, &meta),
                    Err(error) => {
                        found.gap(
                            Why::Unreadable,
                            &format!("it cannot be opened: {error}"),
                            &path,
                        );
                    }
                }
            } else {
                found.gap(
                    Why::Unreadable,
                    "it is a device, pipe or socket, not a file",
                    &path,
                );
            }
            if found.files.len() > MAX_FILES {
                found.files.truncate(MAX_FILES);
                found.gap(Why::Limit, "the folder holds more files than the limit", "");
                return;
            }
        }
    }
}

fn follow(place: &Path, path: &str, allowed: &Path, found: &mut Found) {
    let target = match std::fs::canonicalize(place) {
        Ok(target) => target,
        Err(error) => {
            let what = format!("the link cannot be followed: {error}");
            return found.gap(Why::Unreadable, &what, path);
        }
    };
    if !target.starts_with(allowed) {
        return found.gap(
            Why::Unreadable,
            "the link leaves the artifact; it is not followed",
            path,
        );
    }
    match std::fs::metadata(&target) {
        Ok(meta) if meta.is_file() => found.file(path.to_owned(), target, &meta),
        Ok(meta) if meta.is_dir() => {
            found.gap(Why::Unreadable, "links to folders are not followed", path);
        }
        Ok(_) => found.gap(
            Why::Unreadable,
            "the link ends at a device, pipe or socket",
            path,
        ),
        Err(error) => found.gap(
            Why::Unreadable,
            &format!("it cannot be opened: {error}"),
            path,
        ),
    }
}

impl Found {
    fn file(&mut self, path: String, place: PathBuf, meta: &Metadata) {
        self.files.push(SourceFile {
            path,
            place,
            stamp: stamp(meta),
        });
    }

    fn gap(&mut self, why: Why, message: &str, path: &str) {
        self.gaps.push(Gap {
            why,
            message: message.to_owned(),
            at: Location::file(path),
        });
    }
}

/// What was added, removed or changed between two listings.
pub(super) fn differences(before: &[SourceFile], after: &[SourceFile]) -> Vec<Gap> {
    let gap = |path: &str, message: &str| Gap {
        why: Why::Changed,
        message: message.to_owned(),
        at: Location::file(path),
    };
    let mut out = Vec::new();
    let (mut left, mut right) = (before.iter().peekable(), after.iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (None, None) => return out,
            (Some(old), None) => {
                out.push(gap(&old.path, "it vanished while it was read"));
                left.next();
            }
            (None, Some(new)) => {
                out.push(gap(&new.path, "it appeared while the artifact was read"));
                right.next();
            }
            (Some(old), Some(new)) => match old.path.cmp(&new.path) {
                std::cmp::Ordering::Less => {
                    out.push(gap(&old.path, "it vanished while it was read"));
                    left.next();
                }
                std::cmp::Ordering::Greater => {
                    out.push(gap(&new.path, "it appeared while the artifact was read"));
                    right.next();
                }
                std::cmp::Ordering::Equal => {
                    if old.stamp != new.stamp {
                        out.push(gap(&old.path, "it changed while it was read"));
                    }
                    left.next();
                    right.next();
                }
            },
        }
    }
}

/// A name as it may stand in a path and on a terminal.
pub(super) fn shown(name: &str) -> String {
    let plain = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if name.chars().all(plain) && !name.contains("!/") {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        if plain(character) {
            out.push(character);
        } else {
            out.extend(character.escape_default());
        }
    }
    out.replace("!/", "\\x21/")
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}/{name}")
    }
}

fn stamp(meta: &Metadata) -> FileStamp {
    FileStamp {
        size: meta.len(),
        modified: meta.modified().ok(),
        stamp: Stamp::of(meta),
    }
}
