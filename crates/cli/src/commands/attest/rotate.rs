//! Replacing or ending a key of a trust root.

use modelward_trust::VerifyingKey;
use modelward_trust::authority;
use modelward_trust::evidence::{
    AddedKey, Resource, RetiredKey, RevokedKey, Rotation as Predicate, Statement, append,
    sign_payload,
};
use serde_json::Map;

use super::Rotation;
use crate::args::Common;
use crate::failure::{FINE, Failure, usage};
use crate::{output, settings};

pub(super) fn run(args: &Rotation, common: &Common) -> Result<u8, Failure> {
    let root = authority::load(&args.root).or_else(|error| usage(error.to_string()))?;
    let Some(place) = root.rotations_place.clone() else {
        return usage(format!(
            "{}: names no file for rotations; add rotations = \"rotations.jsonl\"",
            args.root.display()
        ));
    };
    let old = args.signing.key(common)?;
    let new = args
        .new_private_key
        .as_deref()
        .map(|file| args.signing.read(file))
        .transpose()?;
    let ended = match &args.end {
        Some(file) => {
            let read = std::fs::read_to_string(file)
                .map_err(|error| error.to_string())
                .and_then(|pem| VerifyingKey::from_pem(&pem).map_err(|error| error.to_string()));
            match read {
                Ok(key) => key.hint(),
                Err(error) => return usage(format!("{}: {error}", file.display())),
            }
        }
        None => old.verifying_key().hint(),
    };
    if new.is_none() && args.end.is_none() {
        return usage("nothing is replaced or ended; give --new-private-key or --end");
    }
    if let Some(new) = &new
        && let Some((signer, _)) = root.keys().find(|(_, key)| key.key == *new.verifying_key())
    {
        return usage(format!(
            "the new key is a key of {} already; make another with modelward keygen",
            signer.name
        ));
    }
    let now = settings::now(common);
    let (mut retired, mut revoked) = (Vec::new(), Vec::new());
    match args.compromised_since {
        Some(since) => revoked.push(RevokedKey {
            keyid: ended.clone(),
            compromised_since: since.to_string(),
            reason: args.reason.clone(),
            rest: Map::new(),
        }),
        None => retired.push(RetiredKey {
            keyid: ended.clone(),
            not_after: now.clone(),
            rest: Map::new(),
        }),
    }
    let previous = root.keyring_digest();
    let version = root.keyring_version.saturating_add(1);
    let rotation = Predicate {
        keyring_version: version,
        previous: previous.clone(),
        added: new
            .iter()
            .map(|new| AddedKey {
                keyid: new.verifying_key().hint(),
                public_key: new.verifying_key().to_pem(),
                replaces: ended.clone(),
                rest: Map::new(),
            })
            .collect(),
        retired,
        revoked,
        at: now,
        rest: Map::new(),
    };
    let statement = Statement::about(Resource::named("keyring", &previous), &rotation)?;
    let payload = statement.to_bytes()?;
    let bundles: Vec<Vec<u8>> = std::iter::once(&old)
        .chain(&new)
        .map(|key| sign_payload(key, payload.clone()))
        .collect();
    append(&place, &bundles).or_else(|error| usage(error.to_string()))?;
    let text = format!(
        "the keys of {} are now version {version}: {ended} {}{}\n  in {}\n",
        args.root.display(),
        if args.compromised_since.is_some() {
            "compromised"
        } else {
            "retired"
        },
        new.map_or_else(String::new, |new| format!(
            ", {} added",
            new.verifying_key().hint()
        )),
        place.display()
    );
    output::answer(common, &text)?;
    Ok(FINE)
}
