//! `sign --sigstore` and `verify --identity` and `--blob`, against a Sigstore
//! instance of our own on a local port. The real services are not reached.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, reason = "shared with tests that use all of it")]
mod common;
#[path = "../../trust/tests/fake/mod.rs"]
mod fake;

use std::fs;

use common::{Ran, World, json_lines};
use fake::{Fake, Fault, ISSUER};
use modelward_trust::sigstore::{Root, trusted_time};
use serde_json::Value;

const WHO: &str = "dev@example.test";

/// A world with a model of one tensor and a trust configuration.
fn world(fault: Fault) -> World {
    let world = World::new();
    fs::create_dir(world.path("model")).unwrap();
    let header = br#"{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(b"data");
    fs::write(world.path("model/m.safetensors"), file).unwrap();
    fs::write(world.path("model/config.json"), "{}").unwrap();
    let config = Fake::start(fault).trust_config(1);
    fs::write(world.path("trust.json"), config).unwrap();
    world
}

fn sign(world: &World) -> Ran {
    let token = fake::token(WHO);
    world.run(&[
        "sign",
        "model",
        "--sigstore",
        "--trust-config",
        "trust.json",
        "--identity-token",
        &token,
    ])
}

fn verify(world: &World, identity: &str, issuer: &str) -> (i32, Value) {
    let ran = world.run(&[
        "verify",
        "model",
        "--trust-config",
        "trust.json",
        "--identity",
        identity,
        "--identity-provider",
        issuer,
        "--format",
        "json",
    ]);
    (ran.code, json_lines(&ran.stdout).remove(0))
}

#[test]
fn a_model_is_signed_by_an_identity_and_verified_for_it_alone() {
    let world = world(Fault::None);
    let signed = sign(&world);
    assert_eq!(signed.code, 0, "{signed}");
    let (code, answer) = verify(&world, WHO, ISSUER);
    assert_eq!(
        (code, &answer["verified"]),
        (0, &Value::Bool(true)),
        "{answer}"
    );
    let (code, answer) = verify(&world, "dev@example.tes", ISSUER);
    assert_eq!((code, &answer["reason"]), (1, &"identity-mismatch".into()));
    let (code, answer) = verify(&world, WHO, "https://issuer.test/");
    assert_eq!((code, &answer["reason"]), (1, &"issuer-mismatch".into()));

    fs::write(world.path("model/config.json"), "{} ").unwrap();
    let (code, answer) = verify(&world, WHO, ISSUER);
    assert_eq!(code, 1);
    assert!(answer.to_string().contains("config.json"), "{answer}");
}

#[test]
fn any_bundle_is_verified_over_its_file() {
    let world = world(Fault::None);
    sign(&world);
    // What the model's bundle names is its root digest.
    let (_, answer) = verify(&world, WHO, ISSUER);
    let text = answer.to_string();
    let at = text.find("sha256:").expect("the root digest is told");
    let blob = &text[at..at + "sha256:".len() + 64];
    let base = [
        "verify",
        "--signature",
        "model/model.sig",
        "--trust-root",
        "trust.json",
        "--blob",
    ];
    let run = |more: &[&str]| world.run(&[&base[..], more].concat());
    let who = ["--identity", WHO, "--identity-provider", ISSUER];
    let ran = run(&[&[blob], &who[..]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stdout.contains("VERIFIED") && ran.stdout.contains(WHO),
        "{ran}"
    );
    let ran = run(&[&["trust.json"], &who[..], &["--format", "json"]].concat());
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(json_lines(&ran.stdout)[0]["reason"], "artifact-mismatch");
    for (more, word) in [
        (&["trust.json"][..], "--public-key"),
        (
            &["model", "--identity", WHO, "--identity-provider", ISSUER],
            "folder",
        ),
        (&["trust.json", "--identity", WHO], "--identity-provider"),
        (
            &["nothing", "--identity", WHO, "--identity-provider", ISSUER],
            "nothing",
        ),
    ] {
        let ran = run(more);
        assert_eq!(ran.code, 64, "{ran}");
        assert!(ran.stderr.contains(word), "{ran}");
    }
}

#[test]
fn a_key_signature_can_carry_a_timestamp() {
    let world = World::new();
    let fake = Fake::start(Fault::None);
    fs::write(world.path("weights.bin"), "w").unwrap();
    let ran = world.run(&["keygen", "key.pem", "--no-password"]);
    assert_eq!(ran.code, 0, "{ran}");
    let sign = |path: &str| {
        let url = format!("{}{path}", fake.url);
        world.run(&[
            "sign",
            "weights.bin",
            "--private-key",
            "key.pem",
            "--timestamp-authority",
            &url,
        ])
    };
    let ran = sign("/nowhere");
    assert_eq!(ran.code, 64, "{ran}");
    assert!(fs::metadata(world.path("weights.bin.sig")).is_err());
    let ran = sign("/timestamp");
    assert_eq!(ran.code, 0, "{ran}");
    let bundle = fs::read(world.path("weights.bin.sig")).unwrap();
    let chain = [&fake.stamps.certificate, &fake.stamps.authority.certificate]
        .map(|der| fake::pem(der))
        .concat();
    let root = Root::timestamp_authority(&chain).unwrap();
    assert!(trusted_time(&bundle, &root, None).unwrap().is_some());
}

#[test]
fn what_cannot_be_signed_leaves_nothing() {
    for (fault, word) in [(Fault::Down, "500"), (Fault::NoPromise, "SCT")] {
        let world = world(fault);
        let ran = sign(&world);
        assert_eq!(ran.code, 64, "{ran}");
        assert!(ran.stderr.contains(word), "{ran}");
        assert!(fs::metadata(world.path("model/model.sig")).is_err());
        assert!(fs::metadata(world.path("model/claims.jsonl")).is_err());
    }
    let world = world(Fault::None);
    for (args, word) in [
        (
            &[
                "sign",
                "model",
                "--sigstore",
                "--trust-config",
                "trust.json",
            ][..],
            "SIGSTORE_ID_TOKEN",
        ),
        (
            &[
                "sign",
                "model",
                "--sigstore",
                "--trust-config",
                "model/config.json",
            ],
            "trusted root",
        ),
        (
            &["sign", "model", "--sigstore", "--private-key", "k"],
            "--private-key",
        ),
    ] {
        let ran = world.run(args);
        assert_eq!(ran.code, 64, "{ran}");
        assert!(ran.stderr.contains(word), "{ran}");
    }
}
