//! The hash chain under the log.

use modelward_schema::LogEvent;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{RegistryError, Result};

/// What the first line follows.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// SHA-256 over the RFC 8785 form of `[sequence, at, event, body, previous]`.
pub(crate) fn hash_line(
    sequence: i64,
    at: &str,
    event: LogEvent,
    body: &Value,
    previous: &str,
) -> Result<String> {
    canonical(&(sequence, at, event, body, previous)).map(|text| hex_sha256(text.as_bytes()))
}

/// RFC 8785: one text for equal JSON.
pub(crate) fn canonical<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json_canonicalizer::to_string(value)
        .map_err(|error| RegistryError::Refused(format!("cannot be written as JSON: {error}")))
}

pub(crate) fn hex_sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

pub(crate) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex_sha256(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_hashes_to_what_any_other_tool_computes() {
        let body = json!({"b": 1, "a": "é"});
        let hash = hash_line(
            1,
            "2026-01-02T03:04:05Z",
            LogEvent::Approval,
            &body,
            GENESIS,
        );
        let text =
            format!(r#"[1,"2026-01-02T03:04:05Z","approval",{{"a":"é","b":1}},"{GENESIS}"]"#);
        assert_eq!(hash.ok(), Some(hex_sha256(text.as_bytes())));
    }
}
