//! Keys that sign and verify: ECDSA on P-256, P-384 and P-521, as the algorithm
//! registry of OpenSSF Model Signing demands, and Ed25519 for our own
//! statements. The hash goes by the curve: SHA-256, SHA-384, SHA-512.
//!
//! Read from PEM: `PUBLIC KEY` (SPKI), `PRIVATE KEY` (PKCS#8), `ENCRYPTED
//! PRIVATE KEY` (PKCS#8, PBES2) and `EC PRIVATE KEY` (SEC1). Text around the
//! block, as some tools write it, is passed over. Everything else is refused
//! with a sentence that says what it is.

mod error;
mod kind;
mod pem;
mod private;
mod public;

pub use error::KeyError;
pub use kind::KeyKind;
pub use private::SigningKey;
pub use public::VerifyingKey;

pub(crate) use pem::blocks as pem_blocks;
