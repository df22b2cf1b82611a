//! What makes a point the same one in the next run: its code, its place and
//! its words, not its offset, which moves with every unrelated change.
//!
//! A cryptographic hash, because a fingerprint that an attacker can choose
//! would inherit the dismissal of an older alert.

use std::fmt::Write as _;

use modelward_schema::Report;
use sha2::{Digest as _, Sha256};

use super::points::Point;

/// 32 hex digits.
pub(super) fn of(report: &Report, point: &Point<'_>) -> String {
    let path = point.locations.first().map_or("", |at| at.path.as_str());
    let mut hash = Sha256::new();
    for part in [&report.artifact.name, point.code, path, point.message] {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()
        .iter()
        .take(16)
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
