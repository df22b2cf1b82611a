//! The local Hugging Face cache: `models--org--name/{refs,snapshots,blobs}`
//! under `HF_HUB_CACHE`, `HF_HOME/hub` or `~/.cache/huggingface/hub`, as
//! `huggingface_hub` lays it out.

use std::path::{Path, PathBuf};

use super::SubjectError;

/// A snapshot in the cache.
#[derive(Debug)]
pub(super) struct CacheEntry {
    pub(super) folder: PathBuf,
    /// `org/name`.
    pub(super) repo: String,
    /// The commit, or what the cache calls it.
    pub(super) revision: String,
}

/// `org/name[@rev]` → its snapshot.
pub(super) fn resolve(repo: &str) -> Result<CacheEntry, SubjectError> {
    let (name, revision) = repo
        .split_once('@')
        .map_or((repo, None), |(n, r)| (n, Some(r)));
    let plain = |part: &str| {
        !part.is_empty()
            && part != ".."
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    if name.split('/').count() > 2 || !name.split('/').all(plain) {
        return Err(SubjectError(format!(
            "hf:{repo}: not a repository name; write hf:org/name or hf:org/name@revision"
        )));
    }
    let folder = cache_root()?.join(format!("models--{}", name.replace('/', "--")));
    if !folder.is_dir() {
        return Err(SubjectError(format!(
            "hf:{repo}: not in the local cache at {}; download it first, nothing is fetched here",
            folder.display()
        )));
    }
    snapshot(&folder, name, revision)
}

/// Recognises a snapshot folder or a repository folder of the cache.
pub(super) fn recognise(path: &Path) -> Result<Option<CacheEntry>, SubjectError> {
    let Ok(absolute) = std::path::absolute(path) else {
        return Ok(None);
    };
    if let Some(repo) = repo_name(&absolute)
        && absolute.join("snapshots").is_dir()
    {
        return snapshot(&absolute, &repo, None).map(Some);
    }
    let (Some(revision), Some(snapshots)) = (absolute.file_name(), absolute.parent()) else {
        return Ok(None);
    };
    let Some(repo) = snapshots.parent().and_then(repo_name) else {
        return Ok(None);
    };
    if !snapshots.ends_with("snapshots") {
        return Ok(None);
    }
    let revision = revision.to_string_lossy().into_owned();
    Ok(Some(CacheEntry {
        folder: path.to_owned(),
        repo,
        revision,
    }))
}

fn repo_name(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?.strip_prefix("models--")?;
    Some(name.replacen("--", "/", 1))
}

fn snapshot(folder: &Path, repo: &str, revision: Option<&str>) -> Result<CacheEntry, SubjectError> {
    let wanted = revision.unwrap_or("main");
    let commit = std::fs::read_to_string(folder.join("refs").join(wanted))
        .map_or_else(|_| wanted.to_owned(), |text| text.trim().to_owned());
    let safe = commit.chars().all(|c| c.is_ascii_alphanumeric());
    let candidate = folder.join("snapshots").join(&commit);
    if safe && candidate.is_dir() {
        return Ok(CacheEntry {
            folder: candidate,
            repo: repo.to_owned(),
            revision: commit,
        });
    }
    let mut present: Vec<String> = std::fs::read_dir(folder.join("snapshots"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    present.sort();
    match (revision, present.as_slice()) {
        (None, [only]) => Ok(CacheEntry {
            folder: folder.join("snapshots").join(only),
            repo: repo.to_owned(),
            revision: only.clone(),
        }),
        _ => Err(SubjectError(format!(
            "hf:{repo}: revision {wanted} is not in the local cache; it has {}",
            if present.is_empty() {
                "none".to_owned()
            } else {
                present.join(", ")
            }
        ))),
    }
}

fn cache_root() -> Result<PathBuf, SubjectError> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    set("HF_HUB_CACHE")
        .or_else(|| set("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/huggingface/hub")))
        .or_else(|| set("USERPROFILE").map(|home| home.join(".cache/huggingface/hub")))
        .ok_or_else(|| {
            SubjectError("hf: no cache folder is known; set HF_HUB_CACHE to it".to_owned())
        })
}
