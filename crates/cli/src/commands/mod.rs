//! One file per verb.

mod approve;
pub(crate) mod attest;
mod blob;
pub(crate) mod bom;
pub(crate) mod diff;
pub(crate) mod evidence;
mod exempt;
mod explain;
mod gate;
pub(crate) mod identity;
mod init;
pub(crate) mod inspect;
pub(crate) mod keygen;
pub(crate) mod lineage;
mod log;
mod policy;
pub(crate) mod prove;
pub(crate) mod record;
mod replay;
mod scan;
mod show;
pub(crate) mod sign;
pub(crate) mod signing;
mod sigstore;
pub(crate) mod verify;

use clap::{CommandFactory, ValueEnum};

use crate::args::{Cli, Command};
use crate::failure::{FINE, Failure, usage};
use crate::output;

/// Does what was asked and says how it ended.
pub(crate) fn run(cli: Cli) -> Result<u8, Failure> {
    let Cli {
        mut command,
        mut common,
    } = cli;
    crate::config::apply(&mut command, &mut common)?;
    let form = output::format(&common);
    let fits = match command {
        Command::Bom(_) => form.is_bill() || common.format.is_none(),
        Command::Lineage(_) => !form.is_bill(),
        _ => form.is_report(),
    };
    if !fits {
        return usage(format!(
            "this verb does not write {}; its --help names the forms it has",
            form.to_possible_value()
                .map_or_else(String::new, |value| value.get_name().to_owned())
        ));
    }
    match command {
        Command::Bom(args) => bom::run(&args, &common),
        Command::Scan(args) => scan::run(&args, &common),
        Command::Gate(args) => gate::run(&args, &common),
        Command::Init(args) => init::run(&args, &common),
        Command::Inspect(args) => inspect::run(&args, &common),
        Command::Show(args) => show::run(&args, &common),
        Command::Lineage(args) => lineage::run(&args, &common),
        Command::Log(args) => log::run(&args, &common),
        Command::Explain(args) => explain::run(&args, &common),
        Command::Approve(args) => approve::run(&args, &common),
        Command::Diff(args) => diff::run(&args, &common),
        Command::Exempt(args) => exempt::run(&args, &common),
        Command::Attest(args) => attest::run(&args, &common),
        Command::Evidence(args) => evidence::run(&args, &common),
        Command::Record(args) => record::run(&args, &common),
        Command::Replay(args) => replay::run(&args, &common),
        Command::Prove(args) => prove::run(&args, &common),
        Command::Identity(args) => identity::run(&args, &common),
        Command::Policy(args) => policy::run(&args, &common),
        Command::Keygen(args) => keygen::run(&args, &common),
        Command::Sign(args) => sign::run(&args, &common),
        Command::Verify(args) => verify::run(&args, &common),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "modelward", &mut script);
            output::answer(&common, &String::from_utf8_lossy(&script))?;
            Ok(FINE)
        }
    }
}

/// `NAME@VERSION` → both; `NAME` → the name alone.
fn split_model(model: &str) -> (Option<String>, Option<String>) {
    match model.split_once('@') {
        Some((name, version)) => (Some(name.to_owned()), Some(version.to_owned())),
        None => (Some(model.to_owned()), None),
    }
}

/// The newest decision on `NAME@VERSION`, which approvals and exemptions speak of.
fn newest(
    registry: &modelward_registry::Registry,
    model: &str,
) -> Result<modelward_schema::DecisionRecord, Failure> {
    let (name, version) = split_model(model);
    if version.is_none() {
        return usage(format!(
            "{model}: name the version too, as in {model}@1.0.0"
        ));
    }
    let filter = modelward_registry::DecisionFilter {
        name,
        version,
        artifact: None,
        limit: 1,
    };
    match registry.decisions(&filter)?.into_iter().next() {
        Some(decision) => Ok(decision),
        None => usage(format!(
            "{model} is not in the registry; modelward gate puts it there, modelward log lists what is"
        )),
    }
}

/// Signs when a key is named: the statement goes on record and, when a model is
/// named, beside it.
fn sign_and_keep(
    signing: &crate::signing::Signing,
    beside: Option<&std::path::Path>,
    statement: &modelward_trust::evidence::Statement,
    registry: &modelward_registry::Registry,
    common: &crate::args::Common,
) -> Result<(), Failure> {
    let Some(key) = signing.key_if_named(common)? else {
        return match beside {
            Some(_) => usage("--beside takes a signed statement; name a key by --private-key FILE"),
            None => Ok(()),
        };
    };
    let bundle = modelward_trust::evidence::sign(&key, statement)?;
    if let Some(root) = beside {
        let place = modelward_trust::evidence::Places::of(root).claims;
        return crate::signing::put_line(&bundle, &place, Some(registry));
    }
    modelward_engine::evidence::keep_line(registry, &bundle)?;
    Ok(())
}
