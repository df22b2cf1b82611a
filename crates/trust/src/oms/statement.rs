//! The in-toto statement around the list (§5, §6.5, §6.6), read and written.
//!
//! Unknown members are ignored, as §5.2.1 and in-toto demand. Versions 1.x of
//! the predicate are read as 1.0, as OMS's own rules of versioning ask.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::digest::Algorithm;
use super::manifest::{Manifest, Method, Resource, Serialization, root_of};
use super::names::check_names;
use crate::bundle::parse_json;
use crate::{Refusal, hex};

pub const PREDICATE: &str = "https://model_signing/signature/v1.0";
const PREDICATE_1: &str = "https://model_signing/signature/v1.";
pub(super) const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// Reads a payload whose signature is good. Says beside where it leaves the
/// specification without harm.
pub(super) fn read(payload: &[u8]) -> Result<(Manifest, Vec<String>), Refusal> {
    let value = parse_json(payload)?;
    let mut notes = Vec::new();
    check_head(&value, &mut notes)?;
    let (subject, root) = read_subject(&value)?;
    let predicate = &value["predicate"];
    if !predicate.is_object() {
        return Err(malformed("the statement has no predicate"));
    }
    let serialization = read_serialization(&predicate["serialization"], &mut notes)?;
    let resources = read_resources(&predicate["resources"], &serialization, &mut notes)?;
    if !check_names(&resources, serialization.method)? {
        notes.push("the list is sorted by parts of paths, not by whole names".to_owned());
    }
    if resources
        .iter()
        .any(|resource| is_root_name(&resource.name, serialization.method))
    {
        if !is_one_file(&resources, serialization.method) {
            return Err(Refusal::new(
                "name-unsafe",
                "the list names \".\" beside other files",
            ));
        }
        notes.push("the single file is listed as \".\", not by its name".to_owned());
    }
    if root_of(&resources) != root {
        return Err(Refusal::new(
            "root-mismatch",
            "the subject's digest is not that of the listed resources",
        ));
    }
    let manifest = Manifest {
        subject,
        root,
        serialization,
        resources,
    };
    Ok((manifest, notes))
}

fn check_head(value: &Value, notes: &mut Vec<String>) -> Result<(), Refusal> {
    match value["_type"].as_str() {
        Some(STATEMENT) => {}
        other => {
            return Err(Refusal::new(
                "statement-unknown",
                format!("the statement's _type is {}, not {STATEMENT}", shown(other)),
            ));
        }
    }
    let predicate = value["predicateType"].as_str();
    let minor = predicate.and_then(|uri| uri.strip_prefix(PREDICATE_1));
    match minor {
        Some("0") => Ok(()),
        Some(minor)
            if !minor.is_empty()
                && minor.len() < 6
                && !minor.starts_with('0')
                && minor.bytes().all(|b| b.is_ascii_digit()) =>
        {
            notes.push(format!("the predicate is version 1.{minor}, read as 1.0"));
            Ok(())
        }
        _ => Err(Refusal::new(
            "predicate-unknown",
            format!(
                "the statement's predicateType is {}, not {PREDICATE}",
                shown(predicate)
            ),
        )),
    }
}

fn read_subject(value: &Value) -> Result<(String, [u8; 32]), Refusal> {
    let subjects = value["subject"]
        .as_array()
        .ok_or_else(|| malformed("the statement has no subject"))?;
    let [subject] = subjects.as_slice() else {
        return Err(Refusal::new(
            if subjects.is_empty() {
                "subject-missing"
            } else {
                "several-subjects"
            },
            format!("the statement has {} subjects, not one", subjects.len()),
        ));
    };
    let name = subject["name"]
        .as_str()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| malformed("the subject has no name"))?;
    let digest = subject["digest"]["sha256"]
        .as_str()
        .ok_or_else(|| malformed("the subject has no sha256 digest"))?;
    let root = read_hex(digest)
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| bad_digest("the subject", digest))?;
    Ok((name.to_owned(), root))
}

