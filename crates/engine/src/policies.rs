//! A user's policy folder, read from disk for the policy room, which does no I/O.

use std::path::Path;

use modelward_policy::{Policy, PolicyError, PolicyFile};

/// Larger files and more of them are not policies.
const MAX_BYTES: u64 = 4 << 20;
const MAX_FILES: usize = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum PoliciesError {
    #[error("{place}: {error}; name a folder with Rego files by --policy")]
    Read {
        place: String,
        error: std::io::Error,
    },
    #[error("{0}: more or larger files than a policy has; name the policy's own folder")]
    TooLarge(String),
    #[error("{0}: holds no .rego file; name a folder with Rego files by --policy")]
    Empty(String),
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// The built-in policy, or what the folder makes of it.
pub fn load(folder: Option<&Path>) -> Result<Policy, PoliciesError> {
    let Some(folder) = folder else {
        return Ok(Policy::built_in()?);
    };
    let files = read(folder)?;
    let borrowed: Vec<PolicyFile<'_>> = files
        .iter()
        .map(|(name, text)| PolicyFile { name, text })
        .collect();
    let name = folder
        .file_name()
        .map_or_else(|| "policy".into(), |name| name.to_string_lossy());
    Ok(Policy::load(&name, &borrowed)?)
}

/// Name and text of every policy, data and test file below a folder, sorted.
pub fn read(folder: &Path) -> Result<Vec<(String, String)>, PoliciesError> {
    let failed = |place: &Path| {
        let place = place.display().to_string();
        move |error| PoliciesError::Read { place, error }
    };
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).map_err(failed(&next))?.flatten() {
            let path = entry.path();
            let kind = entry.file_type().map_err(failed(&path))?;
            let wanted = path.extension().and_then(|e| e.to_str());
            if kind.is_dir() {
                folders.push(path);
            } else if matches!(wanted, Some("rego" | "json" | "yaml" | "yml" | "toml")) {
                let size = entry.metadata().map_err(failed(&path))?.len();
                if size > MAX_BYTES || files.len() >= MAX_FILES {
                    return Err(PoliciesError::TooLarge(folder.display().to_string()));
                }
                let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
                let name = path.strip_prefix(folder).unwrap_or(&path);
                files.push((name.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    if !files.iter().any(|(name, _)| name.ends_with(".rego")) {
        return Err(PoliciesError::Empty(folder.display().to_string()));
    }
    files.sort();
    Ok(files)
}
