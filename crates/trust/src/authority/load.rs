//! Reading a trust root, with every mistake in it named.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use super::file::{AllowEntry, File, KeyEntry, SCHEMA, SignerEntry};
use super::rules::{Allowance, matches};
use super::{Identity, Signer, TrustRoot, TrustedKey};
use crate::evidence::{Kind, Operation};
use crate::{VerifyingKey, sigstore};

/// Why a trust root cannot be used: what, where and how to put it right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AuthorityError(pub String);

/// Who works on a model does not judge it.
const SEPARATE: [[&str; 2]; 2] = [["provenance", "approval"], ["provenance", "exemption"]];

/// Reads the file and what it names, and applies the rotations beside it.
pub fn load(place: &Path) -> Result<TrustRoot, AuthorityError> {
    let shown = place.display().to_string();
    let wrong = |message: String| AuthorityError(format!("trust root {shown}: {message}"));
    let text = std::fs::read_to_string(place).map_err(|error| wrong(error.to_string()))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count().saturating_add(1));
        AuthorityError(format!(
            "trust root {shown}:{line}: {}",
            error.message().replace('\n', " ")
        ))
    })?;
    if file.schema != SCHEMA {
        return Err(wrong(format!(
            "schema is {:?}; this program reads {SCHEMA:?}",
            file.schema
        )));
    }
    let folder = place.parent().unwrap_or(Path::new("."));
    let read = |name: &Path| {
        std::fs::read_to_string(folder.join(name))
            .map_err(|error| wrong(format!("{}: {error}", name.display())))
    };
    let signers = file
        .signer
        .iter()
        .map(|entry| signer(entry, &read).map_err(&wrong))
        .collect::<Result<Vec<_>, _>>()?;
    one_owner_each(&signers).map_err(&wrong)?;
    let allowances = file
        .allow
        .iter()
        .map(|entry| allowance(entry, &signers).map_err(&wrong))
        .collect::<Result<Vec<_>, _>>()?;
    let separate: Vec<[String; 2]> = file.separate.unwrap_or_else(|| {
        let owned = |pair: [&str; 2]| pair.map(str::to_owned);
        SEPARATE.map(owned).to_vec()
    });
    kept_apart(&signers, &allowances, &separate).map_err(&wrong)?;
    let root_error = |error: sigstore::RootError| wrong(error.to_string());
    let sigstore = match file.sigstore.as_deref() {
        None => None,
        Some("public-good") => Some(sigstore::Root::public_good().map_err(root_error)?),
        Some(path) => Some(sigstore::Root::from_file(&folder.join(path)).map_err(root_error)?),
    };
    let clocks = file
        .timestamp_authorities
        .iter()
        .map(|path| {
            sigstore::Root::timestamp_authority_file(&folder.join(path)).map_err(root_error)
        })
        .collect::<Result<Vec<_>, _>>()?;
    if file.rotation_threshold == 0 {
        return Err(wrong("rotation_threshold must be 1 or more".to_owned()));
    }
    let mut root = TrustRoot {
        place: shown.clone(),
        signers,
        allowances,
        separate,
        sigstore,
        clocks,
        keyring_version: 1,
        rotations_place: file.rotations.as_ref().map(|name| folder.join(name)),
        rotations: Vec::new(),
    };
    if let Some(place) = root.rotations_place.clone() {
        let lines =
            crate::evidence::read_lines(&place).map_err(|error| wrong(error.to_string()))?;
        super::rotate::apply(&mut root, &lines, file.rotation_threshold);
    }
    Ok(root)
}

fn signer(
    entry: &SignerEntry,
    read: &impl Fn(&Path) -> Result<String, AuthorityError>,
) -> Result<Signer, String> {
    if entry.name.trim().is_empty() {
        return Err("a signer has no name".to_owned());
    }
    if entry.key.is_empty() && entry.identity.is_empty() {
        return Err(format!(
            "signer {:?} has no key and no identity; give it a [[signer.key]] or a [[signer.identity]]",
            entry.name
        ));
    }
    let keys = entry
        .key
        .iter()
        .map(|key| trusted(&entry.name, key, read))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Signer {
        name: entry.name.clone(),
        keys,
        identities: entry
            .identity
            .iter()
            .map(|identity| Identity {
                identity: identity.identity.clone(),
                issuer: identity.issuer.clone(),
            })
            .collect(),
    })
}

