//! A policy, loaded: the core, the shipped gate, and a bundle if there is one.

use std::fmt::Write;

use modelward_schema::{Digest, PolicyInput, PolicyRef, Verdict};
use sha2::{Digest as _, Sha256};

use crate::bundle::Bundle;
use crate::engine::Engine;
use crate::source::SourceMap;
use crate::{Explanation, PolicyError, built_in, explain, input, judge};

/// One file of a policy: its name as reasons show it, and its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// Cheap to clone; judging does not change it.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) reference: PolicyRef,
    pub(crate) built_in: Engine,
    pub(crate) built_in_sources: Vec<SourceMap>,
    pub(crate) bundle: Option<Bundle>,
}

impl Policy {
    /// The shipped policies.
    pub fn built_in() -> Result<Self, PolicyError> {
        let mut engine = Engine::trusted();
        load_built_in(&mut engine)?;
        Ok(Self {
            reference: PolicyRef {
                name: "built-in".to_owned(),
                digest: digest(built_in::POLICIES.iter().chain(built_in::DATA).copied()),
            },
            built_in: engine,
            built_in_sources: built_in::POLICIES
                .iter()
                .map(|file| SourceMap::read(file.name, file.text))
                .collect(),
            bundle: None,
        })
    }

    /// A user's bundle beside the shipped policies, or in the gate's place when
    /// its `bundle.toml` says `replaces = true`. `name` is the folder's name;
    /// each file is named relative to where the user thinks of it from.
    pub fn load(name: &str, files: &[PolicyFile<'_>]) -> Result<Self, PolicyError> {
        let mut policy = Self::built_in()?;
        let mut sorted = files.to_vec();
        sorted.sort_by_key(|file| file.name);
        policy.bundle = Some(Bundle::load(&sorted)?);
        policy.reference = PolicyRef {
            name: name.to_owned(),
            digest: digest(
                built_in::POLICIES
                    .iter()
                    .chain(built_in::DATA)
                    .chain(&sorted)
                    .copied(),
            ),
        };
        Ok(policy)
    }

    /// Over all policy files and data, the compiled-in core included.
    pub fn digest(&self) -> &Digest {
        &self.reference.digest
    }

    pub fn reference(&self) -> &PolicyRef {
        &self.reference
    }

    /// Same input, same policy, same `now`: the same verdict, byte for byte.
    pub fn judge(&self, input: &PolicyInput) -> Result<Verdict, PolicyError> {
        judge::judge(self, input).map(|judged| judged.verdict)
    }

    /// The verdict, and what is asked at this tier and stage, met or not.
    pub fn explain(&self, input: &PolicyInput) -> Result<Explanation, PolicyError> {
        explain::explain(self, input)
    }

    /// Evaluates a query such as `data.modelward.tier.why` or
    /// `input.facts.tensors[_].name` on the whole document.
    pub fn eval(
        &self,
        query: &str,
        input: &PolicyInput,
    ) -> Result<Vec<serde_json::Value>, PolicyError> {
        let mut engine = match &self.bundle {
            Some(bundle) => bundle.engine.clone(),
            None => self.built_in.clone(),
        };
        engine.set_input(input::full(input)?);
        engine.query(query)
    }
}

pub(crate) fn load_built_in(engine: &mut Engine) -> Result<(), PolicyError> {
    for file in built_in::POLICIES {
        engine.add_policy(*file)?;
    }
    for file in built_in::DATA {
        let data = serde_json::from_str(file.text).map_err(|error| PolicyError::Syntax {
            place: file.name.to_owned(),
            message: error.to_string(),
        })?;
        engine.add_data(file.name, data)?;
    }
    Ok(())
}

/// SHA-256 over every file's name, length and text.
fn digest<'a>(files: impl Iterator<Item = PolicyFile<'a>>) -> Digest {
    let mut hash = Sha256::new();
    for file in files {
        hash.update(format!("{}\0{}\0", file.name, file.text.len()));
        hash.update(file.text);
    }
    let mut text = "sha256:".to_owned();
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
