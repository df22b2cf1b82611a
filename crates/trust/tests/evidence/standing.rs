//! Which statements count.

use modelward_trust::evidence::{Line, Operation, Resource, Revocation, Statement, sign_payload};

use crate::common::{Desk, approval, codes, digest, judged, judged_at, step};

#[test]
fn who_is_allowed_is_believed_and_nobody_else() {
    let desk = Desk::new();
    let root = desk.root("", "").unwrap();
    let made = step(Operation::Quantize, &[("base", &digest('b'))]);
    let lines = [
        desk.says("ci", &digest('a'), &made),
        desk.says("ann", &digest('a'), &approval("ann")),
        desk.says("ci", &digest('a'), &approval("ci")),
        desk.says("eve", &digest('a'), &approval("ann")),
        desk.says("bob", &digest('a'), &approval("ann")),
        desk.says("ann", &digest('a'), &made),
    ];
    assert_eq!(
        codes(&judged(&root, &lines)),
        [
            "ok",
            "ok",
            "signer-not-allowed",
            "signer-unknown",
            "signer-not-who-it-names",
            "signer-not-allowed"
        ]
    );
}

#[test]
fn a_role_that_a_signer_does_not_have_is_refused() {
    let desk = Desk::new();
    let root = desk.root("", "").unwrap();
    let mut risky = approval("ann");
    risky.role = "risk".to_owned();
    let found = judged(&root, &[desk.says("ann", &digest('a'), &risky)]);
    assert_eq!(codes(&found), ["signer-not-allowed"]);
}

#[test]
fn a_retired_key_counts_for_what_was_seen_before() {
    let desk = Desk::new();
    let made = step(Operation::Quantize, &[("base", &digest('b'))]);
    let lines = [desk.says("ci", &digest('a'), &made)];
    for (end, code) in [
        ("retired", "key-retired"),
        ("compromised_since", "key-compromised"),
    ] {
        let root = desk
            .root(&format!("{end} = \"2026-06-01T00:00:00Z\""), "")
            .unwrap();
        let at = |time| codes(&judged_at(&root, &lines, time)).join(" ");
        assert_eq!(at(None), code);
        assert_eq!(at(Some("2026-05-31T23:59:59Z")), "ok");
        assert_eq!(at(Some("2026-06-01T00:00:00Z")), code);
    }
}

#[test]
fn a_threshold_takes_so_many_signers_of_one_payload() {
    let desk = Desk::new();
    let rules = r#"schema = "modelward.trust-root/1"
        [[signer]]
        name = "ann"
        [[signer.key]]
        file = "ann.pub"
        [[signer]]
        name = "bob"
        [[signer.key]]
        file = "bob.pub"
        [[allow]]
        signers = ["ann", "bob"]
        claims = ["revocation", "approval", "https://example.org/odd"]
        threshold = 2"#;
    let root = desk.root_of(rules).unwrap();
    let mut statement =
        Statement::about(Resource::named("m", &digest('a')), &approval("x")).unwrap();
    statement.predicate_type = "https://example.org/odd".to_owned();
    let payload = statement.to_bytes().unwrap();
    let by = |who: &str| Line {
        place: who.to_owned(),
        bytes: sign_payload(&desk.key(who), payload.clone()),
    };
    let of = |lines: &[Line]| codes(&judged(&root, lines)).join(" ");
    assert_eq!(of(&[by("ann")]), "threshold-not-met");
    assert_eq!(
        of(&[by("ann"), by("ann")]),
        "threshold-not-met threshold-not-met"
    );
    assert_eq!(of(&[by("ann"), by("bob")]), "ok ok");
    // Each approves in words of their own.
    let (one, other) = (approval("ann"), approval("bob"));
    let lines = [
        desk.says("ann", &digest('a'), &one),
        desk.says("bob", &digest('a'), &other),
    ];
    assert_eq!(of(&lines), "ok ok");
    assert_eq!(of(&lines[..1]), "threshold-not-met");
}

#[test]
fn a_tool_that_is_not_listed_is_named() {
    let desk = Desk::new();
    let text = |tool: &str| {
        format!(
            "schema = \"modelward.trust-root/1\"\n[[signer]]\nname = \"ci\"\n[[signer.key]]\nfile = \"ci.pub\"\n[[allow]]\nsigners = [\"ci\"]\nclaims = [\"provenance\"]\noperations = [\"quantize\"]\ntools = [\"{tool}\"]\n"
        )
    };
    let made = step(Operation::Quantize, &[("base", &digest('b'))]);
    let tuned = step(Operation::FineTune, &[("base", &digest('b'))]);
    let lines = [
        desk.says("ci", &digest('a'), &made),
        desk.says("ci", &digest('a'), &tuned),
    ];
    let root = desk.root_of(&text(&digest('f'))).unwrap();
    assert_eq!(codes(&judged(&root, &lines)), ["ok", "signer-not-allowed"]);
    let root = desk.root_of(&text(&digest('e'))).unwrap();
    let found = judged(&root, &lines);
    assert_eq!(codes(&found), ["tool-unexpected", "signer-not-allowed"]);
    assert!(
        found[0]
            .refused
            .as_ref()
            .is_some_and(|why| why.message.contains(&digest('f')))
    );
}

#[test]
fn a_withdrawn_statement_no_longer_counts() {
    let desk = Desk::new();
    let root = desk.root("", "").unwrap();
    let mut lines = vec![desk.says("ann", &digest('a'), &approval("ann"))];
    let id = judged(&root, &lines)[0].id.clone().unwrap();
    let withdrawn = Revocation {
        reason: "the test was wrong".to_owned(),
        by: "bob".to_owned(),
        at: "2026-02-01T00:00:00Z".to_owned(),
        statements: vec![id],
        rest: serde_json::Map::new(),
    };
    lines.push(desk.says("eve", &digest('a'), &withdrawn));
    assert_eq!(codes(&judged(&root, &lines)), ["ok", "signer-unknown"]);
    lines.push(desk.says("bob", &digest('a'), &withdrawn));
    assert_eq!(
        codes(&judged(&root, &lines)),
        ["statement-withdrawn", "signer-unknown", "ok"]
    );
}

#[test]
fn repeated_members_and_incomplete_statements_are_refused_by_name() {
    let desk = Desk::new();
    let root = desk.root("", "").unwrap();
    let twice = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"https://modelward.dev/approval/v1","predicate":{{}},"predicate":{{}}}}"#,
        "a".repeat(64)
    );
    let mut nameless = approval("ann");
    nameless.by = " ".to_owned();
    let lines = [
        Line {
            place: "x".to_owned(),
            bytes: sign_payload(&desk.key("ann"), twice.into_bytes()),
        },
        desk.says("ann", &digest('a'), &nameless),
        Line {
            place: "x".to_owned(),
            bytes: b"{}".to_vec(),
        },
    ];
    assert_eq!(
        codes(&judged(&root, &lines)),
        [
            "statement-malformed",
            "statement-incomplete",
            "bundle-malformed"
        ]
    );
}
