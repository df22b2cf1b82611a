//! Lists, hashes and signs a model (§6).

use std::collections::BTreeSet;
use std::path::Path;

use super::digest::{Algorithm, Hashed, PartsOf, Reading, changed, digest, ranges};
use super::identity::{IGNORED, OUTSIDE};
use super::manifest::{Manifest, Method, Resource, Serialization, root_of};
use super::parts::PartDigest;
use super::walk::{Entry, Ignored, Links, Listing, Rules, list};
use crate::dsse::pae;
use crate::{Bundle, DigestCache, Envelope, IN_TOTO, KeyReference, Material, Refusal, SigningKey};

/// How to list and hash.
#[derive(Clone, Copy)]
pub struct SignOptions<'a> {
    pub method: Method,
    pub algorithm: Algorithm,
    pub allow_symlinks: bool,
    /// Leave out `.git` and its kin at the top.
    pub ignore_git: bool,
    /// What the user leaves out, and the signature itself.
    pub ignored: &'a Ignored,
    pub cache: Option<&'a DigestCache>,
    /// Read what the cache knows as well, and compare.
    pub paranoid: bool,
    /// Parts of a file to hash in the same pass, in order and apart.
    pub parts: Option<PartsOf<'a>>,
    /// Told how many more bytes are done.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl std::fmt::Debug for SignOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignOptions")
            .field("method", &self.method)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// A model that is listed and hashed, and nothing else of it needed.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub manifest: Manifest,
    /// The files in the order of their names, with the digests of the parts
    /// that were asked for.
    pub files: Vec<(Entry, Vec<PartDigest>)>,
    /// What somebody should know, for example which links leave the model.
    pub remarks: Vec<String>,
    /// Files whose digest came from the cache.
    pub cached: usize,
    /// Files of which the cache had another digest: they changed without their
    /// times changing, or the disk is failing.
    pub disagreeing: Vec<String>,
}

/// Lists and hashes. Notices when the model changes meanwhile.
pub fn prepare(model: &Path, options: &SignOptions<'_>) -> Result<Prepared, Refusal> {
    let mut ignored = options.ignored.clone();
    for name in OUTSIDE {
        ignored.add(name);
    }
    if options.ignore_git {
        for name in IGNORED {
            ignored.add(name);
        }
    }
    let rules = Rules {
        ignored: &ignored,
        links: if options.allow_symlinks {
            Links::Anywhere
        } else {
            Links::No
        },
        listed: &BTreeSet::new(),
        skip_linked_folders: false,
    };
    let listing = list(model, &rules)?;
    if listing.entries.is_empty() {
        return Err(Refusal::new(
            "model-empty",
            "the model has no file to sign, or all are ignored",
        ));
    }
    let hashed = digest(
        &listing.entries,
        &Reading {
            method: options.method,
            algorithm: options.algorithm,
            cache: options.cache,
            paranoid: options.paranoid,
            parts: options.parts,
            progress: options.progress,
        },
    )?;
    unchanged(model, &rules, &listing)?;
    let resources = resources(&listing.entries, &hashed, options.method);
    if resources.is_empty() {
        return Err(Refusal::new(
            "model-empty",
            "the model has only empty files, which shards cannot list",
        ));
    }
    let manifest = Manifest {
        subject: base_name(model),
        root: root_of(&resources),
        serialization: Serialization {
            method: options.method,
            algorithm: options.algorithm,
            allow_symlinks: options.allow_symlinks,
            ignore_paths: ignored.iter().map(str::to_owned).collect(),
        },
        resources,
    };
    Ok(Prepared {
        manifest,
        remarks: listing.remarks,
        cached: hashed.iter().filter(|hashed| hashed.cached).count(),
        disagreeing: disagreeing(&listing.entries, &hashed),
        files: listing
            .entries
            .into_iter()
            .zip(hashed.into_iter().map(|hashed| hashed.parts))
            .collect(),
    })
}

/// Lists again: a file that came, went or changed while others were read is
/// noticed too.
pub(super) fn unchanged(model: &Path, rules: &Rules<'_>, before: &Listing) -> Result<(), Refusal> {
    let after = list(model, rules)?;
    if after == *before {
        return Ok(());
    }
    let name = before
        .entries
        .iter()
        .find(|entry| !after.entries.contains(entry))
        .or_else(|| {
            after
                .entries
                .iter()
                .find(|entry| !before.entries.contains(entry))
        })
        .map_or("the model", |entry| entry.name.as_str());
    Err(changed(name))
}

pub(super) fn disagreeing(entries: &[Entry], hashed: &[Hashed]) -> Vec<String> {
    entries
        .iter()
        .zip(hashed)
        .filter(|(_, hashed)| hashed.disagrees)
        .map(|(entry, _)| entry.name.clone())
        .collect()
}

fn resources(entries: &[Entry], hashed: &[Hashed], method: Method) -> Vec<Resource> {
    let mut out: Vec<Resource> = entries
        .iter()
        .zip(hashed)
        .flat_map(|(entry, hashed)| {
            ranges(entry.size, method)
                .zip(&hashed.digests)
                .map(move |((start, end), digest)| Resource {
                    name: match method {
                        Method::Files => entry.name.clone(),
                        Method::Shards(_) => format!("{}:{start}:{end}", entry.name),
                    },
                    digest: digest.clone(),
                })
        })
        .collect();
    out.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    out
}

fn base_name(model: &Path) -> String {
    let named = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| !name.is_empty())
    };
    named(model)
        .or_else(|| named(&std::fs::canonicalize(model).ok()?))
        .unwrap_or_else(|| "model".to_owned())
}

/// With what a model is signed.
#[derive(Debug)]
pub enum Signer {
    Key(SigningKey),
    /// The certificates are DER, the key's own first.
    Certificate(SigningKey, Vec<Vec<u8>>),
}

impl Signer {
    /// Signs a payload, a manifest's or any other.
    pub fn sign(&self, payload: Vec<u8>) -> Bundle {
        let (key, material) = match self {
            Self::Key(key) => (
                key,
                Material::Key(KeyReference::Hint(key.verifying_key().hint())),
            ),
            Self::Certificate(key, chain) => (key, Material::Chain(chain.clone())),
        };
        Bundle {
            material,
            envelope: Envelope {
                signature: key.sign(&pae(IN_TOTO, &payload)),
                payload_type: IN_TOTO.to_owned(),
                payload,
                keyid: None,
            },
            log_entries: Vec::new(),
            timestamps: Vec::new(),
        }
    }
}
