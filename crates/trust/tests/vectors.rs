//! Root digests that other implementations of OMS computed and signed.
//!
//! The samples lie beside the checkout, not in it; without them the tests say
//! so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot set itself up has failed, and a skipped one says so"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use modelward_trust::{Subject, hash_files, is_ignored, root_digest};

fn vectors() -> Option<PathBuf> {
    let shared = env::var_os("MODELWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let vectors = shared.join("vectors");
    if !vectors.is_dir() {
        eprintln!("skipped: there is no {}", vectors.display());
        return None;
    }
    Some(vectors)
}

fn enumerate(root: &Path, ignored: &dyn Fn(&str) -> bool) -> Vec<Subject> {
    if root.is_file() {
        return vec![Subject {
            name: root.file_name().unwrap().to_str().unwrap().to_owned(),
            path: root.to_owned(),
        }];
    }
    let mut out = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if ignored(&name) {
                continue;
            }
            if path.is_dir() {
                // As the producer of these samples does, links to folders are left out.
                if !path.is_symlink() {
                    open.push(path);
                }
            } else {
                out.push(Subject { name, path });
            }
        }
    }
    out
}

fn root_of(root: &Path, ignored: &dyn Fn(&str) -> bool) -> Option<String> {
    let files: Vec<_> = hash_files(&enumerate(root, ignored), None, &|_| {})
        .into_iter()
        .map(Result::unwrap)
        .collect();
    root_digest(&files).ok()
}

#[test]
fn roots_of_signed_models_are_those_their_producers_wrote() {
    let Some(vectors) = vectors() else { return };
    let generated = vectors.join("generated");
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .args(["-C".as_ref(), folder.path().as_os_str(), "-xf".as_ref()])
        .arg(generated.join("models.tar"))
        .status()
        .unwrap();
    assert!(unpacked.success());
    let index = fs::read_to_string(generated.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let mut checked = 0;
    for case in index.as_array().unwrap() {
        let serialization = &case["serialization"];
        let expected = case["root_digest_spec_bytewise_order"].as_str();
        let (Some(expected), "files", "sha256", "pass") = (
            expected,
            serialization["method"].as_str().unwrap_or_default(),
            serialization["hash_type"].as_str().unwrap_or_default(),
            case["expect"].as_str().unwrap_or_default(),
        ) else {
            continue;
        };
        let left_out: Vec<&str> = serialization["ignore_paths"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str)
            .collect();
        let ignored = |name: &str| left_out.contains(&name);
        let model = folder.path().join(case["model"].as_str().unwrap());
        assert_eq!(
            root_of(&model, &ignored),
            Some(format!("sha256:{expected}")),
            "{}",
            case["name"]
        );
        checked += 1;
    }
    assert!(checked >= 8, "only {checked} cases fitted");
}

#[test]
fn roots_of_published_signed_models_agree() {
    let Some(vectors) = vectors() else { return };
    let folder = vectors.join("model-transparency/v1.1.0-elliptic-key");
    let bundle = fs::read_to_string(folder.join("model.sig")).unwrap();
    let bundle: serde_json::Value = serde_json::from_str(&bundle).unwrap();
    let payload = base64(bundle["dsseEnvelope"]["payload"].as_str().unwrap());
    let statement: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    let expected = statement["subject"][0]["digest"]["sha256"]
        .as_str()
        .unwrap();
    let root = root_of(&folder, &|name| is_ignored(name) || name == "ignore-me");
    assert_eq!(root, Some(format!("sha256:{expected}")));
}

fn base64(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    out
}
