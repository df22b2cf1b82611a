//! Damaged bundles: never a panic, never long, and never proof of anything that
//! was not signed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod fake;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fake::{Fake, Fault};
use modelward_trust::sigstore::{
    Expectations, Instance, Root, Signer, Token, Verified, sign_statement, trusted_times,
    verify_envelope,
};
use modelward_trust::{hash_bytes, hex};
use serde_json::{Value, json};

/// Xorshift: the same damage every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

fn check(bundle: &[u8], root: &Root) -> Option<Verified> {
    let begun = Instant::now();
    let expectations = Expectations {
        signer: Signer::Anyone,
        root,
    };
    let verified = verify_envelope(bundle, &expectations).ok();
    let _ = trusted_times(bundle, root, None);
    assert!(begun.elapsed() < Duration::from_secs(5));
    verified
}

fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    if bytes.is_empty() {
        return;
    }
    let at = dice.below(bytes.len());
    match dice.below(5) {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => bytes[at] = dice.below(256) as u8,
        2 => bytes.truncate(at),
        3 => {
            let end = (at + dice.below(16)).min(bytes.len());
            bytes.drain(at..end);
        }
        _ => {
            let piece: Vec<u8> = bytes[at..].iter().take(dice.below(40)).copied().collect();
            let to = dice.below(bytes.len());
            bytes.splice(to..to, piece);
        }
    }
}

/// The strings in a document, by JSON pointer.
fn strings(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::String(_) => out.push(at.to_owned()),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                strings(item, &format!("{at}/{n}"), out);
            }
        }
        Value::Object(map) => {
            for (name, item) in map {
                strings(item, &format!("{at}/{name}"), out);
            }
        }
        _ => {}
    }
}

fn signed(rekor: u32) -> (Vec<u8>, Instance) {
    let fake = Fake::start(Fault::None);
    let config = fake.trust_config(rekor);
    let instance = Instance::new(Root::from_json(config.as_bytes()).unwrap()).unwrap();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "m", "digest": {"sha256": hex(&hash_bytes(b"w"))}}],
        "predicateType": "p", "predicate": {},
    });
    let token = Token::Given(fake::token("dev@example.test"));
    let bundle = sign_statement(statement.to_string().as_bytes(), &token, &instance).unwrap();
    (bundle, instance)
}

#[test]
fn a_damaged_bundle_proves_nothing_new() {
    for rekor in [1, 2] {
        let (bundle, instance) = signed(rekor);
        let honest = check(&bundle, instance.root()).unwrap();
        let value: Value = serde_json::from_slice(&bundle).unwrap();
        let mut places = Vec::new();
        strings(&value, "", &mut places);
        let mut dice = Dice(0x5eed + u64::from(rekor));
        let mut survived = 0;
        for round in 0..1500 {
            let mut text;
            if round % 3 == 0 {
                text = bundle.clone();
                damage(&mut text, &mut dice);
            } else {
                // Inside one value, so that the damage reaches the readers of
                // certificates, timestamps, checkpoints and log entries.
                let mut value = value.clone();
                let place = value
                    .pointer_mut(&places[dice.below(places.len())])
                    .unwrap();
                let old = place.as_str().unwrap();
                let (mut bytes, encoded) = match STANDARD.decode(old) {
                    Ok(bytes) => (bytes, true),
                    Err(_) => (old.as_bytes().to_vec(), false),
                };
                damage(&mut bytes, &mut dice);
                *place = if encoded {
                    STANDARD.encode(bytes).into()
                } else {
                    String::from_utf8_lossy(&bytes).into_owned().into()
                };
                text = value.to_string().into_bytes();
            }
            if let Some(verified) = check(&text, instance.root()) {
                survived += 1;
                assert_eq!(verified.payload, honest.payload);
                assert_eq!(verified.by, honest.by);
                assert!(verified.times.iter().all(|t| honest.times.contains(t)));
                assert!(verified.logged);
            }
        }
        // Spaces, unsigned duplicates and no-ops remain; most damage must not.
        assert!(survived < 300, "{survived} damaged bundles verified");
    }
}

#[test]
fn a_damaged_trusted_root_is_an_error_or_a_root() {
    let fake = Fake::start(Fault::None);
    let config = fake.trust_config(1).into_bytes();
    let mut dice = Dice(0x0707);
    for _ in 0..600 {
        let mut text = config.clone();
        damage(&mut text, &mut dice);
        let _ = Root::from_json(&text);
        let mut chain = fake::pem(&fake.stamps.certificate).into_bytes();
        damage(&mut chain, &mut dice);
        let _ = Root::timestamp_authority(&String::from_utf8_lossy(&chain));
    }
}
