//! One signed statement with what is needed to check it: the JSON of a Sigstore
//! bundle, <https://docs.sigstore.dev/about/bundle/>, around a DSSE envelope,
//! as OpenSSF Model Signing and `claims.jsonl` use it.
//!
//! Reads the material of three methods: a key, a chain of certificates (which a
//! Sigstore library refuses), and Sigstore's own certificate with its log
//! entries. Refuses repeated members, two kinds of material, and bundles of
//! anything but an envelope. Reading proves nothing; verifying does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::dsse::{decode_base64, malformed};
use crate::{Envelope, JsonError, Refusal, SigningKey, VerifyingKey, parse_strict};

/// What is written, and what OMS demands.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Another spelling of the same.
const MEDIA_TYPE_PARAMETER: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";

/// A statement, its signature, and who is said to have made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    pub material: Material,
    pub envelope: Envelope,
    /// Entries of a transparency log, as they stand in the bundle.
    pub log_entries: Vec<Value>,
    /// RFC 3161 time stamps, DER.
    pub timestamps: Vec<Vec<u8>>,
}

/// By what the signature can be checked. Nothing of it is trusted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    Key(KeyReference),
    /// DER, the signer's first.
    Chain(Vec<Vec<u8>>),
    /// DER, of Sigstore's keyless signing.
    Sigstore(Vec<u8>),
}

impl Material {
    /// The word for it in commands and documents.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Chain(_) => "certificate",
            Self::Sigstore(_) => "sigstore",
        }
    }
}

/// How a bundle names the key it was signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyReference {
    /// [`VerifyingKey::hint`]; may be empty.
    Hint(String),
    /// The whole key as PEM text or DER; `model-signing` before 1.1.
    Raw(Vec<u8>),
}

impl KeyReference {
    fn names(&self, key: &VerifyingKey) -> bool {
        match self {
            Self::Hint(hint) => hint == &key.hint(),
            Self::Raw(raw) => std::str::from_utf8(raw)
                .ok()
                .and_then(|pem| VerifyingKey::from_pem(pem).ok())
                .or_else(|| VerifyingKey::from_der(raw).ok())
                .is_some_and(|named| named == *key),
        }
    }
}

impl Bundle {
    /// Reads one bundle; the media type must be that of version 0.3.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::from_json(&parse_json(bytes)?)
    }

    /// Reads what [`parse_strict`] gave.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let object = value
            .as_object()
            .ok_or_else(|| malformed("the bundle is not a JSON object"))?;
        match object.get("mediaType").and_then(Value::as_str) {
            Some(MEDIA_TYPE | MEDIA_TYPE_PARAMETER) => {}
            Some(other) => {
                return Err(Refusal::new(
                    "media-type-unknown",
                    format!("the bundle's mediaType is {other:?}, not {MEDIA_TYPE}"),
                ));
            }
            None => return Err(malformed("the bundle has no mediaType")),
        }
        let envelope = match object.get("dsseEnvelope") {
            Some(envelope) if !object.contains_key("messageSignature") => {
                Envelope::from_json(envelope)?
            }
            Some(_) => {
                return Err(malformed(
                    "the bundle has both a dsseEnvelope and a messageSignature",
                ));
            }
            None => return Err(malformed("the bundle has no dsseEnvelope")),
        };
        let material = object
            .get("verificationMaterial")
            .and_then(Value::as_object)
            .ok_or_else(|| malformed("the bundle has no verificationMaterial"))?;
        Ok(Self {
            envelope,
            log_entries: array(material, "tlogEntries")?.to_vec(),
            timestamps: read_timestamps(material)?,
            material: read_material(material)?,
        })
    }

    pub fn to_json(&self) -> Value {
        let mut material = match &self.material {
            Material::Key(KeyReference::Hint(hint)) => json!({"publicKey": {"hint": hint}}),
            Material::Key(KeyReference::Raw(raw)) => {
                json!({"publicKey": {"rawBytes": STANDARD.encode(raw)}})
            }
            Material::Chain(chain) => {
                let certificates: Vec<Value> = chain
                    .iter()
                    .map(|der| json!({"rawBytes": STANDARD.encode(der)}))
                    .collect();
                json!({"x509CertificateChain": {"certificates": certificates}})
            }
            Material::Sigstore(der) => json!({"certificate": {"rawBytes": STANDARD.encode(der)}}),
        };
        material["tlogEntries"] = Value::Array(self.log_entries.clone());
        if !self.timestamps.is_empty() {
            let stamps: Vec<Value> = self
                .timestamps
                .iter()
                .map(|der| json!({"signedTimestamp": STANDARD.encode(der)}))
                .collect();
            material["timestampVerificationData"] = json!({"rfc3161Timestamps": stamps});
        }
        json!({
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": material,
            "dsseEnvelope": self.envelope.to_json(),
        })
    }

    /// One line, as `claims.jsonl` holds it; no line break at the end.
    pub fn to_line(&self) -> String {
        self.to_json().to_string()
    }

    /// Checks the envelope's signature by a key that the caller trusts. Says
    /// nothing about what the payload claims.
    pub fn verify_with_key(&self, key: &VerifyingKey) -> Result<(), Refusal> {
        self.check_reference(key)?;
        key.verify(&self.envelope.pae(), &self.envelope.signature)
    }

    /// Whether the bundle says that it was signed with this key.
    pub(crate) fn check_reference(&self, key: &VerifyingKey) -> Result<(), Refusal> {
        let Material::Key(reference) = &self.material else {
            return Err(Refusal::new(
                "method-mismatch",
                format!(
                    "the bundle is signed with the {} method, not with a key",
                    self.material.method()
                ),
            ));
        };
        if !reference.names(key) {
            return Err(Refusal::new(
                "key-mismatch",
                match reference {
                    KeyReference::Hint(hint) => format!(
                        "the bundle was signed with the key {hint:?}, not with the given {}",
                        key.hint()
                    ),
                    KeyReference::Raw(_) => "the key in the bundle is not the given one".to_owned(),
                },
            ));
        }
        Ok(())
    }
}

