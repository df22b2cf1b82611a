//! Whether a model is what was signed (§8).

use std::collections::BTreeSet;
use std::path::Path;

use super::certificate::CertificateTrust;
use super::compare::{Differences, compare, listed};
use super::dialect::{Dialect, recognise};
use super::digest::{Reading, digest};
use super::identity::{IGNORED, OUTSIDE};
use super::manifest::Manifest;
use super::names::path_of;
use super::sign::{disagreeing, unchanged};
use super::statement::is_root_name;
use super::walk::{Ignored, Links, Rules, list};
use super::{legacy, statement};
use crate::bundle::parse_json;
use crate::{Bundle, DigestCache, IN_TOTO, Material, Refusal, VerifyingKey};

/// Whom the verifier believes. The bundle must be signed by the method that is
/// asked for: what it says of itself decides nothing.
#[derive(Clone, Copy)]
pub enum Trust<'a> {
    Key(&'a VerifyingKey),
    Certificates(&'a CertificateTrust),
    /// Checks the bundle, given its bytes, and says who signed.
    Sigstore(&'a dyn Fn(&[u8]) -> Result<String, Refusal>),
}

impl Trust<'_> {
    fn method(&self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Certificates(_) => "certificate",
            Self::Sigstore(_) => "sigstore",
        }
    }
}

impl std::fmt::Debug for Trust<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.method())
    }
}

/// A bundle whose signature is good and whose list is well-formed. Nothing is
/// known of any model yet.
#[derive(Debug, Clone)]
pub struct Signed {
    pub bundle: Bundle,
    pub manifest: Manifest,
    pub dialect: Dialect,
    /// The key's hint, the certificate's subject, or the identity.
    pub signer: String,
    /// Where the bundle leaves the specification without harm.
    pub notes: Vec<String>,
}

impl Signed {
    pub fn open(bytes: &[u8], trust: Trust<'_>) -> Result<Self, Refusal> {
        let value = parse_json(bytes)?;
        let bundle = Bundle::from_json(&value)?;
        if bundle.material.method() != trust.method() {
            return Err(Refusal::new(
                "method-mismatch",
                format!(
                    "the bundle is signed with the {} method, not the {} method that was asked for",
                    bundle.material.method(),
                    trust.method()
                ),
            ));
        }
        if bundle.envelope.payload_type != IN_TOTO {
            return Err(Refusal::new(
                "payload-type-unknown",
                format!(
                    "the payload's type is {:?}, not {IN_TOTO}",
                    bundle.envelope.payload_type
                ),
            ));
        }
        let payload = &bundle.envelope.payload;
        let old = legacy::is_legacy(payload);
        let signer = authenticate(bytes, &bundle, trust, old)?;
        let (manifest, dialect, mut notes) = if old {
            (legacy::read(payload)?, Dialect::Python0_2, Vec::new())
        } else {
            let (manifest, notes) = statement::read(payload)?;
            (manifest, recognise(&value, payload), notes)
        };
        if old {
            notes.push("the signature is over the encoding of model-signing 0.2".to_owned());
        }
        Ok(Self {
            bundle,
            manifest,
            dialect,
            signer,
            notes,
        })
    }
}

/// The payload of a bundle of any statement, when its signature is good and its
/// signer is trusted: for what goes with a signature.
pub fn authentic_payload(bytes: &[u8], trust: Trust<'_>) -> Result<Vec<u8>, Refusal> {
    let bundle = Bundle::parse(bytes)?;
    authenticate(bytes, &bundle, trust, false)?;
    Ok(bundle.envelope.payload)
}

fn authenticate(
    bytes: &[u8],
    bundle: &Bundle,
    trust: Trust<'_>,
    old: bool,
) -> Result<String, Refusal> {
    let signature = &bundle.envelope.signature;
    match trust {
        Trust::Key(key) => {
            if old {
                bundle.check_reference(key)?;
                key.verify(&legacy::signed_bytes(&bundle.envelope), signature)?;
            } else {
                bundle.verify_with_key(key)?;
            }
            Ok(key.hint())
        }
        Trust::Certificates(trust) => {
            let Material::Chain(chain) = &bundle.material else {
                return Err(Refusal::new(
                    "method-mismatch",
                    "the bundle has no certificates",
                ));
            };
            let (key, name) = trust.signer(chain)?;
            if old {
                key.verify_sha256(&legacy::signed_bytes(&bundle.envelope), signature)?;
            } else {
                key.verify(&bundle.envelope.pae(), signature)?;
            }
            Ok(name)
        }
        Trust::Sigstore(check) => check(bytes),
    }
}

