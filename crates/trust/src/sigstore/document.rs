//! A bundle as text: one meaning or none.
//!
//! Two JSON readers that disagree about a bundle are two verifiers that
//! disagree about who signed. So what readers treat differently is refused
//! before anything is verified: members given twice, members the format does
//! not know beside those that carry meaning, two kinds of material or of
//! content at once, more than one signature, the same log entry twice, and an
//! entry with neither proof nor promise (`sigstore-verify` asks that *some*
//! entry has one). Counts are limited, so that a bundle cannot buy time.

use std::collections::HashSet;

use serde_json::{Map, Value};
use sigstore_verify::types::Bundle;

use crate::Refusal;
use crate::bundle::parse_json;

const MAX_ENTRIES: usize = 16;
const MAX_TIMESTAMPS: usize = 16;
const MAX_CERTIFICATES: usize = 16;
/// A proof in a tree of 2^64 leaves.
const MAX_HASHES: usize = 64;

/// What a bundle carries in place of the signer's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Material {
    Certificate,
    Chain,
    PublicKey,
}

/// A bundle that has one meaning.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) bundle: Bundle,
    pub(super) material: Material,
    pub(super) entries: usize,
    /// The signed payload of an envelope and its type.
    pub(super) payload: Option<(Vec<u8>, String)>,
    /// SHA-256 of the artifact as the signed content names it.
    pub(super) named: Option<[u8; 32]>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Document, Refusal> {
    let value = parse_json(bytes)?;
    let top = object(&value, "the bundle")?;
    let (material, entries) = check_shape(top)?;
    let bundle: Bundle = serde_json::from_slice(bytes).map_err(|e| {
        let why = e.to_string();
        let id = if why.contains("media type") {
            "media-type-unknown"
        } else {
            "bundle-malformed"
        };
        Refusal::new(id, format!("the bundle is malformed: {why}"))
    })?;
    let payload = match &bundle.content {
        sigstore_verify::types::SignatureContent::DsseEnvelope(envelope) => Some((
            envelope.payload.as_bytes().to_vec(),
            envelope.payload_type.clone(),
        )),
        _ => None,
    };
    let named = match &payload {
        Some((payload, _)) => named_by_statement(payload)?,
        None => named_by_message(&bundle),
    };
    Ok(Document {
        bundle,
        material,
        entries,
        payload,
        named,
    })
}

fn check_shape(top: &Map<String, Value>) -> Result<(Material, usize), Refusal> {
    const CONTENT: [&str; 2] = ["messageSignature", "dsseEnvelope"];
    known(
        top,
        "the bundle",
        &["mediaType", "verificationMaterial", CONTENT[0], CONTENT[1]],
    )?;
    let contents = CONTENT.iter().filter(|name| present(top, name)).count();
    if contents != 1 {
        return Err(not_one(
            contents,
            "messageSignature and dsseEnvelope",
            "several-contents",
        ));
    }
    if !present(top, "mediaType") {
        return Err(Refusal::new(
            "media-type-unknown",
            "the bundle does not say its media type",
        ));
    }
    if let Some(envelope) = top.get("dsseEnvelope").filter(|v| !v.is_null()) {
        let envelope = object(envelope, "dsseEnvelope")?;
        known(
            envelope,
            "dsseEnvelope",
            &["payload", "payloadType", "signatures"],
        )?;
        let signatures = list(envelope, "signatures")?;
        if signatures.len() != 1 {
            return Err(Refusal::new(
                "several-signatures",
                format!(
                    "the envelope must have exactly one signature and has {}",
                    signatures.len()
                ),
            ));
        }
    }
    let material = object(
        top.get("verificationMaterial").unwrap_or(&Value::Null),
        "verificationMaterial",
    )?;
    known(
        material,
        "verificationMaterial",
        &[
            "publicKey",
            "x509CertificateChain",
            "certificate",
            "tlogEntries",
            "timestampVerificationData",
        ],
    )
    .map_err(|r| Refusal::new("bundle-material-unknown", r.message))?;
    let kinds = [
        ("certificate", Material::Certificate),
        ("x509CertificateChain", Material::Chain),
        ("publicKey", Material::PublicKey),
    ];
    let found: Vec<Material> = kinds
        .into_iter()
        .filter(|(name, _)| present(material, name))
        .map(|(_, kind)| kind)
        .collect();
    let kind = match found.as_slice() {
        [kind] => *kind,
        other => {
            return Err(not_one(
                other.len(),
                "certificate, x509CertificateChain and publicKey",
                "several-materials",
            ));
        }
    };
    if let Some(chain) = material
        .get("x509CertificateChain")
        .filter(|v| !v.is_null())
    {
        let certificates = list(object(chain, "x509CertificateChain")?, "certificates")?;
        at_most(certificates, MAX_CERTIFICATES, "certificates")?;
    }
    if let Some(data) = material
        .get("timestampVerificationData")
        .filter(|v| !v.is_null())
    {
        let data = object(data, "timestampVerificationData")?;
        known(data, "timestampVerificationData", &["rfc3161Timestamps"])?;
        let stamps = list(data, "rfc3161Timestamps")?;
        at_most(stamps, MAX_TIMESTAMPS, "timestamps")?;
    }
    let entries = list(material, "tlogEntries")?;
    at_most(entries, MAX_ENTRIES, "log entries")?;
    check_entries(entries)?;
    Ok((kind, entries.len()))
}

