//! `modelward identity`: the names that an artifact's bytes give it.

use clap::Args;
use modelward_cli::render::{self, Format};
use modelward_engine::{identity, open_model, source};
use modelward_lineage::fingerprint;

use crate::args::Common;
use crate::failure::{FINE, Failure, UNDECIDED, usage};
use crate::output;
use crate::progress::Bar;
use crate::settings;

#[derive(Debug, Args)]
pub(crate) struct Identity {
    /// File, folder, archive, Hugging Face snapshot, hf:org/name[@rev] (local cache), or -
    pub(crate) path: String,
    /// Do not read the tensors: only the files' digests
    #[arg(long)]
    pub(crate) files_only: bool,
}

pub(crate) fn run(args: &Identity, common: &Common) -> Result<u8, Failure> {
    let form = output::format(common);
    if !matches!(form, Format::Text | Format::Json) {
        return usage("an identity is written as text or json; use --format text or --format json");
    }
    let opened = source::open(&args.path)?;
    let cache = settings::digest_cache(common);
    let bar = Bar::over(&opened, common);
    let tell = |bytes| bar.advance(bytes);
    let options = settings::reading(common, cache.as_ref(), Some(&tell));
    let named = identity(&opened, &options);
    bar.finish();
    let prints = if args.files_only {
        None
    } else {
        let model = open_model(&opened, &options)?;
        let bar = Bar::named("reading", model.size(), common.quiet);
        let prints = fingerprint(&model, &|bytes| bar.advance(bytes));
        bar.finish();
        Some((prints, model.facts))
    };
    settings::save(cache, common);
    let mut gaps = named.gaps;
    let (prints, facts) = prints.unzip();
    let facts = facts.unwrap_or_default();
    gaps.extend(facts.coverage.gaps);
    let shown = render::identity::Shown {
        name: &opened.name,
        root: named.root.as_deref(),
        files: &named.files,
        tensors: prints.as_ref(),
        graphs: &facts.graphs,
        gaps: &gaps,
    };
    let text = match form {
        Format::Json => render::identity::json(&shown),
        _ => render::identity::text(&shown, &output::options(common)),
    };
    output::answer(common, &text)?;
    Ok(if gaps.is_empty() { FINE } else { UNDECIDED })
}
