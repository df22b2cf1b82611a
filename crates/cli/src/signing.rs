//! The key that signs, and the trust root that says whose word counts.

use std::path::{Path, PathBuf};

use clap::Args;
use modelward_engine::evidence::{Identified, identify};
use modelward_engine::source::Opened;
use modelward_engine::{Options, Progress, evidence};
use modelward_registry::Registry;
use modelward_trust::DigestCache;
use modelward_trust::SigningKey;
use modelward_trust::authority::{self, TrustRoot};
use modelward_trust::evidence::{Places, Statement, append, sign};

use crate::args::Common;
use crate::commands::signing::KeyFile;
use crate::failure::{Failure, usage};
use crate::progress::Bar;
use crate::settings;

/// With what to sign.
#[derive(Debug, Args)]
pub(crate) struct Signing {
    #[command(flatten)]
    pub(crate) file: KeyFile,
}

impl Signing {
    /// The key, when one is named here or in modelward.toml.
    pub(crate) fn key_if_named(&self, common: &Common) -> Result<Option<SigningKey>, Failure> {
        match (self.file.open()?, &common.private_key) {
            (Some(key), _) => Ok(Some(key)),
            (None, Some(file)) => self.read(file).map(Some),
            (None, None) => Ok(None),
        }
    }

    pub(crate) fn key(&self, common: &Common) -> Result<SigningKey, Failure> {
        match self.key_if_named(common)? {
            Some(key) => Ok(key),
            None => usage("no key to sign with; name one by --private-key FILE"),
        }
    }

    /// Another key, under the same password.
    pub(crate) fn read(&self, file: &Path) -> Result<SigningKey, Failure> {
        let other = KeyFile {
            private_key: Some(file.to_owned()),
            password: self.file.password.clone(),
            password_file: self.file.password_file.clone(),
        };
        match other.open()? {
            Some(key) => Ok(key),
            None => usage(format!("{}: holds no key", file.display())),
        }
    }
}

/// Whose word counts.
#[derive(Debug, Clone, Args)]
pub(crate) struct Trusting {
    /// Trust root: who may sign what [default: trust_root in modelward.toml]
    #[arg(long, value_name = "FILE", env = "MODELWARD_TRUST_ROOT")]
    pub(crate) trust_root: Option<PathBuf>,
}

impl Trusting {
    /// Never looked for in the artifact.
    pub(crate) fn root(&self, common: &Common) -> Result<Option<TrustRoot>, Failure> {
        let file = self.trust_root.clone().or(common.trust_root.clone());
        let Some(file) = file else { return Ok(None) };
        let root = authority::load(&file).or_else(|error| usage(error.to_string()))?;
        for rotation in &root.rotations {
            if let Some(refused) = &rotation.refused {
                crate::output::remark(
                    common,
                    &format!(
                        "the rotation {} does not count: {}",
                        rotation.place, refused.message
                    ),
                );
            }
        }
        Ok(Some(root))
    }
}

/// Hashes an artifact, with a progress line when it takes long.
pub(crate) fn identified(
    opened: &Opened,
    cache: Option<&DigestCache>,
    common: &Common,
) -> Result<Identified, Failure> {
    let bar = Bar::over(opened, common);
    let tell = |bytes| bar.advance(bytes);
    let found = identify(opened, cache, Progress(Some(&tell)));
    bar.finish();
    found.or_else(usage)
}

/// With the fingerprint of its tensors, by which a copy finds what is stated.
pub(crate) fn fingerprinted(
    mut artifact: Identified,
    opened: &Opened,
    cache: Option<&DigestCache>,
    common: &Common,
) -> Result<Identified, Failure> {
    let options = Options {
        cache,
        ..settings::contents(common)
    };
    artifact.fingerprint = evidence::fingerprint_of(opened, &options)?;
    Ok(artifact)
}

/// The registry, when there is one.
pub(crate) fn registry_if_there(common: &Common) -> Result<Option<Registry>, Failure> {
    Ok(Registry::open_existing(&settings::registry_place(common)?)?)
}

/// Signs a statement, puts it beside the artifact and, when there is a registry,
/// on record. Answers the payload's digest and where it stands.
pub(crate) fn put(
    key: &SigningKey,
    statement: &Statement,
    root: &Path,
    registry: Option<&Registry>,
) -> Result<(String, PathBuf), Failure> {
    let place = Places::of(root).claims;
    let bundle = sign(key, statement)?;
    put_line(&bundle, &place, registry)?;
    let payload = statement.to_bytes()?;
    Ok((modelward_engine::gate::digest_of_bytes(&payload), place))
}

pub(crate) fn put_line(
    bundle: &[u8],
    place: &Path,
    registry: Option<&Registry>,
) -> Result<(), Failure> {
    append(place, &[bundle.to_vec()]).or_else(|error| usage(error.to_string()))?;
    if let Some(registry) = registry {
        evidence::keep_line(registry, bundle)?;
    }
    Ok(())
}
