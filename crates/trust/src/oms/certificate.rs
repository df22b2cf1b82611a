//! The certificate method: a path from the signer's certificate to one that the
//! verifier gave, checked at a time that the verifier chose (RFC 5280 §6).
//!
//! Never at the certificate's own beginning: a signature with an expired
//! certificate would then be good for ever. The public Web's rules are not used:
//! signers of models are often marked as authorities of their own, which a Web
//! client must refuse. So the path is built here; signatures are checked by
//! `rustls-webpki`'s algorithms. A critical extension that is not understood,
//! name constraints among them, refuses the certificate.

use std::time::{Duration, SystemTime};

use webpki::ALL_VERIFICATION_ALGS;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

use crate::{Refusal, VerifyingKey};

const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
const ANY_USAGE: &str = "2.5.29.37.0";
/// Basic constraints, key usage, extended key usage; names and policies, which
/// only add to what a certificate says.
const UNDERSTOOD: [&str; 5] = [
    "2.5.29.19",
    "2.5.29.15",
    "2.5.29.37",
    "2.5.29.17",
    "2.5.29.32",
];
/// Certificates of a bundle, and of a path.
const MAX_CHAIN: usize = 16;
const MAX_CHECKS: usize = 64;

/// Which certificates are trusted, and when the signature was made.
#[derive(Debug)]
pub struct CertificateTrust {
    anchors: Vec<Certificate>,
    others: Vec<Certificate>,
    at: Duration,
}

/// All certificates of a PEM file, DER.
pub fn certificates_from_pem(text: &str) -> Result<Vec<Vec<u8>>, Refusal> {
    let found: Vec<Vec<u8>> = crate::keys::pem_blocks(text)
        .into_iter()
        .filter(|block| block.label == "CERTIFICATE")
        .map(|block| {
            block
                .der
                .ok_or_else(|| malformed("its base64 cannot be read"))
        })
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err(malformed(
            "it holds no certificate: there is no -----BEGIN CERTIFICATE----- in it",
        ));
    }
    Ok(found)
}

impl CertificateTrust {
    /// Trusts the self-signed ones of `given`; the others only help to reach
    /// them. When none is self-signed, all are trusted as they are.
    pub fn new(given: &[Vec<u8>], at: SystemTime) -> Result<Self, Refusal> {
        let given = given
            .iter()
            .map(|der| parse(der))
            .collect::<Result<Vec<_>, _>>()?;
        let (roots, others): (Vec<_>, Vec<_>) = given
            .into_iter()
            .partition(|certificate| is_signed_by(certificate, certificate));
        let (anchors, others) = if roots.is_empty() {
            (others, Vec::new())
        } else {
            (roots, others)
        };
        Ok(Self {
            anchors,
            others,
            at: at
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
        })
    }

    /// The key of the bundle's first certificate and whose it is, when a path
    /// leads to a trusted one.
    pub(super) fn signer(&self, chain: &[Vec<u8>]) -> Result<(VerifyingKey, String), Refusal> {
        if chain.len() > MAX_CHAIN {
            return Err(malformed(format!(
                "the bundle has {} certificates, more than {MAX_CHAIN}",
                chain.len()
            )));
        }
        let chain = chain
            .iter()
            .map(|der| parse(der))
            .collect::<Result<Vec<_>, _>>()?;
        let (leaf, rest) = chain
            .split_first()
            .ok_or_else(|| malformed("the bundle has no certificate"))?;
        let name = subject(leaf);
        check_signing(leaf)?;
        self.check_time(leaf)?;
        let pool: Vec<&Certificate> = rest.iter().chain(&self.others).collect();
        let mut search = Search {
            trust: self,
            pool,
            left: MAX_CHECKS,
            why: None,
        };
        if !search.reaches_anchor(leaf, &mut Vec::new()) {
            return Err(search.why.unwrap_or_else(|| {
                Refusal::new(
                    "certificate-untrusted",
                    format!("no path leads from the certificate of {name} to a given one"),
                )
            }));
        }
        Ok((key_of(leaf)?, name))
    }

    fn check_time(&self, certificate: &Certificate) -> Result<(), Refusal> {
        let validity = certificate.tbs_certificate().validity();
        let name = subject(certificate);
        if self.at < validity.not_before.to_unix_duration() {
            return Err(Refusal::new(
                "certificate-not-yet-valid",
                format!(
                    "the certificate of {name} is valid from {}",
                    validity.not_before
                ),
            ));
        }
        if self.at > validity.not_after.to_unix_duration() {
            return Err(Refusal::new(
                "certificate-expired",
                format!(
                    "the certificate of {name} expired at {}",
                    validity.not_after
                ),
            ));
        }
        Ok(())
    }
}

/// Whether a signer may use this certificate for this key, now: so that nobody
/// signs what nobody can verify.
pub fn check_signer(certificate: &[u8], key: &VerifyingKey, at: SystemTime) -> Result<(), Refusal> {
    let leaf = parse(certificate)?;
    if key_of(&leaf)? != *key {
        return Err(Refusal::new(
            "certificate-mismatch",
            "the certificate is for another key",
        ));
    }
    check_signing(&leaf)?;
    CertificateTrust::new(&[], at)?.check_time(&leaf)
}

struct Search<'t> {
    trust: &'t CertificateTrust,
    pool: Vec<&'t Certificate>,
    /// Signature checks that are left.
    left: usize,
    /// Why the best path failed.
    why: Option<Refusal>,
}

