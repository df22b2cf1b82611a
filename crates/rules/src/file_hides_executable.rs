#![doc = include_str!("file_hides_executable.md")]

use modelward_schema::{Confidence, Facts, FileFact, Location, Severity};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "file-hides-executable",
    title: "a program stands where no program belongs",
    severity: Severity::Medium,
    frameworks: &["CWE-506", "AML.T0011.001", "LLM03:2025", "DE.CM-09"],
    fix: "remove it, and find out who put it there",
    page: include_str!("file_hides_executable.md"),
    check,
};

/// What the operating system or a virtual machine runs, and the extensions
/// that say so. An empty one is no extension at all.
static PROGRAMS: &[(&str, &[&str])] = &[
    ("elf", &["so", "o", "ko", "elf", "pyd", "node", "axf"]),
    ("pe", &["exe", "dll", "pyd", "sys", "node", "mui", "ocx"]),
    ("macho", &["dylib", "so", "o", "bundle", "node"]),
    ("wasm", &["wasm"]),
    ("dex", &["dex"]),
    ("python-bytecode", &["pyc", "pyo"]),
    ("lua-bytecode", &["luac"]),
    ("windows-shortcut", &["lnk"]),
    (
        "script",
        &["", "sh", "bash", "zsh", "fish", "pl", "rb", "js", "mjs", "lua", "r", "awk", "tcl", "php", "jl", "ps1", "in", "sbatch", "slurm"],
    ),
];

fn check(facts: &Facts, out: &mut Findings) {
    for file in &facts.files {
        let found = PROGRAMS
            .iter()
            .find(|(name, _)| file.format == *name || file.also.iter().any(|also| also == name));
        if let Some((name, extensions)) = found
            && !says_so(file, extensions)
        {
            out.graded(
                Severity::Medium,
                Confidence::High,
                &Location::file(&file.path),
                format!("it is a program ({name}), and its name does not say so"),
            );
        }
    }
}

fn says_so(file: &FileFact, extensions: &[&str]) -> bool {
    let claimed = file.claimed.as_deref().unwrap_or_default();
    // `libfoo.so.1.2` is a library as well.
    extensions.contains(&claimed)
        || (extensions.contains(&"so") && file.path.contains(".so."))
}
