//! `modelward diff`: what changed between a model and what it was made from.

use clap::Args;
use modelward_cli::render::Format;
use modelward_cli::render::diff::{self as show, Carried, Changes};
use modelward_engine::{Whole, change_of, open_whole, since, source};
use modelward_lineage::{Case, Claim, prove};
use modelward_schema::Severity;

use crate::args::Common;
use crate::failure::{FINE, FOUND, Failure, UNDECIDED, usage};
use crate::{output, settings};

/// Exit codes: 0 identical, weights-only or equivalent; 1 logic was added or
/// planted logic was carried over; 2 the structure drifted, or not everything
/// could be read.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The trusted base, any models on the way (oldest first), and the model in question
    #[arg(required = true, num_args = 2.., value_name = "BASE [PARENT…] MODEL")]
    pub(crate) paths: Vec<String>,
}

pub(crate) fn run(args: &Diff, common: &Common) -> Result<u8, Failure> {
    let form = output::format(common);
    if !matches!(form, Format::Text | Format::Json) {
        return usage(
            "a difference is written as text or json; use --format text or --format json",
        );
    }
    let options = settings::contents(common);
    let mut wholes: Vec<Whole> = Vec::with_capacity(args.paths.len());
    for path in &args.paths {
        wholes.push(open_whole(&source::open(path)?, &options)?);
    }
    let Some(target) = wholes.pop() else {
        return usage("diff takes a base and a model: modelward diff BASE MODEL");
    };
    let comparisons: Vec<_> = wholes.iter().map(|one| change_of(one, &target)).collect();
    let Some((base, graphs)) = wholes.first().zip(comparisons.first().cloned()) else {
        return usage("diff takes a base and a model: modelward diff BASE MODEL");
    };
    let carried: Vec<Carried> = graphs
        .iter()
        .flat_map(|graph| &graph.inherited)
        .filter(|suspect| suspect.severity >= Severity::High)
        .map(|suspect| {
            let since = since(&comparisons, suspect).and_then(|at| wholes.get(at));
            Carried {
                message: suspect.message.clone(),
                since: since.unwrap_or(base).model.given.clone(),
            }
        })
        .collect();
    let mut gaps = base.model.facts.coverage.gaps.clone();
    gaps.extend(target.model.facts.coverage.gaps.iter().cloned());
    let case = Case {
        sources: std::slice::from_ref(&base.model),
        target: &target.model,
        claim: &Claim::default(),
        tell: &|_| {},
    };
    // A fine-tune is the relation that measures every tensor and what lies
    // beside them, whatever else may have changed.
    let weights = match prove(&case, Some("finetune")) {
        Ok(proof) => proof,
        Err(message) => return usage(message),
    };
    let changes = Changes::new(graphs, carried, &weights, gaps);
    let text = match form {
        Format::Json => show::json(&changes),
        _ => show::text(&changes, &output::options(common)),
    };
    output::answer(common, &text)?;
    Ok(match changes.change {
        "logic-added" => FOUND,
        _ if !changes.carried.is_empty() => FOUND,
        "structure-drift" => UNDECIDED,
        _ if !changes.gaps.is_empty() => UNDECIDED,
        _ => FINE,
    })
}
