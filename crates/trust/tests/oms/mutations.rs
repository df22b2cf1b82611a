//! Damaged bundles and statements: never a panic, never long, and never believed
//! unless what is signed is the same.

use std::time::{Duration, Instant};

use modelward_trust::oms::{CertificateTrust, Method, Signed, Trust, certificates_from_pem};
use modelward_trust::{Bundle, SigningKey, VerifyingKey, parse_strict};

use crate::world::World;

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

fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    if bytes.is_empty() {
        return;
    }
    let at = dice.below(bytes.len());
    let end = (at + dice.below(24)).min(bytes.len());
    match dice.below(6) {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => bytes[at] = dice.below(256) as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes[at..end].to_vec();
            let into = dice.below(bytes.len());
            bytes.splice(into..into, copy);
        }
        _ => {
            const WORDS: [&[u8]; 12] = [
                b"null",
                b"[]",
                b"{}",
                b"\"\"",
                b"-1",
                b"1e400",
                b"[[[[[[[[[[[[",
                b"\\ud800",
                b"..",
                b"99999999999999999999",
                b"\"sha256\"",
                b":0:0",
            ];
            let word = WORDS[dice.below(WORDS.len())];
            bytes.splice(at..end, word.iter().copied());
        }
    }
}

#[test]
fn a_damaged_bundle_is_refused_or_says_the_same() {
    let world = World::new(&["w", "sub/v"]);
    let good = world.sign();
    let payload = Bundle::parse(&good).unwrap().envelope.payload;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let began = Instant::now();
    for _ in 0..3000 {
        let mut bytes = good.clone();
        for _ in 0..=dice.below(3) {
            damage(&mut bytes, &mut dice);
        }
        if let Ok(signed) = world.open(&bytes) {
            assert_eq!(signed.bundle.envelope.payload, payload);
        }
    }
    assert!(began.elapsed() < Duration::from_mins(1));
}

#[test]
fn a_damaged_statement_that_is_well_signed_is_read_without_harm() {
    for method in [Method::Files, Method::Shards(2)] {
        let mut world = World::new(&["w", "sub/v"]);
        world.how.method = method;
        let good = world.prepare().unwrap().manifest.to_statement();
        let mut dice = Dice(0x2545_f491_4f6c_dd1d);
        for _ in 0..1500 {
            let mut payload = good.clone();
            for _ in 0..=dice.below(2) {
                damage(&mut payload, &mut dice);
            }
            let began = Instant::now();
            let _ = world.check(&world.sign_payload(payload));
            assert!(began.elapsed() < Duration::from_secs(5));
        }
    }
}

#[test]
fn damaged_keys_and_certificates_are_refused() {
    let key = SigningKey::generate(modelward_trust::KeyKind::P384).unwrap();
    let texts = [
        key.to_pem(None).unwrap(),
        key.verifying_key().to_pem(),
        format!(
            "-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n",
            "MIIBszCCAVmgAwIBAgIBBzAKBggqhkjOPQQDAjAAMAAwAA==\n"
        ),
    ];
    let mut dice = Dice(0x0123_4567_89ab_cdef);
    for text in texts {
        for _ in 0..2000 {
            let mut bytes = text.clone().into_bytes();
            damage(&mut bytes, &mut dice);
            let text = String::from_utf8_lossy(&bytes);
            let _ = SigningKey::from_pem(&text, None);
            let _ = VerifyingKey::from_pem(&text);
            if let Ok(certificates) = certificates_from_pem(&text) {
                let _ = CertificateTrust::new(&certificates, std::time::SystemTime::now());
            }
        }
    }
}

#[test]
fn a_damaged_certificate_in_a_bundle_is_refused() {
    let world = World::new(&["w"]);
    let mut value: serde_json::Value = serde_json::from_slice(&world.sign()).unwrap();
    let mut dice = Dice(77);
    let trust = CertificateTrust::new(&[], std::time::SystemTime::now()).unwrap();
    for length in 0..200 {
        let bytes: Vec<u8> = (0..length).map(|_| dice.below(256) as u8).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        value["verificationMaterial"] = serde_json::json!({
            "x509CertificateChain": {"certificates": [{"rawBytes": hex}]}
        });
        assert!(Signed::open(value.to_string().as_bytes(), Trust::Certificates(&trust)).is_err());
    }
}

#[test]
fn a_huge_or_deep_text_is_refused_at_once() {
    let began = Instant::now();
    let mut huge = vec![b' '; 65 << 20];
    huge[0] = b'{';
    assert!(parse_strict(&huge).is_err());
    assert!(parse_strict(&b"[".repeat(60 << 20)).is_err());
    assert!(began.elapsed() < Duration::from_secs(10));
}
