//! `modelward inspect`: what a model is made of. So far its graphs: what looks
//! like logic that waits for a trigger, and inputs that fire it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use modelward_cli::render::Format;
use modelward_cli::render::graph::{self, Replayed};
use modelward_engine::deep::{self, Witness};
use modelward_engine::source;
use modelward_schema::Severity;

use crate::args::Common;
use crate::failure::{FINE, FOUND, Failure, UNDECIDED, usage};
use crate::output;
use crate::settings;

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// File, folder, archive, Hugging Face snapshot, or hf:org/name[@rev] (local cache)
    pub(crate) path: String,
    /// Show the computation graphs and what is odd about them
    #[arg(long, required = true)]
    pub(crate) graph: bool,
    /// Look for inputs that fire suspected signals, and prove what they do
    #[arg(long)]
    pub(crate) prove: bool,
    /// With --prove: keep the inputs that were found in DIR
    #[arg(long, value_name = "DIR", requires = "prove")]
    pub(crate) witness_dir: Option<PathBuf>,
    /// Run a kept witness again and say what it does
    #[arg(long, value_name = "FILE", conflicts_with = "prove")]
    pub(crate) replay: Option<PathBuf>,
}

pub(crate) fn run(args: &Inspect, common: &Common) -> Result<u8, Failure> {
    let form = output::format(common);
    if !matches!(form, Format::Text | Format::Json) {
        return usage("a graph is shown as text or json; use --format text or --format json");
    }
    let opened = source::open(&args.path)?;
    if let Some(file) = &args.replay {
        let witness = std::fs::read(file)
            .with_context(|| format!("failed to read the witness {}", file.display()))?;
        let answers: Vec<Replayed> = deep::replay(&opened, &witness)?
            .into_iter()
            .map(|(path, answer)| Replayed { path, answer })
            .collect();
        output::answer(common, &graph::replayed(&answers, form == Format::Json))?;
        let proven = |answer: &Replayed| {
            let answer = answer.answer.as_ref().ok();
            answer.and_then(|answer| answer["proven"].as_bool())
        };
        return Ok(if answers.iter().any(|a| proven(a) == Some(true)) {
            FOUND
        } else if answers.iter().any(|a| proven(a) == Some(false)) {
            FINE
        } else {
            UNDECIDED
        });
    }
    let cache = settings::digest_cache(common);
    let options = settings::reading(common, cache.as_ref(), None);
    let mut report = modelward_engine::scan(&opened, &options)?;
    settings::save(cache, common);
    if args.prove {
        let witnesses = deep::prove(&opened, &mut report)?;
        keep(args.witness_dir.as_deref(), &witnesses)?;
    }
    output::answer(
        common,
        &graph::shown(&report, form == Format::Json, args.prove),
    )?;
    let odd = report
        .findings
        .iter()
        .any(|f| f.severity >= Severity::High && f.rule.starts_with("graph-"));
    Ok(if odd {
        FOUND
    } else if report.facts.graphs.is_empty() || !report.facts.coverage.complete {
        UNDECIDED
    } else {
        FINE
    })
}

/// Writes each witness and what it does beside it.
pub(crate) fn keep(folder: Option<&Path>, witnesses: &[Witness]) -> Result<(), Failure> {
    let Some(folder) = folder else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .with_context(|| format!("failed to make {}", folder.display()))?;
    for witness in witnesses {
        let place = folder.join(&witness.name);
        output::write_whole(&place, &witness.bytes)
            .with_context(|| format!("failed to write {}", place.display()))?;
        let place = place.with_extension("json");
        let mut text = serde_json::to_string_pretty(&witness.proof).context("no proof")?;
        text.push('\n');
        output::write_whole(&place, text.as_bytes())
            .with_context(|| format!("failed to write {}", place.display()))?;
    }
    Ok(())
}
