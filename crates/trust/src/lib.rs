//! Identity of an artifact: which bytes a verdict, a record and a signature
//! speak of.
//!
//! A file is named by its SHA-256, an artifact by the root digest of OpenSSF
//! Model Signing (OMS) 1.0, <https://github.com/ossf/model-signing-spec>, so a
//! signature made by another tool and a verdict made here name the same thing.
//!
//! Files are read through a small buffer, never mapped: reading cannot fault
//! when somebody truncates the file, memory stays flat, and the copy out of the
//! page cache costs little beside the hash.
//!
//! What has not changed is not read again: see [`DigestCache`] for what that
//! rests on.
#![forbid(unsafe_code)]

pub mod authority;
mod bundle;
mod cache;
mod dsse;
pub mod evidence;
mod hash;
mod json;
mod keys;
pub mod oms;
mod place;
mod refusal;
pub mod sigstore;
mod stamp;

pub use bundle::{Bundle, KeyReference, MEDIA_TYPE, Material, sign_statement};
pub use cache::DigestCache;
pub use dsse::{Envelope, IN_TOTO, decode_base64, pae};
pub use hash::{
    FileDigest, HashError, Subject, hash_bytes, hash_file, hash_files, hash_open, hash_reader, hex,
};
pub use json::{JsonError, LIMIT as JSON_LIMIT, parse_strict};
pub use keys::{KeyError, KeyKind, SigningKey, VerifyingKey};
pub use oms::{IGNORED, NameError, RootError, SIGNATURE, check_name, is_ignored, root_digest};
pub use place::cache_dir;
pub use refusal::Refusal;
pub use stamp::Stamp;
