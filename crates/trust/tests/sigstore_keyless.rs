//! Keyless signing and what it proves, against an instance of our own on a
//! local port. The public services are not reached.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod fake;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fake::{Fake, Fault, ISSUER};
use jiff::{SignedDuration, Timestamp};
use modelward_trust::sigstore::{
    Artifact, Expectations, Instance, PublicKey, Root, SignError, SignedBy, Signer, Source, Token,
    request_timestamp, sign_statement, trusted_time, trusted_times, verify_bundle, verify_envelope,
};
use modelward_trust::{Bundle, IN_TOTO, KeyKind, SigningKey, hash_bytes, hex};
use serde_json::{Value, json};

const WHO: &str = "dev@example.test";

type Change<'a> = &'a dyn Fn(&mut Value);

fn statement(artifact: &[u8]) -> Vec<u8> {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": hex(&hash_bytes(artifact))}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {"note": "tensors – ünïcode"},
    })
    .to_string()
    .into_bytes()
}

fn instance(fake: &Fake, rekor: u32) -> Instance {
    Instance::new(Root::from_json(fake.trust_config(rekor).as_bytes()).unwrap()).unwrap()
}

fn signed(fake: &Fake, rekor: u32, who: &str) -> Result<(Vec<u8>, Instance), SignError> {
    let instance = instance(fake, rekor);
    let token = Token::Given(fake::token(who));
    let bundle = sign_statement(&statement(b"weights"), &token, &instance)?;
    Ok((bundle, instance))
}

fn identity(who: &str, issuer: &str) -> Signer {
    Signer::Identity {
        identity: who.to_owned(),
        issuer: issuer.to_owned(),
    }
}

#[test]
fn what_is_signed_without_a_key_verifies_for_that_identity_and_no_other() {
    let fake = Fake::start(Fault::None);
    for (rekor, who) in [
        (1, WHO),
        (2, WHO),
        (2, "https://ci.example.test/build.yml@refs/heads/main"),
    ] {
        let (bundle, instance) = signed(&fake, rekor, who).unwrap();
        let root = instance.root();
        let check = |artifact: &[u8], signer: Signer| {
            verify_bundle(
                &bundle,
                Artifact::Bytes(artifact),
                &Expectations { signer, root },
            )
        };
        let verified = check(b"weights", identity(who, ISSUER)).unwrap();
        assert!(verified.logged && !verified.times.is_empty());
        assert_eq!(
            verified.by,
            SignedBy::Identity {
                identity: who.to_owned(),
                issuer: ISSUER.to_owned()
            }
        );
        let reason = |artifact: &[u8], signer| check(artifact, signer).unwrap_err().reason;
        assert_eq!(
            reason(b"Weights", identity(who, ISSUER)),
            "artifact-mismatch"
        );
        assert_eq!(
            reason(b"weights", identity("x@example.test", ISSUER)),
            "identity-mismatch"
        );
        assert_eq!(
            reason(b"weights", identity(who, "https://issuer.tes")),
            "issuer-mismatch"
        );
        let key = SigningKey::generate(KeyKind::P256).unwrap();
        assert_eq!(
            reason(
                b"weights",
                Signer::Key(PublicKey::from(key.verifying_key()))
            ),
            "method-mismatch"
        );
        // The same statement, read as the signing crate's own type.
        let parsed = Bundle::parse(&bundle).unwrap();
        assert_eq!(parsed.material.method(), "sigstore");
        assert_eq!(parsed.envelope.payload, statement(b"weights"));
    }
}

#[test]
fn another_instance_vouches_for_nothing() {
    let (bundle, _) = signed(&Fake::start(Fault::None), 1, WHO).unwrap();
    let other = instance(&Fake::start(Fault::None), 1);
    for root in [other.root(), &Root::public_good().unwrap()] {
        let expectations = Expectations {
            signer: Signer::Anyone,
            root,
        };
        assert!(verify_envelope(&bundle, &expectations).is_err());
    }
}

