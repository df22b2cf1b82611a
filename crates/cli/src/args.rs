//! What can be typed. Help texts are written to teach; the book's command page
//! is made from them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use modelward_cli::render::Format;
use modelward_schema::{Severity, Stage};

#[derive(Debug, Parser)]
#[command(
    name = "modelward",
    version,
    about = "May this model run here, and how do we know?",
    long_about = "Modelward treats an AI model as untrusted until it is shown where it came from, \
what happened to it on the way, and what it does.\n\nIt reads every file of a model without ever \
executing it, judges what it finds, decides by policy, and keeps the decision on record.",
    after_help = "Exit: 0 allow or nothing found, 1 deny or found, 2 hold or not everything could \
be read, 64 usage, 70 our fault.",
    max_term_width = 100,
    propagate_version = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// How the answer is written. A file given with --output chooses by its extension
    #[arg(long, short, global = true, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write the answer to FILE instead of standard output
    #[arg(long, short, global = true, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Folder of the registry [default: the user's data folder]
    #[arg(long, global = true, value_name = "DIR", env = "MODELWARD_REGISTRY")]
    pub(crate) registry: Option<PathBuf>,
    /// Folder with Rego policies that extend or replace the built-in ones
    #[arg(long, global = true, value_name = "DIR", env = "MODELWARD_POLICY")]
    pub(crate) policy: Option<PathBuf>,
    /// Judge as if it were TIME (RFC 3339), for replay and tests
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) now: Option<jiff::Timestamp>,
    /// Read and hash every byte again
    #[arg(long, global = true)]
    pub(crate) no_cache: bool,
    /// Threads that read [default: one per processor]
    #[arg(long, short, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) jobs: Option<u16>,
    /// Colour on a terminal
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "auto|always|never"
    )]
    pub(crate) color: Color,
    /// Say only the answer: no progress, no warnings
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Say more: low and info findings, every waived reason
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// From modelward.toml.
    #[arg(skip)]
    pub(crate) trust_root: Option<PathBuf>,
    #[arg(skip)]
    pub(crate) private_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read a model and say what is in it; nothing is decided or recorded
    Scan(Scan),
    /// Decide whether a model may go where it wants to go, and record the decision
    Gate(Gate),
    /// Write a manifest (modelward.yaml) from what the files tell, or check one
    Init(Init),
    /// Show a model's computation graphs, what is odd about them, and inputs that prove it
    Inspect(crate::commands::inspect::Inspect),
    /// Show a model's passport from the registry
    Show(Show),
    /// List decisions; --verify checks that nothing was changed or removed
    Log(Log),
    /// Sign a model: its files, and a digest for each tensor
    Sign(crate::commands::sign::Sign),
    /// Verify that a model is what was signed, and say what differs
    Verify(crate::commands::verify::Verify),
    /// Make a key to sign with
    Keygen(crate::commands::keygen::Keygen),
    /// Explain a rule or a reason: what it means and what to do
    Explain(Explain),
    /// Say yes to a version, in a role
    Approve(Approve),
    /// Accept named reasons for a version, for a while
    Exempt(Exempt),
    /// Say something of a model, signed: how it was made, that it was tested, approved, handed on
    #[command(subcommand)]
    Attest(crate::commands::attest::Attest),
    /// List, judge and export the signed statements about a model
    #[command(subcommand)]
    Evidence(crate::commands::evidence::Evidence),
    /// Run a command that makes a model, and sign how it was made
    Record(crate::commands::record::Record),
    /// Judge a recorded decision again and show whether the verdict is the same
    Replay(Replay),
    /// Show that one model was made from others, tensor by tensor, instead of believing it
    Prove(crate::commands::prove::Prove),
    /// Print what names a model: its digests, and a fingerprint that conversion does not change
    Identity(crate::commands::identity::Identity),
    /// Test, evaluate and explain policies
    #[command(subcommand)]
    Policy(Policy),
    /// Write a bill of materials from the bytes, the card and the evidence
    Bom(crate::commands::bom::Bom),
    /// Say what changed between a model and what it was made from
    Diff(crate::commands::diff::Diff),
    /// Draw how a model came to be, from origin to deployed file, each step with its grade
    Lineage(crate::commands::lineage::Lineage),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// `PATH` is a file, a folder, an archive, a wheel, a Hugging Face snapshot
