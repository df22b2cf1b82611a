//! The trust root: who may say what about which models.
//!
//! It is one file that the people responsible keep and that never comes with an
//! artifact. A signature proves which key signed; only this file says whose key
//! that is and whether its owner's word counts for such a claim. What it does
//! not allow does not count.

mod file;
mod load;
mod rotate;
mod rules;

pub use file::SCHEMA;
pub use load::{AuthorityError, load};
pub use rules::{Allowance, Refused, What};

use jiff::Timestamp;

use crate::VerifyingKey;
use crate::sigstore;

/// A trust root, checked.
#[derive(Debug)]
pub struct TrustRoot {
    /// Where it was read, to be told to people.
    pub place: String,
    pub signers: Vec<Signer>,
    pub(crate) allowances: Vec<Allowance>,
    /// Claims that no one signer may both make.
    pub(crate) separate: Vec<[String; 2]>,
    /// Who vouches for Sigstore identities and log times.
    pub(crate) sigstore: Option<sigstore::Root>,
    /// Who else vouches for times.
    pub(crate) clocks: Vec<sigstore::Root>,
    /// One more with each rotation that was applied.
    pub keyring_version: u64,
    /// Where rotations lie, when the file names a place.
    pub rotations_place: Option<std::path::PathBuf>,
    /// What became of the rotations beside it.
    pub rotations: Vec<RotationOutcome>,
}

/// One person or machine, by whatever keys.
#[derive(Debug, Clone)]
pub struct Signer {
    pub name: String,
    pub keys: Vec<TrustedKey>,
    pub identities: Vec<Identity>,
}

#[derive(Debug, Clone)]
pub struct TrustedKey {
    pub key: VerifyingKey,
    /// What it signed counts when it was signed before.
    pub retired: Option<Timestamp>,
    /// Somebody else may have signed with it since.
    pub compromised_since: Option<Timestamp>,
}

impl TrustedKey {
    /// Whether what it signs now counts.
    pub fn is_current(&self) -> bool {
        self.retired.is_none() && self.compromised_since.is_none()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub identity: String,
    pub issuer: String,
}

/// A rotation statement beside the trust root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationOutcome {
    pub place: String,
    /// Absent when it was applied.
    pub refused: Option<Refused>,
}

impl TrustRoot {
    /// Every key with its signer, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = (&Signer, &TrustedKey)> {
        self.signers
            .iter()
            .flat_map(|signer| signer.keys.iter().map(move |key| (signer, key)))
    }

    pub(crate) fn key_mut(&mut self, hint: &str) -> Option<(usize, &mut TrustedKey)> {
        self.signers
            .iter_mut()
            .enumerate()
            .find_map(|(at, signer)| {
                let key = signer.keys.iter_mut().find(|key| key.key.hint() == hint)?;
                Some((at, key))
            })
    }

    /// The name of the set of keys that count now, which a rotation changes:
    /// SHA-256 over their hints, sorted, one per line.
    pub fn keyring_digest(&self) -> String {
        let mut hints: Vec<String> = self
            .keys()
            .filter(|(_, key)| key.is_current())
            .map(|(_, key)| key.key.hint())
            .collect();
        hints.sort();
        let text: String = hints.iter().map(|hint| format!("{hint}\n")).collect();
        format!("sha256:{}", crate::hex(&crate::hash_bytes(text.as_bytes())))
    }
}