fn not_one(count: usize, what: &str, several: &'static str) -> Refusal {
    if count == 0 {
        return Refusal::new("bundle-malformed", format!("the bundle has none of {what}"));
    }
    Refusal::new(several, format!("the bundle has more than one of {what}"))
}

fn check_entries(entries: &[Value]) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    for entry in entries {
        let entry = object(entry, "a log entry")?;
        known(
            entry,
            "a log entry",
            &[
                "logIndex",
                "logId",
                "kindVersion",
                "integratedTime",
                "inclusionPromise",
                "inclusionProof",
                "canonicalizedBody",
            ],
        )?;
        if !present(entry, "inclusionProof") && !present(entry, "inclusionPromise") {
            return Err(Refusal::new(
                "log-proof-missing",
                "a log entry has neither an inclusion proof nor an inclusion promise",
            ));
        }
        if let Some(proof) = entry.get("inclusionProof").filter(|v| !v.is_null()) {
            at_most(
                list(object(proof, "inclusionProof")?, "hashes")?,
                MAX_HASHES,
                "hashes in an inclusion proof",
            )?;
        }
        let place = format!(
            "{:?} {:?}",
            entry.get("logId"),
            entry.get("logIndex").map(|index| match index {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
        );
        if !seen.insert(place) {
            return Err(Refusal::new(
                "log-entry-twice",
                "the same log entry is given twice",
            ));
        }
    }
    Ok(())
}

/// The first subject of an in-toto statement that has a SHA-256. The artifact is
/// bound to a statement's subjects; another type of payload may mean something
/// else by the word.
fn named_by_statement(payload: &[u8]) -> Result<Option<[u8; 32]>, Refusal> {
    const KNOWN: [&str; 2] = [
        "https://in-toto.io/Statement/v1",
        "https://in-toto.io/Statement/v0.1",
    ];
    let statement = parse_json(payload)?;
    let kind = statement.get("_type").and_then(Value::as_str);
    if !kind.is_some_and(|kind| KNOWN.contains(&kind)) {
        return Err(Refusal::new(
            "statement-unknown",
            "the signed payload is not an in-toto statement",
        ));
    }
    let subjects = statement.get("subject").and_then(Value::as_array);
    Ok(subjects
        .into_iter()
        .flatten()
        .filter_map(|subject| subject.get("digest")?.get("sha256")?.as_str())
        .find_map(|hex| sigstore_verify::types::Sha256Hash::from_hex(hex).ok())
        .map(|hash| *hash.as_bytes()))
}

fn named_by_message(bundle: &Bundle) -> Option<[u8; 32]> {
    let sigstore_verify::types::SignatureContent::MessageSignature(message) = &bundle.content
    else {
        return None;
    };
    let digest = message.message_digest.as_ref()?;
    if digest.algorithm != sigstore_verify::types::HashAlgorithm::Sha2256 {
        return None;
    }
    digest.digest.as_bytes().try_into().ok()
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, Refusal> {
    value.as_object().ok_or_else(|| {
        Refusal::new(
            "bundle-malformed",
            format!("{what} must be a JSON object and is not"),
        )
    })
}

fn list<'a>(map: &'a Map<String, Value>, name: &str) -> Result<&'a [Value], Refusal> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Refusal::new(
            "bundle-malformed",
            format!("{name} must be a list and is not"),
        )),
    }
}

fn present(map: &Map<String, Value>, name: &str) -> bool {
    map.get(name).is_some_and(|value| !value.is_null())
}

fn known(map: &Map<String, Value>, what: &str, names: &[&str]) -> Result<(), Refusal> {
    match map.keys().find(|key| !names.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Refusal::new(
            "bundle-unknown-member",
            format!("{what} has the member {key:?}, which the format does not know"),
        )),
    }
}

fn at_most(items: &[Value], limit: usize, what: &str) -> Result<(), Refusal> {
    if items.len() <= limit {
        return Ok(());
    }
    Err(Refusal::new(
        "bundle-too-big",
        format!(
            "the bundle has {} {what}, more than the {limit} that are read",
            items.len()
        ),
    ))
}
