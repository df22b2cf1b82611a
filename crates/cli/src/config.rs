//! `modelward.toml`, looked for upwards from the working directory. Arguments
//! and the environment win over it, and nothing in an artifact is ever
//! configuration: a file that lies inside a subject is not used.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::args::{Actor, Command, Common};
use crate::failure::{Failure, usage};
use crate::output;

const NAME: &str = "modelward.toml";

/// Paths are relative to the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    registry: Option<PathBuf>,
    policy: Option<PathBuf>,
    trust_root: Option<PathBuf>,
    private_key: Option<PathBuf>,
    actor: Option<String>,
    jobs: Option<u16>,
}

/// Fills in what was not said.
pub(crate) fn apply(command: &mut Command, common: &mut Common) -> Result<(), Failure> {
    let Some(file) = find() else { return Ok(()) };
    if subjects(command)
        .iter()
        .any(|subject| lies_in(&file, subject))
    {
        output::remark(
            common,
            &format!("{} lies in the model and is not used", file.display()),
        );
        return Ok(());
    }
    let config = read(&file)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let here = |path: PathBuf| folder.join(path);
    common.registry = common.registry.take().or(config.registry.map(here));
    common.policy = common.policy.take().or(config.policy.map(here));
    common.trust_root = config.trust_root.map(here);
    common.private_key = config.private_key.map(here);
    common.jobs = common
        .jobs
        .or(config.jobs.filter(|jobs| (1..=64).contains(jobs)));
    if let Some(actor) = actor(command) {
        actor.actor = actor.actor.take().or(config.actor);
    }
    Ok(())
}

fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .map(|folder| folder.join(NAME))
        .find(|file| file.is_file())
}

fn read(file: &Path) -> Result<Config, Failure> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => return usage(format!("{}: {error}", file.display())),
    };
    toml::from_str(&text).or_else(|error| {
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        usage(format!(
            "{}:{line}:{column}: {}",
            file.display(),
            error.message().replace('\n', " ")
        ))
    })
}

fn subjects(command: &Command) -> Vec<String> {
    match command {
        Command::Scan(scan) => scan.paths.clone(),
        Command::Gate(gate) => gate.paths.clone(),
        Command::Sign(sign) => typed(&sign.model),
        Command::Verify(verify) => typed(&verify.model),
        Command::Attest(args) => args.subject().into_iter().collect(),
        Command::Evidence(args) => vec![args.subject()],
        _ => Vec::new(),
    }
}

fn typed(paths: &[PathBuf]) -> Vec<String> {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    paths.iter().map(text).collect()
}

fn lies_in(file: &Path, subject: &str) -> bool {
    match (std::fs::canonicalize(file), std::fs::canonicalize(subject)) {
        (Ok(file), Ok(subject)) => file.starts_with(subject),
        _ => false,
    }
}

fn actor(command: &mut Command) -> Option<&mut Actor> {
    match command {
        Command::Gate(gate) => Some(&mut gate.actor),
        Command::Approve(approve) => Some(&mut approve.actor),
        Command::Exempt(exempt) => Some(&mut exempt.actor),
        Command::Attest(args) => args.actor(),
        Command::Record(args) => Some(&mut args.actor),
        _ => None,
    }
}
