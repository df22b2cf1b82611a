//! Bundles that other producers made, good and bad, and the round trips of the
//! OMS conformance suite.
//!
//! The samples lie beside the checkout, not in it; without them the tests say
//! so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot set itself up has failed, and a skipped one says so"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use modelward_trust::oms::{
    Algorithm, CertificateTrust, Checked, Ignored, Method, SignOptions, Signed, Signer, Trust,
    VerifyOptions, certificates_from_pem, prepare, verify,
};
use modelward_trust::sigstore::{self, Expectations, Root};
use modelward_trust::{Bundle, Refusal, SigningKey, VerifyingKey};
use serde_json::Value;
use tempfile::TempDir;

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

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[derive(Default)]
struct How {
    ignored: Ignored,
    no_git: bool,
    unsigned: bool,
    links: bool,
}

fn check(model: &Path, signed: &Signed, how: &How) -> Result<Checked, Refusal> {
    let checked = verify(
        model,
        signed,
        &VerifyOptions {
            ignored: &how.ignored,
            ignore_git: !how.no_git,
            ignore_unsigned: how.unsigned,
            allow_symlinks: how.links,
            cache: None,
            paranoid: false,
            progress: &|_| {},
        },
    )?;
    if checked.is_verified() {
        Ok(checked)
    } else {
        Err(Refusal::new(
            "differs",
            format!("{:?}", checked.differences),
        ))
    }
}

fn by_key(model: &Path, bundle: &[u8], key: &Path, how: &How) -> Result<Checked, Refusal> {
    let key = VerifyingKey::from_pem(&text(key)).unwrap();
    check(model, &Signed::open(bundle, Trust::Key(&key))?, how)
}

fn by_certificates(
    model: &Path,
    bundle: &[u8],
    files: &[PathBuf],
    how: &How,
) -> Result<Checked, Refusal> {
    let given: Vec<Vec<u8>> = files
        .iter()
        .flat_map(|file| certificates_from_pem(&text(file)).unwrap())
        .collect();
    let trust = CertificateTrust::new(&given, SystemTime::now())?;
    check(
        model,
        &Signed::open(bundle, Trust::Certificates(&trust))?,
        how,
    )
}

fn by_identity(
    model: &Path,
    bundle: &[u8],
    (identity, issuer): (&str, &str),
    how: &How,
) -> Result<Checked, Refusal> {
    let root = Root::public_good().unwrap();
    let expectations = Expectations {
        signer: sigstore::Signer::Identity {
            identity: identity.to_owned(),
            issuer: issuer.to_owned(),
        },
        root: &root,
    };
    let ask = |bytes: &[u8]| {
        sigstore::verify_envelope(bytes, &expectations).map(|verified| format!("{:?}", verified.by))
    };
    check(model, &Signed::open(bundle, Trust::Sigstore(&ask))?, how)
}

#[test]
fn generated_bundles_are_judged_as_the_specification_judges_them() {
    let Some(vectors) = vectors() else { return };
    let generated = vectors.join("generated");
    let folder = unpack(&generated);
    let index: Value = serde_json::from_str(&text(&generated.join("index.json"))).unwrap();
    let mut judged = 0;
    for case in index.as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let Some(bundle) = case["bundle"].as_str() else {
            continue;
        };
        let bundle = fs::read(generated.join(bundle)).unwrap();
        let model = folder.path().join(case["model"].as_str().unwrap());
        let trust = generated.join(case["trust"].as_str().unwrap());
        let given = |word: &str| case["cli_args"].to_string().contains(word);
        let how = How {
            no_git: given("no-ignore-git"),
            links: given("symlinks"),
            ..How::default()
        };
        let outcome = if case["method"] == "key" {
            by_key(&model, &bundle, &trust, &how)
        } else {
            by_certificates(&model, &bundle, &[trust], &how)
        };
        match &outcome {
            Ok(_) => eprintln!("{name}: verified"),
            Err(refusal) => eprintln!("{name}: {}: {refusal}", refusal.reason),
        }
        assert_eq!(
            outcome.is_ok(),
            case["expect"] == "pass",
            "{name}: {outcome:?}"
        );
        judged += 1;
    }
    assert_eq!(judged, 47);
}

