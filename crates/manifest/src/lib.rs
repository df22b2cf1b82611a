//! `modelward.yaml`: text → manifest, or everything that is wrong with it, each
//! with line, column and remedy; and a first draft from what a model's files
//! tell. Pure: no I/O, no clock; text from an artifact is hostile and bounded.
//!
//! The published form is `docs/schema/manifest.schema.json`.
#![forbid(unsafe_code)]

mod check;
mod draft;
mod form;
mod hints;
mod nearest;
mod words;
mod yaml;

use modelward_schema::{Manifest, ManifestFault};

pub use draft::draft;
pub use hints::{Hints, TextFile, Told, is_telling};

/// The manifest's name beside or inside an artifact.
pub const FILE_NAME: &str = "modelward.yaml";

/// Reads a manifest. `file` is its path as errors show it. All faults come at
/// once, by line; a text that is not YAML has one.
pub fn parse(file: &str, text: &str) -> Result<Manifest, Vec<ManifestFault>> {
    check::check(file, text)
}

/// `modelward.yaml:7:9: tier "medum" is not known; use low, medium, high or critical`
pub fn describe(fault: &ManifestFault) -> String {
    let at = &fault.at;
    match (at.line, at.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}: {}", at.path, fault.message),
        _ => format!("{}: {}", at.path, fault.message),
    }
}
