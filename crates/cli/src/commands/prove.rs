//! `modelward prove`: lineage recomputed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Args;
use modelward_cli::render::{self, Format};
use modelward_engine::source::Opened;
use modelward_engine::{identity, open_model, source};
use modelward_lineage::{Case, Claim, Grade, Model, Proof, fingerprint, prove};
use modelward_trust::evidence::{
    ConversionProof, FINGERPRINT, Places, ProofCounts, Resource, Statement, append,
};
use modelward_trust::{IN_TOTO, SigningKey, sign_statement};

use super::signing::KeyFile;
use crate::args::Common;
use crate::failure::{FINE, FOUND, Failure, UNDECIDED, usage};
use crate::output;
use crate::progress::Bar;
use crate::settings;

/// Sources first, the target last.
#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// What it was made from (one or more), then what was made
    #[arg(required = true, num_args = 1.., value_name = "SOURCE… TARGET")]
    pub(crate) paths: Vec<String>,
    /// The transformation to show; without it, it is found
    #[arg(long = "as", value_name = "RELATION")]
    pub(crate) relation: Option<String>,
    /// What is said to have happened: a provenance statement, or JSON with "relation" and its parameters
    #[arg(long, value_name = "FILE")]
    pub(crate) claim: Option<PathBuf>,
    /// The weakest grade that counts as proven: exact, nearest-code, bounded, structural or claimed
    #[arg(long, value_name = "GRADE", default_value = "structural", value_parser = grade)]
    pub(crate) at_least: Grade,
    /// Sign what was shown and put the statement beside the target
    #[arg(long, requires = "private_key")]
    pub(crate) attest: bool,
    #[command(flatten)]
    pub(crate) key: KeyFile,
}

pub(crate) fn run(args: &Prove, common: &Common) -> Result<u8, Failure> {
    let form = output::format(common);
    if !matches!(form, Format::Text | Format::Json) {
        return usage("a proof is written as text or json; use --format text or --format json");
    }
    let claim = claim(args)?;
    // A wrong password must not cost a long proof.
    let key = if args.attest { args.key.open()? } else { None };
    let mut paths = args.paths.clone();
    let target = paths.pop().unwrap_or_default();
    // What a claim names is a source too.
    for key in ["base", "adapter"] {
        if let Some(path) = claim.text(key)
            && !paths.iter().any(|known| same_place(known, path))
        {
            if !std::path::Path::new(path).exists() {
                return usage(format!(
                    "the claim's {key} is {path}, which is not there; its paths are relative to the working directory"
                ));
            }
            paths.push(path.to_owned());
        }
    }
    if paths.is_empty() {
        return usage(
            "prove takes what it was made from and then what was made: modelward prove SOURCE TARGET",
        );
    }
    let options = settings::contents(common);
    let mut opened: Vec<Opened> = Vec::with_capacity(paths.len() + 1);
    for path in paths.iter().chain([&target]) {
        opened.push(source::open(path)?);
    }
    let mut sources: Vec<Model> = Vec::with_capacity(opened.len());
    for subject in &opened {
        sources.push(open_model(subject, &options)?);
    }
    let Some(target) = sources.pop() else {
        return usage(
            "prove takes what it was made from and then what was made: modelward prove SOURCE TARGET",
        );
    };
    let total = sources.iter().map(Model::size).sum::<u64>() + target.size();
    let bar = Bar::named("proving", total, common.quiet);
    let read = AtomicU64::new(0);
    let tell = |bytes: u64| {
        read.fetch_add(bytes, Ordering::Relaxed);
        bar.advance(bytes);
    };
    let case = Case {
        sources: &sources,
        target: &target,
        claim: &claim,
        tell: &tell,
    };
    let began = std::time::Instant::now();
    let proof = match prove(&case, args.relation.as_deref()) {
        Ok(proof) => proof,
        Err(message) => return usage(message),
    };
    bar.finish();
    let shown = render::proof::Shown {
        proof: &proof,
        sources: &sources,
        target: &target,
        at_least: args.at_least,
        read: read.load(Ordering::Relaxed),
        elapsed: began.elapsed(),
    };
    let text = match form {
        Format::Json => render::proof::json(&shown),
        _ => render::proof::text(&shown, &output::options(common)),
    };
    output::answer(common, &text)?;
    if let Some(key) = &key {
        attest(&proof, &opened, &target, key, common)?;
    }
    Ok(match proof.grade {
        Grade::Refuted => FOUND,
        grade if grade <= args.at_least => FINE,
        _ => UNDECIDED,
    })
}

