//! Sigstore bundles made by others: the conformance suite of the Sigstore
//! project and the Sigstore-signed models of OpenSSF model-transparency.
//! They lie beside a checkout, not in it; without them the tests say so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why it is skipped"
)]

use std::fs;
use std::path::{Path, PathBuf};

use modelward_trust::Refusal;
use modelward_trust::sigstore::{
    Artifact, Expectations, PublicKey, Root, SignedBy, Signer, Source, Verified, trusted_times,
    verify_bundle, verify_envelope,
};

const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn vectors(folder: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("MODELWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("vectors").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

fn conformance_case(case: &Path, defaults: &Path) -> Result<Verified, Refusal> {
    let text = |name: &str| fs::read_to_string(case.join(name)).ok();
    let root = match case.join("trusted_root.json") {
        own if own.is_file() => Root::from_file(&own),
        _ => Root::public_good(),
    }
    .map_err(|e| Refusal {
        reason: "trust-root-invalid",
        message: e.to_string(),
    })?;
    let artifact = fs::read(case.join("artifact"))
        .or_else(|_| fs::read(defaults.join("a.txt")))
        .unwrap();
    let signer = match text("key.pub") {
        Some(pem) => Signer::Key(PublicKey::from_pem(&pem)?),
        None => Signer::Identity {
            identity: text("identity").map_or_else(|| IDENTITY.to_owned(), |s| s.trim().to_owned()),
            issuer: text("issuer").map_or_else(|| ISSUER.to_owned(), |s| s.trim().to_owned()),
        },
    };
    verify_bundle(
        &fs::read(case.join("bundle.sigstore.json")).unwrap(),
        Artifact::Bytes(&artifact),
        &Expectations {
            signer,
            root: &root,
        },
    )
}

#[test]
fn every_conformance_case_is_judged_as_its_name_says() {
    let Some(folder) = vectors("sigstore-conformance") else {
        return;
    };
    let mut wrong = Vec::new();
    let mut count = (0, 0);
    for case in fs::read_dir(folder.join("bundle-verify")).unwrap() {
        let case = case.unwrap().path();
        if !case.join("bundle.sigstore.json").is_file() {
            continue;
        }
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let result = conformance_case(&case, &folder);
        match &result {
            Ok(_) => count.0 += 1,
            Err(refusal) => {
                count.1 += 1;
                eprintln!("{name}: {} ({})", refusal.reason, refusal);
            }
        }
        if result.is_ok() == name.ends_with("_fail") {
            wrong.push((name, result.map(|v| v.by)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(count, (21, 49));
}

#[test]
fn a_timestamp_made_after_the_certificate_expired_is_refused_for_that() {
    let Some(folder) = vectors("sigstore-conformance/bundle-verify") else {
        return;
    };
    let case = folder.join("rekor2-timestamp-with-incorrect-time_fail");
    let text = fs::read_to_string(case.join("bundle.sigstore.json")).unwrap();
    let mut bundle: serde_json::Value = serde_json::from_str(&text).unwrap();
    let stamp = bundle
        .pointer_mut(
            "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
        )
        .unwrap();
    *stamp = stamp.as_str().unwrap().replace('\n', "").into();
    let root =
        Root::from_file(&case.join("trusted_root.json")).unwrap_or(Root::public_good().unwrap());
    let refusal = verify_bundle(
        bundle.to_string().as_bytes(),
        Artifact::Bytes(&fs::read(folder.join("../a.txt")).unwrap()),
        &Expectations {
            signer: Signer::Anyone,
            root: &root,
        },
    )
    .unwrap_err();
    assert_eq!(refusal.reason, "certificate-expired", "{refusal}");
}

fn signed_models() -> Vec<PathBuf> {
    let Some(folder) = vectors("model-transparency") else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with("-sigstore"))
        .collect();
    found.sort();
    assert_eq!(found.len(), 4);
    found
}

#[test]
fn every_sigstore_signed_model_of_the_past_has_a_proven_signer_and_time() {
    let root = Root::public_good().unwrap();
    for model in signed_models() {
        let bundle = fs::read(model.join("model.sig")).unwrap();
        let verified = verify_envelope(
            &bundle,
            &Expectations {
                signer: Signer::Identity {
                    identity: "stefanb@us.ibm.com".to_owned(),
                    issuer: "https://sigstore.verify.ibm.com/oauth2".to_owned(),
                },
                root: &root,
            },
        )
        .unwrap();
        assert!(verified.logged && matches!(verified.by, SignedBy::Identity { .. }));
        let times = trusted_times(&bundle, &root, None).unwrap();
        assert_eq!(
            times.iter().map(|t| t.time).collect::<Vec<_>>(),
            verified.times
        );
        assert!(times.iter().any(|t| t.source == Source::Log));
        for (identity, issuer, reason) in [
            (
                "stefanb@us.ibm.co",
                "https://sigstore.verify.ibm.com/oauth2",
                "identity-mismatch",
            ),
            (
                "Stefanb@us.ibm.com",
                "https://sigstore.verify.ibm.com/oauth2",
                "identity-mismatch",
            ),
            (
                "stefanb@us.ibm.com",
                "https://sigstore.verify.ibm.com/oauth2/",
                "issuer-mismatch",
            ),
        ] {
            let refusal = verify_envelope(
                &bundle,
                &Expectations {
                    signer: Signer::Identity {
                        identity: identity.to_owned(),
                        issuer: issuer.to_owned(),
                    },
                    root: &root,
                },
            )
            .unwrap_err();
            assert_eq!(refusal.reason, reason);
        }
        let staging = Root::staging().unwrap();
        assert!(trusted_times(&bundle, &staging, None).is_err());
    }
}
