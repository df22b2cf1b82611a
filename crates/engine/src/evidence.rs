//! Statements about an artifact: found beside it and in the registry, judged by
//! the trust root, put in line.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use modelward_registry::Registry;
use modelward_schema::{About, Chain, Evidence, Standing, TrackedFile};
use modelward_trust::authority::{Refused, TrustRoot};
use modelward_trust::evidence::{
    self as statements, Judged, Judging, Kind, Line, Places, Provenance, Statement,
};
use serde_json::Value;

use modelward_trust::{Bundle, DigestCache, hash_bytes, hex};

use crate::identity;
use crate::source::Opened;
use crate::{Options, Progress};

/// Ancestors whose statements are fetched from the registry.
const MAX_ANCESTORS: usize = 200;
/// Statements that a report carries; a claims file is anybody's to fill.
const MAX_REPORTED: usize = 2_000;

/// An artifact by name and digest.
#[derive(Debug, Clone)]
pub struct Identified {
    pub name: String,
    pub digest: String,
    pub files: Vec<TrackedFile>,
    /// Of its tensors whatever the container; absent when it was not asked for.
    pub fingerprint: Option<String>,
}

/// What is stated about an artifact.
#[derive(Debug, Clone)]
pub struct Gathered {
    pub digest: String,
    fingerprint: Option<String>,
    pub lines: Vec<Line>,
    pub judged: Vec<Judged>,
    /// Absent when there is no statement, or no trust root.
    pub chain: Option<Chain>,
}

/// Whose word counts, and where statements are kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    pub trust: Option<&'a TrustRoot>,
    pub registry: Option<&'a Registry>,
}

/// Hashes an artifact's files. The error says which file has no digest.
pub fn identify(
    opened: &Opened,
    cache: Option<&DigestCache>,
    progress: Progress<'_>,
) -> Result<Identified, String> {
    let identity = identity::identify(opened, cache, progress);
    match (identity.root, identity.gaps.into_iter().next()) {
        (Some(digest), None) => Ok(Identified {
            name: opened.name.clone(),
            digest,
            files: identity.files,
            fingerprint: None,
        }),
        (_, Some(gap)) => Err(format!(
            "{}: {}",
            gap.at.path,
            gap.message.trim_start_matches("it has no digest: ")
        )),
        (None, None) => Err(format!(
            "{}: there is no file to identify it by",
            opened.source.given
        )),
    }
}

/// The fingerprint of a model's tensors, which no container changes; absent when
/// it has none or not all could be read. Reads every tensor.
pub fn fingerprint_of(opened: &Opened, options: &Options<'_>) -> std::io::Result<Option<String>> {
    let model = crate::open_model(opened, options)?;
    let tell = |bytes| options.progress.advance(bytes);
    Ok(modelward_lineage::fingerprint(&model, &tell).fingerprint)
}

/// The artifact as a statement's subject.
pub fn subject(artifact: &Identified) -> statements::Resource {
    let mut subject = statements::Resource::named(&artifact.name, &artifact.digest);
    if let Some(fingerprint) = &artifact.fingerprint {
        subject.annotations.insert(
            statements::FINGERPRINT.to_owned(),
            Value::String(fingerprint.clone()),
        );
    }
    subject
}

/// By what a statement is found on record: its digests, and the fingerprints of
/// their tensors.
fn found_by(statement: &Statement) -> Vec<String> {
    let prints = statement
        .subject
        .iter()
        .filter_map(statements::Resource::fingerprint)
        .map(by_tensors);
    statement.digests().chain(prints).collect()
}

fn by_tensors(fingerprint: &str) -> String {
    format!("tensors:{}", fingerprint.trim_start_matches("sha256:"))
}

