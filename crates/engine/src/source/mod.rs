//! What the user named → which files are the artifact.
//!
//! A subject is a file, a folder, a Hugging Face cache entry
//! (`hf:org/name[@rev]`, a snapshot folder or its repository folder) or `-`.
//! Only the local disk is asked; nothing is fetched.

mod hub;
mod walk;

use std::io::Read;
use std::path::{Path, PathBuf};

use modelward_schema::{Gap, Source, SourceKind};

pub use walk::FileStamp;

/// The manifest's name at the top of an artifact's folder. It speaks about the
/// artifact and is no part of its identity.
pub const MANIFEST: &str = "modelward.yaml";

/// Bytes accepted on standard input.
const STDIN_LIMIT: u64 = 256 << 20;

/// An artifact on this machine, before it is read.
#[derive(Debug)]
pub struct Opened {
    /// Name for an artifact without a manifest.
    pub name: String,
    pub source: Source,
    /// The folder, or the one file; absent for standard input.
    pub root: Option<PathBuf>,
    /// Sorted by `path`.
    pub files: Vec<SourceFile>,
    /// What is there and cannot be read: devices, links that leave, refusals.
    pub gaps: Vec<Gap>,
    /// The bytes of `-`.
    pub stdin: Option<Vec<u8>>,
}

/// A regular file of the artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the root, `/` between parts, control characters escaped.
    pub path: String,
    /// Where to open it.
    pub place: PathBuf,
    pub stamp: FileStamp,
}

/// The world's fault: one sentence that says what, where and how to fix it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SubjectError(pub String);

/// Finds the files of a subject.
pub fn open(subject: &str) -> Result<Opened, SubjectError> {
    if subject == "-" {
        return open_stdin();
    }
    if let Some(repo) = subject.strip_prefix("hf:") {
        let entry = hub::resolve(repo)?;
        return open_path(subject, &entry.folder.clone(), Some(entry));
    }
    let path = Path::new(subject);
    let entry = hub::recognise(path)?;
    let folder = entry
        .as_ref()
        .map_or_else(|| path.to_owned(), |entry| entry.folder.clone());
    open_path(subject, &folder, entry)
}

fn open_stdin() -> Result<Opened, SubjectError> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(STDIN_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| SubjectError(format!("standard input could not be read: {error}")))?;
    if bytes.len() as u64 > STDIN_LIMIT {
        return Err(SubjectError(format!(
            "standard input is larger than {} MiB; save it to a file and name the file",
            STDIN_LIMIT >> 20
        )));
    }
    Ok(Opened {
        name: "stdin".to_owned(),
        source: Source {
            kind: SourceKind::Stdin,
            given: "-".to_owned(),
            repo: None,
            revision: None,
        },
        root: None,
        files: Vec::new(),
        gaps: Vec::new(),
        stdin: Some(bytes),
    })
}

fn open_path(
    given: &str,
    path: &Path,
    entry: Option<hub::CacheEntry>,
) -> Result<Opened, SubjectError> {
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            SubjectError(format!("{given}: no such file or folder; check the path"))
        }
        _ => SubjectError(format!("{given}: cannot be opened ({error})")),
    })?;
    let kind = match (&entry, meta.is_dir()) {
        (Some(_), _) => SourceKind::HuggingFaceCache,
        (None, true) => SourceKind::Folder,
        (None, false) => SourceKind::File,
    };
    let (repo, revision) = entry.map_or((None, None), |e| (Some(e.repo), Some(e.revision)));
    let found = walk::walk(path, repo.is_some());
    Ok(Opened {
        name: repo
            .as_deref()
            .and_then(|repo| repo.rsplit('/').next())
            .map_or_else(|| name_of(path), str::to_owned),
        source: Source {
            kind,
            given: given.to_owned(),
            repo,
            revision,
        },
        root: Some(path.to_owned()),
        files: found.files,
        gaps: found.gaps,
        stdin: None,
    })
}

/// Lists the files again: anything that differs was changed while it was read.
pub fn changed_since(opened: &Opened) -> Vec<Gap> {
    let Some(root) = &opened.root else {
        return Vec::new();
    };
    let again = walk::walk(root, opened.source.repo.is_some());
    walk::differences(&opened.files, &again.files)
}

fn name_of(path: &Path) -> String {
    let absolute = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    absolute.file_name().map_or_else(
        || "model".to_owned(),
        |name| walk::shown(&name.to_string_lossy()),
    )
}
