//! The list that is signed.

use sha2::{Digest as _, Sha256};

use super::digest::Algorithm;

/// How files become resources (§6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// One digest a file.
    Files,
    /// One digest for every so many bytes of a file.
    Shards(u64),
}

/// What a verifier needs to list and hash the model as the signer did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serialization {
    pub method: Method,
    pub algorithm: Algorithm,
    pub allow_symlinks: bool,
    pub ignore_paths: Vec<String>,
}

/// A file, or a shard of one: `path:start:end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub name: String,
    pub digest: Vec<u8>,
}

/// A well-formed list: at least one resource, names safe, unique and in order,
/// the root digest that of the resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The model's base name; informative.
    pub subject: String,
    pub root: [u8; 32],
    pub serialization: Serialization,
    pub resources: Vec<Resource>,
}

/// SHA-256 over the digests in the order listed, whatever they were made with
/// (§6.5.1).
pub(super) fn root_of(resources: &[Resource]) -> [u8; 32] {
    let mut root = Sha256::new();
    for resource in resources {
        root.update(&resource.digest);
    }
    root.finalize().into()
}
