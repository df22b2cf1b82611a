//! Measures on labelled files what is found and what is wrongly flagged.
//!
//! Reading and judging run in this process, without the sandbox: the figures
//! are those of the readers and rules alone.

mod baseline;
mod csv;
mod graphs;
mod measure;
mod scope;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use measure::Outcome;

/// What the command line asks for.
#[derive(Debug, Default)]
struct Options {
    folder: Option<PathBuf>,
    only: Option<String>,
    verbose: bool,
    facts: bool,
    bless: bool,
}

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    if let Some((first, rest)) = args.split_first()
        && first == "graphs"
    {
        return graphs::run(rest);
    }
    let options = parse(args)?;
    let given = options.folder.is_some();
    let folder = options.folder.clone().unwrap_or_else(default_folder);
    if !folder.join("MANIFEST.csv").is_file() {
        if given {
            bail!("{} has no MANIFEST.csv", folder.display());
        }
        println!("skipped: no labelled files at {}", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let text = std::fs::read_to_string(folder.join("MANIFEST.csv"))
        .with_context(|| format!("failed to read {}", folder.display()))?;
    let mut rows = csv::rows(&text)?;
    if let Some(only) = &options.only {
        rows.retain(|row| {
            [&row.path, &row.technique, &row.format, &row.class]
                .iter()
                .any(|text| text.contains(only.as_str()))
        });
    }
    let outcomes = measure::all(&folder, &rows);
    if options.verbose {
        table::print_failures(&outcomes, options.facts);
    }
    table::print(&outcomes);
    // Another folder, or a part of this one, has figures of its own.
    if given || options.only.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    let figures = baseline::Figures::of(&outcomes);
    if options.bless {
        figures.write(&baseline_path())?;
        return Ok(ExitCode::SUCCESS);
    }
    let worse = figures.worse_than(&baseline::Figures::read(&baseline_path())?);
    for line in &worse {
        println!("worse than the baseline: {line}");
    }
    Ok(if worse.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn parse(args: &[String]) -> Result<Options> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--folder" => options.folder = Some(PathBuf::from(value()?)),
            "--match" => options.only = Some(value()?.clone()),
            "--verbose" => options.verbose = true,
            "--facts" => options.facts = true,
            "--bless" => options.bless = true,
            other => bail!("unknown option {other}"),
        }
    }
    Ok(options)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or_else(|| Path::new("."))
}

fn baseline_path() -> PathBuf {
    root().join("xtask/corpus-baseline.toml")
}

fn default_folder() -> PathBuf {
    std::env::var_os("MODELWARD_SHARED")
        .map_or_else(|| root().join("../shared"), PathBuf::from)
        .join("corpus/files")
}

/// Whether a sample did what its label asks.
fn passes(outcome: &Outcome) -> bool {
    use modelward_schema::Severity::{High, Low, Medium};
    match outcome.row.min_severity.as_str() {
        "high" => outcome.worst() >= Some(High),
        "medium" => outcome.worst() >= Some(Medium),
        "low" => outcome.worst() >= Some(Low),
        "<high" => outcome.worst() < Some(High),
        _ => true,
    }
}