fn read_serialization(value: &Value, notes: &mut Vec<String>) -> Result<Serialization, Refusal> {
    let hash = value["hash_type"]
        .as_str()
        .ok_or_else(|| malformed("the serialization has no hash_type"))?;
    let algorithm = match Algorithm::of(hash) {
        Some(algorithm) => algorithm,
        None if hash == "blake2" => {
            notes.push("blake2b is called blake2".to_owned());
            Algorithm::Blake2b
        }
        None => return Err(unknown_algorithm(hash)),
    };
    let method = match (value["method"].as_str(), value.get("shard_size")) {
        (Some("files"), None | Some(Value::Null)) => Method::Files,
        (Some("files"), Some(_)) => {
            return Err(malformed(
                "the serialization is of files, with a shard_size",
            ));
        }
        (Some("shards"), Some(size)) => Method::Shards(read_shard_size(size, notes)?),
        (Some("shards"), None) => return Err(malformed("the serialization has no shard_size")),
        (other, _) => {
            return Err(Refusal::new(
                "method-unknown",
                format!(
                    "the serialization's method is {}, not files or shards",
                    shown(other)
                ),
            ));
        }
    };
    let allow_symlinks = value["allow_symlinks"]
        .as_bool()
        .ok_or_else(|| malformed("the serialization does not say allow_symlinks"))?;
    let ignore_paths = match value.get("ignore_paths") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(paths)) => paths
            .iter()
            .map(|path| read_ignored(path, notes))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(malformed("ignore_paths is not an array")),
    };
    Ok(Serialization {
        method,
        algorithm,
        allow_symlinks,
        ignore_paths,
    })
}

fn read_shard_size(value: &Value, notes: &mut Vec<String>) -> Result<u64, Refusal> {
    if let Some(size) = value.as_u64().filter(|size| *size > 0) {
        return Ok(size);
    }
    // Protobuf's numbers are floating point; digits beyond 2^53 would be lost.
    let whole = value
        .as_f64()
        .filter(|size| size.fract() == 0.0 && (1.0..9_007_199_254_740_992.0).contains(size));
    let size = whole.and_then(|size| format!("{size:.0}").parse().ok());
    size.inspect(|_| notes.push("the shard size is written as a fraction".to_owned()))
        .ok_or_else(|| malformed(format!("the shard size {value} is not a positive number")))
}

fn read_ignored(value: &Value, notes: &mut Vec<String>) -> Result<String, Refusal> {
    let path = value
        .as_str()
        .ok_or_else(|| malformed("ignore_paths holds what is not a string"))?;
    let mut parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    if parts.next().is_none() {
        return Err(Refusal::new(
            "ignores-everything",
            format!("ignore_paths holds {path:?}, which is the whole model"),
        ));
    }
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        // It can match nothing inside; the Go implementation writes such.
        notes.push(format!("ignore_paths names {path:?}, outside the model"));
    }
    Ok(path.to_owned())
}

fn read_resources(
    value: &Value,
    serialization: &Serialization,
    notes: &mut Vec<String>,
) -> Result<Vec<Resource>, Refusal> {
    let items = value
        .as_array()
        .ok_or_else(|| malformed("the predicate has no resources"))?;
    if items.is_empty() {
        return Err(Refusal::new(
            "resources-empty",
            "the list names no file, so it says nothing",
        ));
    }
    let mut spelled = false;
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let name = item["name"]
            .as_str()
            .ok_or_else(|| malformed("a resource has no name"))?;
        let algorithm = item["algorithm"]
            .as_str()
            .ok_or_else(|| malformed(format!("{name:?} has no algorithm")))?;
        spelled |= check_algorithm(algorithm, serialization)?;
        let digest = item["digest"]
            .as_str()
            .ok_or_else(|| malformed(format!("{name:?} has no digest")))?;
        let digest = read_hex(digest)
            .filter(|bytes| bytes.len() == serialization.algorithm.length())
            .ok_or_else(|| bad_digest(name, digest))?;
        out.push(Resource {
            name: name.to_owned(),
            digest,
        });
    }
    if spelled {
        notes.push("the algorithm of shards is written with the shard size".to_owned());
    }
    Ok(out)
}

