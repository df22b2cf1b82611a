//! Keys that verify.

use ed25519_dalek::pkcs8::spki::{DecodePublicKey as _, EncodePublicKey as _};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use sha2::{Digest as _, Sha256};

use super::pem::{blocks, encode};
use super::{KeyError, KeyKind};
use crate::{Refusal, hash_bytes, hex};

/// A public key.
#[derive(Debug, Clone)]
pub struct VerifyingKey {
    pub(super) key: Key,
    /// SubjectPublicKeyInfo, DER.
    spki: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(super) enum Key {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for VerifyingKey {}

impl VerifyingKey {
    /// Reads the first `PUBLIC KEY` block.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let blocks = blocks(text);
        if let Some(block) = blocks.iter().find(|block| block.label == "PUBLIC KEY") {
            let der = block
                .der
                .as_deref()
                .ok_or_else(|| KeyError::Malformed("its base64 cannot be read".to_owned()))?;
            return Self::from_der(der);
        }
        let Some(first) = blocks.first() else {
            return Err(KeyError::NotPem);
        };
        Err(if first.label.ends_with("PRIVATE KEY") {
            KeyError::Private
        } else if first.label == "CERTIFICATE" {
            KeyError::Certificate
        } else {
            KeyError::Label(first.label.clone())
        })
    }

    /// Reads a SubjectPublicKeyInfo.
    pub fn from_der(spki: &[u8]) -> Result<Self, KeyError> {
        let key = if let Ok(key) = p256::ecdsa::VerifyingKey::from_public_key_der(spki) {
            Key::P256(key)
        } else if let Ok(key) = p384::ecdsa::VerifyingKey::from_public_key_der(spki) {
            Key::P384(key)
        } else if let Ok(key) = p521::ecdsa::VerifyingKey::from_public_key_der(spki) {
            Key::P521(key)
        } else if let Ok(key) = ed25519_dalek::VerifyingKey::from_public_key_der(spki) {
            Key::Ed25519(key)
        } else {
            return Err(why_not(spki));
        };
        Self::of(key)
    }

    pub(super) fn of(key: Key) -> Result<Self, KeyError> {
        // Encoded anew, so that a compressed point and a full one are one key.
        let spki = match &key {
            Key::P256(key) => key.to_public_key_der(),
            Key::P384(key) => key.to_public_key_der(),
            Key::P521(key) => key.to_public_key_der(),
            Key::Ed25519(key) => key.to_public_key_der(),
        }
        .map_err(|error| KeyError::Malformed(error.to_string()))?;
        Ok(Self {
            key,
            spki: spki.into_vec(),
        })
    }

    pub fn kind(&self) -> KeyKind {
        match self.key {
            Key::P256(_) => KeyKind::P256,
            Key::P384(_) => KeyKind::P384,
            Key::P521(_) => KeyKind::P521,
            Key::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn to_der(&self) -> &[u8] {
        &self.spki
    }

    pub fn to_pem(&self) -> String {
        encode("PUBLIC KEY", &self.spki)
    }

    /// The key's name in bundles: SHA-256 over its PEM text, in hex. So does
    /// `model-signing` since 1.1.
    pub fn hint(&self) -> String {
        hex(&hash_bytes(self.to_pem().as_bytes()))
    }

    /// Checks a signature; ECDSA's is DER, with the hash of the curve.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let good = match &self.key {
            Key::P256(key) => p256::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Key::P384(key) => p384::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Key::P521(key) => p521::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Key::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        };
        good.then_some(()).ok_or_else(wrong)
    }

    /// Checks an ECDSA signature over SHA-256 whatever the curve, as the
    /// certificate method of `model-signing` 0.2 made it.
    pub(crate) fn verify_sha256(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let hash = Sha256::digest(message);
        let good = match &self.key {
            Key::P256(key) => p256::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify_prehash(&hash, &signature).is_ok()),
            Key::P384(key) => p384::ecdsa::DerSignature::from_bytes(signature)
                .is_ok_and(|signature| key.verify_prehash(&hash, &signature).is_ok()),
            // Its hash must have half the length of the field at least.
            Key::P521(_) | Key::Ed25519(_) => false,
        };
        good.then_some(()).ok_or_else(wrong)
    }
}

fn wrong() -> Refusal {
    Refusal::new(
        "signature-wrong",
        "the signature does not belong to these bytes and this key",
    )
}

fn why_not(spki: &[u8]) -> KeyError {
    use ed25519_dalek::pkcs8::spki::SubjectPublicKeyInfoRef;
    match SubjectPublicKeyInfoRef::try_from(spki) {
        Err(error) => KeyError::Malformed(error.to_string()),
        Ok(info) => KeyError::Algorithm(algorithm_name(&info.algorithm.oid.to_string())),
    }
}

/// The name people know an algorithm by.
pub(super) fn algorithm_name(oid: &str) -> String {
    match oid {
        "1.2.840.113549.1.1.1" => "RSA".to_owned(),
        "1.2.840.10040.4.1" => "DSA".to_owned(),
        "1.2.840.10045.2.1" => "ECDSA on another curve".to_owned(),
        "1.3.101.113" => "Ed448".to_owned(),
        other => other.to_owned(),
    }
}
