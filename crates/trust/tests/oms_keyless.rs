//! OpenSSF Model Signing with the Sigstore method, signed and verified against
//! an instance of our own on a local port, as the OMS conformance suite asks
//! (its `roundtrip/sigstore-*` cases, which need the real services otherwise).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod fake;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fake::{Fake, Fault, ISSUER};
use modelward_trust::Refusal;
use modelward_trust::oms::{
    Algorithm, Checked, Dialect, Ignored, Method, SignOptions, Signed, Trust, VerifyOptions,
    prepare, verify,
};
use modelward_trust::sigstore::{
    Expectations, Instance, Root, Signer, Token, sign_statement, verify_envelope,
};
use serde_json::Value;
use tempfile::TempDir;

const WHO: &str = "https://ci.example.test/release.yml@refs/heads/main";

fn sign(model: &Path, ignored: &[&str], instance: &Instance) -> Vec<u8> {
    let prepared = prepare(
        model,
        &SignOptions {
            method: Method::Files,
            algorithm: Algorithm::Sha256,
            allow_symlinks: false,
            ignore_git: true,
            ignored: &paths(ignored),
            cache: None,
            paranoid: false,
            parts: None,
            progress: &|_| {},
        },
    )
    .unwrap();
    let token = Token::Given(fake::token(WHO));
    sign_statement(&prepared.manifest.to_statement(), &token, instance).unwrap()
}

fn check(
    model: &Path,
    bundle: &[u8],
    ignored: &[&str],
    (identity, issuer): (&str, &str),
    root: &Root,
) -> Result<(Signed, Checked), Refusal> {
    let expectations = Expectations {
        signer: Signer::Identity {
            identity: identity.to_owned(),
            issuer: issuer.to_owned(),
        },
        root,
    };
    let ask = |bytes: &[u8]| verify_envelope(bytes, &expectations).map(|_| identity.to_owned());
    let signed = Signed::open(bundle, Trust::Sigstore(&ask))?;
    let checked = verify(
        model,
        &signed,
        &VerifyOptions {
            ignored: &paths(ignored),
            ignore_git: true,
            ignore_unsigned: false,
            allow_symlinks: false,
            cache: None,
            paranoid: false,
            progress: &|_| {},
        },
    )?;
    Ok((signed, checked))
}

fn paths(names: &[&str]) -> Ignored {
    let mut out = Ignored::default();
    for name in names {
        out.add(name);
    }
    out
}

/// Signs a copy of `model` without a key and verifies it; then spoils it.
fn round_trip(model: &Path, inside: bool, ignored: &[&str], expected: Option<&[&str]>) {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join(model.file_name().unwrap());
    copy_all(model, &copy);
    let fake = Fake::start(Fault::None);
    for rekor in [1, 2] {
        let root = Root::from_json(fake.trust_config(rekor).as_bytes()).unwrap();
        let instance = Instance::new(root).unwrap();
        let mut ignored = ignored.to_vec();
        if inside {
            ignored.push("inside.sig");
        }
        let bundle = sign(&copy, &ignored, &instance);
        if inside {
            fs::write(copy.join("inside.sig"), &bundle).unwrap();
        }
        let check =
            |bundle: &[u8], who: (&str, &str)| check(&copy, bundle, &ignored, who, instance.root());
        let (signed, checked) = check(&bundle, (WHO, ISSUER)).unwrap();
        assert!(checked.is_verified(), "{:?}", checked.differences);
        assert_eq!(signed.dialect, Dialect::Specification);
        if let Some(expected) = expected {
            let names: BTreeSet<&str> = expected.iter().copied().collect();
            assert_eq!(signed.manifest.paths(), names);
        }
        let reason = |bundle: &[u8], who| check(bundle, who).unwrap_err().reason;
        assert_eq!(
            reason(&bundle, ("x@example.test", ISSUER)),
            "identity-mismatch"
        );
        assert_eq!(
            reason(&bundle, (WHO, "https://other.test")),
            "issuer-mismatch"
        );
        let text = String::from_utf8(bundle.clone()).unwrap();
        let twice = text.replacen("{\"mediaType\"", "{\"mediaType\":1,\"mediaType\"", 1);
        assert_eq!(
            reason(twice.as_bytes(), (WHO, ISSUER)),
            "json-duplicate-member"
        );
        // One byte of one signed file.
        let spoiled = match signed.manifest.paths().iter().next() {
            Some(name) if copy.is_dir() => copy.join(name),
            _ => copy.clone(),
        };
        let bytes = fs::read(&spoiled).unwrap();
        let mut other = bytes.clone();
        other[0] ^= 1;
        fs::write(&spoiled, other).unwrap();
        assert!(!check(&bundle, (WHO, ISSUER)).unwrap().1.is_verified());
        fs::write(&spoiled, bytes).unwrap();
    }
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy_all(&entry.path(), &to.join(entry.file_name()));
    }
}

#[test]
fn a_model_is_signed_and_verified_without_a_key() {
    let folder = TempDir::new().unwrap();
    let model = folder.path().join("model");
    fs::create_dir_all(model.join("sub")).unwrap();
    for (name, text) in [
        ("weights.bin", "w"),
        ("sub/adapter.bin", "a"),
        ("notes", "n"),
    ] {
        fs::write(model.join(name), text).unwrap();
    }
    let expected = ["sub/adapter.bin", "weights.bin"];
    round_trip(&model, false, &["notes"], Some(&expected));
    round_trip(&model, true, &["notes"], Some(&expected));
    round_trip(
        &model.join("weights.bin"),
        false,
        &[],
        Some(&["weights.bin"]),
    );
}

#[test]
fn the_keyless_round_trips_of_the_conformance_suite_end_as_they_should() {
    let shared = std::env::var_os("MODELWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let suite = shared.join("vectors/oms-conformance");
    if !suite.is_dir() {
        eprintln!("skipped: there is no {}", suite.display());
        return;
    }
    let mut count = 0;
    for case in fs::read_dir(suite.join("test-cases/roundtrip")).unwrap() {
        let case = case.unwrap().path();
        let text = fs::read_to_string(case.join("config.json")).unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        if config["method"] != "sigstore" {
            continue;
        }
        let strings = |value: &'static str| -> Option<Vec<String>> {
            let list = config.pointer(value)?.as_array()?;
            Some(
                list.iter()
                    .map(|v| v.as_str().unwrap().to_owned())
                    .collect(),
            )
        };
        let ignored = strings("/verify/ignore_paths").unwrap_or_default();
        let ignored: Vec<&str> = ignored.iter().map(String::as_str).collect();
        let expected = strings("/expected_signed_files");
        let expected: Option<Vec<&str>> = expected
            .as_ref()
            .map(|list| list.iter().map(String::as_str).collect());
        let mut model = suite.join("assets").join(config["model"].as_str().unwrap());
        if config["model"] == "models/single-file" && model.is_dir() {
            let mut files = fs::read_dir(&model).unwrap();
            model = files.next().unwrap().unwrap().path();
        }
        let inside = config["sig_inside_model"] == true;
        round_trip(&model, inside, &ignored, expected.as_deref());
        count += 1;
    }
    assert_eq!(count, 5);
}