/// folder, `hf:org/name[@rev]` from the local cache, or `-`.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// File, folder, archive, wheel, Hugging Face snapshot, hf:org/name[@rev] (local cache), or -
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Exit with 1 when a finding is at or above SEVERITY
    #[arg(long, value_name = "SEVERITY", default_value = "high", value_parser = severity)]
    pub(crate) fail_on: Severity,
    /// Look for inputs that fire suspected signals of graphs, and prove what they do
    #[arg(long)]
    pub(crate) deep: bool,
    /// With --deep: keep the inputs that were found in DIR
    #[arg(long, value_name = "DIR", requires = "deep")]
    pub(crate) witness_dir: Option<PathBuf>,
    /// Do not hash the files: read only what judging needs
    #[arg(long)]
    pub(crate) no_identity: bool,
    /// Also write the answer to FILE, in the form of its extension; repeat for more
    #[arg(long, value_name = "FILE")]
    pub(crate) also: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Gate {
    /// File, folder, archive, wheel, Hugging Face snapshot, hf:org/name[@rev] (local cache), or -
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Where it wants to go: experiment, candidate or production
    #[arg(long = "for", value_name = "STAGE", default_value = "candidate", value_parser = stage)]
    pub(crate) stage: Stage,
    /// Manifest, when it is not modelward.yaml in the folder
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Look for inputs that fire suspected signals of graphs, and judge with what is proven
    #[arg(long)]
    pub(crate) deep: bool,
    /// Decide without recording
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also write the answer to FILE, in the form of its extension; repeat for more
    #[arg(long, value_name = "FILE")]
    pub(crate) also: Vec<PathBuf>,
    /// Sign the verdict and put it beside the model, passed or not
    #[arg(long)]
    pub(crate) attest: bool,
    #[command(flatten)]
    pub(crate) signing: crate::signing::Signing,
    #[command(flatten)]
    pub(crate) trust: crate::signing::Trusting,
    #[command(flatten)]
    pub(crate) actor: Actor,
}

/// Who acts.
#[derive(Debug, Args)]
pub(crate) struct Actor {
    /// Who asks [default: git's user.email, else the login name]
    #[arg(long = "as", value_name = "WHO", env = "MODELWARD_ACTOR")]
    pub(crate) actor: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Folder or file of the model; with --check also manifests
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only check the manifests that are there; fast and offline, for pre-commit
    #[arg(long)]
    pub(crate) check: bool,
    /// Replace a manifest that is there
    #[arg(long, conflicts_with = "check")]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// NAME or NAME@VERSION
    pub(crate) model: String,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Only this NAME or NAME@VERSION
    pub(crate) model: Option<String>,
    /// Newest N decisions
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
    /// Recompute the hash chain and compare every record with its line
    #[arg(long)]
    pub(crate) verify: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Rule or reason code; without one, all are listed
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// NAME@VERSION
    pub(crate) model: String,
    /// In which role: owner, security, risk…
    #[arg(long)]
    pub(crate) role: String,
    /// For which stage
    #[arg(long = "for", value_name = "STAGE", default_value = "production", value_parser = stage)]
    pub(crate) stage: Stage,
    /// Why
    #[arg(long)]
    pub(crate) reason: String,
    /// Put the signed statement beside this model, too; it takes a private key
    #[arg(long, value_name = "PATH")]
    pub(crate) beside: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signing: crate::signing::Signing,
    #[command(flatten)]
    pub(crate) actor: Actor,
}

/// What is accepted, why and how long.
#[derive(Debug, Args)]
pub(crate) struct ExemptionTerms {
    /// Reason code to accept; repeat for more, no wildcards
    #[arg(long = "code", required = true, value_name = "CODE")]
    pub(crate) codes: Vec<String>,
    /// Why it is acceptable meanwhile
    #[arg(long)]
    pub(crate) reason: String,
    /// Who asked for it; must not be who approves it
    #[arg(long, value_name = "WHO")]
    pub(crate) requested_by: String,
    /// Last day, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    pub(crate) until: jiff::civil::Date,
    /// What reduces the risk meanwhile
    #[arg(long, value_name = "TEXT")]
    pub(crate) compensating_control: Option<String>,
}

impl ExemptionTerms {
    /// The end of the last day; wherever that ends last on earth is not asked: UTC.
    pub(crate) fn end(&self) -> Result<jiff::Timestamp, jiff::Error> {
        let day = self.until.tomorrow()?.to_zoned(jiff::tz::TimeZone::UTC)?;
        Ok(day.timestamp())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Exempt {
    /// NAME@VERSION
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) terms: ExemptionTerms,
    /// Put the signed statement beside this model, too; it takes a private key
    #[arg(long, value_name = "PATH")]
    pub(crate) beside: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signing: crate::signing::Signing,
    #[command(flatten)]
    pub(crate) actor: Actor,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Number of the decision, as `modelward log` shows it
    pub(crate) decision: i64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Run the test_* rules of a policy folder, or the built-in ones
    Test { folder: Option<PathBuf> },
    /// Evaluate a Rego query over a report (`scan --format json`)
    Eval {
        /// For example data.modelward.gate.deny
        query: String,
        /// Report to read; - is standard input
        #[arg(long, default_value = "-")]
        input: PathBuf,
    },
    /// Say which controls a decision needed and which rules fired
    Explain {
        /// Number of the decision
        decision: i64,
    },
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::ALL
        .into_iter()
        .find(|severity| severity.as_str() == text)
        .ok_or_else(|| "use info, low, medium, high or critical".to_owned())
}

pub(crate) fn stage(text: &str) -> Result<Stage, String> {
    Stage::ALL
        .into_iter()
        .find(|stage| stage.as_str() == text)
        .ok_or_else(|| "use experiment, candidate or production".to_owned())
}