/// Finds and judges everything stated about the artifact.
pub fn gather(
    root: Option<&Path>,
    artifact: &Identified,
    sources: Sources<'_>,
) -> Result<Gathered, modelward_registry::RegistryError> {
    let (mut lines, unreadable) = match root.map(Places::of) {
        None => (Vec::new(), None),
        Some(places) => match statements::read_beside(&places) {
            Ok(lines) => (lines, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        },
    };
    if let Some(registry) = sources.registry {
        let prints = artifact.fingerprint.as_deref().map(by_tensors);
        from_registry(&mut lines, registry, &artifact.digest, prints)?;
    }
    let logged = |payload: &str| -> Option<Timestamp> {
        sources.registry?.first_seen(payload).ok()??.parse().ok()
    };
    let judging = Judging {
        root: sources.trust,
        digest: &artifact.digest,
        model: &artifact.name,
        logged: &logged,
    };
    let mut judged = statements::judge(&lines, &judging);
    for one in &mut judged {
        bind_signature(one, artifact);
    }
    judged.extend(unreadable.map(unread));
    let chain = (sources.trust.is_some() && !judged.is_empty())
        .then(|| statements::chain(&judged, &artifact.digest));
    Ok(Gathered {
        digest: artifact.digest.clone(),
        fingerprint: artifact.fingerprint.clone(),
        lines,
        judged,
        chain,
    })
}

impl Gathered {
    /// As the report carries them; those that count come first when there are
    /// too many.
    pub fn to_schema(&self) -> Vec<modelward_schema::Evidence> {
        let mut judged = self.judged.clone();
        if judged.len() > MAX_REPORTED {
            judged.sort_by_key(|one| !one.counts());
            judged.truncate(MAX_REPORTED);
        }
        let mut stated = statements::to_schema(&judged, self.chain.clone(), &self.digest);
        let Some(fingerprint) = self.fingerprint.as_deref() else {
            return stated;
        };
        for (stated, judged) in stated.iter_mut().zip(&judged) {
            let same = judged.statement.as_ref().is_some_and(|statement| {
                let mut subjects = statement.subject.iter();
                subjects.any(|subject| subject.fingerprint() == Some(fingerprint))
            });
            if let Evidence::Statement(statement) = stated
                && statement.about == About::Other
                && same
            {
                statement.about = About::SameTensors;
            }
        }
        stated
    }
}

/// Puts bundles on record that count and speak of the artifact or what it was
/// made from.
pub fn keep(
    registry: &Registry,
    gathered: &Gathered,
) -> Result<(), modelward_registry::RegistryError> {
    let related: BTreeSet<&str> = gathered
        .chain
        .iter()
        .flat_map(|chain| chain.hops.iter())
        .map(|hop| hop.digest.as_str())
        .collect();
    for (line, judged) in gathered.lines.iter().zip(&gathered.judged) {
        let (Some(statement), Some(id), true) = (&judged.statement, &judged.id, judged.counts())
        else {
            continue;
        };
        let subjects: Vec<String> = statement.digests().collect();
        if subjects.iter().any(|of| related.contains(of.as_str())) {
            let subjects = found_by(statement);
            registry.keep_statement(&line.bytes, id, statement.word(), &subjects)?;
        }
    }
    Ok(())
}

/// Puts a bundle on record whatever it says.
pub fn keep_line(
    registry: &Registry,
    bundle: &[u8],
) -> Result<bool, modelward_registry::RegistryError> {
    let Some((id, statement)) = open(bundle) else {
        return Ok(false);
    };
    let subjects = found_by(&statement);
    registry.keep_statement(bundle, &id, statement.word(), &subjects)
}

fn open(bundle: &[u8]) -> Option<(String, Statement)> {
    let bundle = Bundle::parse(bundle).ok()?;
    let statement = Statement::parse(&bundle.envelope.payload).ok()?;
    let id = format!("sha256:{}", hex(&hash_bytes(&bundle.envelope.payload)));
    Some((id, statement))
}

/// What is on record about the artifact and, by the records' own inputs, about
/// what it was made from.
fn from_registry(
    lines: &mut Vec<Line>,
    registry: &Registry,
    digest: &str,
    prints: Option<String>,
) -> Result<(), modelward_registry::RegistryError> {
    let mut known: BTreeSet<Vec<u8>> = lines.iter().map(|line| line.bytes.clone()).collect();
    let mut seen = BTreeSet::from([digest.to_owned()]);
    let mut next = vec![digest.to_owned()];
    next.extend(prints);
    next.extend(parents_in(lines.iter().map(|line| line.bytes.as_slice())));
    while let Some(digest) = next.pop() {
        let found = registry.statements_for(&digest)?;
        for parent in parents_in(found.iter().map(Vec::as_slice)) {
            if seen.len() < MAX_ANCESTORS && seen.insert(parent.clone()) {
                next.push(parent);
            }
        }
        for bytes in found {
            if known.insert(bytes.clone()) {
                lines.push(Line {
                    place: "registry".to_owned(),
                    bytes,
                });
            }
        }
    }
    Ok(())
}

fn parents_in<'a>(bundles: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    bundles
        .filter_map(open)
        .filter_map(|(_, statement)| statement.read::<Provenance>()?.ok())
        .flat_map(|provenance| {
            provenance
                .parents()
                .filter_map(statements::Resource::sha256)
                .collect::<Vec<_>>()
        })
        .take(MAX_ANCESTORS)
        .collect()
}