impl<'t> Search<'t> {
    fn reaches_anchor(&mut self, from: &Certificate, below: &mut Vec<&'t Certificate>) -> bool {
        let trust = self.trust;
        if trust.anchors.contains(from) {
            return true;
        }
        for anchor in &trust.anchors {
            if self.issues(anchor, from, below.len()) {
                return true;
            }
        }
        if below.len() >= MAX_CHAIN {
            return false;
        }
        for candidate in self.pool.clone() {
            if below.contains(&candidate) || !self.issues(candidate, from, below.len()) {
                continue;
            }
            below.push(candidate);
            if self.reaches_anchor(candidate, below) {
                return true;
            }
            below.pop();
        }
        false
    }

    fn issues(&mut self, issuer: &Certificate, of: &Certificate, below: usize) -> bool {
        let named = issuer.tbs_certificate().subject() == of.tbs_certificate().issuer();
        if issuer == of || !named || self.left == 0 {
            return false;
        }
        self.left -= 1;
        if !is_signed_by(of, issuer) {
            return false;
        }
        let fit = check_issuer(issuer, below).and_then(|()| self.trust.check_time(issuer));
        fit.map_err(|why| self.why = Some(why)).is_ok()
    }
}

fn parse(der: &[u8]) -> Result<Certificate, Refusal> {
    Certificate::from_der(der)
        .map_err(|error| malformed(format!("a certificate cannot be read: {error}")))
}

fn key_of(certificate: &Certificate) -> Result<VerifyingKey, Refusal> {
    let spki = certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .map_err(|error| malformed(error.to_string()))?;
    VerifyingKey::from_der(&spki).map_err(|error| {
        Refusal::new(
            "key-unknown",
            format!(
                "the key of {} cannot be used: {error}",
                subject(certificate)
            ),
        )
    })
}

fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    let spki = issuer.tbs_certificate().subject_public_key_info();
    let (Ok(message), Ok(key_algorithm), Ok(algorithm)) = (
        certificate.tbs_certificate().to_der(),
        spki.algorithm.to_der(),
        certificate.signature_algorithm().to_der(),
    ) else {
        return false;
    };
    let (Some(key), Some(signature)) = (
        spki.subject_public_key.as_bytes(),
        certificate.signature().as_bytes(),
    ) else {
        return false;
    };
    certificate.signature_algorithm() == certificate.tbs_certificate().signature()
        && ALL_VERIFICATION_ALGS.iter().any(|known| {
            contents(&key_algorithm) == known.public_key_alg_id().as_ref()
                && contents(&algorithm) == known.signature_alg_id().as_ref()
                && known.verify_signature(key, &message, signature).is_ok()
        })
}

/// Without the tag and the one length byte of a short SEQUENCE.
fn contents(der: &[u8]) -> &[u8] {
    match der {
        [0x30, length, rest @ ..] if usize::from(*length) == rest.len() => rest,
        _ => der,
    }
}

fn check_signing(leaf: &Certificate) -> Result<(), Refusal> {
    check_extensions(leaf)?;
    let usage = extension::<KeyUsage>(leaf)?;
    let extended = extension::<ExtendedKeyUsage>(leaf)?;
    let fit = match (usage, extended) {
        (None, None) => false,
        (usage, extended) => {
            usage.is_none_or(|usage| usage.digital_signature())
                && extended.is_none_or(|ExtendedKeyUsage(uses)| {
                    uses.iter()
                        .any(|oid| [CODE_SIGNING, ANY_USAGE].contains(&oid.to_string().as_str()))
                })
        }
    };
    if fit {
        return Ok(());
    }
    Err(Refusal::new(
        "certificate-usage",
        format!(
            "the certificate of {} is not for signing: it allows neither digital signatures nor code signing",
            subject(leaf)
        ),
    ))
}

fn check_issuer(issuer: &Certificate, below: usize) -> Result<(), Refusal> {
    check_extensions(issuer)?;
    let constraints = extension::<BasicConstraints>(issuer)?;
    let usage = extension::<KeyUsage>(issuer)?;
    let fit = constraints.is_some_and(|constraints| {
        constraints.ca
            && constraints
                .path_len_constraint
                .is_none_or(|most| below <= usize::from(most))
    }) && usage.is_none_or(|usage| usage.key_cert_sign());
    if fit {
        return Ok(());
    }
    Err(Refusal::new(
        "certificate-not-authority",
        format!("{} may not issue this certificate", subject(issuer)),
    ))
}

fn check_extensions(certificate: &Certificate) -> Result<(), Refusal> {
    let extensions = certificate.tbs_certificate().extensions();
    for extension in extensions.into_iter().flatten() {
        let oid = extension.extn_id.to_string();
        if extension.critical && !UNDERSTOOD.contains(&oid.as_str()) {
            return Err(Refusal::new(
                "certificate-extension",
                format!(
                    "the certificate of {} has the critical extension {oid}, which is not understood",
                    subject(certificate)
                ),
            ));
        }
    }
    Ok(())
}

fn extension<'c, T>(certificate: &'c Certificate) -> Result<Option<T>, Refusal>
where
    T: x509_cert::der::Decode<'c> + x509_cert::der::oid::AssociatedOid,
    T::Error: std::fmt::Display,
    x509_cert::der::Error: From<T::Error>,
{
    certificate
        .tbs_certificate()
        .get_extension::<T>()
        .map(|found| found.map(|(_, extension)| extension))
        .map_err(|_| {
            malformed(format!(
                "an extension of the certificate of {} cannot be read",
                subject(certificate)
            ))
        })
}

fn subject(certificate: &Certificate) -> String {
    let name = certificate.tbs_certificate().subject().to_string();
    if name.is_empty() {
        "an unnamed signer".to_owned()
    } else {
        name
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new("certificate-malformed", message)
}
