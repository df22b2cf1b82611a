//! OpenSSF Model Signing (OMS) 1.0,
//! <https://github.com/ossf/model-signing-spec>: which files a model has, one
//! signed list of their digests, and whether a model still is what was signed.
//!
//! Writes the form of the specification. Reads what other producers write, the
//! Python package `model-signing` from 0.2 on and the Go one, and says which it
//! was and where it leaves the specification.
//!
//! The order of checks (§8): the text is strict JSON; the media type is known;
//! there is one signature and one kind of material, of the method asked for; the
//! signature is good; the statement and the list are well-formed, its names
//! safe, unique and in order; the root digest is that of the list; and only then
//! is the model looked at. Names of the list are never opened: what lies in the
//! model is listed and compared with them.

mod certificate;
mod compare;
mod dialect;
mod digest;
mod identity;
mod legacy;
mod manifest;
mod names;
mod parts;
mod sign;
mod statement;
mod verify;
mod walk;

pub use certificate::{CertificateTrust, certificates_from_pem, check_signer};
pub use compare::{Differences, Renamed};
pub use dialect::Dialect;
pub use digest::{Algorithm, PartsOf};
pub use identity::{
    CLAIMS, IGNORED, NameError, OUTSIDE, RootError, SIGNATURE, check_name, is_ignored, root_digest,
};
pub use manifest::{Manifest, Method, Resource, Serialization};
pub use parts::{Part, PartDigest, digest_parts};
pub use sign::{Prepared, SignOptions, Signer, prepare};
pub use statement::PREDICATE;
pub use verify::{Checked, Signed, Trust, VerifyOptions, authentic_payload, verify};
pub use walk::{Entry, Ignored};
