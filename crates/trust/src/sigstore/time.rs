//! When a signature existed, as proven by somebody else than the signer.
//!
//! A timestamp authority (RFC 3161) signs the hash of the signature with its
//! time; a transparency log (Rekor v1) signs the time at which it took the
//! entry in. The signer's own word, and a certificate's dates, are not
//! considered. Rekor v2 gives no time of its own: its bundles carry timestamps.

use jiff::Timestamp;
use sigstore_verify::tsa::verify_timestamp_for_authority;
use sigstore_verify::types::{SignatureBytes, SignatureContent};

use crate::Refusal;

use super::document::{self, Document, Material};
use super::root::Root;
use super::verify::{Expectations, PublicKey, Signer, check_named};

/// Who vouches for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    TimestampAuthority,
    Log,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedTime {
    pub time: Timestamp,
    pub source: Source,
}

/// The earliest proven time at which the bundle's signature existed; `None`
/// when nobody vouches for one. See [`trusted_times`].
pub fn trusted_time(
    bundle: &[u8],
    root: &Root,
    key: Option<&PublicKey>,
) -> Result<Option<TrustedTime>, Refusal> {
    Ok(trusted_times(bundle, root, key)?.into_iter().next())
}

/// Every proven time, earliest first.
///
/// It is a time of the signature's bytes: the caller verifies the signature
/// itself. `key` is the signer's, needed to tie a log entry to a bundle that
/// only hints at its key; without it such entries vouch for nothing. Evidence
/// that is there and wrong is a refusal, not an absence.
pub fn trusted_times(
    bundle: &[u8],
    root: &Root,
    key: Option<&PublicKey>,
) -> Result<Vec<TrustedTime>, Refusal> {
    let document = document::read(bundle)?;
    let mut times = stamps(&document, root)?;
    if document.entries > 0 && root.has_logs() {
        times.extend(log_times(document, root, key)?);
    }
    times.sort_unstable_by_key(|t| t.time);
    Ok(times)
}

fn stamps(document: &Document, root: &Root) -> Result<Vec<TrustedTime>, Refusal> {
    let signature = match &document.bundle.content {
        SignatureContent::DsseEnvelope(envelope) => &envelope.signature.sig,
        SignatureContent::MessageSignature(message) => &message.signature,
        _ => return Ok(Vec::new()),
    };
    let data = &document.bundle.verification_material;
    data.timestamp_verification_data
        .rfc3161_timestamps
        .iter()
        .map(|stamp| {
            stamp_time(
                stamp.signed_timestamp.as_bytes(),
                signature.as_bytes(),
                root,
            )
            .map(|time| TrustedTime {
                time,
                source: Source::TimestampAuthority,
            })
        })
        .collect()
}

/// The time in an RFC 3161 token over `signature`, from an authority of `root`.
pub(super) fn stamp_time(
    token: &[u8],
    signature: &[u8],
    root: &Root,
) -> Result<Timestamp, Refusal> {
    let token = sigstore_verify::types::TimestampToken::from_bytes(token);
    let signature = SignatureBytes::from_bytes(signature);
    let mut why = Refusal::new(
        "timestamp-invalid",
        "the trusted root knows no timestamp authority",
    );
    for authority in root.trusted.tsa_authorities() {
        match verify_timestamp_for_authority(&token, &signature, &authority) {
            Ok(time) => return Ok(time),
            Err(sigstore_verify::tsa::Error::TimestampOutsideValidity { time }) => {
                why = Refusal::new(
                    "timestamp-outside-authority",
                    format!("the timestamp {time} lies outside its authority's time of trust"),
                );
            }
            Err(e) if why.reason == "timestamp-invalid" => {
                why = Refusal::new(
                    "timestamp-invalid",
                    format!("the timestamp is not from a trusted authority: {e}"),
                );
            }
            Err(_) => {}
        }
    }
    Err(why)
}

fn log_times(
    document: Document,
    root: &Root,
    key: Option<&PublicKey>,
) -> Result<Vec<TrustedTime>, Refusal> {
    let signer = match (document.material, key) {
        (Material::PublicKey, Some(key)) => Signer::Key(key.clone()),
        (Material::PublicKey, None) => return Ok(Vec::new()),
        _ => Signer::Anyone,
    };
    // The timestamps have been counted already; what the log adds remains.
    let mut stamped: Vec<Timestamp> = Vec::new();
    for time in stamps(&document, root)? {
        stamped.push(time.time);
    }
    let verified = check_named(document, &Expectations { signer, root })?;
    let mut log = verified.times;
    for time in stamped {
        if let Some(at) = log.iter().position(|t| *t == time) {
            log.remove(at);
        }
    }
    Ok(log
        .into_iter()
        .map(|time| TrustedTime {
            time,
            source: Source::Log,
        })
        .collect())
}