/// Signs the outcome, whatever it is, and adds it to the target's claims.
fn attest(
    proof: &Proof,
    opened: &[Opened],
    target: &Model,
    key: &SigningKey,
    common: &Common,
) -> Result<(), Failure> {
    let cache = settings::digest_cache(common);
    let options = settings::reading(common, cache.as_ref(), None);
    let mut named = Vec::with_capacity(opened.len());
    for subject in opened {
        let Some(root) = identity(subject, &options).root else {
            return usage(format!(
                "{}: not every file can be read, so no statement can name it",
                subject.source.given
            ));
        };
        named.push(Resource::named(&subject.name, &root));
    }
    settings::save(cache, common);
    let (Some(mut subject), Some(place)) =
        (named.pop(), opened.last().and_then(|o| o.root.as_deref()))
    else {
        return usage("what comes from standard input has no place for a statement beside it");
    };
    if let Some(print) = fingerprint(target, &|_| {}).fingerprint {
        subject
            .annotations
            .insert(FINGERPRINT.to_owned(), print.into());
    }
    let sources = named
        .into_iter()
        .map(|source| source.used_as("source"))
        .collect();
    let count = |grade: Grade| proof.tensors.iter().filter(|t| t.grade == grade).count() as u64;
    let worst = proof.tensors.iter().find(|tensor| tensor.worst.is_some());
    let mut verifier = serde_json::Map::new();
    verifier.insert("name".to_owned(), "modelward".into());
    verifier.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    let predicate = ConversionProof {
        sources,
        relation: proof.relation.clone(),
        grade: proof.grade.to_string(),
        verifier,
        tensors: ProofCounts {
            exact: count(Grade::Exact),
            nearest_code: count(Grade::NearestCode),
            bounded: count(Grade::Bounded),
            structural: count(Grade::Structural),
            refuted: count(Grade::Refuted),
            unexplained: proof.unexplained.len() as u64,
            ..ProofCounts::default()
        },
        worst: worst.and_then(|tensor| serde_json::to_value(tensor).ok()),
        metadata: proof
            .differences
            .iter()
            .filter_map(|difference| serde_json::to_value(difference).ok())
            .collect(),
        at: settings::now(common),
        rest: serde_json::Map::new(),
    };
    let statement = Statement::about(subject, &predicate)?;
    let bundle = sign_statement(key, IN_TOTO, statement.to_bytes()?);
    let claims = Places::of(place).claims;
    append(&claims, &[bundle.to_line().into_bytes()])?;
    output::remark(common, &format!("signed and added to {}", claims.display()));
    Ok(())
}

fn claim(args: &Prove) -> Result<Claim, Failure> {
    let Some(path) = &args.claim else {
        return Ok(Claim::default());
    };
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) => {
            return usage(format!(
                "{}: the claim cannot be read ({error})",
                path.display()
            ));
        }
    };
    match Claim::parse(&text) {
        Ok(claim) => Ok(claim),
        Err(why) => usage(format!("{}: {why}", path.display())),
    }
}

fn same_place(one: &str, other: &str) -> bool {
    let place = |path: &str| std::fs::canonicalize(path).ok();
    one == other || place(one).is_some() && place(one) == place(other)
}

fn grade(text: &str) -> Result<Grade, String> {
    Grade::ALL
        .into_iter()
        .find(|grade| grade.as_str() == text && *grade != Grade::Refuted)
        .ok_or_else(|| "use exact, nearest-code, bounded, structural or claimed".to_owned())
}
