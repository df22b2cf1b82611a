//! Verifying a bundle over an artifact.

use std::fmt;
use std::io::Read;

use jiff::Timestamp;
use sigstore_verify::types::{DerPublicKey, Sha256Hash};
use sigstore_verify::{
    Policy, PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult,
};

use crate::{Refusal, VerifyingKey};

use super::document::{self, Document, Material};
use super::root::Root;

/// What the bundle must be about.
pub enum Artifact<'a> {
    Bytes(&'a [u8]),
    Sha256([u8; 32]),
    /// Read to its end, after the bundle has passed what can be checked without.
    Reader(&'a mut dyn Read),
}

impl fmt::Debug for Artifact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes(_) => "Bytes",
            Self::Sha256(_) => "Sha256",
            Self::Reader(_) => "Reader",
        })
    }
}

/// A public key as SubjectPublicKeyInfo: also of kinds that this crate cannot
/// sign with (RSA, ML-DSA).
#[derive(Debug, Clone)]
pub struct PublicKey(DerPublicKey);

impl PublicKey {
    pub fn from_pem(pem: &str) -> Result<Self, Refusal> {
        DerPublicKey::from_pem(pem)
            .map(Self)
            .map_err(|e| Refusal::new("key-malformed", format!("the public key is not PEM: {e}")))
    }
}

impl From<&VerifyingKey> for PublicKey {
    fn from(key: &VerifyingKey) -> Self {
        Self(DerPublicKey::from_bytes(key.to_der()))
    }
}

/// Who must have signed.
#[derive(Debug, Clone)]
pub enum Signer {
    /// This identity, as vouched for by this issuer; both exactly.
    Identity { identity: String, issuer: String },
    /// The holder of this key.
    Key(PublicKey),
    /// Anyone the root can vouch for. The caller judges [`Verified::by`].
    Anyone,
}

#[derive(Debug)]
pub struct Expectations<'a> {
    pub signer: Signer,
    pub root: &'a Root,
}

/// Who signed, as proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedBy {
    Identity { identity: String, issuer: String },
    Key,
}

/// What was proven.
#[derive(Debug, Clone)]
pub struct Verified {
    pub by: SignedBy,
    /// Every proven time at which the signature existed, earliest first.
    pub times: Vec<Timestamp>,
    /// Whether the signature is proven to be in a transparency log.
    pub logged: bool,
    /// The signed payload and its type, when an envelope was signed.
    pub payload: Option<(Vec<u8>, String)>,
}

/// Verifies `bundle` over `artifact`.
pub fn verify_bundle(
    bundle: &[u8],
    artifact: Artifact<'_>,
    expectations: &Expectations<'_>,
) -> Result<Verified, Refusal> {
    check(document::read(bundle)?, artifact, expectations)
}

/// Verifies `bundle` over the digest that its own signed content names first,
/// for a caller who goes on to compare what was signed with the artifact.
pub fn verify_envelope(
    bundle: &[u8],
    expectations: &Expectations<'_>,
) -> Result<Verified, Refusal> {
    check_named(document::read(bundle)?, expectations)
}

pub(super) fn check_named(
    document: Document,
    expectations: &Expectations<'_>,
) -> Result<Verified, Refusal> {
    let Some(digest) = document.named else {
        return Err(Refusal::new(
            "artifact-unnamed",
            "what was signed does not name its artifact by SHA-256",
        ));
    };
    check(document, Artifact::Sha256(digest), expectations)
}

fn check(
    document: Document,
    artifact: Artifact<'_>,
    expectations: &Expectations<'_>,
) -> Result<Verified, Refusal> {
    let logs = expectations.root.has_logs() && document.needs_log(&expectations.signer);
    let policy = policy(&document, expectations, logs)?;
    let verifier = &expectations.root.verifier;
    let bundle = &document.bundle;
    let result = match artifact {
        Artifact::Bytes(bytes) => verifier.verify(bytes, bundle, policy.as_ref()),
        Artifact::Sha256(digest) => {
            verifier.verify(Sha256Hash::new(digest), bundle, policy.as_ref())
        }
        Artifact::Reader(reader) => verifier.verify_reader(reader, bundle, policy.as_ref()),
    }?;
    let mut times = result.verified_timestamps().to_vec();
    times.sort_unstable();
    let by = signed_by(&document, &result)?;
    Ok(Verified {
        by,
        times,
        logged: logs && document.entries > 0 && result.tlog_verified(),
        payload: document.payload,
    })
}

impl Document {
    /// A managed key may be used without a log; a certificate that lived for
    /// ten minutes proves nothing without one.
    fn needs_log(&self, signer: &Signer) -> bool {
        !matches!(signer, Signer::Key(_)) || self.entries > 0
    }
}

fn policy(
    document: &Document,
    expectations: &Expectations<'_>,
    logs: bool,
) -> Result<Box<dyn Policy>, Refusal> {
    let by_key = document.material == Material::PublicKey;
    let policy = match &expectations.signer {
        Signer::Key(key) if by_key => {
            let policy = PublicKeyVerificationPolicy::new(key.0.clone());
            return Ok(Box::new(if logs {
                policy
            } else {
                policy.skip_tlog_unsafe()
            }));
        }
        Signer::Key(_) => {
            return Err(Refusal::new(
                "method-mismatch",
                "the bundle is signed with a certificate, not with a key; give --identity and --identity-provider",
            ));
        }
        _ if by_key => {
            return Err(Refusal::new(
                "method-mismatch",
                "the bundle is signed with a key, not by an identity; give --public-key",
            ));
        }
        Signer::Identity { identity, issuer } => {
            VerificationPolicy::new(identity.as_str(), issuer.as_str())
        }
        Signer::Anyone => VerificationPolicy::any_identity(),
    };
    let policy = if logs {
        policy
    } else {
        policy.skip_tlog_unsafe()
    };
    Ok(Box::new(if expectations.root.has_certificate_logs() {
        policy
    } else {
        policy.skip_sct()
    }))
}

fn signed_by(document: &Document, result: &VerificationResult) -> Result<SignedBy, Refusal> {
    if document.material == Material::PublicKey {
        return Ok(SignedBy::Key);
    }
    match (result.identity(), result.issuer()) {
        (Some(identity), Some(issuer)) => Ok(SignedBy::Identity {
            identity: identity.as_str().to_owned(),
            issuer: issuer.to_owned(),
        }),
        _ => Err(Refusal::new(
            "certificate-anonymous",
            "the certificate names no identity or no issuer",
        )),
    }
}