#[test]
fn an_instance_without_logs_is_believed_by_its_timestamps_alone() {
    let fake = Fake::start(Fault::None);
    let (bundle, _) = signed(&fake, 1, WHO).unwrap();
    let mut root = fake.trusted_root();
    root["tlogs"] = json!([]);
    root["ctlogs"] = json!([]);
    let root = Root::from_json(root.to_string().as_bytes()).unwrap();
    let mut bundle: Value = serde_json::from_slice(&bundle).unwrap();
    let check = |bundle: &Value| {
        verify_envelope(
            bundle.to_string().as_bytes(),
            &Expectations {
                signer: identity(WHO, ISSUER),
                root: &root,
            },
        )
    };
    // An entry of a log that this root does not know vouches for nothing.
    assert!(check(&bundle).is_err());
    bundle["verificationMaterial"]["tlogEntries"] = json!([]);
    let verified = check(&bundle).unwrap();
    assert!(!verified.logged && verified.times.len() == 1);
    bundle["verificationMaterial"]["timestampVerificationData"] = json!({});
    assert_eq!(check(&bundle).unwrap_err().reason, "time-missing");
}

#[test]
fn a_service_that_errs_leaves_no_bundle() {
    for (fault, word) in [
        (Fault::Down, "500"),
        (Fault::Nonsense, "certificate"),
        (Fault::NoPromise, "SCT"),
        (Fault::OtherKey, "signature"),
        (Fault::Future, "future"),
    ] {
        let error = signed(&Fake::start(fault), 1, WHO).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn a_token_that_is_none_or_has_expired_is_refused_before_anything_is_sent() {
    let fake = Fake::start(Fault::Down);
    let claims = STANDARD.encode(r#"{"iss":"i","sub":"s","exp":1700000000}"#);
    for token in [
        "",
        "a.b",
        "a.b.c",
        &format!("a.{}.c", claims.trim_end_matches('=')),
    ] {
        let error = sign_statement(
            &statement(b""),
            &Token::Given(token.to_owned()),
            &instance(&fake, 1),
        );
        assert!(
            matches!(error, Err(SignError::Token(_))),
            "{token}: {error:?}"
        );
    }
}

#[test]
fn a_person_may_log_in_to_sign() {
    let fake = Fake::start(Fault::None);
    let instance = instance(&fake, 1);
    let ask = |address: &str| {
        assert!(
            address.starts_with(&format!("{}/oidc/auth?", fake.url)),
            "{address}"
        );
        Ok("code".to_owned())
    };
    let bundle = sign_statement(&statement(b"weights"), &Token::Login(&ask), &instance).unwrap();
    verify_envelope(
        &bundle,
        &Expectations {
            signer: identity("login@example.test", ISSUER),
            root: instance.root(),
        },
    )
    .unwrap();
    let refuse = |_: &str| Err(std::io::Error::other("no terminal"));
    let error = sign_statement(&statement(b"weights"), &Token::Login(&refuse), &instance);
    assert!(matches!(error, Err(SignError::Token(_))), "{error:?}");
}

#[test]
fn times_are_told_by_their_source() {
    let fake = Fake::start(Fault::None);
    let (bundle, instance) = signed(&fake, 1, WHO).unwrap();
    let mut sources: Vec<Source> = trusted_times(&bundle, instance.root(), None)
        .unwrap()
        .iter()
        .map(|t| t.source)
        .collect();
    sources.sort_by_key(|s| *s == Source::Log);
    assert_eq!(sources, [Source::TimestampAuthority, Source::Log]);
    let (bundle, instance) = signed(&fake, 2, WHO).unwrap();
    let times = trusted_times(&bundle, instance.root(), None).unwrap();
    assert_eq!(times.len(), 1);
    assert_eq!(times[0].source, Source::TimestampAuthority);
}

/// A bundle signed with a key, timestamped by the fake's authority.
fn stamped(fake: &Fake, key: &SigningKey, at: Timestamp) -> Bundle {
    let mut bundle = modelward_trust::sign_statement(key, IN_TOTO, statement(b"weights"));
    bundle.timestamps = vec![fake.stamps.over(&bundle.envelope.signature, at)];
    bundle
}

#[test]
fn a_timestamp_on_a_key_signature_is_a_trusted_time() {
    let fake = Fake::start(Fault::None);
    let chain = [&fake.stamps.certificate, &fake.stamps.authority.certificate]
        .map(|der| fake::pem(der))
        .concat();
    let authority = Root::timestamp_authority(&chain).unwrap();
    let key = SigningKey::generate(KeyKind::P384).unwrap();
    let then = Timestamp::from_second(Timestamp::now().as_second() - 600).unwrap();
    let bundle = stamped(&fake, &key, then);
    let line = bundle.to_line();
    let time = trusted_time(line.as_bytes(), &authority, None)
        .unwrap()
        .unwrap();
    assert_eq!((time.time, time.source), (then, Source::TimestampAuthority));
    // A key, given as Sigstore wants it, and no log: verified as well.
    let verified = verify_bundle(
        line.as_bytes(),
        Artifact::Bytes(b"weights"),
        &Expectations {
            signer: Signer::Key(PublicKey::from(key.verifying_key())),
            root: &authority,
        },
    )
    .unwrap();
    assert_eq!((verified.by, verified.logged), (SignedBy::Key, false));

    let reason = |bundle: &Bundle, root: &Root| {
        trusted_time(bundle.to_line().as_bytes(), root, None)
            .unwrap_err()
            .reason
    };
    let mut moved = bundle.clone();
    moved.envelope.signature = stamped(&fake, &key, then).envelope.signature;
    moved.envelope.signature[10] ^= 1;
    assert_eq!(reason(&moved, &authority), "timestamp-invalid");
    let before_its_certificate = then - SignedDuration::from_hours(5);
    assert_eq!(
        reason(&stamped(&fake, &key, before_its_certificate), &authority),
        "timestamp-invalid"
    );
    let other = Fake::start(Fault::None);
    assert_eq!(
        reason(&stamped(&other, &key, then), &authority),
        "timestamp-invalid"
    );
    let mut asked = bundle.clone();
    let url = format!("{}/timestamp", fake.url);
    asked.timestamps = vec![request_timestamp(&url, &asked.envelope.signature).unwrap()];
    let time = trusted_time(asked.to_line().as_bytes(), &authority, None)
        .unwrap()
        .unwrap();
    assert!(time.time > then);
    assert!(request_timestamp(&format!("{}/nowhere", fake.url), b"x").is_err());
    let mut without = bundle;
    without.timestamps.clear();
    assert_eq!(
        trusted_time(without.to_line().as_bytes(), &authority, None).unwrap(),
        None
    );
}

#[test]
fn a_bundle_with_two_readings_is_refused() {
    let fake = Fake::start(Fault::None);
    let (bundle, instance) = signed(&fake, 1, WHO).unwrap();
    let root = instance.root();
    let text = String::from_utf8(bundle.clone()).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let reason = |bytes: &[u8]| {
        verify_envelope(
            bytes,
            &Expectations {
                signer: Signer::Anyone,
                root,
            },
        )
        .map_or_else(|refusal| refusal.reason, |_| "verified")
    };
    let changed = |change: Change<'_>| {
        let mut value = value.clone();
        change(&mut value);
        reason(value.to_string().as_bytes())
    };
    let entry = value["verificationMaterial"]["tlogEntries"][0].clone();
    let cases: [(&str, Change<'_>); 12] = [
        ("bundle-unknown-member", &|v| v["extra"] = json!(1)),
        ("bundle-material-unknown", &|v| {
            v["verificationMaterial"]["rawKey"] = json!({});
        }),
        ("several-materials", &|v| {
            v["verificationMaterial"]["publicKey"] = json!({"hint": ""});
        }),
        ("bundle-malformed", &|v| {
            v["verificationMaterial"]["certificate"] = Value::Null;
        }),
        ("several-contents", &|v| {
            v["messageSignature"] = json!({"signature": ""});
        }),
        ("bundle-malformed", &|v| v["dsseEnvelope"] = Value::Null),
        ("media-type-unknown", &|v| v["mediaType"] = Value::Null),
        ("media-type-unknown", &|v| {
            v["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v9+json");
        }),
        ("log-entry-twice", &|v| {
            v["verificationMaterial"]["tlogEntries"] = json!([entry, entry]);
        }),
        ("bundle-too-big", &|v| {
            v["verificationMaterial"]["tlogEntries"] = Value::Array(vec![entry.clone(); 17]);
        }),
        ("several-signatures", &|v| {
            v["dsseEnvelope"]["signatures"] = json!([]);
        }),
        ("log-proof-missing", &|v| {
            v["verificationMaterial"]["tlogEntries"] = json!([]);
        }),
    ];
    assert_eq!(reason(&bundle), "verified");
    for (expected, change) in cases {
        assert_eq!(changed(change), expected);
    }
    let twice = text.replacen("{\"mediaType\"", "{\"mediaType\":\"x\",\"mediaType\"", 1);
    assert_eq!(reason(twice.as_bytes()), "json-duplicate-member");
    assert_eq!(reason(&vec![b' '; (64 << 20) + 1]), "bundle-too-big");
    assert_eq!(reason(&text.as_bytes()[..text.len() - 1]), "json-malformed");
}
