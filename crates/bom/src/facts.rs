//! Small questions to the facts of a report.

use modelward_schema::{Facts, Metadata};

/// Entries whose key is `key`, whatever file they stand in.
pub(crate) fn all<'f>(facts: &'f Facts, key: &str) -> impl Iterator<Item = &'f Metadata> {
    facts.metadata.iter().filter(move |entry| entry.key == key)
}

/// The first value under any of `keys`, in their order.
pub(crate) fn first<'f>(facts: &'f Facts, keys: &[&str]) -> Option<&'f str> {
    keys.iter()
        .find_map(|key| all(facts, key).next())
        .map(|entry| entry.value.as_str())
}

/// Values whose key starts with `start` and ends with `end`, in the order of
/// the bytes.
pub(crate) fn between<'f>(
    facts: &'f Facts,
    start: &'f str,
    end: &'f str,
) -> impl Iterator<Item = &'f str> {
    facts
        .metadata
        .iter()
        .filter(move |entry| entry.key.starts_with(start) && entry.key.ends_with(end))
        .map(|entry| entry.value.as_str())
}