#[test]
fn every_hole_is_refused_for_its_own_reason() {
    let Some(vectors) = vectors() else { return };
    let generated = vectors.join("generated");
    let folder = unpack(&generated);
    let model = folder.path().join("models/basic");
    let key = generated.join("keys/p256.pub.pem");
    for (file, reason) in [
        ("bad-root-digest", "root-mismatch"),
        ("two-subjects", "several-subjects"),
        ("wrong-predicate-type", "predicate-unknown"),
        ("wrong-payload-type", "payload-type-unknown"),
        ("wrong-media-type", "media-type-unknown"),
        ("hint-mismatch", "key-mismatch"),
        ("manifest-missing-a-file", "differs"),
        ("manifest-ghost-file", "differs"),
        ("manifest-wrong-digest", "differs"),
        ("duplicate-resource-name", "name-duplicate"),
        ("unsorted-resources", "resources-unsorted"),
        ("uppercase-hex-digest", "digest-malformed"),
        ("unknown-algorithm", "algorithm-unknown"),
        ("path-traversal-name", "name-unsafe"),
        ("absolute-name", "name-unsafe"),
        ("ignore-everything", "ignores-everything"),
        ("empty-resources-ignore-all", "ignores-everything"),
        ("bad-signature-r1s1", "signature-wrong"),
        ("payload-modified", "signature-wrong"),
        ("two-signatures", "several-signatures"),
        ("no-signatures", "signature-missing"),
        ("duplicate-json-key", "json-duplicate-member"),
        ("truncated-json", "json-malformed"),
    ] {
        let bundle = fs::read(generated.join(format!("negative/{file}.sig"))).unwrap();
        let refusal = by_key(&model, &bundle, &key, &How::default()).unwrap_err();
        assert_eq!(refusal.reason, reason, "{file}: {refusal}");
    }
    let certificates = [generated.join("keys/root.cert.pem")];
    for (file, reason) in [
        ("expired-leaf", "certificate-expired"),
        ("nousage-leaf", "certificate-usage"),
    ] {
        let bundle = fs::read(generated.join(format!("bundles/basic.{file}-cert.sig"))).unwrap();
        let refusal = by_certificates(&model, &bundle, &certificates, &How::default()).unwrap_err();
        assert_eq!(refusal.reason, reason, "{file}: {refusal}");
    }
}

#[test]
fn an_encrypted_key_opens_and_links_are_not_signed_unasked() {
    let Some(vectors) = vectors() else { return };
    let generated = vectors.join("generated");
    let pem = text(&generated.join("keys/p256-encrypted-pw-hunter2.pem"));
    assert!(SigningKey::from_pem(&pem, Some("hunter2")).is_ok());
    assert!(SigningKey::from_pem(&pem, Some("hunter3")).is_err());
    let folder = unpack(&generated);
    let model = folder.path().join("models/symlinks");
    let refusal = sign(&model, &How::default(), None).unwrap_err();
    assert_eq!(refusal.reason, "symlink");
    let allowed = How {
        links: true,
        ..How::default()
    };
    let names: Vec<String> = prepare_with(&model, &allowed)
        .unwrap()
        .resources
        .into_iter()
        .map(|resource| resource.name)
        .collect();
    assert_eq!(
        names,
        ["dir/inner.bin", "link.bin", "linkdir/inner.bin", "real.bin"]
    );
}

fn unpack(generated: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .args(["-C".as_ref(), folder.path().as_os_str(), "-xf".as_ref()])
        .arg(generated.join("models.tar"))
        .status()
        .unwrap();
    assert!(unpacked.success());
    folder
}

#[test]
fn bundles_of_every_release_verify() {
    let Some(vectors) = vectors() else { return };
    let mut seen = Vec::new();
    let base = vectors.join("model-transparency");
    let keys = base.join("keys/certificate");
    for folder in fs::read_dir(&base).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        let Some((release, method)) = name.split_once('-').filter(|_| name.starts_with('v')) else {
            continue;
        };
        let bundle = fs::read(folder.path().join("model.sig")).unwrap();
        let mut how = How::default();
        if fs::exists(folder.path().join("ignore-me")).unwrap() {
            how.ignored.add("ignore-me");
        }
        let mut model = folder.path();
        if method == "elliptic-key" && ["v0.3.1", "v1.0.0"].contains(&release) {
            model.push("signme-1");
        }
        let outcome = match method {
            "certificate" => by_certificates(
                &model,
                &bundle,
                &[keys.join("int-ca-cert.pem"), keys.join("ca-cert.pem")],
                &how,
            ),
            "elliptic-key" => by_key(&model, &bundle, &keys.join("signing-key-pub.pem"), &how),
            _ => by_identity(&model, &bundle, IBM, &how),
        };
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
        seen.push(name);
    }
    assert_eq!(seen.len(), 13, "{seen:?}");
}

