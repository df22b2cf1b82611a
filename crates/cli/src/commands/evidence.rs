//! `modelward evidence`: what is stated about a model, and whether it counts.

use clap::{Args, Subcommand};
use modelward_cli::render::{Format, evidence as show};
use modelward_engine::evidence::{Gathered, Sources, gather};
use modelward_engine::source;
use modelward_trust::authority::TrustRoot;
use modelward_trust::evidence::key_for_model;
use modelward_trust::{Refusal, VerifyingKey};
use std::path::Path;

use modelward_schema::{About, Evidence as Stated, Standing};

use crate::args::Common;
use crate::failure::{FINE, FOUND, Failure, UNDECIDED, usage};
use crate::signing::{self, Trusting};
use crate::{output, settings};

#[derive(Debug, Subcommand)]
pub(crate) enum Evidence {
    /// List every statement beside the model and in the registry
    Ls(Of),
    /// Judge them by a trust root: each statement, each step of the history, custody
    Verify(Verify),
    /// Write all of them, one bundle a line, to carry elsewhere
    Export(Of),
}

impl Evidence {
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Ls(of) | Self::Export(of) => of.path.clone(),
            Self::Verify(args) => args.of.path.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Of {
    /// File or folder of the model
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) trust: Trusting,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Refuse when no statement of this kind counts; repeat for more
    #[arg(long = "require", value_name = "KIND")]
    pub(crate) required: Vec<String>,
}

pub(crate) fn run(args: &Evidence, common: &Common) -> Result<u8, Failure> {
    let of = match args {
        Evidence::Ls(of) | Evidence::Export(of) => of,
        Evidence::Verify(args) => &args.of,
    };
    let trust = of.trust.root(common)?;
    let opened = source::open(&of.path)?;
    let cache = settings::digest_cache(common);
    let mut artifact = signing::identified(&opened, cache.as_ref(), common)?;
    settings::save(cache, common);
    if let Some(name) = manifest_name(&opened) {
        artifact.name = name;
    }
    let registry = signing::registry_if_there(common)?;
    let sources = Sources {
        trust: trust.as_ref(),
        registry: registry.as_ref(),
    };
    let mut found = gather(opened.root.as_deref(), &artifact, sources)?;
    let spoken_of = found.judged.iter().any(|judged| {
        let statement = judged.statement.as_ref();
        statement.is_some_and(|statement| statement.speaks_of(&artifact.digest))
    });
    if !spoken_of && opened.stdin.is_none() {
        // A copy in another container, or without its metadata, is found by its
        // tensors.
        let cache = settings::digest_cache(common);
        artifact = signing::fingerprinted(artifact, &opened, cache.as_ref(), common)?;
        found = gather(opened.root.as_deref(), &artifact, sources)?;
    }
    if let Evidence::Export(_) = args {
        let mut text = String::new();
        for line in &found.lines {
            let one = String::from_utf8_lossy(&line.bytes);
            text.push_str(&one.replace(['\n', '\r'], " "));
            text.push('\n');
        }
        output::answer(common, &text)?;
        return Ok(FINE);
    }
    let stated = found.to_schema();
    let code = match args {
        Evidence::Verify(args) => judged(&found, &stated, &args.required, trust.is_some())?,
        _ => FINE,
    };
    let text = match output::format(common) {
        Format::Json => show::json(&artifact.name, &found.digest, &stated),
        _ => show::text(
            &artifact.name,
            &found.digest,
            &stated,
            matches!(args, Evidence::Verify(_)),
            &output::options(common),
        ),
    };
    output::answer(common, &text)?;
    if matches!(args, Evidence::Verify(_)) && trust.is_none() {
        output::remark(
            common,
            "nothing says whose word counts; name a trust root by --trust-root FILE",
        );
    }
    Ok(code)
}

/// The name that the gate knows it by, so that rules for models are the same.
fn manifest_name(opened: &source::Opened) -> Option<String> {
    let place = modelward_engine::gate::usual_place(opened)?;
    let text = std::fs::read_to_string(&place).ok()?;
    let manifest = modelward_manifest::parse("modelward.yaml", &text).ok()?;
    Some(manifest.name)
}

/// The key by which a trust root lets a model's signature count.
pub(super) fn key_of(
    signature: &[u8],
    root: &TrustRoot,
    model: &Path,
    common: &Common,
) -> Result<Result<VerifyingKey, Refusal>, Failure> {
    let opened = source::open(&model.display().to_string())?;
    let name = manifest_name(&opened).unwrap_or_else(|| opened.name.clone());
    let registry = signing::registry_if_there(common)?;
    let logged = |payload: &str| registry.as_ref()?.first_seen(payload).ok()??.parse().ok();
    Ok(match key_for_model(signature, root, &name, &logged) {
        Ok((_, key)) => Ok(key.clone()),
        Err(refused) => Err(refused),
    })
}

fn judged(
    found: &Gathered,
    stated: &[Stated],
    required: &[String],
    trusted: bool,
) -> Result<u8, Failure> {
    let statements: Vec<_> = stated
        .iter()
        .filter_map(|stated| match stated {
            Stated::Statement(statement) => Some(statement),
            _ => None,
        })
        .collect();
    for word in required {
        if modelward_trust::evidence::Kind::of_word(word).is_none() && !word.contains("://") {
            return usage(format!("--require {word}: is no kind of statement"));
        }
        let there = statements.iter().any(|statement| {
            (statement.claim == *word || statement.predicate_type == *word)
                && statement.about == About::Artifact
                && statement.standing == Standing::Verified
        });
        if !there {
            return Ok(FOUND);
        }
    }
    if statements
        .iter()
        .any(|one| one.standing == Standing::Refused)
    {
        return Ok(FOUND);
    }
    if let Some(chain) = &found.chain {
        let told = statements
            .iter()
            .any(|one| one.claim == "provenance" && one.about == About::Artifact);
        let withdrawn = chain.problems.iter().any(|p| p.code == "model-revoked");
        if (told && !chain.problems.is_empty()) || withdrawn || !chain.custody.problems.is_empty() {
            return Ok(FOUND);
        }
    }
    let any = statements
        .iter()
        .any(|one| one.standing == Standing::Verified && one.about == About::Artifact);
    if !trusted || !any {
        return Ok(UNDECIDED);
    }
    Ok(FINE)
}
