//! Honest models of the shared corpus are read whole and without an anomaly.
//! The corpus lies beside a working copy, never in it: without it the test says
//! so and ends.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::path::{Path, PathBuf};

use modelward_formats::{Limits, read};

fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MODELWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = root.join(folder);
    if !path.is_dir() {
        println!("skipped: no {}", path.display());
        return None;
    }
    Some(path)
}

fn files(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files(&path, extensions, found);
        } else if path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| extensions.contains(&extension))
        {
            found.push(path);
        }
    }
}

#[test]
fn honest_tensor_files_and_graphs_are_quiet() {
    let mut paths = Vec::new();
    for folder in ["corpus/graphs", "corpus/files/benign"] {
        if let Some(folder) = shared(folder) {
            files(&folder, &["onnx", "safetensors", "gguf"], &mut paths);
        }
    }
    let mut loud = Vec::new();
    for path in &paths {
        let bytes = std::fs::read(path).expect("a readable file");
        let name = path.to_string_lossy();
        let facts = read(&name, &bytes, &Limits::default());
        let claimed = path.extension().unwrap_or_default().to_string_lossy();
        let file = &facts.files[0];
        if file.format != claimed || !file.also.is_empty() || !facts.coverage.complete {
            loud.push(format!("{name}: {file:?} {:?}", facts.coverage.gaps));
        }
        for anomaly in facts.anomalies {
            loud.push(format!("{name}: {}: {}", anomaly.id, anomaly.message));
        }
        for code in facts.code {
            println!("{name}: calls {}", code.target);
        }
    }
    println!("{} files", paths.len());
    assert!(loud.is_empty(), "{}", loud.join("\n"));
}
