//! Names for what `sigstore-verify` refuses.

use sigstore_verify::{CertificateError, Error, TimestampError, TransparencyLogError};

use crate::Refusal;

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let id = match &error {
            Error::IdentityMismatch { .. } => "identity-mismatch",
            Error::IssuerMismatch { .. } => "issuer-mismatch",
            Error::SignatureInvalid(_) => "signature-wrong",
            Error::ArtifactMismatch(_) => "artifact-mismatch",
            Error::UnsupportedArtifact(_) => "artifact-unsupported",
            Error::ArtifactRead(_) => "artifact-unreadable",
            Error::Certificate(error) => certificate(error),
            Error::TransparencyLog(error) => log(error),
            Error::Timestamp(error) => timestamp(error),
            Error::UnsupportedBundle(_) => "bundle-unsupported",
            Error::InvalidTrustRoot(_) | Error::TrustRoot(_) | Error::TrustedCertificate(_) => {
                "trust-root-invalid"
            }
            Error::Bundle(error) => structure(error),
            Error::Crypto(_) => "key-unsupported",
            _ => "bundle-malformed",
        };
        Self::new(id, fragment(&error.to_string()))
    }
}

fn structure(error: &sigstore_verify::bundle::Error) -> &'static str {
    use sigstore_verify::bundle::Error as E;
    match error {
        E::MissingInclusionProof(_) | E::MissingInclusionPromise(_) => "log-proof-missing",
        E::MissingSigningTimeEvidence => "time-missing",
        E::CertificateChainNotAllowed(_) => "bundle-material-unknown",
        _ => "bundle-malformed",
    }
}

fn certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Malformed(_) => "certificate-malformed",
        // The path is checked before the dates are, so that a certificate out of
        // its time arrives as a broken path.
        CertificateError::ChainInvalid(why) if why.contains("CertExpired") => "certificate-expired",
        CertificateError::ChainInvalid(why) if why.contains("CertNotValidYet") => {
            "certificate-not-yet-valid"
        }
        CertificateError::ChainInvalid(_) | CertificateError::NoValidAuthority { .. } => {
            "certificate-untrusted"
        }
        CertificateError::NotYetValid { .. } => "certificate-not-yet-valid",
        CertificateError::Expired { .. } => "certificate-expired",
        CertificateError::Sct(_) => "certificate-not-logged",
        _ => "certificate-untrusted",
    }
}

fn log(error: &TransparencyLogError) -> &'static str {
    match error {
        TransparencyLogError::UnknownLog { .. } => "log-unknown",
        TransparencyLogError::InclusionProof(_) => "log-inclusion-invalid",
        TransparencyLogError::Checkpoint(_) => "log-checkpoint-invalid",
        TransparencyLogError::InclusionPromise(_) => "log-promise-invalid",
        TransparencyLogError::EntryMismatch(_) => "log-entry-mismatch",
        TransparencyLogError::IntegratedTime(_) => "log-time-invalid",
        _ => "log-entry-malformed",
    }
}

fn timestamp(error: &TimestampError) -> &'static str {
    match error {
        TimestampError::NoVerifiedTimestamp(_) => "time-missing",
        TimestampError::OutsideAuthorityValidity { .. } => "timestamp-outside-authority",
        _ => "timestamp-invalid",
    }
}

/// One line, so that a hostile value inside cannot draw on the terminal.
fn fragment(text: &str) -> String {
    const LIMIT: usize = 400;
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LIMIT)
        .collect();
    if text.chars().nth(LIMIT).is_some() {
        line.push('…');
    }
    line
}
