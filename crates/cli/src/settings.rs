//! What the options mean on this machine: who acts, when, with which caches.

use std::path::{Path, PathBuf};

use modelward_engine::gate::manifest_text;
use modelward_engine::source::Opened;
use modelward_engine::{Options, Progress};
use modelward_registry::Registry;
use modelward_schema::Manifest;
use modelward_trust::DigestCache;

use crate::args::{Actor, Common};
use crate::failure::{Failure, usage};

/// RFC 3339, UTC, to the second.
pub(crate) fn now(common: &Common) -> String {
    let now = common.now.unwrap_or_else(jiff::Timestamp::now);
    let second = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
    second.to_string()
}

pub(crate) fn jobs(common: &Common) -> usize {
    common
        .jobs
        .map_or_else(modelward_engine::default_jobs, usize::from)
}

/// A reading that names the artifact; `tell` hears how far it is.
pub(crate) fn reading<'a>(
    common: &Common,
    cache: Option<&'a DigestCache>,
    tell: Option<&'a (dyn Fn(u64) + Sync)>,
) -> Options<'a> {
    Options {
        jobs: jobs(common),
        identity: true,
        cache,
        progress: Progress(tell),
    }
}

/// A reading whose digests nobody asks for.
pub(crate) fn contents(common: &Common) -> Options<'static> {
    Options {
        identity: false,
        ..reading(common, None, None)
    }
}

/// The artifact's manifest, when there is one; one with faults is the user's to
/// mend.
pub(crate) fn manifest(opened: &Opened, given: Option<&Path>) -> Result<Option<Manifest>, Failure> {
    let Some((place, text)) = manifest_text(opened, given)? else {
        return Ok(None);
    };
    match modelward_manifest::parse(&place, &text) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(faults) => {
            let first = faults.first().map(modelward_manifest::describe);
            usage(first.unwrap_or_else(|| format!("{place} is no manifest")))
        }
    }
}

pub(crate) fn digest_cache(common: &Common) -> Option<DigestCache> {
    if common.no_cache {
        return None;
    }
    modelward_trust::cache_dir().map(|folder| DigestCache::open(&folder.join("digests")))
}

/// What was learnt about unchanged files is kept; losing it costs time only.
pub(crate) fn save(cache: Option<DigestCache>, common: &Common) {
    if let Some(Err(error)) = cache.map(|cache| cache.save()) {
        crate::output::remark(
            common,
            &format!("the digest cache could not be written: {error}"),
        );
    }
}

/// `--registry`, `MODELWARD_REGISTRY`, or the user's data folder.
pub(crate) fn registry_place(common: &Common) -> Result<PathBuf, Failure> {
    let place = common
        .registry
        .clone()
        .or_else(modelward_registry::default_place);
    place.map_or_else(
        || usage("no place for the registry is known; give one by --registry"),
        Ok,
    )
}

/// A path as people would write it: `~` for the home folder.
pub(crate) fn at_home(place: &Path) -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match home
        .as_deref()
        .and_then(|home| place.strip_prefix(home).ok())
    {
        Some(rest) => format!("~/{}", rest.display()),
        None => place.display().to_string(),
    }
}

/// The registry, when there is one to read.
pub(crate) fn existing_registry(common: &Common) -> Result<Registry, Failure> {
    let place = registry_place(common)?;
    match Registry::open_existing(&place)? {
        Some(registry) => Ok(registry),
        None => usage(format!(
            "there is no registry at {}; the first modelward gate makes one, --registry names another",
            place.display()
        )),
    }
}

/// Who acts: as said, else git's address, else the login name.
pub(crate) fn actor(actor: &Actor) -> String {
    let login = || {
        ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
    };
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
        let Ok(text) = std::fs::read_to_string(file) else {
            continue;
        };
        let mut in_user = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                in_user = line.eq_ignore_ascii_case("[user]");
            } else if let (true, Some((key, value))) = (in_user, line.split_once('='))
                && key.trim().eq_ignore_ascii_case("email")
            {
                return Some(value.trim().trim_matches('"').to_owned());
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
    repository
        .into_iter()
        .chain(home.map(|home| PathBuf::from(home).join(".gitconfig")))
        .collect()
}
