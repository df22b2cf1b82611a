//! OMS 1.0, §6: which files belong to an artifact, in what order, and the one
//! digest over them.
//!
//! The serialization is `files` with SHA-256. Names are not part of the root
//! digest (§6.5.1): two artifacts whose files have equal bytes in equal order
//! share it, and only a signature over the listed names tells them apart.
//!
//! Symbolic links: OMS by default lists none of them. Whoever enumerates may
//! list a link under the link's own name with its target's bytes, which is what
//! `allow_symlinks` means.

use sha2::{Digest as _, Sha256};

use crate::FileDigest;
use crate::hash::hex;

/// Left out at the top of a folder, files and whole subtrees alike; `sub/.git`
/// is not (§6.2.1).
pub const IGNORED: [&str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];

/// The bundle that signs the artifact it lies in, and so cannot be part of it.
pub const SIGNATURE: &str = "model.sig";

/// What speaks about an artifact from within its folder, at the top: its
/// signature, the statements about it and the manifest. Whoever corrects these
/// does not make another model, so they are no part of it.
pub const OUTSIDE: [&str; 3] = [SIGNATURE, CLAIMS, "modelward.yaml"];

/// One signed statement a line.
pub const CLAIMS: &str = "claims.jsonl";

/// Whether `path`, relative to the artifact's root, is outside its identity.
/// Such a file can change without the digest changing; it is to be read and
/// judged all the same.
pub fn is_ignored(path: &str) -> bool {
    let top = path.split('/').next().unwrap_or(path);
    IGNORED.contains(&top) || OUTSIDE.contains(&path)
}

/// Why a name cannot be listed (§6.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name is empty")]
    Empty,
    #[error("the name is absolute")]
    Absolute,
    #[error("the name ends in a slash")]
    Folder,
    #[error("the name has an empty, `.` or `..` part")]
    Unnormalised,
}

/// Relative, `/` between parts, no empty, `.` or `..` part, no slash at the end.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.starts_with('/') {
        return Err(NameError::Absolute);
    }
    if name.ends_with('/') {
        return Err(NameError::Folder);
    }
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(NameError::Unnormalised);
    }
    Ok(())
}

/// Why files have no root digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    #[error("there is no file to identify the artifact by")]
    Empty,
    #[error("two files are named {0:?}")]
    Twice(String),
    #[error("{name:?} cannot be listed: {why}")]
    Name { name: String, why: NameError },
}

/// `sha256:` and SHA-256 over the files' raw digests, in byte order of their
/// names whatever order they come in. Ignored files must be left out before;
/// one single file is listed under its base name.
pub fn root_digest<'a>(
    files: impl IntoIterator<Item = &'a FileDigest>,
) -> Result<String, RootError> {
    let mut files: Vec<&FileDigest> = files.into_iter().collect();
    if files.is_empty() {
        return Err(RootError::Empty);
    }
    files.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    let mut root = Sha256::new();
    let mut before: Option<&str> = None;
    for file in files {
        check_name(&file.path).map_err(|why| RootError::Name {
            name: file.path.clone(),
            why,
        })?;
        if before == Some(&file.path) {
            return Err(RootError::Twice(file.path.clone()));
        }
        before = Some(&file.path);
        root.update(file.sha256);
    }
    Ok(format!("sha256:{}", hex(&root.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, byte: u8) -> FileDigest {
        FileDigest {
            path: path.to_owned(),
            size: 1,
            sha256: [byte; 32],
            cached: false,
        }
    }

    #[test]
    fn ignored_names_are_ignored_at_the_top_only() {
        for path in [
            ".git",
            ".git/HEAD",
            ".github/ci.yml",
            ".gitignore",
            "model.sig",
            "claims.jsonl",
            "modelward.yaml",
        ] {
            assert!(is_ignored(path), "{path}");
        }
        for path in [
            "sub/.git",
            ".gitmodules",
            "sub/model.sig",
            "model.sig/x",
            ".gitx/a",
        ] {
            assert!(!is_ignored(path), "{path}");
        }
    }

    #[test]
    fn files_are_ordered_by_the_bytes_of_the_whole_name() {
        let by_parts = [file("a/b", 1), file("a-b", 2)];
        let by_bytes = [file("a-b", 2), file("a/b", 1)];
        let swapped = [file("a-b", 1), file("a/b", 2)];
        assert_eq!(root_digest(&by_parts), root_digest(&by_bytes));
        assert_ne!(root_digest(&by_bytes), root_digest(&swapped));
    }

    #[test]
    fn an_empty_artifact_has_no_identity() {
        assert_eq!(root_digest(&[]), Err(RootError::Empty));
    }

    #[test]
    fn a_name_that_is_listed_twice_or_escapes_is_refused() {
        let twice = [file("a", 1), file("b", 1), file("a", 2)];
        assert_eq!(root_digest(&twice), Err(RootError::Twice("a".to_owned())));
        for name in ["", "/a", "a/", "a//b", "./a", "a/../b", ".."] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert_eq!(check_name("…/weird name\n.bin"), Ok(()));
    }
}
