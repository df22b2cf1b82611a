//! Where a registry lies.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const DATABASE: &str = "registry.sqlite";

/// `$XDG_DATA_HOME/modelward`, `~/.local/share/modelward`, on macOS
/// `~/Library/Application Support/modelward`, on Windows
/// `%LOCALAPPDATA%\modelward`. Absent when the environment names no home.
pub fn default_place() -> Option<PathBuf> {
    choose(|name| env::var_os(name))
}

/// The database of a registry at `place`: a folder, or by the extension
/// `.sqlite` or `.db` the database itself.
pub fn database_of(place: &Path) -> PathBuf {
    let named = place
        .extension()
        .is_some_and(|extension| extension == "sqlite" || extension == "db");
    if place.is_file() || (named && !place.is_dir()) {
        place.to_owned()
    } else {
        place.join(DATABASE)
    }
}

fn choose(var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // A relative path would put the registry wherever one happens to stand; the
    // XDG specification says to ignore it.
    let absolute = |name| {
        var(name)
            .map(PathBuf::from)
            .filter(|path: &PathBuf| path.is_absolute())
    };
    if cfg!(windows) {
        return Some(absolute("LOCALAPPDATA")?.join("modelward"));
    }
    if let Some(folder) = absolute("XDG_DATA_HOME") {
        return Some(folder.join("modelward"));
    }
    let below = if cfg!(target_os = "macos") {
        "Library/Application Support/modelward"
    } else {
        ".local/share/modelward"
    };
    Some(absolute("HOME")?.join(below))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_data_home_is_followed_when_it_is_absolute() {
        let at = |data: &str| {
            let data = OsString::from(data);
            choose(|name| match name {
                "XDG_DATA_HOME" => Some(data.clone()),
                "HOME" => Some("/home/ada".into()),
                _ => None,
            })
        };
        assert_eq!(at("/data"), Some(PathBuf::from("/data/modelward")));
        assert!(at("data").is_some_and(|place| place.starts_with("/home/ada")));
        assert_eq!(choose(|_| None), None);
    }

    #[test]
    fn a_place_is_a_folder_unless_it_names_a_database() {
        let database = |place: &str| database_of(Path::new(place));
        assert_eq!(database("/no/r"), Path::new("/no/r/registry.sqlite"));
        assert_eq!(database("/no/r.sqlite"), Path::new("/no/r.sqlite"));
    }
}
