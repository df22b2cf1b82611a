//! The arrows between the rooms, as ARCHITECTURE.md draws them.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

use std::collections::BTreeMap;
use std::process::Command;

/// Which of our crates each crate may use.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("schema", &[]),
    ("formats", &["schema"]),
    ("rules", &["schema"]),
    ("policy", &["schema"]),
    ("manifest", &["schema"]),
    ("trust", &["schema"]),
    ("registry", &["schema"]),
    ("graphs", &["schema"]),
    ("lineage", &["schema"]),
    ("behaviour", &["schema", "graphs"]),
    ("bom", &["schema"]),
    (
        "engine",
        &[
            "schema",
            "formats",
            "graphs",
            "lineage",
            "behaviour",
            "rules",
            "manifest",
            "policy",
            "trust",
            "registry",
        ],
    ),
    (
        "cli",
        &[
            "schema", "engine", "rules", "manifest", "policy", "registry", "trust", "bom",
            "graphs", "lineage",
        ],
    ),
];

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = short(package["name"].as_str().unwrap_or_default());
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        let ours = dependencies
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|name| name.starts_with("modelward"))
            .map(short);
        uses.insert(name, ours.collect());
    }
    for (room, allowed) in ALLOWED {
        let used = uses
            .get(room)
            .unwrap_or_else(|| panic!("{room} is a crate"));
        for other in used {
            assert!(
                allowed.contains(&other.as_str()),
                "{room} must not use {other}"
            );
        }
    }
}

fn short(name: &str) -> String {
    match name {
        "modelward" => "cli".to_owned(),
        name => name.trim_start_matches("modelward-").to_owned(),
    }
}

#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.join("crates"), root.join("xtask")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path)
                    .expect("text")
                    .lines()
                    .count();
                assert!(lines <= 600, "{} has {lines} lines", path.display());
            }
        }
    }
}
