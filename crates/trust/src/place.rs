//! Where caches go by the platform's custom.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// `$XDG_CACHE_HOME/modelward`, `~/.cache/modelward`, on macOS
/// `~/Library/Caches/modelward`, on Windows `%LOCALAPPDATA%\modelward\cache`.
/// Absent when the environment names no home.
pub fn cache_dir() -> Option<PathBuf> {
    choose(|name| env::var_os(name))
}

fn choose(var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // A relative path would put the cache wherever one happens to stand; the
    // XDG specification says to ignore it.
    let absolute = |name| {
        var(name)
            .map(PathBuf::from)
            .filter(|path: &PathBuf| path.is_absolute())
    };
    if cfg!(windows) {
        return Some(absolute("LOCALAPPDATA")?.join("modelward").join("cache"));
    }
    if let Some(dir) = absolute("XDG_CACHE_HOME") {
        return Some(dir.join("modelward"));
    }
    let below = if cfg!(target_os = "macos") {
        Path::new("Library/Caches/modelward")
    } else {
        Path::new(".cache/modelward")
    };
    Some(absolute("HOME")?.join(below))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_relative_cache_home_is_not_followed() {
        let chosen = choose(|name| match name {
            "XDG_CACHE_HOME" => Some("here".into()),
            "HOME" => Some("/home/ada".into()),
            _ => None,
        });
        assert!(chosen.is_some_and(|path| path.starts_with("/home/ada")));
        let chosen = choose(|name| (name == "XDG_CACHE_HOME").then(|| "/var/c".into()));
        assert_eq!(chosen, Some(PathBuf::from("/var/c/modelward")));
        assert_eq!(choose(|_| None), None);
    }
}
