//! `modelward lineage`: how a model came to be, drawn.

use clap::Args;
use modelward_cli::render::{Format, history};
use modelward_engine::evidence::{Identified, Sources, gather};
use modelward_engine::{Options, open_model, source};
use modelward_lineage::{Case, Claim, Model, prove};
use modelward_schema::ReferenceKind;

use crate::args::Common;
use crate::failure::{FINE, FOUND, Failure, UNDECIDED, usage};
use crate::signing::{self, Trusting};
use crate::{output, settings};

/// Drawn from the statements beside the model and in the registry that count by
/// the trust root; what manifest and model card only say is drawn as claimed.
#[derive(Debug, Args)]
pub(crate) struct Lineage {
    /// File or folder of the model
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) trust: Trusting,
    /// A model that it was made from, as a path; repeat for more
    #[arg(long = "parent", value_name = "PATH")]
    pub(crate) parents: Vec<String>,
    /// Recompute every step whose two ends are at hand
    #[arg(long, requires = "parents")]
    pub(crate) prove: bool,
}

/// A model whose bytes are at hand, and its node.
struct Present {
    node: usize,
    opened: source::Opened,
}

pub(crate) fn run(args: &Lineage, common: &Common) -> Result<u8, Failure> {
    let form = output::format(common);
    if !matches!(
        form,
        Format::Text | Format::Json | Format::Svg | Format::Mermaid
    ) {
        return usage("a lineage is drawn as text, json, svg or mermaid; say which by --format");
    }
    let trust = args.trust.root(common)?;
    let cache = settings::digest_cache(common);
    let opened = source::open(&args.path)?;
    let mut artifact = signing::identified(&opened, cache.as_ref(), common)?;
    let manifest = settings::manifest(&opened, None)?;
    if let Some(manifest) = &manifest {
        artifact.name.clone_from(&manifest.name);
    }
    let registry = signing::registry_if_there(common)?;
    let found = gather(
        opened.root.as_deref(),
        &artifact,
        Sources {
            trust: trust.as_ref(),
            registry: registry.as_ref(),
        },
    )?;
    let mut drawn = history::History::new(&artifact.name, &found.digest, found.chain.as_ref());
    if let Some(manifest) = &manifest {
        drawn.add_manifest(manifest);
    }
    let options = settings::contents(common);
    let report = modelward_engine::scan(&opened, &options)?;
    for reference in &report.facts.references {
        if reference.kind == ReferenceKind::BaseModel {
            drawn.add_named(&reference.value);
        }
    }
    let mut present = Vec::new();
    for path in &args.parents {
        let opened = source::open(path)?;
        let Identified { name, digest, .. } = signing::identified(&opened, cache.as_ref(), common)?;
        let node = drawn.add_present(&name, &digest);
        present.push(Present { node, opened });
    }
    settings::save(cache, common);
    if args.prove {
        present.push(Present { node: 0, opened });
        recompute(&mut drawn, &present, &options)?;
    }
    let text = match form {
        Format::Json => history::json(&drawn),
        Format::Svg => history::svg(&drawn),
        Format::Mermaid => history::mermaid(&drawn),
        _ => history::text(&drawn, &output::options(common)),
    };
    output::answer(common, &text)?;
    Ok(if drawn.is_refuted() {
        FOUND
    } else if drawn.is_complete() {
        FINE
    } else {
        UNDECIDED
    })
}

/// Proves every step into a model from all of its sources that are at hand.
fn recompute(
    drawn: &mut history::History,
    present: &[Present],
    options: &Options<'_>,
) -> Result<(), Failure> {
    for target in present {
        let into: Vec<usize> = drawn
            .edges
            .iter()
            .filter(|edge| edge.to == target.node && edge.role != "named")
            .map(|edge| edge.from)
            .collect();
        let at_hand: Vec<&Present> = present
            .iter()
            .filter(|present| into.contains(&present.node))
            .collect();
        // Half of a merge proves nothing.
        if at_hand.is_empty() || at_hand.len() < into.len() {
            continue;
        }
        let relation = drawn
            .edges
            .iter()
            .find(|edge| edge.to == target.node)
            .and_then(|edge| relation_of(&edge.operation));
        let mut sources: Vec<Model> = Vec::with_capacity(at_hand.len());
        for source in at_hand {
            sources.push(open_model(&source.opened, options)?);
        }
        let case = Case {
            sources: &sources,
            target: &open_model(&target.opened, options)?,
            claim: &Claim::default(),
            tell: &|_| {},
        };
        let proof = match prove(&case, relation) {
            Ok(proof) => proof,
            Err(message) => return usage(message),
        };
        for edge in drawn
            .edges
            .iter_mut()
            .filter(|edge| into.contains(&edge.from))
        {
            if edge.to != target.node {
                continue;
            }
            proof.grade.as_str().clone_into(&mut edge.grade);
            edge.recomputed = true;
            edge.because = proof.reasons.first().cloned();
            if edge.operation.is_empty() {
                edge.operation.clone_from(&proof.relation);
            }
        }
    }
    Ok(())
}

/// The relation that a recorded operation must show; absent when it is to be
/// found (a conversion or a merge can be of several kinds).
fn relation_of(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "fine-tune" => "finetune",
        "prune" => "prune",
        "re-shard" => "reshard",
        "repackage" => "repackage",
        "tokenizer-edit" => "tokenizer-edit",
        _ => return None,
    })
}
