//! Digests of tensors beside a model's signature, so that a later look can say
//! which tensors of a changed file changed.
//!
//! Where the tensors lie is read in the sandboxed worker, as for a scan; their
//! bytes are hashed in the same pass as the files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use modelward_trust::evidence::{Resource, Statement, TensorDigest, TensorDigests};
use modelward_trust::hex;
use modelward_trust::oms::{Entry, Manifest, Part, PartDigest};
use serde_json::{Map, Value};

use crate::{source, worker};

/// The member of the statement that has the files' own digests: by them, what
/// is known of an unchanged file is used again.
const FILES: &str = "files";

/// A tensor's place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<u64>,
    pub part: Part,
}

/// The tensors of every file that can be looked at without unpacking it, in the
/// order of their bytes. What cannot be read has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<String, Vec<Place>>);

impl Places {
    /// Reads where the tensors of a file or folder lie.
    pub fn of(model: &Path, jobs: usize) -> Self {
        let Some(opened) = model.to_str().and_then(|path| source::open(path).ok()) else {
            return Self::default();
        };
        let Ok(reading) = worker::read(&opened, jobs) else {
            return Self::default();
        };
        let facts = reading.facts;
        // A stored member of an archive lies in it as it is.
        let members: BTreeMap<&str, (&str, u64)> = facts
            .files
            .iter()
            .filter_map(|file| {
                let (parent, span) = (file.parent.as_deref()?, file.span?);
                (span.len == file.size).then_some((file.path.as_str(), (parent, span.start)))
            })
            .collect();
        let mut places: BTreeMap<String, Vec<Place>> = BTreeMap::new();
        for tensor in facts.tensors {
            let Some(span) = tensor.at.span else {
                continue;
            };
            let (file, start) = match members.get(tensor.at.path.as_str()) {
                Some((parent, start)) => (*parent, start.saturating_add(span.start)),
                None => (tensor.at.path.as_str(), span.start),
            };
            if file.contains("!/") {
                continue;
            }
            places.entry(file.to_owned()).or_default().push(Place {
                name: tensor.name,
                dtype: tensor.dtype,
                shape: tensor.shape,
                part: Part {
                    start,
                    end: start.saturating_add(span.len),
                },
            });
        }
        places.retain(|_, places| {
            places.sort_by(|a, b| {
                (a.part.start, a.part.end, &a.name).cmp(&(b.part.start, b.part.end, &b.name))
            });
            parts(places).is_some()
        });
        Self(places)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts of a file to hash, each once.
    pub fn parts(&self, file: &str) -> Vec<Part> {
        self.0
            .get(file)
            .and_then(|places| parts(places))
            .unwrap_or_default()
    }

    fn digests(&self, file: &str, digests: &[PartDigest]) -> Vec<TensorDigest> {
        let Some(places) = self.0.get(file) else {
            return Vec::new();
        };
        let parts = parts(places).unwrap_or_default();
        let found = |part: &Part| {
            let at = parts
                .binary_search_by_key(&(part.start, part.end), |other| (other.start, other.end))
                .ok()?;
            digests.get(at)
        };
        places
            .iter()
            .filter_map(|place| {
                let digest = found(&place.part)?;
                Some(TensorDigest {
                    file: file.to_owned(),
                    name: place.name.clone(),
                    dtype: place.dtype.clone(),
                    shape: place.shape.clone(),
                    digest: format!("blake3:{}", hex(digest)),
                    rest: Map::new(),
                })
            })
            .collect()
    }
}

/// Equal ranges are one part; others must not overlap.
fn parts(places: &[Place]) -> Option<Vec<Part>> {
    let mut out: Vec<Part> = places.iter().map(|place| place.part).collect();
    out.dedup();
    out.windows(2)
        .all(|pair| pair[0].end <= pair[1].start)
        .then_some(out)
}

/// What was said of a model's tensors, as far as it can be used again.
#[derive(Debug, Clone, Default)]
pub struct Known(BTreeMap<String, Vec<TensorDigest>>);

impl Known {
    /// From statements whose signature is good.
    pub fn of<'s>(statements: impl IntoIterator<Item = &'s Statement>) -> Self {
        let mut out = BTreeMap::new();
        for statement in statements {
            let Some(Ok(digests)) = statement.read::<TensorDigests>() else {
                continue;
            };
            let files = digests.rest.get(FILES).and_then(Value::as_object);
            for (file, sha256) in files.into_iter().flatten() {
                if let Some(sha256) = sha256.as_str() {
                    let tensors = digests.tensors.iter().filter(|tensor| tensor.file == *file);
                    out.insert(format!("{sha256} {file}"), tensors.cloned().collect());
                }
            }
        }
        Self(out)
    }

