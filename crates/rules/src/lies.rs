//! Which rule judges which anomaly, and how severely. The first pattern that
//! fits wins; what none fits is judged by `container-lies`, so that no anomaly
//! is ever dropped.

use modelward_schema::{Confidence, Facts, Severity};

use crate::Findings;
use Severity::{High, Low, Medium};

const TWO_STORIES: &str = "archive-tells-two-stories";
const PATH: &str = "archive-path-escapes";
const LINK: &str = "archive-link-escapes";
const SEALED: &str = "archive-is-sealed";
const EXPANDS: &str = "file-expands-enormously";
const HIDES: &str = "file-hides-content";
const ENTITY: &str = "xml-reads-other-file";
const SHADOWS: &str = "function-shadows-operator";
const YAML_EXPANDS: &str = "yaml-expands";
const MALFORMED: &str = "structure-malformed";
/// For everything that has no line here.
pub(crate) const OTHER: &str = "container-lies";

/// A pattern ends in `*`, begins with one, or is the whole id.
static LIES: &[(&str, &str, Severity)] = &[
    ("*-name-escapes", PATH, High),
    ("*-link-escapes", LINK, High),
    ("tar-writes-through-link", LINK, High),
    ("tar-device", LINK, High),
    ("zip-symlink", LINK, Low),
    ("*expands-enormously", EXPANDS, Medium),
    ("pickle-expands", EXPANDS, Medium),
    ("*-hidden-content", HIDES, Medium),
    ("*-trailing-bytes", HIDES, Medium),
    ("*-leading-bytes", HIDES, Medium),
    ("zip-prefix-bytes", HIDES, Medium),
    ("zip-unexplained-bytes", HIDES, Medium),
    ("zip-comment-holds-archive", HIDES, Medium),
    ("zip-padding-used", HIDES, Medium),
    ("*-hole", HIDES, Medium),
    ("safetensors-header-tail", HIDES, Medium),
    ("safetensors-metadata-*", HIDES, Medium),
    ("onnx-unknown-field", HIDES, Medium),
    ("onnx-function-shadows-operator", SHADOWS, High),
    ("pickle-array-code", HIDES, Medium),
    ("npy-several-arrays", HIDES, Low),
    ("zip-encrypted-flag-lies", TWO_STORIES, Medium),
    ("*-encrypted", SEALED, Low),
    ("*-unknown-method", SEALED, Low),
    ("*-several-streams", TWO_STORIES, Low),
    ("zip-case-variant", TWO_STORIES, Low),
    ("zip-entry-truncated", MALFORMED, Medium),
    ("zip-comment-truncated", MALFORMED, Medium),
    ("zip-*", TWO_STORIES, Medium),
    ("zip64-*", TWO_STORIES, Medium),
    ("tar-name-differs", TWO_STORIES, Medium),
    ("tar-size-differs", TWO_STORIES, Medium),
    ("tar-duplicate-name", TWO_STORIES, Medium),
    ("tar-checksum-differs", TWO_STORIES, Medium),
    ("tar-*", MALFORMED, Medium),
    ("sevenzip-*", MALFORMED, Medium),
    ("compression-broken", MALFORMED, Medium),
    ("npy-header-holds-code", MALFORMED, High),
    ("npy-header-long", MALFORMED, Low),
    ("npy-*", MALFORMED, Medium),
    ("safetensors-*", MALFORMED, Medium),
    ("gguf-*", MALFORMED, Medium),
    ("ggml-*", MALFORMED, Medium),
    ("onnx-*", MALFORMED, Medium),
    ("tensorflow-unknown-field", HIDES, Medium),
    ("tensorflow-name-dangling", MALFORMED, Low),
    ("tensorflow-*", MALFORMED, Medium),
    ("tflite-*", MALFORMED, Medium),
    ("ort-*", MALFORMED, Medium),
    ("graph-*", MALFORMED, Medium),
    ("pickle-*", MALFORMED, Medium),
    ("msgpack-*", MALFORMED, Medium),
    ("json-byte-order-mark", MALFORMED, Low),
    ("json-*", MALFORMED, Medium),
    ("yaml-alias-*", YAML_EXPANDS, High),
    ("yaml-*", MALFORMED, Medium),
    ("python-foreign-encoding", HIDES, High),
    ("python-bidirectional-text", HIDES, High),
    ("python-*", MALFORMED, Medium),
    ("template-*", MALFORMED, Medium),
    ("xml-external-entity", ENTITY, High),
    ("xml-entity", ENTITY, Low),
];

/// The rule and severity of an anomaly.
pub(crate) fn judge(id: &str) -> (&'static str, Severity) {
    LIES.iter()
        .find(|(pattern, _, _)| fits(pattern, id))
        .map_or((OTHER, Medium), |(_, rule, severity)| (rule, *severity))
}

fn fits(pattern: &str, id: &str) -> bool {
    if let Some(start) = pattern.strip_suffix('*') {
        id.starts_with(start)
    } else if let Some(end) = pattern.strip_prefix('*') {
        id.ends_with(end)
    } else {
        id == pattern
    }
}

/// Reports the anomalies that belong to `rule`.
pub(crate) fn report(rule: &str, facts: &Facts, out: &mut Findings) {
    for anomaly in &facts.anomalies {
        let (owner, severity) = judge(&anomaly.id);
        if owner == rule {
            out.graded(
                severity,
                Confidence::High,
                &anomaly.at,
                anomaly.message.clone(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_a_rule_and_is_reached() {
        for (pattern, rule, severity) in LIES {
            assert!(crate::find(rule).is_some(), "{rule}");
            let id = pattern.replace('*', "x");
            let (found, graded) = judge(&id);
            assert_eq!((found, graded), (*rule, *severity), "{pattern}");
        }
        assert_eq!(judge("something-new"), (OTHER, Medium));
    }
}
