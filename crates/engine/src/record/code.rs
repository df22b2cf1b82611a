//! The code of the working directory, as git has it.

use std::process::{Command, Stdio};

use modelward_trust::evidence::Resource;

use super::secrets;

/// A commit, and whether the files are what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) commit: String,
    pub(super) dirty: bool,
    origin: Option<String>,
}

impl Code {
    pub(super) fn resource(&self) -> Resource {
        let mut resource = Resource {
            uri: self.origin.as_ref().map(|origin| format!("git+{origin}")),
            digest: [("gitCommit".to_owned(), self.commit.clone())].into(),
            ..Resource::default()
        }
        .used_as("code");
        resource
            .annotations
            .insert("dirty".to_owned(), self.dirty.into());
        resource
    }
}

/// Absent outside a repository, before its first commit, or without git.
pub(super) fn here() -> Option<Code> {
    Some(Code {
        commit: git(&["rev-parse", "--verify", "HEAD"])?,
        dirty: !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty(),
        origin: git(&["remote", "get-url", "origin"]).map(|url| secrets::address(&url)),
    })
}

/// Without what a repository's own settings would have git run.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args([
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(args)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
