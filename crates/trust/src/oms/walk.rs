//! Lists what lies in a model (§6.1, §6.2).
//!
//! Regular files only. A link, a pipe, a name that is not text: each is refused
//! unless it is ignored, because what cannot be listed cannot be signed, and
//! what is not signed must not lie among what is. Folders themselves are not
//! listed, so an empty one can come and go.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use crate::{DigestCache, Refusal, Stamp};

/// More than this is refused rather than kept in memory.
const MAX_FILES: usize = 2_000_000;
/// Folders within folders.
const MAX_DEPTH: usize = 128;

/// A file of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative, `/` between parts.
    pub name: String,
    pub path: PathBuf,
    pub size: u64,
    pub(super) seen: Seen,
}

impl Entry {
    /// The SHA-256 that the cache has of the file as it was listed.
    pub fn known(&self, cache: &DigestCache) -> Option<[u8; 32]> {
        cache.lookup(self.seen.stamp.as_ref()?)
    }
}

/// What tells that a file is still the one that was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    size: u64,
    modified: Option<SystemTime>,
    pub(super) stamp: Option<Stamp>,
}

impl Seen {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            stamp: Stamp::of(metadata),
        }
    }
}

/// Which links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    No,
    /// To what lies inside the model.
    Inside,
    Anywhere,
}

pub(super) struct Rules<'a> {
    pub(super) ignored: &'a Ignored,
    pub(super) links: Links,
    /// Names that count even where everything is ignored.
    pub(super) listed: &'a BTreeSet<&'a str>,
    /// Whether a link to a folder of the model, of which nothing is listed, is
    /// passed over: the folder's own files are listed where they lie.
    pub(super) skip_linked_folders: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// In byte order of their names.
    pub(super) entries: Vec<Entry>,
    /// What was followed or passed over, for people.
    pub(super) remarks: Vec<String>,
}

/// Paths that are outside the signature: each with all that is below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignored(BTreeSet<String>);

