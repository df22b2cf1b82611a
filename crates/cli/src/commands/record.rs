//! `modelward record`: runs a command that makes a model, and signs how.

use std::path::{Path, PathBuf};

use clap::Args;
use modelward_engine::record::{Recording, after, before, run as run_command};
use modelward_trust::Bundle;
use modelward_trust::evidence::{Operation, Places, Statement, append, read_beside};
use serde_json::{Map, Value};

use super::attest::{unknown_operation, value};
use crate::args::{Actor, Common};
use crate::failure::{Failure, usage};
use crate::signing::{self, Signing};
use crate::{output, settings};

#[derive(Debug, Args)]
pub(crate) struct Record {
    /// train, fine-tune, adapter-train, merge, convert, quantize, prune, re-shard, re-export,
    /// repackage, tokenizer-edit, template-edit or download
    #[arg(long, default_value = "convert")]
    pub(crate) operation: String,
    /// What goes in: ROLE=PATH, ROLE=sha256:… or origin=URL; without a role it is the base. Roles
    /// of models: base, source, adapter, teacher; of others: dataset, code, config, calibration
    #[arg(long = "input", value_name = "ROLE=WHAT")]
    pub(crate) inputs: Vec<String>,
    /// The model that comes out, file or folder, as --output names it; repeat for more
    #[arg(long = "out", value_name = "PATH")]
    pub(crate) outputs: Vec<PathBuf>,
    /// Record this variable's value too; never one whose name says that it is secret
    #[arg(long = "env", value_name = "NAME")]
    pub(crate) variables: Vec<String>,
    /// A parameter: NAME=VALUE, the value as JSON or text
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) parameters: Vec<String>,
    /// Who builds, in its own words [default: who acts]
    #[arg(long, value_name = "WHO")]
    pub(crate) builder: Option<String>,
    #[command(flatten)]
    pub(crate) actor: Actor,
    #[command(flatten)]
    pub(crate) signing: Signing,
    /// The command, after --
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) argv: Vec<String>,
}

pub(crate) fn run(args: &Record, common: &Common) -> Result<u8, Failure> {
    let Some(operation) = Operation::of_word(&args.operation) else {
        return usage(unknown_operation(&args.operation));
    };
    let outputs: Vec<PathBuf> = common.output.iter().chain(&args.outputs).cloned().collect();
    if outputs.is_empty() {
        return usage("nothing says what comes out; name it by --output PATH");
    }
    // Before hours of work, not after.
    let key = args.signing.key(common)?;
    let inputs = inputs(&args.inputs)?;
    let cache = settings::digest_cache(common);
    let builder = args
        .builder
        .clone()
        .unwrap_or_else(|| settings::actor(&args.actor));
    let recording = Recording {
        operation,
        inputs: &inputs,
        outputs: &outputs,
        argv: &args.argv,
        variables: &args.variables,
        parameters: parameters(&args.parameters)?,
        builder: &builder,
        cache: cache.as_ref(),
    };
    let found = before(&recording).or_else(|error| usage(error.to_string()))?;
    let carried = carried(&inputs)?;
    let ended = run_command(&args.argv).or_else(|error| usage(error.to_string()))?;
    if ended.code != 0 {
        output::remark(
            common,
            &format!("nothing is recorded: the command ended with {}", ended.code),
        );
        return Ok(code(ended.code));
    }
    let made = after(&recording, found, ended.code).or_else(|error| usage(error.to_string()))?;
    let registry = signing::registry_if_there(common)?;
    for made in made {
        let opened = modelward_engine::source::open(&made.place.display().to_string())?;
        let artifact =
            signing::fingerprinted(made.artifact.clone(), &opened, cache.as_ref(), common)?;
        let subject = modelward_engine::evidence::subject(&artifact);
        let statement = Statement::about(subject, &made.provenance)?;
        let claims = Places::of(&made.place).claims;
        append(&claims, &carried).or_else(|error| usage(error.to_string()))?;
        let (id, place) = signing::put(&key, &statement, &made.place, registry.as_ref())?;
        for lack in made.provenance.lacks() {
            output::remark(
                common,
                &format!("the record of {} {}", made.place.display(), lack.message),
            );
        }
        if made.provenance.is_dirty() {
            output::remark(
                common,
                "the code has changes that are not committed; the record says so",
            );
        }
        output::remark(
            common,
            &format!(
                "recorded {} of {} ({}) in {}, statement {id}",
                operation.word(),
                made.place.display(),
                made.artifact.digest,
                place.display()
            ),
        );
    }
    settings::save(cache, common);
    Ok(0)
}

fn code(code: i32) -> u8 {
    u8::try_from(code).unwrap_or(1)
}

/// What is stated about the models that go in goes on with what comes out, their
/// signatures too, so that one file tells the whole history.
fn carried(inputs: &[(String, String)]) -> Result<Vec<Vec<u8>>, Failure> {
    let mut out = Vec::new();
    for (_, subject) in inputs {
        let path = Path::new(subject);
        if subject.contains("://") || !path.exists() {
            continue;
        }
        let lines = read_beside(&Places::of(path)).or_else(|error| usage(error.to_string()))?;
        for line in lines {
            if let Ok(bundle) = Bundle::parse(&line.bytes) {
                // As it is where it is one line, else written again: what is
                // signed is within.
                let whole = !line.bytes.contains(&b'\n');
                out.push(if whole {
                    line.bytes
                } else {
                    bundle.to_line().into_bytes()
                });
            }
        }
    }
    Ok(out)
}

/// `ROLE=WHAT`; what has no role is the base.
pub(super) fn inputs(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let is_role =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    given
        .iter()
        .map(|text| match text.split_once('=') {
            Some((role, "")) => usage(format!("--input {role}=: names nothing")),
            Some((role, what)) if is_role(role) => Ok((role.to_owned(), what.to_owned())),
            _ => Ok(("base".to_owned(), text.clone())),
        })
        .collect()
}

/// `NAME=VALUE`.
pub(super) fn parameters(given: &[String]) -> Result<Map<String, Value>, Failure> {
    given
        .iter()
        .map(|text| match text.split_once('=') {
            Some((name, text)) if !name.is_empty() => Ok((name.to_owned(), value(text))),
            _ => usage(format!("--param {text}: is not NAME=VALUE")),
        })
        .collect()
}
