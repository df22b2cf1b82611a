//! `modelward attest`: says something of a model, signed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use modelward_schema::Stage;

use crate::args::{Actor, Common, ExemptionTerms};
use crate::failure::Failure;
use crate::signing::Signing;

mod make;
mod rotate;

pub(super) use make::{unknown_operation, value};

/// What to say.
#[derive(Debug, Subcommand)]
pub(crate) enum Attest {
    /// Scan the model and state what was found
    Scan(Target),
    /// How it came to be, when `modelward record` could not watch
    Provenance(Provenance),
    /// Tests that ran on it and how they ended
    TestResult(TestResult),
    /// Say yes to it, in a role
    Approval(Approval),
    /// Accept named reasons for a while
    Exemption(Exemption),
    /// Give it to somebody: the sender's receipt
    Release(Release),
    /// Take it from somebody: the receiver's receipt
    Accept(Accept),
    /// Withdraw it, or statements about it
    Revocation(Revocation),
    /// Replace a key of a trust root: signed by the old and the new one
    Rotation(Rotation),
    /// Any other statement: a predicate from a file
    Predicate(Predicate),
    /// Sign a statement that is there, as one signer more
    Cosign(Cosign),
}

/// What is spoken of, and who signs.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// File or folder of the model
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Do not read the tensors for the fingerprint by which converted copies are found
    #[arg(long)]
    pub(crate) no_fingerprint: bool,
    #[command(flatten)]
    pub(crate) signing: Signing,
}

#[derive(Debug, Args)]
pub(crate) struct Provenance {
    #[command(flatten)]
    pub(crate) target: Target,
    /// download, train, fine-tune, adapter-train, merge, convert, quantize, prune, re-shard,
    /// re-export, repackage, tokenizer-edit or template-edit
    #[arg(long)]
    pub(crate) operation: String,
    /// What went in: ROLE=PATH, ROLE=sha256:… or origin=URL; without a role it is the base
    #[arg(long = "input", value_name = "ROLE=WHAT")]
    pub(crate) inputs: Vec<String>,
    /// A parameter: NAME=VALUE, the value as JSON or text
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<String>,
    /// Who built it, in its own words [default: who acts]
    #[arg(long, value_name = "WHO")]
    pub(crate) builder: Option<String>,
    #[command(flatten)]
    pub(crate) actor: Actor,
}

#[derive(Debug, Args)]
pub(crate) struct TestResult {
    #[command(flatten)]
    pub(crate) target: Target,
    /// A test that passed; repeat for more
    #[arg(long, value_name = "TEST")]
    pub(crate) passed: Vec<String>,
    /// A test that passed with a warning
    #[arg(long, value_name = "TEST")]
    pub(crate) warned: Vec<String>,
    /// A test that failed
    #[arg(long, value_name = "TEST")]
    pub(crate) failed: Vec<String>,
    /// What it was tested with, by digest; repeat for more
    #[arg(long, value_name = "PATH")]
    pub(crate) config: Vec<String>,
    /// Where the whole results are
    #[arg(long)]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Approval {
    #[command(flatten)]
    pub(crate) target: Target,
    /// In which role: owner, security, risk…
    #[arg(long)]
    pub(crate) role: String,
    /// For which stage
    #[arg(long = "for", value_name = "STAGE", default_value = "production", value_parser = super::super::args::stage)]
    pub(crate) stage: Stage,
    #[arg(long)]
    pub(crate) reason: String,
    /// Manifest, when it is not modelward.yaml in the folder
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) actor: Actor,
}

#[derive(Debug, Args)]
pub(crate) struct Exemption {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) terms: ExemptionTerms,
    #[command(flatten)]
    pub(crate) actor: Actor,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Who is to have it
    #[arg(long, value_name = "WHO")]
    pub(crate) to: String,
    /// How it travels: https, registry, disk…
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// Where it can be got
    #[arg(long, value_name = "URL")]
    pub(crate) uri: Option<String>,
    #[command(flatten)]
    pub(crate) actor: Actor,
}

#[derive(Debug, Args)]
pub(crate) struct Accept {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Who gave it
    #[arg(long, value_name = "WHO")]
    pub(crate) from: String,
    #[command(flatten)]
    pub(crate) actor: Actor,
}

#[derive(Debug, Args)]
pub(crate) struct Revocation {
    #[command(flatten)]
    pub(crate) target: Target,
    #[arg(long)]
    pub(crate) reason: String,
    /// Withdraw only these statements, by the digest that `evidence ls` shows
    #[arg(long = "statement", value_name = "DIGEST")]
    pub(crate) statements: Vec<String>,
    #[command(flatten)]
    pub(crate) actor: Actor,
}

#[derive(Debug, Args)]
pub(crate) struct Rotation {
    /// The trust root whose key is replaced; its `rotations` file is added to
    #[arg(value_name = "TRUST-ROOT")]
    pub(crate) root: PathBuf,
    /// The key that counts now
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// The key that is to count
    #[arg(long, value_name = "FILE")]
    pub(crate) new_private_key: Option<PathBuf>,
    /// A public key to end without replacing it
    #[arg(long, value_name = "FILE")]
    pub(crate) end: Option<PathBuf>,
    /// The old key may have been somebody else's since then (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) compromised_since: Option<jiff::Timestamp>,
    /// Why
    #[arg(long, default_value = "rotation")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Predicate {
    #[command(flatten)]
    pub(crate) target: Target,
    /// A kind's word, such as conversion-proof, or a predicate's whole URI
    #[arg(long = "type", value_name = "KIND")]
    pub(crate) kind: String,
    /// JSON of the predicate
    #[arg(long = "predicate", value_name = "FILE")]
    pub(crate) content: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Cosign {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The statement's digest or its beginning, as `evidence ls` shows it
    #[arg(long, value_name = "DIGEST")]
    pub(crate) statement: String,
}

impl Attest {
    /// The model, which is never where settings come from.
    pub(crate) fn subject(&self) -> Option<String> {
        match self {
            Self::Rotation(_) => None,
            other => make::target(other).map(|target| target.path.clone()),
        }
    }

    pub(crate) fn actor(&mut self) -> Option<&mut Actor> {
        match self {
            Self::Provenance(args) => Some(&mut args.actor),
            Self::Approval(args) => Some(&mut args.actor),
            Self::Exemption(args) => Some(&mut args.actor),
            Self::Release(args) => Some(&mut args.actor),
            Self::Accept(args) => Some(&mut args.actor),
            Self::Revocation(args) => Some(&mut args.actor),
            Self::Scan(_)
            | Self::TestResult(_)
            | Self::Rotation(_)
            | Self::Predicate(_)
            | Self::Cosign(_) => None,
        }
    }
}

pub(crate) fn run(args: &Attest, common: &Common) -> Result<u8, Failure> {
    match args {
        Attest::Rotation(args) => rotate::run(args, common),
        other => make::run(other, common),
    }
}
