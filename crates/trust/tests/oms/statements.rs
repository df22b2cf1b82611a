//! Statements that no honest signer writes, all well signed.

use modelward_trust::{hash_bytes, hex};
use serde_json::{Value, json};

use crate::world::World;

fn digest(text: &str) -> String {
    hex(&hash_bytes(text.as_bytes()))
}

/// A statement over files that have their names in them.
fn statement(names: &[&str]) -> Value {
    let resources: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "algorithm": "sha256", "digest": digest(name)}))
        .collect();
    let digests: Vec<u8> = names
        .iter()
        .flat_map(|name| hash_bytes(name.as_bytes()))
        .collect();
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": hex(&hash_bytes(&digests))}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": false},
            "resources": resources,
        },
    })
}

#[test]
fn the_plain_statement_verifies() {
    let world = World::new(&["a", "b"]);
    let bundle = world.sign_payload(statement(&["a", "b"]).to_string().into_bytes());
    assert_eq!(world.reason(&bundle), "verified");
}

#[test]
fn each_lie_has_its_own_name() {
    let world = World::new(&["a", "b"]);
    let reason = |change: &dyn Fn(&mut Value)| {
        let mut value = statement(&["a", "b"]);
        change(&mut value);
        world.reason(&world.sign_payload(value.to_string().into_bytes()))
    };
    let set = |pointer: &'static str, to: Value| {
        reason(&move |value: &mut Value| *value.pointer_mut(pointer).unwrap() = to.clone())
    };
    let serialization = "/predicate/serialization";
    assert_eq!(set("/_type", json!("x")), "statement-unknown");
    assert_eq!(set("/subject", json!([])), "subject-missing");
    assert_eq!(set("/subject", json!([{}, {}])), "several-subjects");
    assert_eq!(set("/subject/0/name", json!("")), "statement-malformed");
    assert_eq!(
        set("/subject/0/digest/sha256", json!(digest("x"))),
        "root-mismatch"
    );
    assert_eq!(set("/predicate", Value::Null), "statement-malformed");
    assert_eq!(set("/predicate/resources", json!([])), "resources-empty");
    for version in ["2.0", "1.", "1.x", "1.01", "1.0.0", "01.0"] {
        let uri = format!("https://model_signing/signature/v{version}");
        assert_eq!(
            set("/predicateType", json!(uri)),
            "predicate-unknown",
            "{uri}"
        );
    }
    assert_eq!(
        set(
            "/predicateType",
            json!("https://model_signing/signature/v1.7")
        ),
        "verified"
    );
    assert_eq!(
        set("/predicate/serialization/method", json!("tar")),
        "method-unknown"
    );
    assert_eq!(
        set("/predicate/serialization/hash_type", json!("md5")),
        "algorithm-unknown"
    );
    assert_eq!(
        set("/predicate/serialization/hash_type", json!("blake3")),
        "algorithm-mixed"
    );
    for size in [json!(0), json!(-1), json!(1.5), json!("1")] {
        let policy = json!({"method": "shards", "hash_type": "sha256", "allow_symlinks": false, "shard_size": size});
        assert_eq!(set(serialization, policy), "statement-malformed", "{size}");
    }
    for path in [".", "", "./", "/"] {
        let policy = json!({"method": "files", "hash_type": "sha256", "allow_symlinks": false, "ignore_paths": [path]});
        assert_eq!(set(serialization, policy), "ignores-everything", "{path}");
    }
    let policy = json!({"method": "files", "hash_type": "sha256", "allow_symlinks": false, "ignore_paths": ["a", "../b"]});
    assert_eq!(
        set(serialization, policy),
        "verified",
        "what is listed counts"
    );
    for digest in ["", "ab", &"A".repeat(64), &"g".repeat(64), &"a".repeat(63)] {
        assert_eq!(
            set("/predicate/resources/0/digest", json!(digest)),
            "digest-malformed"
        );
    }
}

#[test]
fn names_that_leave_the_model_are_never_opened() {
    let world = World::new(&["a"]);
    std::fs::write(world.folder.path().join("secret"), "../secret").unwrap();
    for (names, reason) in [
        (&["../secret"][..], "name-unsafe"),
        (&["/etc/hostname"], "name-unsafe"),
        (&["a", "a"], "name-duplicate"),
        (&["b", "a"], "resources-unsorted"),
        (&[".", "a"], "name-unsafe"),
        (&["."], "differs"),
    ] {
        let bundle = world.sign_payload(statement(names).to_string().into_bytes());
        assert_eq!(world.reason(&bundle), reason, "{names:?}");
    }
}

#[test]
fn shards_must_follow_each_other_from_the_beginning() {
    let world = World::new(&[]);
    world.write("w", "0123456789");
    let build = |names: &[&str]| {
        let mut value = statement(names);
        value["predicate"]["serialization"] = json!({"method": "shards", "hash_type": "sha256", "allow_symlinks": false, "shard_size": 4});
        world.reason(&world.sign_payload(value.to_string().into_bytes()))
    };
    // The digests are wrong here, so the best that can come is a difference.
    assert_eq!(build(&["w:0:4", "w:4:8", "w:8:10"]), "differs");
    for names in [
        &["w:0:4", "w:8:10"][..],
        &["w:4:8"],
        &["w:0:3"][..0],
        &["w:0:0"],
        &["w:0:5"],
        &["w:0:4", "w:4:4"],
        &["w:0:4", "w:3:7"],
        &["w:18446744073709551612:18446744073709551615"],
    ] {
        let reason = build(names);
        assert!(
            ["shards-malformed", "resources-empty"].contains(&reason),
            "{names:?}: {reason}"
        );
    }
    assert_eq!(build(&["w"]), "shards-malformed");
    assert_eq!(build(&["../w:0:4"]), "name-unsafe");
}

#[test]
fn a_member_that_is_there_twice_is_refused_in_the_payload_too() {
    let world = World::new(&["a"]);
    let text = statement(&["a"]).to_string();
    let twice = text.replacen("{\"_type\"", "{\"_type\":\"x\",\"_type\"", 1);
    assert_ne!(text, twice);
    let bundle = world.sign_payload(twice.into_bytes());
    assert_eq!(world.reason(&bundle), "json-duplicate-member");
}
