//! What `model-signing` 0.2 wrote: the predicate `Digests/v0.1`, with the files
//! as subjects, and a signature over something that only resembles DSSE's
//! encoding: a capital V, and the payload as Python prints a `bytes` object.

use serde_json::Value;

use super::digest::Algorithm;
use super::manifest::{Manifest, Method, Resource, Serialization, root_of};
use super::names::check_names;
use super::statement::{STATEMENT, bad_digest, malformed, read_hex, unknown_algorithm};
use crate::bundle::parse_json;
use crate::{Envelope, Refusal};

pub(super) const PREDICATE: &str = "https://model_signing/Digests/v0.1";

/// Whether a payload, not yet trusted, is of this form: it decides over what
/// bytes the signature is checked.
pub(super) fn is_legacy(payload: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Head {
        #[serde(rename = "predicateType")]
        predicate_type: String,
    }
    serde_json::from_slice::<Head>(payload).is_ok_and(|head| head.predicate_type == PREDICATE)
}

/// The bytes that were signed.
pub(super) fn signed_bytes(envelope: &Envelope) -> Vec<u8> {
    format!(
        "DSSEV1 {} {} {} {}",
        envelope.payload_type.chars().count(),
        envelope.payload_type,
        envelope.payload.len(),
        python_repr(&envelope.payload)
    )
    .into_bytes()
}

/// As `repr(bytes)` prints them.
fn python_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut out = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            0x20..=0x7e => {
                if char::from(*byte) == quote {
                    out.push('\\');
                }
                out.push(char::from(*byte));
            }
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    out
}

/// Reads a payload whose signature is good.
pub(super) fn read(payload: &[u8]) -> Result<Manifest, Refusal> {
    let value = parse_json(payload)?;
    if value["_type"] != STATEMENT || value["predicateType"] != PREDICATE {
        return Err(malformed("it is not a statement of model-signing 0.2"));
    }
    let subjects = value["subject"]
        .as_array()
        .ok_or_else(|| malformed("the statement has no subject"))?;
    if subjects.is_empty() {
        return Err(Refusal::new(
            "resources-empty",
            "the list names no file, so it says nothing",
        ));
    }
    let resources = subjects
        .iter()
        .map(read_subject)
        .collect::<Result<Vec<_>, _>>()?;
    check_names(&resources, Method::Files)?;
    if resources.len() > 1 && resources.iter().any(|resource| resource.name == ".") {
        return Err(Refusal::new(
            "name-unsafe",
            "the list names \".\" beside other files",
        ));
    }
    Ok(Manifest {
        subject: String::new(),
        root: root_of(&resources),
        serialization: Serialization {
            method: Method::Files,
            algorithm: Algorithm::Sha256,
            allow_symlinks: false,
            ignore_paths: Vec::new(),
        },
        resources,
    })
}

fn read_subject(subject: &Value) -> Result<Resource, Refusal> {
    let name = subject["name"]
        .as_str()
        .ok_or_else(|| malformed("a subject has no name"))?;
    match subject["annotations"].get("actual_hash_algorithm") {
        None => {}
        Some(Value::String(text)) if text == "file-sha256" => {}
        Some(other) => return Err(unknown_algorithm(&other.to_string())),
    }
    let digest = subject["digest"]["sha256"]
        .as_str()
        .ok_or_else(|| malformed(format!("{name:?} has no sha256 digest")))?;
    let digest = read_hex(digest)
        .filter(|bytes| bytes.len() == 32)
        .ok_or_else(|| bad_digest(name, digest))?;
    Ok(Resource {
        name: name.to_owned(),
        digest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_printed_as_python_prints_them() {
        for (bytes, text) in [
            (&b"a\n\t\r\\\x00\x7f\xff"[..], r"b'a\n\t\r\\\x00\x7f\xff'"),
            (b"it's", r#"b"it's""#),
            (br#""it's""#, r#"b'"it\'s"'"#),
        ] {
            assert_eq!(python_repr(bytes), text);
        }
    }
}
