//! What only the files of an artifact together tell.

use std::collections::{BTreeMap, BTreeSet};

use modelward_schema::{Facts, ReferenceKind, Span, Why};

/// Writers align tensors to pages, on some machines to pages of this size.
const MAX_PADDING: u64 = 64 << 10;

/// Raw numbers have no format of their own. A file that no format fits, and
/// that a model of the same artifact names as the data of its tensors from one
/// end to the other, is read: its gap is closed and its format is `tensor-data`.
///
/// To be called once the facts of all files are together.
pub fn settle(facts: &mut Facts) {
    let mut parts: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for reference in &facts.references {
        if reference.kind == ReferenceKind::ExternalData
            && let Some(span) = reference.span
            && let Some(path) = beside(&reference.at.path, &reference.value)
        {
            parts.entry(path).or_default().push(span);
        }
    }
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    for file in &mut facts.files {
        if file.format != "unknown" {
            continue;
        }
        let Some(spans) = parts.get_mut(&file.path) else {
            continue;
        };
        if covers(spans, file.size) {
            "tensor-data".clone_into(&mut file.format);
            settled.insert(&file.path);
        }
    }
    facts
        .coverage
        .gaps
        .retain(|gap| gap.why != Why::UnknownFormat || !settled.contains(gap.at.path.as_str()));
}

/// The path of what the file at `from` names; none when it leads elsewhere.
pub(crate) fn beside(from: &str, name: &str) -> Option<String> {
    if name.starts_with('/') || name.contains(['\\', ':', '%']) {
        return None;
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return None,
            _ => path.push(part),
        }
    }
    Some(path.join("/"))
}

/// Whether nothing but padding lies outside the spans.
fn covers(spans: &mut [Span], size: u64) -> bool {
    spans.sort();
    let mut reached = 0_u64;
    for span in spans.iter() {
        if span.start.saturating_sub(reached) > MAX_PADDING {
            return false;
        }
        let end = if span.len == 0 {
            size
        } else {
            span.start.saturating_add(span.len)
        };
        reached = reached.max(end);
    }
    size.saturating_sub(reached) <= MAX_PADDING
}

#[cfg(test)]
mod tests {
    use modelward_schema::{FileFact, Gap, Location, Reference};

    use super::*;

    fn facts(value: &str, start: u64, len: u64) -> Facts {
        let mut facts = Facts {
            files: vec![FileFact {
                path: "m/w.bin".to_owned(),
                format: "unknown".to_owned(),
                size: 1 << 20,
                ..FileFact::default()
            }],
            references: vec![Reference {
                kind: ReferenceKind::ExternalData,
                value: value.to_owned(),
                at: Location::file("m/model.onnx"),
                span: Some(Span::new(start, len)),
            }],
            ..Facts::default()
        };
        facts.coverage.gaps.push(Gap {
            why: Why::UnknownFormat,
            message: "no known format fits its content".to_owned(),
            at: Location::file("m/w.bin"),
        });
        settle(&mut facts);
        facts
    }

    #[test]
    fn data_that_a_model_names_are_read() {
        for (name, start, len) in [("w.bin", 0, 1 << 20), ("./w.bin", 4096, 0)] {
            let facts = facts(name, start, len);
            assert_eq!(facts.files[0].format, "tensor-data");
            assert!(facts.coverage.gaps.is_empty());
        }
    }

    #[test]
    fn data_that_it_names_in_part_or_from_elsewhere_stay_unread() {
        for (name, start, len) in [
            ("w.bin", 0, 1000),
            ("w.bin", 1 << 19, 1 << 19),
            ("../m/w.bin", 0, 0),
            ("other.bin", 0, 0),
        ] {
            assert_eq!(facts(name, start, len).coverage.gaps.len(), 1);
        }
    }
}
