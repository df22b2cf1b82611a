//! Who signed a bundle, and whether the key stood at the time.

use jiff::Timestamp;

use super::{Kind, Line};
use crate::authority::{Refused, TrustRoot, TrustedKey, What};
use crate::{Bundle, KeyReference, Material, Refusal, sigstore};

pub(super) struct Who<'r> {
    pub(super) signer: &'r str,
    pub(super) key: String,
    /// Absent for an identity, whose certificate lived for minutes.
    pub(super) trusted: Option<&'r TrustedKey>,
    pub(super) times: Vec<Timestamp>,
}

/// The one of the trust root who signed.
pub(super) fn who<'r>(
    line: &Line,
    bundle: &Bundle,
    root: &'r TrustRoot,
) -> Result<Who<'r>, Refused> {
    match &bundle.material {
        Material::Key(reference) => {
            for (signer, trusted) in root.keys() {
                match bundle.verify_with_key(&trusted.key) {
                    Ok(()) => {
                        return Ok(Who {
                            signer: &signer.name,
                            key: trusted.key.hint(),
                            trusted: Some(trusted),
                            times: times(line, root, trusted),
                        });
                    }
                    Err(refusal) if refusal.reason == "key-mismatch" => {}
                    Err(refusal) => {
                        return Err(Refused::new(
                            refusal.reason,
                            format!("{}, of {}", refusal.message, signer.name),
                        ));
                    }
                }
            }
            let shown = match reference {
                KeyReference::Hint(hint) => hint.clone(),
                KeyReference::Raw(_) => "in it".to_owned(),
            };
            Err(Refused::new(
                "signer-unknown",
                format!("the trust root does not list the key {shown}"),
            ))
        }
        Material::Sigstore(_) => {
            let Some(trusted) = &root.sigstore else {
                return Err(Refused::new(
                    "sigstore-not-trusted",
                    "it is signed by Sigstore and the trust root has no `sigstore`",
                ));
            };
            let verified = sigstore::verify_envelope(
                &line.bytes,
                &sigstore::Expectations {
                    signer: sigstore::Signer::Anyone,
                    root: trusted,
                },
            )
            .map_err(|refusal| Refused::new(refusal.reason, refusal.message))?;
            let sigstore::SignedBy::Identity { identity, issuer } = verified.by else {
                return Err(Refused::new("signer-unknown", "it names no identity"));
            };
            let signer = root.signers.iter().find(|signer| {
                signer
                    .identities
                    .iter()
                    .any(|known| known.identity == identity && known.issuer == issuer)
            });
            let Some(signer) = signer else {
                return Err(Refused::new(
                    "signer-unknown",
                    format!("the trust root does not list {identity} of {issuer}"),
                ));
            };
            Ok(Who {
                signer: &signer.name,
                key: identity,
                trusted: None,
                times: verified.times,
            })
        }
        Material::Chain(_) => Err(Refused::new(
            "method-not-in-trust-root",
            "it is signed with a certificate chain; a trust root names keys and identities",
        )),
    }
}

/// Times that an authority or log of the trust root vouches for. A stamp by
/// nobody known is as good as none.
fn times(line: &Line, root: &TrustRoot, trusted: &TrustedKey) -> Vec<Timestamp> {
    let key = sigstore::PublicKey::from(&trusted.key);
    root.clocks
        .iter()
        .chain(root.sigstore.as_ref())
        .filter_map(|clock| sigstore::trusted_time(&line.bytes, clock, Some(&key)).ok()?)
        .map(|proven| proven.time)
        .collect()
}

/// What a key signed counts when it is shown to be from before its end.
pub(super) fn stands(key: &TrustedKey, time: Option<Timestamp>) -> Result<(), Refused> {
    let ends = [
        ("key-compromised", "was compromised", key.compromised_since),
        ("key-retired", "was retired", key.retired),
    ];
    for (code, what, end) in ends {
        let Some(end) = end else { continue };
        match time {
            Some(time) if time < end => {}
            Some(time) => {
                return Err(Refused::new(
                    code,
                    format!("its key {what} at {end}, and it is first seen at {time}"),
                ));
            }
            None => {
                return Err(Refused::new(
                    code,
                    format!(
                        "its key {what} at {end}, and no time stamp or log proves that it was signed before"
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// The key of the trust root that a model's signature names, when its owner may
/// sign that model and the key stands. Says nothing yet of the signature itself.
pub fn key_for_model<'r>(
    bytes: &[u8],
    root: &'r TrustRoot,
    model: &str,
    logged: &dyn Fn(&str) -> Option<Timestamp>,
) -> Result<(&'r str, &'r crate::VerifyingKey), Refusal> {
    let bundle = Bundle::parse(bytes)?;
    let named = root
        .keys()
        .find(|(_, trusted)| bundle.check_reference(&trusted.key).is_ok());
    let Some((signer, trusted)) = named else {
        return Err(Refusal::new(
            "signer-unknown",
            "the trust root does not list the key that it names",
        ));
    };
    let line = Line {
        place: String::new(),
        bytes: bytes.to_vec(),
    };
    let payload = crate::hash_bytes(&bundle.envelope.payload);
    let seen = logged(&format!("sha256:{}", crate::hex(&payload)));
    let time = times(&line, root, trusted).into_iter().chain(seen).min();
    stands(trusted, time).map_err(|refused| {
        let code = if refused.code == "key-retired" {
            "key-retired"
        } else {
            "key-compromised"
        };
        Refusal::new(code, refused.message)
    })?;
    let what = What {
        word: Kind::Signature.word(),
        uri: Kind::Signature.uri(),
        model,
        operation: None,
        role: None,
    };
    match root.allowance(&signer.name, &what) {
        Some(rule) if rule.threshold() <= 1 => Ok((&signer.name, &trusted.key)),
        Some(rule) => Err(Refusal::new(
            "threshold-not-met",
            format!(
                "1 of {} signers; modelward evidence verify counts them",
                rule.threshold()
            ),
        )),
        None => Err(Refusal::new(
            "signer-not-allowed",
            format!("{} may not sign {model}", signer.name),
        )),
    }
}