impl Ignored {
    /// A path relative to the model; one that is empty or leaves it does nothing.
    pub fn add(&mut self, path: &str) {
        let parts: Vec<&str> = path
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect();
        if !parts.is_empty() && !path.starts_with('/') && !parts.contains(&"..") {
            self.0.insert(parts.join("/"));
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub fn covers(&self, name: &str) -> bool {
        if self.0.contains(name) {
            return true;
        }
        name.match_indices('/')
            .any(|(at, _)| self.0.contains(&name[..at]))
    }

    /// Where a path that somebody typed lies in the model: relative to the
    /// working directory when that is inside, else relative to the model. The
    /// model itself is the empty path; what lies outside is nothing.
    pub fn locate(model: &Path, typed: &Path) -> Option<String> {
        let model = std::path::absolute(model).ok()?;
        let absolute = std::path::absolute(typed).ok()?;
        if let Some(inside) = relative(&model, &absolute) {
            return Some(inside);
        }
        let real = |path: &Path| {
            let folder = fs::canonicalize(path.parent()?).ok()?;
            Some(folder.join(path.file_name()?))
        };
        if let (Ok(model), Some(path)) = (fs::canonicalize(&model), real(&absolute))
            && let Some(inside) = relative(&model, &path)
        {
            return Some(inside);
        }
        if typed.is_absolute() {
            return None;
        }
        relative(&model, &model.join(typed))
    }
}

/// By the text of the paths alone.
fn relative(model: &Path, path: &Path) -> Option<String> {
    let (model, path) = (plain(model), plain(path));
    let inside = path.strip_prefix(&model).ok()?;
    let parts: Option<Vec<&str>> = inside
        .components()
        .map(|part| part.as_os_str().to_str())
        .collect();
    Some(parts?.join("/"))
}

fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

pub(super) fn list(root: &Path, rules: &Rules<'_>) -> Result<Listing, Refusal> {
    let metadata = fs::metadata(root).map_err(|error| unreadable("the model", &error))?;
    let mut listing = Listing::default();
    if metadata.is_file() {
        let name = root
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| not_text(&root.to_string_lossy()))?;
        listing
            .entries
            .push(entry(name.to_owned(), root.to_owned(), &metadata));
        return Ok(listing);
    }
    if !metadata.is_dir() {
        return Err(irregular("the model"));
    }
    let home = fs::canonicalize(root).map_err(|error| unreadable("the model", &error))?;
    let mut open = vec![Folder {
        name: String::new(),
        path: root.to_owned(),
        real: home.clone(),
        before: None,
        depth: 0,
    }];
    while let Some(folder) = open.pop() {
        list_folder(&Rc::new(folder), &home, rules, &mut open, &mut listing)?;
        if listing.entries.len() > MAX_FILES {
            return Err(Refusal::new(
                "too-many-files",
                format!("the model has more than {MAX_FILES} files"),
            ));
        }
    }
    listing
        .entries
        .sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    listing.remarks.sort();
    Ok(listing)
}

struct Folder {
    name: String,
    path: PathBuf,
    /// Where it lies when all links are followed.
    real: PathBuf,
    /// The folder in which the last link that was followed lies.
    before: Option<Rc<Folder>>,
    depth: usize,
}

impl Folder {
    /// Whether going to `target` would come back here, now or through a link
    /// that led here.
    fn is_within(&self, target: &Path) -> bool {
        self.real.starts_with(target)
            || self
                .before
                .as_deref()
                .is_some_and(|before| before.is_within(target))
    }
}

fn list_folder(
    folder: &Rc<Folder>,
    home: &Path,
    rules: &Rules<'_>,
    open: &mut Vec<Folder>,
    listing: &mut Listing,
) -> Result<(), Refusal> {
    let shown = if folder.name.is_empty() {
        "the model"
    } else {
        &folder.name
    };
    if folder.depth > MAX_DEPTH {
        return Err(Refusal::new(
            "too-deep",
            format!("{shown} lies more than {MAX_DEPTH} folders deep"),
        ));
    }
    for found in fs::read_dir(&folder.path).map_err(|error| unreadable(shown, &error))? {
        let found = found.map_err(|error| unreadable(shown, &error))?;
        let lossy = found.file_name().to_string_lossy().into_owned();
        let name = join(&folder.name, &lossy);
        let wanted = is_wanted(&name, rules.listed);
        if rules.ignored.covers(&name) && !wanted {
            continue;
        }
        if found.file_name().to_str().is_none() {
            return Err(not_text(&name));
        }
        let kind = found
            .file_type()
            .map_err(|error| unreadable(&name, &error))?;
        let path = found.path();
        if kind.is_dir() {
            open.push(Folder {
                real: folder.real.join(&lossy),
                name,
                path,
                before: folder.before.clone(),
                depth: folder.depth + 1,
            });
        } else if kind.is_symlink() {
            follow(folder, name, path, home, rules, open, listing)?;
        } else if kind.is_file() {
            if rules.ignored.covers(&name) && !rules.listed.contains(name.as_str()) {
                continue;
            }
            let metadata = found
                .metadata()
                .map_err(|error| unreadable(&name, &error))?;
            listing.entries.push(entry(name, path, &metadata));
        } else {
            return Err(irregular(&name));
        }
    }
    Ok(())
}

fn follow(
    folder: &Rc<Folder>,
    name: String,
    path: PathBuf,
    home: &Path,
    rules: &Rules<'_>,
    open: &mut Vec<Folder>,
    listing: &mut Listing,
) -> Result<(), Refusal> {
    if rules.links == Links::No {
        return Err(Refusal::new(
            "symlink",
            format!(
                "{name} is a symbolic link; --allow-symlinks takes the files that links lead to"
            ),
        ));
    }
    let target = fs::canonicalize(&path).map_err(|error| {
        Refusal::new(
            "symlink-dangling",
            format!("{name} is a symbolic link that leads nowhere: {error}"),
        )
    })?;
    let inside = target.starts_with(home);
    if !inside && rules.links == Links::Inside {
        return Err(Refusal::new(
            "symlink-outside",
            format!(
                "{name} is a symbolic link that leads out of the model; --allow-symlinks follows it"
            ),
        ));
    }
    if !inside {
        listing.remarks.push(format!(
            "{name} leads out of the model, to {}",
            target.display()
        ));
    }
    let metadata = fs::metadata(&path).map_err(|error| unreadable(&name, &error))?;
    if metadata.is_file() {
        if rules.ignored.covers(&name) && !rules.listed.contains(name.as_str()) {
            return Ok(());
        }
        listing.entries.push(entry(name, path, &metadata));
        return Ok(());
    }
    if !metadata.is_dir() {
        return Err(irregular(&name));
    }
    if folder.is_within(&target) {
        return Err(Refusal::new(
            "symlink-cycle",
            format!("{name} is a symbolic link to a folder that it lies in"),
        ));
    }
    if rules.skip_linked_folders && !is_wanted(&name, rules.listed) {
        let place = target
            .strip_prefix(home)
            .ok()
            .and_then(Path::to_str)
            .filter(|place| !rules.ignored.covers(&place.replace('\\', "/")));
        if place.is_none() {
            return Err(Refusal::new(
                "symlinked-folder",
                format!("{name} is a symbolic link to a folder whose files are not signed"),
            ));
        }
        listing.remarks.push(format!(
            "the files behind the link {name} are signed where they lie, not under the link"
        ));
        return Ok(());
    }
    open.push(Folder {
        name,
        path,
        real: target,
        before: Some(Rc::clone(folder)),
        depth: folder.depth + 1,
    });
    Ok(())
}

/// Whether it is listed or something below it is.
fn is_wanted(name: &str, listed: &BTreeSet<&str>) -> bool {
    let below = format!("{name}/");
    listed.contains(name)
        || listed
            .range(below.as_str()..)
            .next()
            .is_some_and(|next| next.starts_with(&below))
}

fn entry(name: String, path: PathBuf, metadata: &Metadata) -> Entry {
    Entry {
        name,
        path,
        size: metadata.len(),
        seen: Seen::of(metadata),
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> Refusal {
    Refusal::new("unreadable", format!("{name} cannot be read: {error}"))
}

fn irregular(name: &str) -> Refusal {
    Refusal::new(
        "not-regular",
        format!("{name} is a device, pipe or socket, not a file"),
    )
}

fn not_text(name: &str) -> Refusal {
    Refusal::new(
        "name-not-text",
        format!("the name {name:?} is not valid UTF-8, so it cannot be listed"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_ignored_with_all_below_it_and_nothing_else() {
        let mut ignored = Ignored::default();
        for path in ["cache/", "./a//b", "..", "../x", "/etc", "."] {
            ignored.add(path);
        }
        for name in ["cache", "cache/x/y", "a/b", "a/b/c"] {
            assert!(ignored.covers(name), "{name}");
        }
        for name in ["sub/cache", "cachex", "a", "a/bc", "x", "etc"] {
            assert!(!ignored.covers(name), "{name}");
        }
    }

    #[test]
    fn a_typed_path_is_found_in_the_model() {
        let locate = |typed: &str| Ignored::locate(Path::new("/m/odel"), Path::new(typed));
        assert_eq!(locate("/m/odel/a/../b").as_deref(), Some("b"));
        assert_eq!(locate("b/c").as_deref(), Some("b/c"));
        assert_eq!(locate("/m/odel").as_deref(), Some(""));
        assert_eq!(locate("/m/odelx"), None);
        assert_eq!(locate("../../../../../../../../x"), None);
    }
}