const IBM: (&str, &str) = (
    "stefanb@us.ibm.com",
    "https://sigstore.verify.ibm.com/oauth2",
);

#[test]
fn the_conformance_suite_is_judged_right() {
    let Some(vectors) = vectors() else { return };
    let suite = vectors.join("oms-conformance");
    let mut judged = 0;
    for kind in ["historical", "negative", "positive"] {
        let cases = suite.join("test-cases/verify").join(kind);
        for case in fs::read_dir(cases).unwrap() {
            let case = case.unwrap().path();
            let name = case.file_name().unwrap().to_string_lossy().into_owned();
            let config: Value = serde_json::from_str(&text(&case.join("config.json"))).unwrap();
            let outcome = judge(&suite, &case, &config);
            match &outcome {
                Ok(_) => eprintln!("{name}: verified"),
                Err(refusal) => eprintln!("{name}: {}: {refusal}", refusal.reason),
            }
            assert_eq!(
                outcome.is_ok(),
                !name.ends_with("_fail"),
                "{name}: {outcome:?}"
            );
            judged += 1;
        }
    }
    assert_eq!(judged, 43);
}

fn judge(suite: &Path, case: &Path, config: &Value) -> Result<Checked, Refusal> {
    let bundle = fs::read(case.join("bundle.sig")).unwrap();
    let (_folder, model) = model_of(suite, case, config);
    let verify = &config["verify"];
    let how = How {
        ignored: ignored_of(verify),
        unsigned: verify["ignore_unsigned_files"] == true,
        ..How::default()
    };
    let keys = |name: &Value| suite.join("assets").join(name.as_str().unwrap());
    match config["method"].as_str().unwrap() {
        "certificate" => {
            let files: Vec<PathBuf> = verify["cert_chain"]
                .as_array()
                .unwrap()
                .iter()
                .map(keys)
                .collect();
            by_certificates(&model, &bundle, &files, &how)
        }
        "key" => {
            let key = keys(&verify["public_key"]);
            // One case names a key that the suite does not have.
            let key = if key.is_file() {
                key
            } else {
                suite.join("assets/keys/p384/signing-key-pub.pem")
            };
            by_key(&model, &bundle, &key, &how)
        }
        _ => {
            let identity = verify["identity"].as_str().unwrap();
            let issuer = verify["identity_provider"].as_str().unwrap();
            by_identity(&model, &bundle, (identity, issuer), &how)
        }
    }
}

fn ignored_of(options: &Value) -> Ignored {
    let mut ignored = Ignored::default();
    for path in options["ignore_paths"].as_array().into_iter().flatten() {
        ignored.add(path.as_str().unwrap());
    }
    ignored
}

