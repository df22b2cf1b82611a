//! `cargo xtask corpus graphs`: what the analysis of graphs finds in planted
//! graphs, and what it says of honest ones.
//!
//! Every third file of a set is counted apart too: figures that come from a few
//! files differ there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use modelward_formats::Limits;
use modelward_schema::{Severity, SuspectKind};
use serde::{Deserialize, Serialize};

/// Files in this set that are planted.
const PLANTED: &str = "planted";

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Figures {
    files: usize,
    high: usize,
    medium: usize,
}

#[derive(Debug)]
struct Outcome {
    path: PathBuf,
    worst: Option<Severity>,
    lines: Vec<String>,
    operators: u64,
    took: Duration,
}

pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let mut folder = None;
    let mut verbose = false;
    let mut bless = false;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--folder" => {
                folder = Some(PathBuf::from(
                    args.next().context("--folder needs a value")?,
                ));
            }
            "--verbose" => verbose = true,
            "--bless" => bless = true,
            other => bail!("unknown option {other}"),
        }
    }
    if let Some(folder) = folder {
        let outcomes = measure(&files(&folder, "")?);
        print("files", &outcomes, verbose, Severity::Info);
        return Ok(ExitCode::SUCCESS);
    }
    let root = shared().join("corpus/graphs");
    if !root.is_dir() {
        println!("skipped: no graphs at {}", root.display());
        return Ok(ExitCode::SUCCESS);
    }
    let mut all = BTreeMap::new();
    for (name, folder) in [
        (PLANTED, "backdoored/models"),
        ("their bases", "backdoored/bases"),
        ("benign", "benign"),
    ] {
        let outcomes = measure(&files(&root.join(folder), "")?);
        let floor = if name == PLANTED {
            Severity::Info
        } else {
            Severity::Medium
        };
        all.insert(name.to_owned(), print(name, &outcomes, verbose, floor));
    }
    judge(&all, bless)
}

/// The floor that is written down, and whether it was kept.
fn judge(all: &BTreeMap<String, Figures>, bless: bool) -> Result<ExitCode> {
    let path = super::root().join("xtask/graphs-baseline.toml");
    if bless {
        let text = format!(
            "# What `cargo xtask corpus graphs` found. Written by `--bless`; never to get worse.\n{}",
            toml::to_string(all)?
        );
        std::fs::write(&path, text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    let before: BTreeMap<String, Figures> = toml::from_str(&text)?;
    let mut worse = false;
    for (name, now) in all {
        let Some(old) = before.get(name) else {
            continue;
        };
        let got_worse = if name == PLANTED {
            now.high < old.high || now.medium < old.medium
        } else {
            now.high > old.high
        };
        if got_worse {
            println!("worse than the baseline: {name}");
            worse = true;
        }
    }
    Ok(if worse {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn shared() -> PathBuf {
    std::env::var_os("MODELWARD_SHARED")
        .map_or_else(|| super::root().join("../shared"), PathBuf::from)
}

fn files(folder: &Path, within: &str) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    let entries = std::fs::read_dir(folder.join(within))
        .with_context(|| format!("failed to read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            out.extend(files(&path, "")?);
        } else {
            out.push(path);
        }
    }
    out.sort();
    Ok(out)
}

/// Files in which there is no graph are left out.
fn measure(files: &[PathBuf]) -> Vec<Outcome> {
    files.iter().filter_map(|path| one(path)).collect()
}

fn one(path: &Path) -> Option<Outcome> {
    let bytes = std::fs::read(path).ok()?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    let mut facts = modelward_formats::read(&name, &bytes, &Limits::default());
    if facts.wirings.is_empty() {
        return None;
    }
    let started = Instant::now();
    modelward_graphs::survey(&mut facts);
    let took = started.elapsed();
    let mut out = Outcome {
        path: path.to_owned(),
        worst: None,
        lines: Vec::new(),
        operators: 0,
        took,
    };
    for analysis in facts
        .graphs
        .iter()
        .filter_map(|graph| graph.analysis.as_ref())
    {
        out.operators += analysis.operators;
        for suspect in &analysis.suspects {
            // What a graph says openly is no hidden logic.
            if suspect.kind != SuspectKind::OpaqueOperator {
                out.worst = out.worst.max(Some(suspect.severity));
            }
            out.lines.push(format!(
                "{:8} {:?}: {}: {}",
                suspect.severity.as_str(),
                suspect.kind,
                suspect.message,
                suspect.reasons.join(", ")
            ));
        }
    }
    Some(out)
}

fn figures<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Figures {
    let mut out = Figures::default();
    for outcome in outcomes {
        out.files += 1;
        out.high += usize::from(outcome.worst >= Some(Severity::High));
        out.medium += usize::from(outcome.worst >= Some(Severity::Medium));
    }
    out
}

fn print(name: &str, outcomes: &[Outcome], verbose: bool, floor: Severity) -> Figures {
    let whole = figures(outcomes.iter());
    let held = figures(outcomes.iter().skip(2).step_by(3));
    let mut times: Vec<Duration> = outcomes.iter().map(|outcome| outcome.took).collect();
    times.sort();
    let operators: u64 = outcomes.iter().map(|outcome| outcome.operators).sum();
    println!(
        "{name}: {} files, {operators} operators; high {} ({}), medium or above {} ({}); every third: {} files, high {}, medium or above {}; {:?} median, {:?} most",
        whole.files,
        whole.high,
        percent(whole.high, whole.files),
        whole.medium,
        percent(whole.medium, whole.files),
        held.files,
        held.high,
        held.medium,
        times.get(times.len() / 2).copied().unwrap_or_default(),
        times.last().copied().unwrap_or_default(),
    );
    if verbose {
        for outcome in outcomes {
            if outcome.worst >= Some(floor) || floor == Severity::Info {
                let worst = outcome.worst.map_or("nothing", Severity::as_str);
                println!("  {worst:8} {}", outcome.path.display());
                for line in outcome.lines.iter().take(4) {
                    println!("      {line}");
                }
            }
        }
    }
    whole
}

fn percent(part: usize, whole: usize) -> String {
    #[allow(clippy::cast_precision_loss, reason = "a percentage")]
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    format!("{share:.1} %")
}
