//! What the options mean on this machine: who acts, when, with which caches.

use std::path::PathBuf;

use modelward_trust::DigestCache;

use crate::args::{Actor, Common};

/// RFC 3339, UTC, to the second.
pub(crate) fn now(common: &Common) -> String {
    let now = common.now.unwrap_or_else(jiff::Timestamp::now);
    let second = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
    second.to_string()
}

pub(crate) fn jobs(common: &Common) -> usize {
    common.jobs.map_or_else(modelward_engine::default_jobs, usize::from)
}

pub(crate) fn digest_cache(common: &Common) -> Option<DigestCache> {
    if common.no_cache {
        return None;
    }
    modelward_trust::cache_dir().map(|folder| DigestCache::open(&folder.join("digests")))
}

/// Who acts: as said, else git's address, else the login name.
pub(crate) fn actor(actor: &Actor) -> String {
    let login = || ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
    actor
        .actor
        .clone()
        .or_else(git_address)
        .or_else(login)
        .filter(|who| !who.trim().is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

/// `user.email` of the repository or of the user, read from git's own files:
/// starting git would cost more than everything else.
fn git_address() -> Option<String> {
    for file in git_configs() {
        let Ok(text) = std::fs::read_to_string(file) else { continue };
        let mut in_user = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                in_user = line.eq_ignore_ascii_case("[user]");
            } else if let (true, Some((key, value))) = (in_user, line.split_once('=')) {
                if key.trim().eq_ignore_ascii_case("email") {
                    return Some(value.trim().trim_matches('"').to_owned());
                }
            }
        }
    }
    None
}

fn git_configs() -> Vec<PathBuf> {
    let here = std::env::current_dir().ok();
    let repository = here
        .as_deref()
        .into_iter()
        .flat_map(std::path::Path::ancestors)
        .map(|folder| folder.join(".git/config"))
        .find(|file| file.is_file());
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"));
    repository.into_iter().chain(home.map(|home| PathBuf::from(home).join(".gitconfig"))).collect()
}