/// Signs a payload with a key: any statement, not only a model's.
pub fn sign_statement(key: &SigningKey, payload_type: &str, payload: Vec<u8>) -> Bundle {
    let envelope = Envelope {
        signature: key.sign(&crate::dsse::pae(payload_type, &payload)),
        payload_type: payload_type.to_owned(),
        payload,
        keyid: None,
    };
    Bundle {
        material: Material::Key(KeyReference::Hint(key.verifying_key().hint())),
        envelope,
        log_entries: Vec::new(),
        timestamps: Vec::new(),
    }
}

pub(crate) fn parse_json(bytes: &[u8]) -> Result<Value, Refusal> {
    parse_strict(bytes).map_err(|error| {
        let reason = match error {
            JsonError::Big(_) => "bundle-too-big",
            JsonError::Syntax(_) => "json-malformed",
            JsonError::Duplicate(_) => "json-duplicate-member",
        };
        Refusal::new(reason, format!("it is not strict JSON: {error}"))
    })
}

fn read_material(material: &Map<String, Value>) -> Result<Material, Refusal> {
    let kinds = ["publicKey", "x509CertificateChain", "certificate"];
    let mut present = kinds
        .iter()
        .filter_map(|kind| material.get(*kind).map(|value| (*kind, value)));
    let (kind, value) = present
        .next()
        .ok_or_else(|| malformed("the verificationMaterial names no key and no certificate"))?;
    if let Some((other, _)) = present.next() {
        return Err(Refusal::new(
            "several-materials",
            format!("the verificationMaterial has both {kind} and {other}"),
        ));
    }
    match kind {
        "publicKey" => read_key(value).map(Material::Key),
        "certificate" => raw_bytes("certificate", value).map(Material::Sigstore),
        _ => {
            let certificates = value
                .get("certificates")
                .and_then(Value::as_array)
                .filter(|certificates| !certificates.is_empty())
                .ok_or_else(|| malformed("x509CertificateChain has no certificates"))?;
            certificates
                .iter()
                .map(|certificate| raw_bytes("x509CertificateChain", certificate))
                .collect::<Result<_, _>>()
                .map(Material::Chain)
        }
    }
}

fn read_key(value: &Value) -> Result<KeyReference, Refusal> {
    match (value.get("rawBytes"), value.get("hint")) {
        (Some(_), _) => raw_bytes("publicKey", value).map(KeyReference::Raw),
        (None, Some(Value::String(hint))) => Ok(KeyReference::Hint(hint.clone())),
        _ => Err(malformed("publicKey has neither a hint nor rawBytes")),
    }
}

fn read_timestamps(material: &Map<String, Value>) -> Result<Vec<Vec<u8>>, Refusal> {
    let Some(data) = material
        .get("timestampVerificationData")
        .filter(|data| !data.is_null())
    else {
        return Ok(Vec::new());
    };
    let data = data
        .as_object()
        .ok_or_else(|| malformed("timestampVerificationData is not an object"))?;
    array(data, "rfc3161Timestamps")?
        .iter()
        .map(|stamp| {
            let text = stamp
                .get("signedTimestamp")
                .and_then(Value::as_str)
                .ok_or_else(|| malformed("a time stamp has no signedTimestamp"))?;
            decode_base64("signedTimestamp", text)
        })
        .collect()
}

fn raw_bytes(place: &str, value: &Value) -> Result<Vec<u8>, Refusal> {
    let text = value
        .get("rawBytes")
        .and_then(Value::as_str)
        .ok_or_else(|| malformed(format!("{place} has no rawBytes")))?;
    decode_base64(&format!("{place}.rawBytes"), text)
}

/// Absent and null are empty.
fn array<'v>(object: &'v Map<String, Value>, name: &str) -> Result<&'v [Value], Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(malformed(format!("{name} is not an array"))),
    }
}
