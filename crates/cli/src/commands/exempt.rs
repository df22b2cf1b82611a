//! `modelward exempt`: named reasons are accepted for a while.

use modelward_schema::Exemption;

use crate::args::{Common, Exempt};
use crate::failure::{FINE, Failure};
use crate::{output, settings};

pub(crate) fn run(args: &Exempt, common: &Common) -> Result<u8, Failure> {
    let registry = settings::existing_registry(common)?;
    let decision = super::newest(&registry, &args.model)?;
    // Through the whole last day, wherever that ends last on earth is not asked: UTC.
    let end = args
        .until
        .tomorrow()?
        .to_zoned(jiff::tz::TimeZone::UTC)?
        .timestamp();
    let exemption = registry.exempt(Exemption {
        id: String::new(),
        codes: args.codes.clone(),
        digest: decision.artifact.clone(),
        reason: args.reason.clone(),
        compensating_control: args.compensating_control.clone(),
        requested_by: args.requested_by.clone(),
        approved_by: settings::actor(&args.actor),
        not_before: settings::now(common),
        not_after: end.to_string(),
    })?;
    let text = format!(
        "exempted {} from {} until {}, approved by {}  ({})\n",
        args.model,
        exemption.codes.join(", "),
        exemption.not_after,
        exemption.approved_by,
        exemption.digest
    );
    output::answer(common, &text)?;
    Ok(FINE)
}
