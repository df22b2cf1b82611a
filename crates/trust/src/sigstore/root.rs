//! Whom to believe: authorities, logs and timestamp authorities.
//!
//! A root comes from a file the user names (a `trusted_root.json`, or a client
//! trust configuration that holds one) or is one of the roots embedded in
//! `sigstore-trust-root`. It is never fetched, so it can be older than the
//! service's: pass the current file where that matters.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sigstore_verify::Verifier;
use sigstore_verify::trust_root::{SigningConfig, SigstoreInstance, TrustedRoot};

use crate::parse_strict;

const MAX_ROOT: u64 = 4 << 20;

/// Why a trusted root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error("{path}: {why}")]
    Read { path: PathBuf, why: String },
    #[error("the trusted root is not usable: {0}")]
    Invalid(String),
}

/// A trusted root, checked and ready to verify with.
pub struct Root {
    pub(super) trusted: TrustedRoot,
    pub(super) verifier: Verifier,
    /// Where to sign, if the file said so.
    pub(super) services: Option<SigningConfig>,
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root")
            .field("logs", &self.trusted.tlogs.len())
            .field("authorities", &self.trusted.certificate_authorities.len())
            .finish_non_exhaustive()
    }
}

impl Root {
    /// The root of the public instance, as it was when this program was built.
    pub fn public_good() -> Result<Self, RootError> {
        Self::embedded(SigstoreInstance::PublicGood)
    }

    /// The root of the staging instance.
    pub fn staging() -> Result<Self, RootError> {
        Self::embedded(SigstoreInstance::Staging)
    }

    fn embedded(instance: SigstoreInstance) -> Result<Self, RootError> {
        let trusted = instance.embedded_trusted_root().map_err(invalid)?;
        let services = instance.embedded_signing_config().map_err(invalid)?;
        Self::new(trusted, services)
    }

    /// A `trusted_root.json`, or a client trust configuration.
    pub fn from_file(path: &Path) -> Result<Self, RootError> {
        Self::from_json(&read_limited(path)?).map_err(|e| match e {
            RootError::Invalid(why) => RootError::Read {
                path: path.to_owned(),
                why,
            },
            read @ RootError::Read { .. } => read,
        })
    }

    pub fn from_json(bytes: &[u8]) -> Result<Self, RootError> {
        let value = parse_strict(bytes).map_err(invalid)?;
        let (root, services) = match value.get("trustedRoot") {
            Some(root) => (root, value.get("signingConfig")),
            None => (&value, None),
        };
        let kind = root.get("mediaType").and_then(Value::as_str);
        if !kind.is_some_and(|k| k.starts_with("application/vnd.dev.sigstore.trustedroot")) {
            return Err(RootError::Invalid(
                "it is neither a Sigstore trusted root nor a client trust configuration".to_owned(),
            ));
        }
        let trusted = TrustedRoot::from_json(&root.to_string()).map_err(invalid)?;
        let services = services
            .map(|config| SigningConfig::from_json(&config.to_string()).map_err(invalid))
            .transpose()?;
        Self::new(trusted, services)
    }

    /// A root that knows one timestamp authority and nothing else: PEM
    /// certificates, the authority's own first, then its issuers up to a root.
    pub fn timestamp_authority(pem: &str) -> Result<Self, RootError> {
        let certificates = certificates(pem)?;
        Self::from_json(
            json!({
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "timestampAuthorities": [{
                    "subject": {"organization": "", "commonName": ""},
                    "certChain": {"certificates": certificates},
                }],
            })
            .to_string()
            .as_bytes(),
        )
    }

    /// [`Root::timestamp_authority`] from a file.
    pub fn timestamp_authority_file(path: &Path) -> Result<Self, RootError> {
        let bytes = read_limited(path)?;
        Self::timestamp_authority(&String::from_utf8_lossy(&bytes))
    }

    fn new(trusted: TrustedRoot, services: Option<SigningConfig>) -> Result<Self, RootError> {
        let verifier = Verifier::new(&trusted).map_err(invalid)?;
        Ok(Self {
            trusted,
            verifier,
            services,
        })
    }

    /// Whether signatures must be in a transparency log: a root without logs
    /// (a private instance that only timestamps) cannot ask for it.
    pub(super) fn has_logs(&self) -> bool {
        !self.trusted.tlogs.is_empty()
    }

    /// Whether certificates must carry a promise of a certificate log.
    pub(super) fn has_certificate_logs(&self) -> bool {
        !self.trusted.ctlogs.is_empty()
    }
}

fn certificates(pem: &str) -> Result<Vec<Value>, RootError> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut found = Vec::new();
    let mut rest = pem;
    while let Some((_, body)) = rest.split_once(BEGIN) {
        let Some((body, after)) = body.split_once(END) else {
            return Err(RootError::Invalid(
                "a PEM certificate has no end line".to_owned(),
            ));
        };
        let text: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(&text).map_err(invalid)?;
        found.push(json!({"rawBytes": STANDARD.encode(der)}));
        rest = after;
    }
    if found.is_empty() {
        return Err(RootError::Invalid(
            "there is no PEM certificate in it".to_owned(),
        ));
    }
    Ok(found)
}

fn read_limited(path: &Path) -> Result<Vec<u8>, RootError> {
    let read = |why: String| RootError::Read {
        path: path.to_owned(),
        why,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_ROOT + 1).read_to_end(&mut bytes))
        .map_err(|e| read(e.to_string()))?;
    if bytes.len() as u64 > MAX_ROOT {
        return Err(read(format!("it has more than {MAX_ROOT} bytes")));
    }
    Ok(bytes)
}

fn invalid(error: impl std::fmt::Display) -> RootError {
    RootError::Invalid(format!("{error}"))
}
