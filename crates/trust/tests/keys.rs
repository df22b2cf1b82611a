//! Keys as people have them, and bundles signed with them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set itself up has failed"
)]

use modelward_trust::{
    Bundle, IN_TOTO, KeyError, KeyKind, SigningKey, VerifyingKey, sign_statement,
};

#[test]
fn every_kind_of_key_signs_and_is_read_back() {
    for kind in KeyKind::ALL {
        let key = SigningKey::generate(kind).unwrap();
        let again = SigningKey::from_pem(&key.to_pem(None).unwrap(), None).unwrap();
        assert_eq!(again.verifying_key(), key.verifying_key(), "{kind}");
        let public = VerifyingKey::from_pem(&key.verifying_key().to_pem()).unwrap();
        assert_eq!(public.kind(), kind);
        let signature = again.sign(b"words");
        assert!(public.verify(b"words", &signature).is_ok(), "{kind}");
        let refusal = public.verify(b"worts", &signature).unwrap_err();
        assert_eq!(refusal.reason, "signature-wrong");
        let other = SigningKey::generate(kind).unwrap();
        assert!(other.verifying_key().verify(b"words", &signature).is_err());
        assert!(public.verify(b"words", b"").is_err());
    }
}

#[test]
fn a_password_locks_a_key() {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let locked = key.to_pem(Some("open sesame")).unwrap();
    assert!(SigningKey::is_encrypted(&locked));
    let open = |password| SigningKey::from_pem(&locked, password).map(|_| ());
    assert_eq!(open(Some("open sesame")), Ok(()));
    assert_eq!(open(Some("sesame")), Err(KeyError::PasswordWrong));
    assert_eq!(open(None), Err(KeyError::PasswordMissing));
    let plain = key.to_pem(None).unwrap();
    let error = SigningKey::from_pem(&plain, Some("x")).unwrap_err();
    assert_eq!(error, KeyError::PasswordUnexpected);
}

#[test]
fn the_wrong_kind_of_file_is_called_by_its_name() {
    let key = SigningKey::generate(KeyKind::P384).unwrap();
    let public = key.verifying_key().to_pem();
    let private = key.to_pem(None).unwrap();
    assert_eq!(VerifyingKey::from_pem(&private), Err(KeyError::Private));
    assert_eq!(VerifyingKey::from_pem("hello"), Err(KeyError::NotPem));
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(
        VerifyingKey::from_pem(certificate),
        Err(KeyError::Certificate)
    );
    let read = |text: &str| SigningKey::from_pem(text, None).unwrap_err();
    assert_eq!(read(&public), KeyError::Public);
    assert_eq!(read(certificate), KeyError::Certificate);
    assert_eq!(read(""), KeyError::NotPem);
    let old = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
    assert_eq!(read(old), KeyError::OldEncryption);
    let cut = &private[..private.len() - 40];
    assert!(matches!(read(cut), KeyError::Malformed(_)));
}

#[test]
fn text_around_a_key_is_passed_over() {
    let key = SigningKey::generate(KeyKind::P521).unwrap();
    let text = format!(
        "Public Key Info:\n\tPublic Key Algorithm: ECDSA\r\n\n{}\n\n",
        key.to_pem(None).unwrap().replace('\n', "\r\n")
    );
    assert!(SigningKey::from_pem(&text, None).is_ok());
}

#[test]
fn a_bundle_is_verified_by_its_own_key_only() {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let bundle = sign_statement(&key, IN_TOTO, b"{}".to_vec());
    let read = Bundle::parse(bundle.to_line().as_bytes()).unwrap();
    assert_eq!(read, bundle);
    assert_eq!(read.verify_with_key(key.verifying_key()), Ok(()));
    let other = SigningKey::generate(KeyKind::P256).unwrap();
    let refusal = read.verify_with_key(other.verifying_key()).unwrap_err();
    assert_eq!(refusal.reason, "key-mismatch");
    let mut forged = read;
    forged.envelope.payload = b"{ }".to_vec();
    let refusal = forged.verify_with_key(key.verifying_key()).unwrap_err();
    assert_eq!(refusal.reason, "signature-wrong");
}

#[test]
fn a_bundle_with_two_materials_or_none_is_refused() {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let good = sign_statement(&key, IN_TOTO, b"{}".to_vec()).to_json();
    let reason = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = good.clone();
        change(&mut value);
        Bundle::parse(value.to_string().as_bytes())
            .map(|_| ())
            .unwrap_err()
            .reason
    };
    let material = |value: &mut serde_json::Value, name: &str| {
        value["verificationMaterial"][name] = serde_json::json!({"rawBytes": "AAAA"});
    };
    assert_eq!(
        reason(&|value| material(value, "certificate")),
        "several-materials"
    );
    assert_eq!(
        reason(&|value| value["verificationMaterial"] = serde_json::json!({})),
        "bundle-malformed"
    );
    assert_eq!(
        reason(&|value| value["mediaType"] = "application/json".into()),
        "media-type-unknown"
    );
    assert_eq!(
        reason(&|value| value["messageSignature"] = serde_json::json!({})),
        "bundle-malformed"
    );
}