    /// The tensors of a file with these bytes.
    pub fn get(&self, file: &str, sha256: &[u8]) -> Option<&[TensorDigest]> {
        self.0
            .get(&format!("{} {file}", hex(sha256)))
            .map(Vec::as_slice)
    }
}

/// The statement on a model's tensors; nothing when it has none.
pub fn statement(
    manifest: &Manifest,
    files: &[(Entry, Vec<PartDigest>)],
    places: &Places,
    known: &Known,
) -> Option<Statement> {
    let digests: BTreeMap<&str, &[u8]> = manifest
        .resources
        .iter()
        .map(|resource| (resource.name.as_str(), resource.digest.as_slice()))
        .collect();
    let mut tensors = Vec::new();
    let mut hashed = Map::new();
    for (entry, parts) in files {
        let digest = digests.get(entry.name.as_str()).copied();
        let known = digest.and_then(|digest| known.get(&entry.name, digest));
        let found = match known {
            Some(known) if parts.is_empty() => known.to_vec(),
            _ => places.digests(&entry.name, parts),
        };
        if found.is_empty() {
            continue;
        }
        if let Some(digest) = digest {
            hashed.insert(entry.name.clone(), Value::String(hex(digest)));
        }
        tensors.extend(found);
    }
    if tensors.is_empty() {
        return None;
    }
    let predicate = TensorDigests {
        tensors,
        fingerprint: None,
        rest: Map::from_iter([(FILES.to_owned(), Value::Object(hashed))]),
    };
    let subject = Resource::named(&manifest.subject, &manifest.identity());
    Statement::about(subject, &predicate).ok()
}

/// Which tensors of some files differ from what was signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TensorChanges {
    /// All that were signed.
    pub total: usize,
    pub changed: BTreeSet<String>,
    pub missing: BTreeSet<String>,
    pub extra: BTreeSet<String>,
}

impl TensorChanges {
    /// How many of those signed are not as they were.
    pub fn differing(&self) -> usize {
        self.changed.len().saturating_add(self.missing.len())
    }
}

/// Compares the tensors of the files that changed with those signed. Nothing
/// when no statement speaks of these files.
pub fn changes(signed: &TensorDigests, now: &[TensorDigest], files: &[String]) -> TensorChanges {
    let key = |tensor: &TensorDigest| format!("{} {}", tensor.file, tensor.name);
    let of_files = |tensor: &&TensorDigest| files.contains(&tensor.file);
    let before: BTreeMap<String, &TensorDigest> = signed
        .tensors
        .iter()
        .filter(of_files)
        .map(|tensor| (key(tensor), tensor))
        .collect();
    let now: BTreeMap<String, &TensorDigest> = now
        .iter()
        .filter(of_files)
        .map(|tensor| (key(tensor), tensor))
        .collect();
    let mut out = TensorChanges {
        total: signed.tensors.len(),
        ..TensorChanges::default()
    };
    for (key, tensor) in &before {
        match now.get(key) {
            None => out.missing.insert(tensor.name.clone()),
            Some(other) if other == tensor => continue,
            Some(_) => out.changed.insert(tensor.name.clone()),
        };
    }
    for (key, tensor) in &now {
        if !before.contains_key(key) {
            out.extra.insert(tensor.name.clone());
        }
    }
    out
}

/// The tensors of some files of a model as they are now.
pub fn tensors_now(model: &Path, files: &[String], jobs: usize) -> Vec<TensorDigest> {
    let places = Places::of(model, jobs);
    let mut out = Vec::new();
    for file in files {
        let parts = places.parts(file);
        let path = if model.is_file() {
            model.to_owned()
        } else {
            model.join(file)
        };
        if let Some(digests) = modelward_trust::oms::digest_parts(&path, &parts) {
            out.extend(places.digests(file, &digests));
        }
    }
    out
}
