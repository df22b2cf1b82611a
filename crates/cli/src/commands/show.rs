//! `modelward show`: a model's passport.

use modelward_cli::render::passport::{Passport, Version};
use modelward_cli::render::{self, Format};
use modelward_engine::replay::report_of;

use crate::args::{Common, Show};
use crate::failure::{FINE, Failure, usage};
use crate::{output, settings};

pub(crate) fn run(args: &Show, common: &Common) -> Result<u8, Failure> {
    let registry = settings::existing_registry(common)?;
    let (name, version) = super::split_model(&args.model);
    let name = name.unwrap_or_default();
    let known = match &version {
        Some(version) => registry.version(&name, version)?,
        None => registry.model(&name)?,
    };
    let Some(known) = known else {
        let all = registry.models()?.join(", ");
        return usage(format!(
            "{} is not in the registry; it holds {all}",
            args.model
        ));
    };
    let newest = known.decisions.first().map(|decision| decision.number);
    let report = match newest {
        Some(number) => report_of(&registry, number)?.map(|(_, report)| report),
        None => None,
    };
    let (manifest, verdict) = report.map_or((None, None), |r| (r.manifest, r.verdict));
    let passport = Passport {
        name: known.name,
        versions: known
            .versions
            .into_iter()
            .map(|known| Version {
                version: Some(known.version),
                digest: known.bound.unwrap_or(known.latest.artifact),
                since: known.latest.at,
            })
            .collect(),
        manifest,
        facets: verdict.map_or_else(Vec::new, |verdict| verdict.facets),
        decisions: known.decisions,
        approvals: known.approvals,
        exemptions: known.exemptions,
    };
    let text = match output::format(common) {
        Format::Json => render::passport::json(&passport),
        _ => render::passport::text(&passport, &output::options(common)),
    };
    output::answer(common, &text)?;
    Ok(FINE)
}