fn trusted(
    name: &str,
    entry: &KeyEntry,
    read: &impl Fn(&Path) -> Result<String, AuthorityError>,
) -> Result<TrustedKey, String> {
    let (pem, place) = match (&entry.pem, &entry.file) {
        (Some(pem), None) => (pem.clone(), "its pem".to_owned()),
        (None, Some(file)) => (
            read(file).map_err(|error| error.to_string())?,
            file.display().to_string(),
        ),
        _ => {
            return Err(format!(
                "a key of signer {name:?} must have either pem or file"
            ));
        }
    };
    let key = VerifyingKey::from_pem(&pem)
        .map_err(|error| format!("a key of signer {name:?}, {place}: {error}"))?;
    let time = |member: &str, text: &Option<String>| {
        match text {
        None => Ok(None),
        Some(text) => text.parse::<Timestamp>().map(Some).map_err(|error| {
            format!("{member} of a key of signer {name:?} is not a time like 2026-01-31T00:00:00Z: {error}")
        }),
    }
    };
    Ok(TrustedKey {
        key,
        retired: time("retired", &entry.retired)?,
        compromised_since: time("compromised_since", &entry.compromised_since)?,
    })
}

/// A key that two people have tells neither of them.
fn one_owner_each(signers: &[Signer]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    let mut owners: Vec<(&VerifyingKey, &str)> = Vec::new();
    let mut known: Vec<(&Identity, &str)> = Vec::new();
    for signer in signers {
        if !names.insert(signer.name.to_lowercase()) {
            return Err(format!("two signers are named {:?}", signer.name));
        }
        for key in &signer.keys {
            if let Some((_, other)) = owners.iter().find(|(k, _)| **k == key.key) {
                return Err(format!(
                    "one key is listed twice, for {other:?} and {:?}",
                    signer.name
                ));
            }
            owners.push((&key.key, &signer.name));
        }
        for identity in &signer.identities {
            if let Some((_, other)) = known.iter().find(|(i, _)| *i == identity) {
                return Err(format!(
                    "one identity is listed twice, for {other:?} and {:?}",
                    signer.name
                ));
            }
            known.push((identity, &signer.name));
        }
    }
    Ok(())
}

fn allowance(entry: &AllowEntry, signers: &[Signer]) -> Result<Allowance, String> {
    for name in &entry.signers {
        if !signers.iter().any(|signer| signer.name == *name) {
            return Err(format!(
                "an [[allow]] names the signer {name:?}, which is not listed"
            ));
        }
    }
    for claim in &entry.claims {
        if Kind::of_word(claim).is_none() && !claim.contains("://") {
            let words: Vec<&str> = Kind::ALL.into_iter().map(Kind::word).collect();
            return Err(format!(
                "an [[allow]] names the claim {claim:?}; use {}, or a predicate's whole URI",
                words.join(", ")
            ));
        }
    }
    let operations = entry
        .operations
        .as_ref()
        .map(|words| {
            words
                .iter()
                .map(|word| {
                    Operation::of_word(word).ok_or_else(|| {
                        let words: Vec<&str> =
                            Operation::ALL.into_iter().map(Operation::word).collect();
                        format!(
                            "an [[allow]] names the operation {word:?}; use {}",
                            words.join(", ")
                        )
                    })
                })
                .collect::<Result<Vec<_>, _>>()
        })
        .transpose()?;
    let several: BTreeSet<&String> = entry.signers.iter().collect();
    if entry.threshold == 0 || entry.threshold > several.len() {
        return Err(format!(
            "an [[allow]] asks for {} of {} signers",
            entry.threshold,
            several.len()
        ));
    }
    Ok(Allowance {
        signers: entry.signers.clone(),
        claims: entry.claims.clone(),
        models: entry.models.clone().unwrap_or_else(|| vec!["*".to_owned()]),
        operations,
        roles: entry.roles.clone(),
        tools: entry.tools.clone(),
        threshold: entry.threshold,
    })
}

/// No signer may make both claims of a pair about a model that both rules can
/// mean.
fn kept_apart(
    signers: &[Signer],
    allowances: &[Allowance],
    separate: &[[String; 2]],
) -> Result<(), String> {
    let makes = |rule: &Allowance, signer: &Signer, claim: &String| {
        let uri = Kind::of_word(claim).map(Kind::uri);
        rule.signers.contains(&signer.name)
            && rule
                .claims
                .iter()
                .any(|said| said == claim || Some(said.as_str()) == uri)
    };
    for [one, other] in separate {
        for signer in signers {
            for a in allowances.iter().filter(|rule| makes(rule, signer, one)) {
                for b in allowances.iter().filter(|rule| makes(rule, signer, other)) {
                    if one != other && may_meet(&a.models, &b.models) {
                        return Err(format!(
                            "signer {:?} may sign both {one} and {other} for one model; give the two to different signers, or change `separate`",
                            signer.name
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Whether one name may fit a pattern of each list. Two patterns with stars may
/// always meet when their fixed beginnings agree.
fn may_meet(one: &[String], other: &[String]) -> bool {
    one.iter().any(|a| {
        other
            .iter()
            .any(|b| match (a.contains('*'), b.contains('*')) {
                (false, _) => matches(b, a),
                (_, false) => matches(a, b),
                (true, true) => {
                    let (a, b) = (head(a), head(b));
                    a.starts_with(b) || b.starts_with(a)
                }
            })
    })
}

fn head(pattern: &str) -> &str {
    pattern.split('*').next().unwrap_or_default()
}
