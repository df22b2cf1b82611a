//! Which bytes a report speaks of: a digest per file and the artifact's root.

use modelward_schema::{Gap, Location, TrackedFile, Why};
use modelward_trust::{DigestCache, FileDigest, HashError, Subject, hash_bytes, hash_files, hex};

use crate::Progress;
use crate::source::{MANIFEST, Opened};

/// Digests of all files and what follows from them.
#[derive(Debug)]
pub struct Identity {
    pub files: Vec<TrackedFile>,
    /// The OMS root digest; absent when a file has none.
    pub root: Option<String>,
    /// Over every path and digest, also of files that are not part of the
    /// root: what facts were read from.
    pub reading: Option<String>,
    pub gaps: Vec<Gap>,
}

/// Hashes every file with what the options allow.
pub fn identity(opened: &Opened, options: &crate::Options<'_>) -> Identity {
    identify(opened, options.cache, options.progress)
}

/// Hashes every file on all cores, without reading again what the cache knows.
pub(crate) fn identify(
    opened: &Opened,
    cache: Option<&DigestCache>,
    progress: Progress<'_>,
) -> Identity {
    if let Some(bytes) = &opened.stdin {
        return of_bytes(bytes);
    }
    let subjects: Vec<Subject> = opened
        .files
        .iter()
        .map(|file| Subject {
            name: file.path.clone(),
            path: file.place.clone(),
        })
        .collect();
    let hashed = hash_files(&subjects, cache, &|bytes| progress.advance(bytes));
    let mut files = Vec::with_capacity(hashed.len());
    let mut listed: Vec<FileDigest> = Vec::with_capacity(hashed.len());
    let mut gaps = Vec::new();
    let mut everything = String::new();
    for (file, outcome) in opened.files.iter().zip(hashed) {
        let mut tracked = TrackedFile {
            path: file.path.clone(),
            size: file.stamp.size,
            digest: None,
        };
        match outcome {
            Ok(digest) => {
                tracked.digest = Some(digest.digest());
                everything.push_str(&format!("{}\0{}\n", file.path, digest.hex()));
                if !modelward_trust::is_ignored(&file.path) && file.path != MANIFEST {
                    listed.push(digest);
                }
            }
            Err(error) => {
                let why = if matches!(error, HashError::Changed) {
                    Why::Changed
                } else {
                    Why::Unreadable
                };
                let at = Location::file(&file.path);
                gaps.push(Gap {
                    why,
                    message: format!("it has no digest: {error}"),
                    at,
                });
            }
        }
        files.push(tracked);
    }
    let whole = gaps.is_empty();
    Identity {
        root: if whole {
            modelward_trust::root_digest(&listed).ok()
        } else {
            None
        },
        reading: whole.then(|| hex(&hash_bytes(everything.as_bytes()))),
        files,
        gaps,
    }
}

fn of_bytes(bytes: &[u8]) -> Identity {
    let sha256 = hash_bytes(bytes);
    let size = bytes.len() as u64;
    let digest = FileDigest {
        path: "stdin".to_owned(),
        size,
        sha256,
        cached: false,
    };
    Identity {
        files: vec![TrackedFile {
            path: "stdin".to_owned(),
            size,
            digest: Some(digest.digest()),
        }],
        root: modelward_trust::root_digest([&digest]).ok(),
        reading: Some(digest.hex()),
        gaps: Vec::new(),
    }
}
