//! Keys, a trust root over them, and statements to sign.

use std::path::PathBuf;

use jiff::Timestamp;
use modelward_trust::authority::{self, AuthorityError, TrustRoot};
use modelward_trust::evidence::{
    Approval, BuildDefinition, Builder, Judged, Judging, Line, Operation, Predicate, Provenance,
    Resource, RunDetails, RunMetadata, Statement, judge, sign,
};
use modelward_trust::{KeyKind, SigningKey};

pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
}

/// Three people and a machine, each with what they may say.
const RULES: &str = r#"
[[allow]]
signers = ["ci"]
claims = ["signature", "provenance", "scan"]

[[allow]]
signers = ["ann", "bob"]
claims = ["approval", "revocation"]
roles = ["owner", "security"]

[[allow]]
signers = ["hub", "ann"]
claims = ["release", "accept"]
"#;

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for name in ["ci", "ann", "bob", "hub", "eve", "next"] {
            let key = SigningKey::generate(KeyKind::P256).unwrap();
            std::fs::write(desk.path(&format!("{name}.key")), key.to_pem(None).unwrap()).unwrap();
            std::fs::write(
                desk.path(&format!("{name}.pub")),
                key.verifying_key().to_pem(),
            )
            .unwrap();
        }
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn key(&self, name: &str) -> SigningKey {
        let pem = std::fs::read_to_string(self.path(&format!("{name}.key"))).unwrap();
        SigningKey::from_pem(&pem, None).unwrap()
    }

    /// The usual root, with more text; `ends` is put on the key of `ci`.
    pub(crate) fn root(&self, ends: &str, more: &str) -> Result<TrustRoot, AuthorityError> {
        let mut text = format!("schema = \"modelward.trust-root/1\"\n{more}\n");
        for name in ["ci", "ann", "bob", "hub"] {
            text +=
                &format!("[[signer]]\nname = \"{name}\"\n[[signer.key]]\nfile = \"{name}.pub\"\n");
            if name == "ci" {
                text += ends;
                text.push('\n');
            }
        }
        self.root_of(&(text + RULES))
    }

    pub(crate) fn root_of(&self, text: &str) -> Result<TrustRoot, AuthorityError> {
        let place = self.path("trust.toml");
        std::fs::write(&place, text).unwrap();
        authority::load(&place)
    }

    pub(crate) fn line(&self, who: &str, statement: &Statement) -> Line {
        Line {
            place: "claims.jsonl:1".to_owned(),
            bytes: sign(&self.key(who), statement).unwrap(),
        }
    }

    pub(crate) fn says<P: Predicate>(&self, who: &str, about: &str, predicate: &P) -> Line {
        let statement = Statement::about(Resource::named("m", about), predicate).unwrap();
        self.line(who, &statement)
    }

    /// The OMS signature of a model, as far as evidence looks at it.
    pub(crate) fn signature(&self, who: &str, about: &str) -> Line {
        let mut statement = Statement::about(Resource::named("m", about), &approval("x")).unwrap();
        "https://model_signing/signature/v1.0".clone_into(&mut statement.predicate_type);
        self.line(who, &statement)
    }
}

pub(crate) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

pub(crate) fn approval(by: &str) -> Approval {
    Approval {
        role: "owner".to_owned(),
        stage: "production".to_owned(),
        by: by.to_owned(),
        reason: "read it".to_owned(),
        at: "2026-01-01T00:00:00Z".to_owned(),
        manifest: None,
        rest: serde_json::Map::new(),
    }
}

/// A whole record of a step.
pub(crate) fn step(operation: Operation, from: &[(&str, &str)]) -> Provenance {
    let mut dependencies: Vec<Resource> = from
        .iter()
        .map(|(role, digest)| Resource::named(role, digest).used_as(role))
        .collect();
    dependencies.push(Resource::named("tool", &digest('f')).used_as("tool"));
    Provenance {
        build_definition: BuildDefinition {
            build_type: operation.build_type(),
            resolved_dependencies: dependencies,
            ..BuildDefinition::default()
        },
        run_details: RunDetails {
            builder: Builder {
                id: "ci".to_owned(),
                ..Builder::default()
            },
            metadata: RunMetadata {
                finished_on: Some("2026-01-01T00:00:00Z".to_owned()),
                ..RunMetadata::default()
            },
            ..RunDetails::default()
        },
        rest: serde_json::Map::new(),
    }
}

pub(crate) fn judged(root: &TrustRoot, lines: &[Line]) -> Vec<Judged> {
    judged_at(root, lines, None)
}

pub(crate) fn judged_at(root: &TrustRoot, lines: &[Line], logged: Option<&str>) -> Vec<Judged> {
    let logged = logged.map(|text| text.parse::<Timestamp>().unwrap());
    judge(
        lines,
        &Judging {
            root: Some(root),
            digest: &digest('a'),
            model: "m",
            logged: &|_| logged,
        },
    )
}

/// The code by which each is refused; `ok` when it counts.
pub(crate) fn codes(judged: &[Judged]) -> Vec<&str> {
    judged
        .iter()
        .map(|one| one.refused.as_ref().map_or("ok", |refused| &refused.code))
        .collect()
}