/// A copy of the case's model, changed as the case says.
fn model_of(suite: &Path, case: &Path, config: &Value) -> (TempDir, PathBuf) {
    let name = config["model"].as_str().unwrap();
    let source = if config["model_relative_to"] == "test_dir" {
        case.join(name)
    } else {
        suite.join("assets").join(name)
    };
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join(source.file_name().unwrap());
    copy(&source, &model);
    let changes = &config["model_modifications"];
    let members = |kind: &str| changes[kind].as_object().cloned().unwrap_or_default();
    for (name, content) in members("tamper").iter().chain(&members("inject")) {
        fs::write(model.join(name), content.as_str().unwrap()).unwrap();
    }
    for name in changes["delete"].as_array().into_iter().flatten() {
        fs::remove_file(model.join(name.as_str().unwrap())).unwrap();
    }
    #[cfg(unix)]
    for (name, target) in members("symlinks") {
        std::os::unix::fs::symlink(target.as_str().unwrap(), model.join(name)).unwrap();
    }
    (folder, model)
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::write(to, fs::read(from).unwrap()).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

fn prepare_with(model: &Path, how: &How) -> Result<modelward_trust::oms::Manifest, Refusal> {
    let options = SignOptions {
        method: Method::Files,
        algorithm: Algorithm::Sha256,
        allow_symlinks: how.links,
        ignore_git: !how.no_git,
        ignored: &how.ignored,
        cache: None,
        paranoid: false,
        parts: None,
        progress: &|_| {},
    };
    Ok(prepare(model, &options)?.manifest)
}

fn sign(model: &Path, how: &How, signer: Option<&Signer>) -> Result<Option<Bundle>, Refusal> {
    let manifest = prepare_with(model, how)?;
    Ok(signer.map(|signer| signer.sign(manifest.to_statement())))
}

#[test]
fn round_trips_of_the_conformance_suite_end_as_they_should() {
    let Some(vectors) = vectors() else { return };
    let suite = vectors.join("oms-conformance");
    let mut done = 0;
    for case in fs::read_dir(suite.join("test-cases/roundtrip")).unwrap() {
        let case = case.unwrap().path();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let config: Value = serde_json::from_str(&text(&case.join("config.json"))).unwrap();
        if config["method"] == "sigstore" {
            continue;
        }
        let outcome = round_trip(&suite, &case, &config);
        assert_eq!(
            outcome.is_ok(),
            config["expect"] != "fail",
            "{name}: {outcome:?}"
        );
        done += 1;
    }
    assert_eq!(done, 23);
}

fn round_trip(suite: &Path, case: &Path, config: &Value) -> Result<(), Refusal> {
    let assets = suite.join("assets");
    let file = |value: &Value| assets.join(value.as_str().unwrap());
    let (folder, model) = model_of(suite, case, config);
    let key = SigningKey::from_pem(&text(&file(&config["sign"]["private_key"])), None).unwrap();
    let signer = if config["method"] == "certificate" {
        let mut chain =
            certificates_from_pem(&text(&file(&config["sign"]["signing_cert"]))).unwrap();
        for more in config["sign"]["cert_chain"].as_array().unwrap() {
            chain.extend(certificates_from_pem(&text(&file(more))).unwrap());
        }
        Signer::Certificate(key, chain)
    } else {
        Signer::Key(key)
    };
    // The suite's own driver leaves out what the verifier leaves out.
    let mut how = How {
        ignored: ignored_of(&config["verify"]),
        ..How::default()
    };
    let place = if config["sig_inside_model"] == true {
        how.ignored.add("bundle.sig");
        model.join("bundle.sig")
    } else {
        folder.path().join("bundle.sig")
    };
    let bundle = sign(&model, &how, Some(&signer))?.unwrap();
    fs::write(&place, bundle.to_line()).unwrap();
    if let Some(expected) = config["expected_signed_files"].as_array() {
        let statement: Value = serde_json::from_slice(&bundle.envelope.payload).unwrap();
        let names: Vec<&Value> = statement["predicate"]["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|resource| &resource["name"])
            .collect();
        assert_eq!(names, expected.iter().collect::<Vec<_>>());
    }
    how.unsigned = config["verify"]["ignore_unsigned_files"] == true;
    let bytes = fs::read(&place).unwrap();
    if config["method"] == "certificate" {
        let files: Vec<PathBuf> = config["verify"]["cert_chain"]
            .as_array()
            .unwrap()
            .iter()
            .map(file)
            .collect();
        by_certificates(&model, &bytes, &files, &how)?;
    } else {
        by_key(&model, &bytes, &file(&config["verify"]["public_key"]), &how)?;
    }
    // And with one byte of the model changed it does not.
    let victim = prepare_with(&model, &how)?.resources[0].name.clone();
    let victim = if model.is_file() {
        model.clone()
    } else {
        model.join(victim)
    };
    let mut content = fs::read(&victim).unwrap();
    content.push(0);
    fs::write(&victim, content).unwrap();
    if config["method"] == "key" {
        let again = by_key(&model, &bytes, &file(&config["verify"]["public_key"]), &how);
        assert_eq!(again.unwrap_err().reason, "differs");
    }
    Ok(())
}
