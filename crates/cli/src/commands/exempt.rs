//! `modelward exempt`: named reasons are accepted for a while.

use modelward_schema::Exemption;
use modelward_trust::evidence::{self as say, Resource, Statement};

use crate::args::{Common, Exempt};
use crate::failure::{FINE, Failure};
use crate::{output, settings};

pub(crate) fn run(args: &Exempt, common: &Common) -> Result<u8, Failure> {
    let registry = settings::existing_registry(common)?;
    let decision = super::newest(&registry, &args.model)?;
    let terms = &args.terms;
    let exemption = registry.exempt(Exemption {
        id: String::new(),
        codes: terms.codes.clone(),
        digest: decision.artifact.clone(),
        reason: terms.reason.clone(),
        compensating_control: terms.compensating_control.clone(),
        requested_by: terms.requested_by.clone(),
        approved_by: settings::actor(&args.actor),
        not_before: settings::now(common),
        not_after: terms.end()?.to_string(),
    })?;
    let said = say::Exemption {
        codes: exemption.codes.clone(),
        reason: exemption.reason.clone(),
        compensating_control: exemption.compensating_control.clone(),
        requested_by: exemption.requested_by.clone(),
        approved_by: exemption.approved_by.clone(),
        not_before: exemption.not_before.clone(),
        not_after: exemption.not_after.clone(),
        rest: serde_json::Map::new(),
    };
    let subject = Resource::named(&decision.name, &decision.artifact);
    super::sign_and_keep(
        &args.signing,
        args.beside.as_deref(),
        &Statement::about(subject, &said)?,
        &registry,
        common,
    )?;
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
