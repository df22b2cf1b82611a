//! Where statements lie: beside the model, one bundle per line.
//!
//! A folder has `model.sig` and `claims.jsonl` at its top; a lone file `m.gguf`
//! has `m.gguf.sig` and `m.gguf.claims.jsonl` beside it. Neither is part of the
//! artifact's identity, so that a statement can be added without changing what
//! the others speak of. Copying the folder, or the file with its sidecars,
//! takes everything along.
//!
//! A claims file is anybody's to write: a line counts for what its signature
//! shows and for nothing else, and a line that cannot be read does not hide the
//! others.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Statements beside a folder's model.
pub use crate::oms::CLAIMS;
/// What a lone file's claims end in.
pub const CLAIMS_BESIDE: &str = ".claims.jsonl";
/// What a lone file's signature ends in.
pub const SIGNATURE_BESIDE: &str = ".sig";

/// Larger files are not read: a bundle with a statement takes a few kilobytes,
/// one with the digests of a hundred thousand tensors some twenty megabytes.
const MAX_FILE: u64 = 64 << 20;
const MAX_LINE: usize = 32 << 20;
const MAX_LINES: usize = 10_000;

/// The two places of an artifact's statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub signature: PathBuf,
    pub claims: PathBuf,
}

impl Places {
    /// Of the artifact at `root`, a folder or a file.
    pub fn of(root: &Path) -> Self {
        if root.is_dir() {
            return Self {
                signature: root.join(crate::SIGNATURE),
                claims: root.join(CLAIMS),
            };
        }
        let beside = |ending: &str| {
            let mut name = root.file_name().unwrap_or_default().to_os_string();
            name.push(ending);
            root.with_file_name(name)
        };
        Self {
            signature: beside(SIGNATURE_BESIDE),
            claims: beside(CLAIMS_BESIDE),
        }
    }
}

/// One bundle as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `claims.jsonl:3`, `model.sig`, or where else it was kept.
    pub place: String,
    pub bytes: Vec<u8>,
}

/// Why a claims file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{place} cannot be read: {error}")]
    Read { place: String, error: io::Error },
    #[error("{place} cannot be written: {error}")]
    Write { place: String, error: io::Error },
    #[error("{place} is no regular file; statements are not read through links or from devices")]
    NotAFile { place: String },
    #[error("{place} is larger than {} MiB, more than statements take", MAX_FILE >> 20)]
    TooLarge { place: String },
    #[error("{place} has more than {MAX_LINES} lines, more than one model's statements")]
    TooMany { place: String },
}

/// Every statement beside the artifact, the signature first; nothing when there
/// is none.
pub fn read_beside(places: &Places) -> Result<Vec<Line>, StoreError> {
    let mut lines = Vec::new();
    if let Some(bytes) = read_file(&places.signature)? {
        lines.push(Line {
            place: shown(&places.signature),
            bytes,
        });
    }
    lines.extend(read_lines(&places.claims)?);
    Ok(lines)
}

/// The lines of one claims file; nothing when it is not there. A line that is
/// too long is kept, cut, so that it is refused by name.
pub fn read_lines(file: &Path) -> Result<Vec<Line>, StoreError> {
    let Some(bytes) = read_file(file)? else {
        return Ok(Vec::new());
    };
    let name = shown(file);
    let mut lines = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if lines.len() >= MAX_LINES {
            return Err(StoreError::TooMany { place: name });
        }
        let cut = line.get(..MAX_LINE).unwrap_or(line);
        lines.push(Line {
            place: format!("{name}:{}", number.saturating_add(1)),
            bytes: cut.to_vec(),
        });
    }
    Ok(lines)
}

fn read_file(file: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let place = || file.display().to_string();
    let failed = |error| StoreError::Read {
        place: place(),
        error,
    };
    let meta = match std::fs::symlink_metadata(file) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !meta.is_file() {
        return Err(StoreError::NotAFile { place: place() });
    }
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| {
            file.take(MAX_FILE.saturating_add(1))
                .read_to_end(&mut bytes)
        })
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(StoreError::TooLarge { place: place() });
    }
    Ok(Some(bytes))
}

/// Adds bundles, each on a line of its own, unless the same bytes are there.
/// Returns how many were new.
///
/// The file is written whole beside itself and renamed, under a lock: whoever
/// reads it sees the old lines or all of the new ones, and two writers do not
/// lose each other's.
pub fn append(file: &Path, bundles: &[Vec<u8>]) -> Result<usize, StoreError> {
    let failed = |error| StoreError::Write {
        place: file.display().to_string(),
        error,
    };
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let lock = File::open(folder).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let mut text = read_file(file)?.unwrap_or_default();
    if text.last().is_some_and(|byte| *byte != b'\n') {
        text.push(b'\n');
    }
    let mut known: std::collections::HashSet<Vec<u8>> = text
        .split(|byte| *byte == b'\n')
        .map(|line| line.trim_ascii().to_vec())
        .collect();
    let mut added: usize = 0;
    for bundle in bundles {
        let line = one_line(bundle);
        if known.insert(line.clone()) {
            text.extend_from_slice(&line);
            text.push(b'\n');
            added = added.saturating_add(1);
        }
    }
    if added > 0 {
        write_whole(file, folder, &text).map_err(failed)?;
    }
    Ok(added)
}

/// The bundle without line ends: whitespace between JSON's tokens says nothing,
/// and within its strings a line end is always escaped.
fn one_line(bundle: &[u8]) -> Vec<u8> {
    let kept = bundle.iter().map(|byte| {
        if matches!(byte, b'\n' | b'\r') {
            b' '
        } else {
            *byte
        }
    });
    kept.collect::<Vec<u8>>().trim_ascii().to_vec()
}

fn write_whole(file: &Path, folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = File::create(&beside).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()
    });
    written
        .and_then(|()| std::fs::rename(&beside, file))
        .inspect_err(|_| {
            let _ = std::fs::remove_file(&beside);
        })
}

fn shown(file: &Path) -> String {
    file.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_back_line_by_line_and_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = Places::of(folder.path());
        assert_eq!(read_beside(&places).expect("read"), []);
        let (one, two) = (b"{\"a\":\n 1}".to_vec(), b"{\"b\":2}".to_vec());
        assert_eq!(
            append(&places.claims, &[one.clone(), two.clone()]).expect("added"),
            2
        );
        assert_eq!(
            append(&places.claims, &[one, b"{}".to_vec()]).expect("added"),
            1
        );
        let lines = read_beside(&places).expect("read");
        let shown: Vec<_> = lines.iter().map(|l| l.place.as_str()).collect();
        assert_eq!(
            shown,
            ["claims.jsonl:1", "claims.jsonl:2", "claims.jsonl:3"]
        );
        assert_eq!(lines[0].bytes, b"{\"a\":  1}");
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .expect("a folder")
            .collect();
        assert_eq!(left.len(), 1, "nothing half written is left");
    }

    #[test]
    fn a_lone_file_has_its_statements_beside_it() {
        let places = Places::of(Path::new("/nowhere/m.gguf"));
        assert_eq!(places.claims, Path::new("/nowhere/m.gguf.claims.jsonl"));
        assert_eq!(places.signature, Path::new("/nowhere/m.gguf.sig"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_the_claims_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secret"), "x").expect("a file");
        std::os::unix::fs::symlink("secret", folder.path().join(CLAIMS)).expect("a link");
        let read = read_beside(&Places::of(folder.path()));
        assert!(matches!(read, Err(StoreError::NotAFile { .. })), "{read:?}");
    }
}
