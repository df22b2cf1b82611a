//! The program that a command runs, by the digest of its file.

use std::path::{Path, PathBuf};

use modelward_trust::evidence::Resource;
use modelward_trust::{Subject, hash_file};

/// Programs that only run others: the script is the tool as well.
const INTERPRETERS: [&str; 8] = [
    "python", "bash", "sh", "zsh", "perl", "ruby", "node", "julia",
];

/// The program, and the script that an interpreter was given.
pub(super) fn of(argv: &[String]) -> Result<Vec<Resource>, String> {
    let Some(first) = argv.first() else {
        return Err("there is no command to run; name it after --".to_owned());
    };
    let Some(program) = find(first) else {
        return Err(format!("{first}: no such program; check the name or PATH"));
    };
    let mut tools = vec![named(first, &program)?];
    let name = base(&program);
    if INTERPRETERS
        .iter()
        .any(|known| base(Path::new(first)).starts_with(known) || name.starts_with(known))
        && let Some(script) = argv.iter().skip(1).find(|word| !word.starts_with('-'))
        && Path::new(script).is_file()
    {
        tools.push(named(script, Path::new(script))?);
    }
    Ok(tools)
}

fn base(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn named(as_typed: &str, file: &Path) -> Result<Resource, String> {
    // Through links, to what runs.
    let real = std::fs::canonicalize(file).map_err(|error| format!("{as_typed}: {error}"))?;
    let subject = Subject {
        name: base(file),
        path: real,
    };
    let digest = hash_file(&subject).map_err(|error| format!("{as_typed}: {error}"))?;
    Ok(Resource::named(&subject.name, &digest.digest()).used_as("tool"))
}

fn find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    // Where the system looks when nothing says where.
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