/// An OMS root digest does not bind the files' names, and producers order files
/// differently; the signed list does both. So a signature is held against the
/// list: it speaks of this artifact when name for name and digest for digest the
/// files are the same.
fn bind_signature(judged: &mut Judged, artifact: &Identified) {
    let Some(statement) = judged.statement.as_mut() else {
        return;
    };
    if statement.known() != Some(Kind::Signature) {
        return;
    }
    let Some(covers) = covers(statement, artifact) else {
        return;
    };
    let speaks = statement.speaks_of(&artifact.digest);
    let beside = judged.place == modelward_trust::SIGNATURE
        || judged.place.ends_with(statements::SIGNATURE_BESIDE);
    if covers && !speaks {
        let subject = statements::Resource::named(&artifact.name, &artifact.digest);
        statement.subject.push(subject);
    } else if !covers && (speaks || beside) && judged.refused.is_none() {
        // Elsewhere than in its own place it may well sign an ancestor.
        judged.refused = Some(if speaks {
            Refused::new(
                "signature-names-differ",
                "it signs these bytes under other file names",
            )
        } else {
            Refused::new(
                "signature-of-other-bytes",
                "files were changed, added, removed or renamed since",
            )
        });
        judged.standing = Standing::Refused;
    }
}

/// Absent when that cannot be told from digests of whole files by SHA-256, or a
/// part was left out by the signer; `modelward verify` compares those.
fn covers(statement: &Statement, artifact: &Identified) -> Option<bool> {
    let serialization = statement.predicate.get("serialization")?;
    if serialization.get("method")?.as_str()? != "files" {
        return None;
    }
    let resources = statement.predicate.get("resources")?.as_array()?;
    let mut signed = BTreeSet::new();
    for resource in resources {
        if resource.get("algorithm")?.as_str()? != "sha256" {
            return None;
        }
        let name = resource.get("name")?.as_str()?;
        signed.insert((name, resource.get("digest")?.as_str()?));
    }
    let files: BTreeSet<(&str, &str)> = artifact
        .files
        .iter()
        .filter(|file| !modelward_trust::is_ignored(&file.path))
        .filter_map(|file| {
            let digest = file.digest.as_deref()?.strip_prefix("sha256:")?;
            Some((file.path.as_str(), digest))
        })
        .collect();
    // The Python package calls a model of one file `.`.
    if let ([(_, digest)], [(".", signed)]) = (
        files.iter().collect::<Vec<_>>().as_slice(),
        signed.iter().collect::<Vec<_>>().as_slice(),
    ) {
        return Some(digest == signed);
    }
    if signed == files {
        return Some(true);
    }
    // Files that the signer left out on purpose: it signs a part of this.
    let left_out = serialization.get("ignore_paths").and_then(Value::as_array);
    let is_left_out = |name: &str| {
        left_out.is_some_and(|paths| {
            paths.iter().filter_map(Value::as_str).any(|path| {
                name == path
                    || name
                        .strip_prefix(path)
                        .is_some_and(|rest| rest.starts_with('/'))
            })
        })
    };
    let part =
        signed.is_subset(&files) && files.difference(&signed).all(|(name, _)| is_left_out(name));
    if part { None } else { Some(false) }
}

fn unread(message: String) -> Judged {
    Judged {
        place: "claims.jsonl".to_owned(),
        id: None,
        statement: None,
        signer: None,
        key: None,
        time: None,
        refused: Some(Refused::new("claims-unreadable", message)),
        standing: Standing::Refused,
    }
}
