//! Keys that sign.

use std::fmt;

use ed25519_dalek::pkcs8::KeypairBytes;
use p256::ecdsa::signature::Signer as _;
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::common::getrandom::SysRng;
use pkcs8::{
    DecodePrivateKey as _, EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef,
    SecretDocument,
};

use super::pem::{blocks, encode};
use super::public::{Key as PublicKey, algorithm_name};
use super::{KeyError, KeyKind, VerifyingKey};

/// A private key, with its public one.
pub struct SigningKey {
    key: Key,
    public: VerifyingKey,
}

enum Key {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("public", &self.public.hint())
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key from the system's randomness.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        Self::of(match kind {
            KeyKind::P256 => Key::P256(p256::SecretKey::generate().into()),
            KeyKind::P384 => Key::P384(p384::SecretKey::generate().into()),
            KeyKind::P521 => Key::P521(p521::SecretKey::generate().into()),
            KeyKind::Ed25519 => {
                let seed = <[u8; 32]>::generate();
                Key::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed))
            }
        })
    }

    /// Whether the text holds a key that only opens with a password.
    pub fn is_encrypted(text: &str) -> bool {
        blocks(text)
            .iter()
            .any(|block| block.label == "ENCRYPTED PRIVATE KEY")
    }

    /// Reads the first private key.
    pub fn from_pem(text: &str, password: Option<&str>) -> Result<Self, KeyError> {
        let blocks = blocks(text);
        let Some(block) = blocks
            .iter()
            .find(|block| block.label.ends_with("PRIVATE KEY"))
        else {
            return Err(match blocks.first().map(|block| block.label.as_str()) {
                None => KeyError::NotPem,
                Some("PUBLIC KEY") => KeyError::Public,
                Some("CERTIFICATE") => KeyError::Certificate,
                Some(label) => KeyError::Label(label.to_owned()),
            });
        };
        if block.headers {
            return Err(KeyError::OldEncryption);
        }
        let der = block
            .der
            .as_deref()
            .ok_or_else(|| KeyError::Malformed("its base64 cannot be read".to_owned()))?;
        match block.label.as_str() {
            "ENCRYPTED PRIVATE KEY" => {
                let password = password.ok_or(KeyError::PasswordMissing)?;
                Self::from_pkcs8(decrypt(der, password)?.as_bytes())
            }
            _ if password.is_some() => Err(KeyError::PasswordUnexpected),
            "PRIVATE KEY" => Self::from_pkcs8(der),
            "EC PRIVATE KEY" => Self::from_sec1(der),
            other => Err(KeyError::Label(other.to_owned())),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
            return Self::of(Key::P256(key.into()));
        }
        if let Ok(key) = p384::SecretKey::from_pkcs8_der(der) {
            return Self::of(Key::P384(key.into()));
        }
        if let Ok(key) = p521::SecretKey::from_pkcs8_der(der) {
            return Self::of(Key::P521(key.into()));
        }
        if let Ok(key) = ed25519_dalek::SigningKey::from_pkcs8_der(der) {
            return Self::of(Key::Ed25519(key));
        }
        Err(match PrivateKeyInfoRef::try_from(der) {
            Err(error) => KeyError::Malformed(error.to_string()),
            Ok(info) => KeyError::Algorithm(algorithm_name(&info.algorithm.oid.to_string())),
        })
    }

    fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        if let Ok(key) = p256::SecretKey::from_sec1_der(der) {
            return Self::of(Key::P256(key.into()));
        }
        if let Ok(key) = p384::SecretKey::from_sec1_der(der) {
            return Self::of(Key::P384(key.into()));
        }
        if let Ok(key) = p521::SecretKey::from_sec1_der(der) {
            return Self::of(Key::P521(key.into()));
        }
        Err(KeyError::Algorithm("ECDSA on another curve".to_owned()))
    }

    fn of(key: Key) -> Result<Self, KeyError> {
        let public = VerifyingKey::of(match &key {
            Key::P256(key) => PublicKey::P256(*key.verifying_key()),
            Key::P384(key) => PublicKey::P384(*key.verifying_key()),
            Key::P521(key) => PublicKey::P521(p521::ecdsa::VerifyingKey::from(key)),
            Key::Ed25519(key) => PublicKey::Ed25519(key.verifying_key()),
        })?;
        Ok(Self { key, public })
    }

    /// PKCS#8, encrypted (PBES2 with scrypt and AES-256) when there is a
    /// password.
    pub fn to_pem(&self, password: Option<&str>) -> Result<String, KeyError> {
        let malformed = |error: &dyn fmt::Display| KeyError::Malformed(error.to_string());
        let document = match &self.key {
            Key::P256(key) => p256::SecretKey::from(key).to_pkcs8_der(),
            Key::P384(key) => p384::SecretKey::from(key).to_pkcs8_der(),
            Key::P521(key) => p521::SecretKey::from(key).to_pkcs8_der(),
            // Without the public key: OpenSSL does not read the form that has it.
            Key::Ed25519(key) => KeypairBytes {
                secret_key: key.to_bytes(),
                public_key: None,
            }
            .to_pkcs8_der(),
        }
        .map_err(|error| malformed(&error))?;
        let Some(password) = password else {
            return Ok(encode("PRIVATE KEY", document.as_bytes()));
        };
        let sealed = PrivateKeyInfoRef::try_from(document.as_bytes())
            .and_then(|info| info.encrypt_with_rng(&mut SysRng, password))
            .map_err(|error| malformed(&error))?;
        Ok(encode("ENCRYPTED PRIVATE KEY", sealed.as_bytes()))
    }

    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    pub fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    /// Signs; ECDSA deterministically (RFC 6979), DER, with the hash of the
    /// curve.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Key::P384(key) => {
                let signature: p384::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Key::P521(key) => {
                let signature: p521::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Key::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }
}

fn decrypt(der: &[u8], password: &str) -> Result<SecretDocument, KeyError> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|error| KeyError::Malformed(error.to_string()))?;
    let opened = info
        .decrypt(password)
        .map_err(|_| KeyError::PasswordWrong)?;
    // A wrong password passes the padding check once in a while.
    if PrivateKeyInfoRef::try_from(opened.as_bytes()).is_err() {
        return Err(KeyError::PasswordWrong);
    }
    Ok(opened)
}
