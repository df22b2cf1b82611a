//! Trust roots: what is refused in them, and how keys change.

use modelward_trust::evidence::{
    AddedKey, Operation, Resource, RetiredKey, Rotation, Statement, append,
};

use crate::common::{Desk, codes, digest, judged, step};

#[test]
fn mistakes_are_named_with_their_place() {
    let desk = Desk::new();
    let head = "schema = \"modelward.trust-root/1\"\n";
    let ann = "[[signer]]\nname = \"ann\"\n[[signer.key]]\nfile = \"ann.pub\"\n";
    for (text, says) in [
        ("schema = \"x\"\n".to_owned(), "modelward.trust-root/1"),
        (format!("{head}sigmer = 1\n"), "trust.toml:2"),
        (format!("{head}{ann}{ann}"), "two signers are named"),
        (
            format!("{head}{ann}[[signer]]\nname = \"bob\"\n[[signer.key]]\nfile = \"ann.pub\"\n"),
            "one key is listed twice",
        ),
        (
            format!("{head}{ann}[[allow]]\nsigners = [\"cy\"]\nclaims = [\"scan\"]\n"),
            "\"cy\", which is not listed",
        ),
        (
            format!("{head}{ann}[[allow]]\nsigners = [\"ann\"]\nclaims = [\"skan\"]\n"),
            "the claim \"skan\"",
        ),
        (
            format!(
                "{head}{ann}[[allow]]\nsigners = [\"ann\"]\nclaims = [\"scan\"]\nthreshold = 2\n"
            ),
            "asks for 2 of 1",
        ),
        (
            format!(
                "{head}{ann}[[allow]]\nsigners = [\"ann\"]\nclaims = [\"provenance\", \"approval\"]\n"
            ),
            "both provenance and approval",
        ),
        (
            format!("{head}[[signer]]\nname = \"x\"\n[[signer.key]]\nfile = \"ann.key\"\n"),
            "private key",
        ),
        (format!("{head}[[signer]]\nname = \"x\"\n"), "has no key"),
    ] {
        let error = desk.root_of(&text).expect_err(says).to_string();
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn both_claims_are_allowed_for_models_that_cannot_be_the_same() {
    let desk = Desk::new();
    let text = |a: &str, b: &str| {
        format!(
            "schema = \"modelward.trust-root/1\"\n[[signer]]\nname = \"ann\"\n[[signer.key]]\nfile = \"ann.pub\"\n\
             [[allow]]\nsigners = [\"ann\"]\nclaims = [\"provenance\"]\nmodels = [\"{a}\"]\n\
             [[allow]]\nsigners = [\"ann\"]\nclaims = [\"approval\"]\nmodels = [\"{b}\"]\n"
        )
    };
    assert!(desk.root_of(&text("toy-*", "prod-*")).is_ok());
    assert!(desk.root_of(&text("toy-*", "toy-1")).is_err());
    assert!(desk.root_of(&text("toy-*", "*")).is_err());
}

fn rotation(desk: &Desk, previous: &str) -> Statement {
    let (old, new) = (desk.key("ci"), desk.key("next"));
    let rotation = Rotation {
        keyring_version: 2,
        previous: previous.to_owned(),
        added: vec![AddedKey {
            keyid: new.verifying_key().hint(),
            public_key: new.verifying_key().to_pem(),
            replaces: old.verifying_key().hint(),
            rest: serde_json::Map::new(),
        }],
        retired: vec![RetiredKey {
            keyid: old.verifying_key().hint(),
            not_after: "2026-06-01T00:00:00Z".to_owned(),
            rest: serde_json::Map::new(),
        }],
        revoked: Vec::new(),
        at: "2026-06-01T00:00:00Z".to_owned(),
        rest: serde_json::Map::new(),
    };
    Statement::about(Resource::named("keys", previous), &rotation).unwrap()
}

#[test]
fn a_rotation_counts_when_the_old_and_the_new_key_signed_it() {
    let desk = Desk::new();
    let more = "rotations = \"rotations.jsonl\"";
    let place = desk.path("rotations.jsonl");
    let previous = desk.root("", more).unwrap().keyring_digest();
    let statement = rotation(&desk, &previous);
    let made = step(Operation::Quantize, &[("base", &digest('b'))]);
    let lines = [
        desk.says("ci", &digest('a'), &made),
        desk.says("next", &digest('a'), &made),
    ];
    let say = |who: &[&str]| {
        let _ = std::fs::remove_file(&place);
        let bundles: Vec<Vec<u8>> = who
            .iter()
            .map(|who| desk.line(who, &statement).bytes)
            .collect();
        append(&place, &bundles).unwrap();
        desk.root("", more).unwrap()
    };
    for (who, code) in [
        (&["ci"][..], "rotation-not-by-new-key"),
        (&["next"][..], "rotation-not-by-old-key"),
        (&["eve", "next"][..], "rotation-not-by-old-key"),
        // Somebody else of the root does not hand on what is not theirs.
        (&["ann", "next"][..], "rotation-not-by-old-key"),
    ] {
        let root = say(who);
        let refused = root.rotations[0].refused.as_ref().expect(code);
        assert_eq!(refused.code, code, "{who:?}");
        assert_eq!(codes(&judged(&root, &lines)), ["ok", "signer-unknown"]);
    }
    let root = say(&["ci", "next"]);
    assert_eq!(root.rotations[0].refused, None);
    assert_eq!(root.keyring_version, 2);
    assert_eq!(codes(&judged(&root, &lines)), ["key-retired", "ok"]);
}

#[test]
fn a_rotation_of_other_keys_is_not_applied_again() {
    let desk = Desk::new();
    let more = "rotations = \"rotations.jsonl\"";
    let statement = rotation(&desk, &digest('0'));
    let bundles: Vec<Vec<u8>> = ["ci", "next"]
        .map(|who| desk.line(who, &statement).bytes)
        .to_vec();
    append(&desk.path("rotations.jsonl"), &bundles).unwrap();
    let root = desk.root("", more).unwrap();
    let refused = root.rotations[0].refused.as_ref().unwrap();
    assert_eq!(refused.code, "rotation-of-other-keys");
}
