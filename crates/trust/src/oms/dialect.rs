//! Who seems to have written a bundle, by the marks its producers leave.

use std::fmt;

use serde_json::Value;

/// A producer's manner. It is told from the form and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OMS 1.0 to the letter, as written here.
    Specification,
    /// The Go implementation.
    Go,
    /// `model-signing` 1.1 and later.
    Python1_1,
    /// `model-signing` 0.3 to 1.0.
    Python0_3,
    /// `model-signing` 0.2: another predicate, another envelope.
    Python0_2,
}

impl Dialect {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Specification => "oms-1.0",
            Self::Go => "go",
            Self::Python1_1 => "python-1.1",
            Self::Python0_3 => "python-0.3",
            Self::Python0_2 => "python-0.2",
        }
    }

    /// Whether the producer leaves out what lies behind a link to a folder.
    pub(super) fn skips_linked_folders(self) -> bool {
        matches!(self, Self::Python1_1 | Self::Python0_3 | Self::Python0_2)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Specification => "OMS 1.0",
            Self::Go => "OMS 1.0 as the Go implementation writes it",
            Self::Python1_1 => "OMS 1.0 as model-signing 1.1 writes it",
            Self::Python0_3 => "OMS 1.0 as model-signing 0.3 to 1.0 wrote it",
            Self::Python0_2 => "OMS 0.1 of model-signing 0.2",
        })
    }
}

/// For predicates of version 1.
pub(super) fn recognise(bundle: &Value, payload: &[u8]) -> Dialect {
    let material = &bundle["verificationMaterial"];
    let signature = &bundle["dsseEnvelope"]["signatures"][0];
    if material["publicKey"].get("rawBytes").is_some() {
        return Dialect::Python0_3;
    }
    // Protobuf's own printing of JSON.
    if payload.starts_with(b"{\n  \"") {
        // What was left out is recorded since 1.1, and in 1.0.1 by one method.
        let records = payload.windows(14).any(|text| text == b"\"ignore_paths\"");
        let keyless = material.get("certificate").is_some();
        return match signature.get("keyid") {
            Some(Value::Null) => Dialect::Python0_3,
            _ if keyless && !records => Dialect::Python0_3,
            _ => Dialect::Python1_1,
        };
    }
    if signature.get("keyid").is_none() && material.get("tlogEntries").is_none() {
        return Dialect::Go;
    }
    Dialect::Specification
}
