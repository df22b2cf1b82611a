//! Statements, from a fresh model to another machine with only the trust root.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

mod common;

use std::path::Path;

use common::{Ran, World, json_lines};
use modelward_trust::{KeyKind, SigningKey};
use serde_json::Value;

const PEOPLE: [&str; 5] = ["ci", "olga@example.org", "hub", "site", "eve"];

const RULES: &str = r#"
[[allow]]
signers = ["ci"]
claims = ["signature", "tensor-digests", "provenance", "scan", "verdict"]

[[allow]]
signers = ["olga@example.org"]
claims = ["approval", "exemption", "revocation"]

[[allow]]
signers = ["hub", "site"]
claims = ["release", "accept"]
"#;

struct Desk {
    world: World,
    root: String,
}

impl Desk {
    fn new() -> Self {
        let world = World::new();
        let mut text =
            "schema = \"modelward.trust-root/1\"\nrotations = \"rotations.jsonl\"\n".to_owned();
        for who in PEOPLE {
            let key = SigningKey::generate(KeyKind::P256).expect("a key");
            std::fs::write(world.path(&key_of(who)), key.to_pem(None).expect("pem"))
                .expect("a file");
            std::fs::write(
                world.path(&format!("{who}.pub")),
                key.verifying_key().to_pem(),
            )
            .expect("a file");
            if who != "eve" {
                text += &format!(
                    "[[signer]]\nname = \"{who}\"\n[[signer.key]]\nfile = \"{who}.pub\"\n"
                );
            }
        }
        let root = world.path("trust.toml");
        std::fs::write(&root, text + RULES).expect("a file");
        Self { world, root }
    }

    /// Runs with somebody's key.
    fn by(&self, who: &str, args: &[&str]) -> Ran {
        let key = self.world.path(&key_of(who));
        let (before, after) = match args.iter().position(|arg| *arg == "--") {
            Some(at) => args.split_at(at),
            None => (args, &[][..]),
        };
        let mut all = before.to_vec();
        all.extend(["--private-key", &key]);
        all.extend(["--as", who]);
        all.extend(after);
        self.world.run(&all)
    }

    fn sign(&self, who: &str, folder: &str) {
        let key = self.world.path(&key_of(who));
        let signed = self.world.run(&["sign", folder, "--private-key", &key]);
        assert_eq!(signed.code, 0, "{signed}");
    }

    fn verify(&self, folder: &str) -> (i32, Vec<String>, Value) {
        let ran = self.world.run(&[
            "evidence",
            "verify",
            folder,
            "--trust-root",
            &self.root,
            "--format",
            "json",
        ]);
        let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
        let problems = |of: &Value| -> Vec<String> {
            of["problems"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|p| p["code"].as_str().unwrap_or_default().to_owned())
                .collect()
        };
        let mut codes: Vec<String> = document["statements"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|s| s["refused"]["code"].as_str().map(str::to_owned))
            .collect();
        codes.extend(problems(&document["chain"]));
        codes.extend(problems(&document["chain"]["custody"]));
        (ran.code, codes, document)
    }

    /// origin → trained-by-somebody `base`, downloaded and signed; then a
    /// converted copy, recorded, signed and approved.
    fn walk(&self) -> String {
        let base = self.world.example("digits-safetensors");
        self.sign("ci", &base);
        let told = self.by(
            "ci",
            &[
                "attest",
                "provenance",
                &base,
                "--operation",
                "download",
                "--input",
                "origin=https://u:pw@example.org/digits",
            ],
        );
        assert_eq!(told.code, 0, "{told}");
        let made = self.world.path("converted");
        let recorded = self.by("ci", &["record", "--operation", "convert", "--input", &base, "--out", &made, "--builder", "ci", "--", "sh", "-c", "mkdir converted && cp digits-safetensors/*.safetensors digits-safetensors/modelward.yaml converted/ && echo converted > converted/NOTES"]);
        assert_eq!(recorded.code, 0, "{recorded}");
        self.sign("ci", &made);
        let approved = self.by(
            "olga@example.org",
            &[
                "attest", "approval", &made, "--role", "owner", "--reason", "read it",
            ],
        );
        assert_eq!(approved.code, 0, "{approved}");
        made
    }
}