/// True for the Python package's spelling, `sha256-sharded-100`.
fn check_algorithm(text: &str, serialization: &Serialization) -> Result<bool, Refusal> {
    let wanted = serialization.algorithm;
    if Algorithm::of(text) == Some(wanted) {
        return Ok(false);
    }
    let sharded = match serialization.method {
        Method::Shards(size) => text == format!("{}-sharded-{size}", wanted.as_str()),
        Method::Files => false,
    };
    if sharded {
        return Ok(true);
    }
    if text == "blake2" && wanted == Algorithm::Blake2b {
        return Ok(false);
    }
    if Algorithm::of(text).is_some() {
        return Err(Refusal::new(
            "algorithm-mixed",
            format!(
                "a resource is hashed with {text}, the list with {}",
                wanted.as_str()
            ),
        ));
    }
    Err(unknown_algorithm(text))
}

pub(super) fn is_root_name(name: &str, method: Method) -> bool {
    super::names::path_of(name, method) == Ok(".")
}

fn is_one_file(resources: &[Resource], method: Method) -> bool {
    resources
        .iter()
        .all(|resource| is_root_name(&resource.name, method))
}

/// Lower-case hex digits of whole bytes.
pub(super) fn read_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

pub(super) fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new("statement-malformed", message)
}

pub(super) fn bad_digest(of: &str, digest: &str) -> Refusal {
    let digest: String = digest.chars().take(140).collect();
    Refusal::new(
        "digest-malformed",
        format!("the digest of {of:?}, {digest:?}, is not lower-case hex of the right length"),
    )
}

pub(super) fn unknown_algorithm(text: &str) -> Refusal {
    Refusal::new(
        "algorithm-unknown",
        format!("the hash {text:?} is not known; sha256, blake2b and blake3 are"),
    )
}

fn shown(text: Option<&str>) -> String {
    text.map_or_else(|| "absent".to_owned(), |text| format!("{text:?}"))
}

impl Manifest {
    /// The payload that is signed, compact.
    pub fn to_statement(&self) -> Vec<u8> {
        let serialization = &self.serialization;
        let algorithm = serialization.algorithm.as_str();
        let statement = Statement {
            r#type: STATEMENT,
            subject: [Subject {
                name: &self.subject,
                digest: Sha256 {
                    sha256: hex(&self.root),
                },
            }],
            predicate_type: PREDICATE,
            predicate: Predicate {
                serialization: Settings {
                    method: match serialization.method {
                        Method::Files => "files",
                        Method::Shards(_) => "shards",
                    },
                    hash_type: algorithm,
                    shard_size: match serialization.method {
                        Method::Files => None,
                        Method::Shards(size) => Some(size),
                    },
                    allow_symlinks: serialization.allow_symlinks,
                    ignore_paths: &serialization.ignore_paths,
                },
                resources: self
                    .resources
                    .iter()
                    .map(|resource| Listed {
                        name: &resource.name,
                        algorithm,
                        digest: hex(&resource.digest),
                    })
                    .collect(),
            },
        };
        // Strings and numbers alone cannot fail.
        serde_json::to_vec(&statement).unwrap_or_default()
    }

    /// `sha256:` and the root digest in hex: the name of what was signed.
    pub fn identity(&self) -> String {
        let mut out = String::from("sha256:");
        let _ = write!(out, "{}", hex(&self.root));
        out
    }
}

#[derive(Serialize)]
struct Statement<'m> {
    #[serde(rename = "_type")]
    r#type: &'static str,
    subject: [Subject<'m>; 1],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: Predicate<'m>,
}

#[derive(Serialize)]
struct Subject<'m> {
    name: &'m str,
    digest: Sha256,
}

#[derive(Serialize)]
struct Sha256 {
    sha256: String,
}

#[derive(Serialize)]
struct Predicate<'m> {
    serialization: Settings<'m>,
    resources: Vec<Listed<'m>>,
}

#[derive(Serialize)]
struct Settings<'m> {
    method: &'static str,
    hash_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard_size: Option<u64>,
    allow_symlinks: bool,
    ignore_paths: &'m [String],
}

#[derive(Serialize)]
struct Listed<'m> {
    name: &'m str,
    algorithm: &'static str,
    digest: String,
}
