//! A model in a folder of its own, and a key.

use std::fs;
use std::path::PathBuf;

use modelward_trust::oms::{
    Algorithm, Checked, Ignored, Method, Prepared, SignOptions, Signed, Signer, Trust,
    VerifyOptions, prepare, verify,
};
use modelward_trust::{KeyKind, Refusal, SigningKey};

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) key: SigningKey,
    pub(crate) how: How,
}

pub(crate) struct How {
    pub(crate) method: Method,
    pub(crate) algorithm: Algorithm,
    pub(crate) links: bool,
    pub(crate) git: bool,
    pub(crate) unsigned: bool,
    pub(crate) ignored: Ignored,
}

impl World {
    /// With these files, each with its own name in it.
    pub(crate) fn new(names: &[&str]) -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            key: SigningKey::generate(KeyKind::P256).unwrap(),
            how: How {
                method: Method::Files,
                algorithm: Algorithm::Sha256,
                links: false,
                git: true,
                unsigned: false,
                ignored: Ignored::default(),
            },
        };
        fs::create_dir(world.model()).unwrap();
        for name in names {
            world.write(name, name);
        }
        world
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.folder.path().join("model")
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.model().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn prepare(&self) -> Result<Prepared, Refusal> {
        prepare(
            &self.model(),
            &SignOptions {
                method: self.how.method,
                algorithm: self.how.algorithm,
                allow_symlinks: self.how.links,
                ignore_git: self.how.git,
                ignored: &self.how.ignored,
                cache: None,
                paranoid: false,
                parts: None,
                progress: &|_| {},
            },
        )
    }

    pub(crate) fn sign(&self) -> Vec<u8> {
        let payload = self.prepare().unwrap().manifest.to_statement();
        self.sign_payload(payload)
    }

    pub(crate) fn sign_payload(&self, payload: Vec<u8>) -> Vec<u8> {
        let key = SigningKey::from_pem(&self.key.to_pem(None).unwrap(), None).unwrap();
        Signer::Key(key).sign(payload).to_line().into_bytes()
    }

    pub(crate) fn open(&self, bundle: &[u8]) -> Result<Signed, Refusal> {
        Signed::open(bundle, Trust::Key(self.key.verifying_key()))
    }

    pub(crate) fn check(&self, bundle: &[u8]) -> Result<Checked, Refusal> {
        verify(
            &self.model(),
            &self.open(bundle)?,
            &VerifyOptions {
                ignored: &self.how.ignored,
                ignore_git: self.how.git,
                ignore_unsigned: self.how.unsigned,
                allow_symlinks: self.how.links,
                cache: None,
                paranoid: false,
                progress: &|_| {},
            },
        )
    }

    /// `changed missing extra from>to`, sorted by kind.
    pub(crate) fn differences(&self, bundle: &[u8]) -> String {
        let differences = self.check(bundle).unwrap().differences;
        let mut out = Vec::new();
        for (kind, names) in [
            ("~", &differences.changed),
            ("-", &differences.missing),
            ("+", &differences.extra),
        ] {
            out.extend(names.iter().map(|name| format!("{kind}{name}")));
        }
        for renamed in &differences.renamed {
            out.push(format!("{}>{}", renamed.from, renamed.to));
        }
        out.join(" ")
    }

    pub(crate) fn reason(&self, bundle: &[u8]) -> &'static str {
        match self.check(bundle) {
            Ok(checked) if checked.is_verified() => "verified",
            Ok(_) => "differs",
            Err(refusal) => refusal.reason,
        }
    }
}
