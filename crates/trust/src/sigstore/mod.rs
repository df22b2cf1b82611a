//! Sigstore: who signed, where it was logged, and when, proven offline.
//!
//! The cryptography is that of the maintained `sigstore-verify` crate: path to
//! a Fulcio authority, certificate-transparency promise, log inclusion proof and
//! checkpoint or inclusion promise, RFC 3161 timestamps, and the log entry's
//! agreement with the bundle. Around it stand the checks that it leaves to its
//! caller (see `document.rs`), and names for its refusals.
//!
//! Nothing here opens a socket but [`sign_statements`] and [`request_timestamp`].
//!
//! Follows the Sigstore client specification,
//! <https://github.com/sigstore/architecture-docs/blob/main/client-spec.md>, and
//! the bundle format of <https://github.com/sigstore/protobuf-specs>.

mod document;
mod errors;
mod root;
mod sign;
mod time;
mod verify;

pub use root::{Root, RootError};
pub use sign::{Instance, SignError, Token, request_timestamp, sign_statement, sign_statements};
pub use time::{Source, TrustedTime, trusted_time, trusted_times};
pub use verify::{
    Artifact, Expectations, PublicKey, SignedBy, Signer, Verified, verify_bundle, verify_envelope,
};
