//! A first manifest from what a model's files tell.

use std::path::PathBuf;

use modelward_manifest::{Hints, TextFile, is_telling};

use crate::gate::usual_place;
use crate::source::Opened;
use crate::{Options, scan};

/// Larger files do not tell about a model.
const MAX_BYTES: u64 = 1 << 20;

/// A manifest to edit, and where it belongs.
#[derive(Debug)]
pub struct Draft {
    /// Absent when the artifact has no place of its own (standard input).
    pub place: Option<PathBuf>,
    pub text: String,
}

/// Reads the model without hashing it and drafts its manifest.
pub fn draft(opened: &Opened, options: &Options<'_>) -> std::io::Result<Draft> {
    let options = Options {
        identity: false,
        ..*options
    };
    let report = scan(opened, &options)?;
    let texts: Vec<(&str, String)> = opened
        .files
        .iter()
        .filter(|file| is_telling(&file.path) && file.stamp.size <= MAX_BYTES)
        .filter_map(|file| {
            Some((
                file.path.as_str(),
                std::fs::read_to_string(&file.place).ok()?,
            ))
        })
        .collect();
    let files: Vec<TextFile<'_>> = texts
        .iter()
        .map(|(name, text)| TextFile { name, text })
        .collect();
    let hints = Hints::gather(&files, &report.facts, &report.artifact);
    Ok(Draft {
        place: usual_place(opened),
        text: modelward_manifest::draft(&hints),
    })
}
