//! DSSE, the envelope around every statement, after
//! <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>.
//!
//! Refuses: more or fewer than one signature (a Sigstore bundle has exactly one),
//! and base64 that is not canonical (RFC 4648 §4 with padding), since two
//! spellings of the same bytes are one more way for two readers to differ.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::Refusal;

/// The payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A payload, what it is, and one signature over both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    pub payload_type: String,
    pub payload: Vec<u8>,
    pub signature: Vec<u8>,
    /// Says nothing that is relied on; absent, null and empty are the same.
    pub keyid: Option<String>,
}

impl Envelope {
    /// The bytes that are signed.
    pub fn pae(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }

    /// Reads the JSON object, as [`crate::parse_strict`] gave it.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let object = value
            .as_object()
            .ok_or_else(|| malformed("dsseEnvelope is not an object"))?;
        let payload_type = text(object, "payloadType")?.to_owned();
        let payload = decode_base64("dsseEnvelope.payload", text(object, "payload")?)?;
        let signatures = object
            .get("signatures")
            .and_then(Value::as_array)
            .ok_or_else(|| malformed("dsseEnvelope.signatures is not an array"))?;
        let signature = match signatures.as_slice() {
            [] => {
                return Err(Refusal::new(
                    "signature-missing",
                    "the envelope has no signature",
                ));
            }
            [one] => one
                .as_object()
                .ok_or_else(|| malformed("dsseEnvelope.signatures[0] is not an object"))?,
            more => {
                return Err(Refusal::new(
                    "several-signatures",
                    format!(
                        "the envelope has {} signatures; exactly one is allowed",
                        more.len()
                    ),
                ));
            }
        };
        let keyid = match signature.get("keyid") {
            None | Some(Value::Null) => None,
            Some(Value::String(keyid)) => Some(keyid.clone()).filter(|keyid| !keyid.is_empty()),
            Some(_) => {
                return Err(malformed(
                    "dsseEnvelope.signatures[0].keyid is not a string",
                ));
            }
        };
        Ok(Self {
            payload_type,
            payload,
            signature: decode_base64("dsseEnvelope.signatures[0].sig", text(signature, "sig")?)?,
            keyid,
        })
    }

    pub fn to_json(&self) -> Value {
        json!({
            "payload": STANDARD.encode(&self.payload),
            "payloadType": self.payload_type,
            "signatures": [{
                "sig": STANDARD.encode(&self.signature),
                "keyid": self.keyid.as_deref().unwrap_or_default(),
            }],
        })
    }
}

/// Pre-authentication encoding: a payload signed as one type cannot be passed
/// off as another.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    )
    .into_bytes();
    out.extend_from_slice(payload);
    out
}

/// Canonical base64: the standard alphabet, padded, no white space, unused bits
/// zero. `place` says where it stands.
pub fn decode_base64(place: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(text).map_err(|error| {
        Refusal::new(
            "base64-malformed",
            format!("{place} is not canonical base64: {error}"),
        )
    })
}

pub(crate) fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new("bundle-malformed", message)
}

fn text<'v>(object: &'v Map<String, Value>, name: &str) -> Result<&'v str, Refusal> {
    object
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| malformed(format!("the envelope has no string {name}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_protocol() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        let envelope = Envelope {
            payload_type: IN_TOTO.to_owned(),
            payload: b"{}".to_vec(),
            signature: vec![1, 2, 3],
            keyid: None,
        };
        assert_eq!(Envelope::from_json(&envelope.to_json()).unwrap(), envelope);
    }

    #[test]
    fn one_signature_no_more_no_less() {
        let mut value = json!({"payloadType": "t", "payload": "", "signatures": []});
        let reason = |value: &Value| Envelope::from_json(value).unwrap_err().reason;
        assert_eq!(reason(&value), "signature-missing");
        value["signatures"] = json!([{"sig": ""}, {"sig": ""}]);
        assert_eq!(reason(&value), "several-signatures");
        for keyid in [Value::Null, json!("")] {
            value["signatures"] = json!([{"sig": "AQ==", "keyid": keyid}]);
            assert!(Envelope::from_json(&value).is_ok());
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(decode_base64("x", "+/8=").unwrap(), [0xfb, 0xff]);
        for text in ["-_8=", "+/8", "+/9=", " +/8=", "+/8=\n", "+/8=="] {
            let refusal = decode_base64("x", text).unwrap_err();
            assert_eq!(refusal.reason, "base64-malformed", "{text:?}");
        }
    }
}