/// How to look at the model.
#[derive(Clone, Copy)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command's"
)]
pub struct VerifyOptions<'a> {
    /// What the user leaves out besides what was signed as left out, and the
    /// signature itself.
    pub ignored: &'a Ignored,
    /// Leave out `.git` and its kin at the top, when none of it is signed.
    pub ignore_git: bool,
    /// Files that nobody signed do no harm.
    pub ignore_unsigned: bool,
    /// Follow links although the signature says there are none, and links that
    /// leave the model.
    pub allow_symlinks: bool,
    pub cache: Option<&'a DigestCache>,
    /// Read what the cache knows as well, and compare.
    pub paranoid: bool,
    /// Told how many more bytes are done.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl std::fmt::Debug for VerifyOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyOptions").finish_non_exhaustive()
    }
}

/// What came of looking at the model.
#[derive(Debug, Clone)]
pub struct Checked {
    pub differences: Differences,
    /// Files that nobody signed and that were to be overlooked.
    pub unsigned: Vec<String>,
    pub remarks: Vec<String>,
    /// Files that were compared, their bytes, and how many of them came from
    /// the cache.
    pub files: usize,
    pub bytes: u64,
    pub cached: usize,
    /// Files of which the cache had another digest.
    pub disagreeing: Vec<String>,
}

impl Checked {
    pub fn is_verified(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Compares a model with what was signed.
pub fn verify(
    model: &Path,
    signed: &Signed,
    options: &VerifyOptions<'_>,
) -> Result<Checked, Refusal> {
    let manifest = for_model(&signed.manifest, model);
    let policy = &manifest.serialization;
    let listed = listed(&manifest)?;
    let names: BTreeSet<&str> = listed.files.keys().copied().collect();
    let ignored = ignored(
        &names,
        manifest.serialization.ignore_paths.as_slice(),
        options,
    );
    let rules = Rules {
        ignored: &ignored,
        links: match (options.allow_symlinks, policy.allow_symlinks) {
            (true, _) => Links::Anywhere,
            (false, true) => Links::Inside,
            (false, false) => Links::No,
        },
        listed: &names,
        skip_linked_folders: signed.dialect.skips_linked_folders(),
    };
    let listing = list(model, &rules)?;
    // Nobody's digest of what is overlooked is asked for.
    let entries: Vec<_> = listing
        .entries
        .iter()
        .filter(|entry| !options.ignore_unsigned || names.contains(entry.name.as_str()))
        .cloned()
        .collect();
    let unsigned = listing
        .entries
        .iter()
        .filter(|entry| options.ignore_unsigned && !names.contains(entry.name.as_str()))
        .map(|entry| entry.name.clone())
        .collect();
    let hashed = digest(
        &entries,
        &Reading {
            method: policy.method,
            algorithm: policy.algorithm,
            cache: options.cache,
            paranoid: options.paranoid,
            parts: None,
            progress: options.progress,
        },
    )?;
    unchanged(model, &rules, &listing)?;
    Ok(Checked {
        differences: compare(&listed, policy.method, &entries, &hashed),
        unsigned,
        remarks: listing.remarks,
        files: entries.len(),
        bytes: entries.iter().map(|entry| entry.size).sum(),
        cached: hashed.iter().filter(|hashed| hashed.cached).count(),
        disagreeing: disagreeing(&entries, &hashed),
    })
}

/// The Python package lists the only file of a single-file model as `.`.
fn for_model(manifest: &Manifest, model: &Path) -> Manifest {
    let mut manifest = manifest.clone();
    let name = model.file_name().and_then(|name| name.to_str());
    if let Some(name) = name.filter(|_| model.is_file()) {
        let method = manifest.serialization.method;
        for resource in &mut manifest.resources {
            if is_root_name(&resource.name, method) {
                resource.name.replace_range(..1, name);
            }
        }
    }
    manifest
}

fn ignored(names: &BTreeSet<&str>, signed: &[String], options: &VerifyOptions<'_>) -> Ignored {
    let mut out = options.ignored.clone();
    for path in signed {
        out.add(path);
    }
    for name in OUTSIDE {
        out.add(name);
    }
    // When version control is signed, what is new in it was not.
    let git_is_signed = names.iter().any(|name| {
        let top = name.split('/').next().unwrap_or(name);
        IGNORED.contains(&top)
    });
    if options.ignore_git && !git_is_signed {
        for name in IGNORED {
            out.add(name);
        }
    }
    out
}

/// The file that a resource of the list belongs to.
impl Manifest {
    pub fn paths(&self) -> BTreeSet<&str> {
        self.resources
            .iter()
            .filter_map(|resource| path_of(&resource.name, self.serialization.method).ok())
            .collect()
    }
}
