//! `modelward approve`: somebody in a role says yes to these bytes.

use modelward_engine::gate::digest_of;
use modelward_schema::Approval;
use modelward_trust::evidence::{self as say, Resource, Statement};

use crate::args::{Approve, Common};
use crate::failure::{FINE, Failure, usage};
use crate::{output, settings};

pub(crate) fn run(args: &Approve, common: &Common) -> Result<u8, Failure> {
    let registry = settings::existing_registry(common)?;
    let decision = super::newest(&registry, &args.model)?;
    let Some(manifest) = registry.manifest_of(decision.number)? else {
        return usage(format!(
            "{}: was gated without a manifest; add one and gate it again",
            args.model
        ));
    };
    let approval = registry.approve(Approval {
        id: String::new(),
        digest: decision.artifact.clone(),
        manifest: digest_of(&manifest),
        stage: args.stage.as_str().to_owned(),
        role: args.role.clone(),
        by: settings::actor(&args.actor),
        reason: args.reason.clone(),
        at: settings::now(common),
    })?;
    let said = say::Approval {
        role: approval.role.clone(),
        stage: approval.stage.clone(),
        by: approval.by.clone(),
        reason: approval.reason.clone(),
        at: approval.at.clone(),
        manifest: Some(approval.manifest.clone()),
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
        "approved {} for {} as {} by {}  ({})\n",
        args.model, approval.stage, approval.role, approval.by, approval.digest
    );
    output::answer(common, &text)?;
    Ok(FINE)
}
