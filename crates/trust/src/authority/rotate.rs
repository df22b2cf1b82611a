//! Keys change by a statement signed by keys that count now and by every key
//! that is to count.
//!
//! Only rotations that lie beside the trust root are applied, never those that
//! come with a model: whoever stole a key would bring the next one along.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Refused, RotationOutcome, TrustRoot, TrustedKey};
use crate::evidence::{Line, Rotation, Statement};
use crate::{Bundle, VerifyingKey, hash_bytes, hex};

/// Applies what can be applied, in order of the versions.
pub(super) fn apply(root: &mut TrustRoot, lines: &[Line], threshold: usize) {
    let mut groups: Vec<Group> = Vec::new();
    for line in lines {
        match open(line) {
            Ok((bundle, rotation)) => {
                let id = hex(&hash_bytes(&bundle.envelope.payload));
                match groups.iter_mut().find(|group| group.id == id) {
                    Some(group) => group.bundles.push(bundle),
                    None => groups.push(Group {
                        id,
                        place: line.place.clone(),
                        rotation,
                        bundles: vec![bundle],
                    }),
                }
            }
            Err(refused) => root.rotations.push(RotationOutcome {
                place: line.place.clone(),
                refused: Some(refused),
            }),
        }
    }
    groups.sort_by_key(|group| group.rotation.keyring_version);
    for group in groups {
        let refused = one(root, &group, threshold).err();
        root.rotations.push(RotationOutcome {
            place: group.place,
            refused,
        });
    }
}

/// The same statement by each who signed it.
struct Group {
    id: String,
    place: String,
    rotation: Rotation,
    bundles: Vec<Bundle>,
}

fn open(line: &Line) -> Result<(Bundle, Rotation), Refused> {
    let bundle = Bundle::parse(&line.bytes)
        .map_err(|refusal| Refused::new(refusal.reason, refusal.message))?;
    let statement = Statement::parse(&bundle.envelope.payload)
        .map_err(|error| Refused::new("statement-malformed", error.to_string()))?;
    match statement.read::<Rotation>() {
        Some(Ok(rotation)) => Ok((bundle, rotation)),
        Some(Err(error)) => Err(Refused::new("predicate-malformed", error.to_string())),
        None => Err(Refused::new("not-a-rotation", "it is no key rotation")),
    }
}

fn one(root: &mut TrustRoot, group: &Group, threshold: usize) -> Result<(), Refused> {
    let rotation = &group.rotation;
    let refuse = |code, message: String| Err(Refused::new(code, message));
    let next = root.keyring_version.saturating_add(1);
    if rotation.keyring_version != next {
        return refuse(
            "rotation-out-of-order",
            format!(
                "it makes version {} of the keys; version {next} is next",
                rotation.keyring_version
            ),
        );
    }
    let now = root.keyring_digest();
    if rotation.previous != now {
        return refuse(
            "rotation-of-other-keys",
            format!("it changes {}, the keys are {now}", rotation.previous),
        );
    }
    let signed_by = |key: &VerifyingKey| {
        group
            .bundles
            .iter()
            .any(|bundle| bundle.verify_with_key(key).is_ok())
    };
    let old: BTreeSet<String> = root
        .keys()
        .filter(|(_, key)| key.is_current() && signed_by(&key.key))
        .map(|(signer, _)| signer.name.clone())
        .collect();
    if old.len() < threshold {
        return refuse(
            "rotation-not-by-old-key",
            format!(
                "{} of the keys that count now signed it, {threshold} must",
                old.len()
            ),
        );
    }
    let mut added = Vec::new();
    for entry in &rotation.added {
        let key = VerifyingKey::from_pem(&entry.public_key)
            .map_err(|error| Refused::new("key-malformed", format!("an added key: {error}")))?;
        if key.hint() != entry.keyid {
            return refuse(
                "key-misnamed",
                format!("the key {} is called {}", key.hint(), entry.keyid),
            );
        }
        if !signed_by(&key) {
            return refuse(
                "rotation-not-by-new-key",
                format!(
                    "the new key {} did not sign it, so nobody shows to have it",
                    entry.keyid
                ),
            );
        }
        if root.keys().any(|(_, known)| known.key == key) {
            return refuse(
                "key-known",
                format!("the key {} is listed already", entry.keyid),
            );
        }
        let Some((at, _)) = root.key_mut(&entry.replaces) else {
            return refuse(
                "key-unknown",
                format!("it replaces {}, which is not listed", entry.replaces),
            );
        };
        // Nobody but a key's own signer hands its place on.
        let owner = root
            .signers
            .get(at)
            .map_or("", |signer| signer.name.as_str());
        if threshold == 1 && !old.contains(owner) {
            return refuse(
                "rotation-not-by-old-key",
                format!("it replaces a key of {owner}, who did not sign it"),
            );
        }
        added.push((at, key));
    }
    let time = |text: &str| {
        text.parse::<Timestamp>()
            .map_err(|error| Refused::new("predicate-malformed", format!("{text:?}: {error}")))
    };
    let mut ends = Vec::new();
    for entry in &rotation.retired {
        ends.push((entry.keyid.as_str(), Some(time(&entry.not_after)?), None));
    }
    for entry in &rotation.revoked {
        ends.push((
            entry.keyid.as_str(),
            None,
            Some(time(&entry.compromised_since)?),
        ));
    }
    if let Some((unknown, ..)) = ends.iter().find(|(id, ..)| root.key_mut(id).is_none()) {
        return refuse(
            "key-unknown",
            format!("it ends {unknown}, which is not listed"),
        );
    }
    for (id, retired, compromised) in ends {
        if let Some((_, key)) = root.key_mut(id) {
            key.retired = earliest(key.retired, retired);
            key.compromised_since = earliest(key.compromised_since, compromised);
        }
    }
    for (at, key) in added {
        if let Some(signer) = root.signers.get_mut(at) {
            signer.keys.push(TrustedKey {
                key,
                retired: None,
                compromised_since: None,
            });
        }
    }
    root.keyring_version = next;
    Ok(())
}

/// An end that was set is not moved later.
fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