fn key_of(who: &str) -> String {
    format!("{who}.key")
}

fn copy(from: &str, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

#[test]
fn a_folder_carries_its_history_and_each_tampering_is_named() {
    let desk = Desk::new();
    let made = desk.walk();
    let there = tempfile::tempdir().expect("a folder");
    let elsewhere = there.path().join("converted");
    let place = elsewhere.to_string_lossy().into_owned();
    let fresh = || {
        let _ = std::fs::remove_dir_all(&elsewhere);
        copy(&made, &elsewhere);
    };
    fresh();
    let (code, codes, document) = desk.verify(&place);
    assert_eq!((code, codes), (0, vec![]), "{document:#}");
    assert_eq!(document["chain"]["completeness"], 100);
    assert_eq!(document["chain"]["hops"].as_array().map(Vec::len), Some(2));
    assert!(
        !document.to_string().contains("pw@"),
        "no password in a record"
    );

    // The signature, a weight, and each line of the claims.
    std::fs::write(elsewhere.join("NOTES"), "other\n").expect("a file");
    let (code, codes, _) = desk.verify(&place);
    assert_eq!(code, 1);
    assert!(
        codes.contains(&"signature-of-other-bytes".to_owned()),
        "{codes:?}"
    );
    fresh();
    std::fs::rename(elsewhere.join("NOTES"), elsewhere.join("NOTES2")).expect("renamed");
    let (code, codes, _) = desk.verify(&place);
    assert_eq!(code, 1);
    assert!(
        codes.contains(&"signature-names-differ".to_owned()),
        "{codes:?}"
    );
    fresh();
    std::fs::remove_file(elsewhere.join("model.sig")).expect("removed");
    let (code, codes, document) = desk.verify(&place);
    assert_eq!((code, codes.join(" ").as_str()), (1, "hop-unsigned"));
    assert!(document.to_string().contains("this model is not signed"));

    let whole = std::fs::read_to_string(Path::new(&made).join("claims.jsonl")).expect("claims");
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(
        lines.len(),
        6,
        "three of the base, the record, tensors, the approval"
    );
    for (at, expected) in [
        "hop-unsigned",
        "",
        "hop-unrecorded",
        "hop-unrecorded",
        "",
        "",
    ]
    .iter()
    .enumerate()
    {
        fresh();
        let mut kept = lines.clone();
        kept.remove(at);
        std::fs::write(elsewhere.join("claims.jsonl"), kept.join("\n")).expect("a file");
        let (_, codes, document) = desk.verify(&place);
        assert_eq!(codes.join(" "), *expected, "{at}: {document:#}");
        // One character of what is signed.
        fresh();
        let mut bent: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let payload = bent[at].find("\"payload\":\"").expect("a payload") + 60;
        let other = if bent[at].as_bytes()[payload] == b'A' {
            "B"
        } else {
            "A"
        };
        bent[at].replace_range(payload..=payload, other);
        std::fs::write(elsewhere.join("claims.jsonl"), bent.join("\n")).expect("a file");
        let (code, codes, _) = desk.verify(&place);
        assert_eq!(code, 1, "{at}: {codes:?}");
        assert!(!codes.is_empty(), "{at}");
    }
}

#[test]
fn the_gate_takes_signed_evidence_into_account() {
    let desk = Desk::new();
    let made = desk.walk();
    let gate = |more: &[&str]| {
        let mut args = vec![
            "gate",
            &made,
            "--for",
            "production",
            "--as",
            "bo@example.org",
            "--trust-root",
            &desk.root,
            "--format",
            "json",
        ];
        args.extend(more);
        let ran = desk.world.run(&args);
        let report = json_lines(&ran.stdout)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("{ran}"));
        let codes: Vec<String> = report["verdict"]["reasons"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|r| r["code"].as_str().unwrap_or_default().to_owned())
            .collect();
        (codes, report)
    };
    let (codes, report) = gate(&[]);
    assert!(
        !codes.iter().any(|c| c.starts_with("hop-")
            || c.starts_with("evidence-")
            || c == "provenance-not-proven"),
        "{codes:?}"
    );
    let facet = |report: &Value, at: usize| {
        report["verdict"]["facets"][at]["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(facet(&report, 0), "shown", "{:#}", report["verdict"]);

    // On record: without the file the registry still knows.
    let claims = Path::new(&made).join("claims.jsonl");
    let kept = std::fs::read(&claims).expect("claims");
    std::fs::remove_file(&claims).expect("removed");
    let (codes, report) = gate(&[]);
    assert_eq!(facet(&report, 0), "shown", "{codes:?}");
    assert_eq!(desk.world.run(&["log", "--verify"]).code, 0);
    std::fs::write(&claims, kept).expect("a file");

    // The verdict is a statement as well.
    let key = desk.world.path(&key_of("ci"));
    let (_, report) = gate(&["--attest", "--private-key", &key]);
    let (_, _, document) = desk.verify(&made);
    let verdict = document["statements"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|s| s["claim"] == "verdict")
        .expect("a verdict");
    assert_eq!(verdict["standing"], "verified");
    assert_eq!(
        verdict["predicate"]["decision"],
        report["verdict"]["decision"]
    );

    // Withdrawn: denied at every stage.
    let withdrawn = desk.by(
        "olga@example.org",
        &[
            "attest",
            "revocation",
            &made,
            "--reason",
            "a trigger was found",
        ],
    );
    assert_eq!(withdrawn.code, 0, "{withdrawn}");
    let (codes, report) = gate(&[]);
    assert!(codes.contains(&"model-revoked".to_owned()), "{codes:?}");
    assert_eq!(report["verdict"]["decision"], "deny");
}

#[test]
fn a_signature_that_does_not_hold_is_denied() {
    let desk = Desk::new();
    let made = desk.walk();
    std::fs::write(Path::new(&made).join("NOTES"), "other\n").expect("a file");
    for more in [&[][..], &["--trust-root", desk.root.as_str()][..]] {
        let mut args = vec!["gate", "--dry-run", &made, "--format", "json"];
        args.extend(more);
        let ran = desk.world.run(&args);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stdout.contains("signature-refused"), "{ran}");
    }
}

#[test]
fn record_passes_the_command_through() {
    let desk = Desk::new();
    let out = desk.world.path("out");
    let record = |script: &str| {
        desk.by(
            "ci",
            &[
                "record",
                "--operation",
                "convert",
                "--input",
                "origin=https://example.org",
                "--out",
                &out,
                "--",
                "sh",
                "-c",
                script,
            ],
        )
    };
    let failed = record("echo hello; exit 42");
    assert_eq!(
        (failed.code, failed.stdout.as_str()),
        (42, "hello\n"),
        "{failed}"
    );
    assert!(failed.stderr.contains("nothing is recorded"), "{failed}");
    let killed = record("kill -TERM $$");
    assert_eq!(killed.code, 128 + 15, "{killed}");
    let nothing = record("true");
    assert_eq!(nothing.code, 64, "nothing came out: {nothing}");
    let made = record("echo x > out");
    assert_eq!(made.code, 0, "{made}");
    let claims = std::fs::read_to_string(desk.world.path("out.claims.jsonl")).expect("a sidecar");
    assert_eq!(claims.lines().count(), 1);
    let secret = desk.by(
        "ci",
        &["record", "--out", &out, "--env", "HF_TOKEN", "--", "true"],
    );
    assert_eq!(secret.code, 64, "{secret}");
    assert!(secret.stderr.contains("HF_TOKEN"), "{secret}");
    let program = desk.by("ci", &["record", "--out", &out, "--", "no-such-program"]);
    assert_eq!(program.code, 64, "{program}");
}

#[test]
fn receipts_of_both_sides_make_custody() {
    let desk = Desk::new();
    let made = desk.walk();
    let given = desk.by("hub", &["attest", "release", &made, "--to", "site"]);
    assert_eq!(given.code, 0, "{given}");
    let (code, codes, _) = desk.verify(&made);
    assert_eq!((code, codes.join(" ").as_str()), (1, "custody-gap"));
    let taken = desk.by("site", &["attest", "accept", &made, "--from", "hub"]);
    assert_eq!(taken.code, 0, "{taken}");
    let (code, codes, document) = desk.verify(&made);
    assert_eq!((code, codes.join(" ").as_str()), (0, ""), "{document:#}");
    // Not by who it names.
    let forged = desk.by("eve", &["attest", "release", &made, "--to", "site"]);
    assert_eq!(forged.code, 0, "{forged}");
    let (code, codes, _) = desk.verify(&made);
    assert_eq!((code, codes.join(" ").as_str()), (1, "signer-unknown"));
}

#[test]
fn a_rotated_key_counts_for_what_is_on_record_from_before() {
    let desk = Desk::new();
    let made = desk.walk();
    let next = SigningKey::generate(KeyKind::P256).expect("a key");
    let next_key = desk.world.path("next.key");
    std::fs::write(&next_key, next.to_pem(None).expect("pem")).expect("a file");
    // On record now.
    desk.world.run(&[
        "gate",
        &made,
        "--for",
        "experiment",
        "--trust-root",
        &desk.root,
    ]);
    let key = desk.world.path(&key_of("ci"));
    // Retired a day from now, as far as the log's clock can tell it apart.
    let rotated = desk.world.run(&[
        "attest",
        "rotation",
        &desk.root,
        "--private-key",
        &key,
        "--new-private-key",
        &next_key,
        "--now",
        "2099-01-01T00:00:00Z",
    ]);
    assert_eq!(rotated.code, 0, "{rotated}");
    let (code, codes, document) = desk.verify(&made);
    assert_eq!((code, codes.join(" ").as_str()), (0, ""), "{document:#}");
    // Another machine has no such log.
    let alone = desk.world.run(&[
        "evidence",
        "verify",
        &made,
        "--trust-root",
        &desk.root,
        "--registry",
        &desk.world.path("none"),
        "--format",
        "json",
    ]);
    assert_eq!(alone.code, 1, "{alone}");
    assert!(
        alone.stdout.contains("key-retired")
            && alone.stdout.contains("no time stamp or log proves"),
        "{alone}"
    );
}

#[test]
fn what_is_missing_or_wrong_is_one_sentence() {
    let desk = Desk::new();
    let model = desk.world.example("digits-safetensors");
    let public = desk.world.path("ci.pub");
    for (args, says) in [
        (
            &[
                "attest", "approval", &model, "--role", "owner", "--reason", "x",
            ][..],
            "--private-key",
        ),
        (
            &[
                "attest",
                "approval",
                &model,
                "--role",
                "owner",
                "--reason",
                "x",
                "--private-key",
                &public,
            ],
            "public key",
        ),
        (
            &[
                "attest",
                "provenance",
                &model,
                "--operation",
                "bake",
                "--private-key",
                &public,
            ],
            "",
        ),
        (
            &[
                "evidence",
                "verify",
                &model,
                "--trust-root",
                "/nowhere.toml",
            ],
            "trust root",
        ),
        (
            &["evidence", "verify", &model, "--trust-root", &model],
            "trust root",
        ),
        (
            &["evidence", "verify", &model, "--require", "skan"],
            "no kind",
        ),
    ] {
        let ran = desk.world.run(args);
        assert_eq!(ran.code, 64, "{args:?}: {ran}");
        assert!(
            ran.stderr.contains(says) && ran.stderr.trim_end().lines().count() == 1,
            "{ran}"
        );
    }
    assert_eq!(desk.world.run(&["evidence", "verify", &model]).code, 2);
    assert_eq!(desk.world.run(&["evidence", "ls", &model]).code, 0);
}
