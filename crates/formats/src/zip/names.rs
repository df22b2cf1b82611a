//! Names that mean another place, or two members at once.

use std::collections::HashMap;

use crate::text;

/// How a name leaves the folder it is unpacked into.
pub(crate) fn escapes(name: &str) -> Option<&'static str> {
    let unified = name.replace('\\', "/");
    let bytes = unified.as_bytes();
    if unified.starts_with('/') {
        return Some("it is absolute");
    }
    if matches!(bytes, [letter, b':', b'/', ..] if letter.is_ascii_alphabetic()) {
        return Some("it names a drive");
    }
    if unified.split('/').any(|part| part == "..") {
        return Some("it climbs out with `..`");
    }
    None
}

/// Whether a link at `name` to `target` leaves the folder they are unpacked into.
pub(crate) fn link_escapes(name: &str, target: &str) -> bool {
    let target = target.replace('\\', "/");
    if target.starts_with('/')
        || matches!(target.as_bytes(), [l, b':', ..] if l.is_ascii_alphabetic())
    {
        return true;
    }
    let mut depth = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .count();
    depth = depth.saturating_sub(1);
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(left) => depth = left,
                None => return true,
            },
            _ => depth = depth.saturating_add(1),
        }
    }
    false
}

/// A name as text. What is not UTF-8 stays distinguishable.
pub(crate) fn show(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(name) => name.to_owned(),
        Err(_) => text::escape(name, 4096),
    }
}

/// Pairs of indices whose names mean the same.
#[derive(Debug, Default)]
pub(crate) struct Twins {
    pub(crate) same: Vec<(usize, usize)>,
    /// The same to readers that ignore case.
    pub(crate) case: Vec<(usize, usize)>,
}

pub(crate) fn twins<'a>(names: impl Iterator<Item = &'a str>) -> Twins {
    let mut exact: HashMap<&str, usize> = HashMap::new();
    let mut folded: HashMap<String, usize> = HashMap::new();
    let mut twins = Twins::default();
    for (index, name) in names.enumerate() {
        if let Some(first) = exact.insert(name, index) {
            twins.same.push((first, index));
        } else if let Some(first) = folded.insert(name.to_lowercase(), index) {
            twins.case.push((first, index));
        }
    }
    twins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_told() {
        for name in ["/etc/passwd", "a/../../b", "..\\x", "C:\\x", "\\x"] {
            assert!(escapes(name).is_some(), "{name}");
        }
        for name in ["a/b", "a..b/c", "...", "a:b"] {
            assert!(escapes(name).is_none(), "{name}");
        }
        assert!(link_escapes("a/b", "../../c"));
        assert!(!link_escapes("a/b", "../c"));
    }
}
