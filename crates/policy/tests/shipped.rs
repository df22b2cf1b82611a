//! The shipped policies pass their own tests, and every file of them is
//! compiled in.
#![allow(clippy::expect_used, reason = "a test stops at what it did not expect")]

use std::path::Path;

use modelward_policy::{PolicyFile, run_tests, shipped};

#[test]
fn every_test_in_rego_passes() {
    let files: Vec<PolicyFile<'_>> = shipped().collect();
    let outcomes = run_tests(&files).expect("the tests load");
    let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(outcomes.len() > 50, "{}", outcomes.len());
}

#[test]
fn every_policy_file_is_compiled_in_and_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut on_disk = Vec::new();
    for folder in [root.clone(), root.join("gate")] {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(&root).expect("below it");
            let name = name.to_string_lossy().replace('\\', "/");
            if name.ends_with(".rego") || name.ends_with(".json") {
                on_disk.push(format!("policies/{name}"));
            }
        }
    }
    on_disk.sort();
    let mut compiled: Vec<&str> = shipped().map(|file| file.name).collect();
    compiled.sort_unstable();
    assert_eq!(on_disk, compiled);
    for name in compiled.iter().filter(|name| name.ends_with(".rego")) {
        let test = name.replace(".rego", "_test.rego");
        assert!(
            name.ends_with("_test.rego") || compiled.contains(&test.as_str()),
            "{name} has no test"
        );
    }
}
