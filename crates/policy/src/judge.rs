//! The judgement: core and gate, then the bundle, then exemptions over all.

use std::collections::BTreeMap;

use modelward_schema::{Effect, Facet, FacetState, PolicyInput, Reason, Severity, Tier, Verdict};
use regorus::Value as Rego;
use serde::Deserialize;
use serde_json::Value;

use crate::policy::Policy;
use crate::{PolicyError, input, verdict};

pub(crate) struct Judged {
    pub verdict: Verdict,
    pub tiers: Tiers,
}

#[derive(Deserialize)]
struct Answer {
    core: Sets,
    gate: Sets,
    facets: BTreeMap<String, FacetSaid>,
    tiers: Tiers,
}

#[derive(Deserialize)]
struct Sets {
    deny: Vec<Value>,
    hold: Vec<Value>,
    #[serde(default)]
    warn: Vec<Value>,
}

#[derive(Deserialize)]
struct FacetSaid {
    state: FacetState,
    note: String,
}

#[derive(Deserialize)]
pub(crate) struct Tiers {
    pub derived: Tier,
    pub effective: Tier,
    pub why: Vec<Cause>,
}

#[derive(Deserialize)]
pub(crate) struct Cause {
    pub tier: Tier,
    pub because: String,
}

#[derive(Deserialize)]
struct Waivers {
    waived: Vec<Waived>,
    warn: Vec<Value>,
}

#[derive(Deserialize)]
struct Waived {
    code: String,
    severity: Severity,
    by: String,
}

pub(crate) fn judge(policy: &Policy, input: &PolicyInput) -> Result<Judged, PolicyError> {
    let document = input::trimmed(input)?;
    let mut engine = policy.built_in.clone();
    engine.set_input(document.clone());
    let replaced = policy.bundle.as_ref().is_some_and(|bundle| bundle.replaces);
    let entry = if replaced {
        "data.modelward.main.core_only"
    } else {
        "data.modelward.main.answer"
    };
    let answer: Answer = engine
        .rule(entry)?
        .ok_or_else(|| PolicyError::Evaluation("the shipped policies gave no answer".to_owned()))?;

    let mut reasons = Vec::new();
    for (package, sets) in [
        ("modelward.core", answer.core),
        ("modelward.gate", answer.gate),
    ] {
        for (effect, members) in [
            (Effect::Deny, sets.deny),
            (Effect::Hold, sets.hold),
            (Effect::Warn, sets.warn),
        ] {
            reasons.extend(verdict::reasons(
                members,
                effect,
                package,
                &policy.built_in_sources,
            )?);
        }
    }
    if let Some(bundle) = &policy.bundle {
        let mut user = bundle.engine.clone();
        user.set_input(input::full(input)?);
        for (package, set) in bundle.reason_sets() {
            let effect = match set {
                "deny" => Effect::Deny,
                "hold" => Effect::Hold,
                _ => Effect::Warn,
            };
            let members: Vec<Value> = user
                .rule(&format!("data.{package}.{set}"))?
                .unwrap_or_default();
            reasons.extend(verdict::reasons(members, effect, package, &bundle.sources)?);
        }
    }
    verdict::sort(&mut reasons);

    engine.set_input(with_reasons(document, &reasons)?);
    waive(
        policy,
        engine.rule("data.modelward.main.waivers")?,
        &mut reasons,
    )?;
    verdict::sort(&mut reasons);

    Ok(Judged {
        verdict: Verdict {
            decision: verdict::decide(&reasons, input.facts.coverage.complete),
            unblock: verdict::unblock(&reasons),
            reasons,
            facets: facets(&answer.facets),
            stage: input.context.stage,
            tier: answer.tiers.effective,
            policy: policy.reference.clone(),
            now: input.context.now.clone(),
        },
        tiers: answer.tiers,
    })
}

/// The document with `reasons`: what stands in the way so far.
fn with_reasons(mut document: Rego, reasons: &[Reason]) -> Result<Rego, PolicyError> {
    let mut said: Vec<Value> = Vec::new();
    for reason in reasons.iter().filter(|reason| verdict::blocks(reason)) {
        let entry = serde_json::json!({ "code": reason.code, "severity": reason.severity });
        if said.last() != Some(&entry) {
            said.push(entry);
        }
    }
    document
        .as_object_mut()
        .map_err(|error| PolicyError::Evaluation(error.to_string()))?
        .insert(Rego::from("reasons"), Rego::from(Value::Array(said)));
    Ok(document)
}

fn waive(
    policy: &Policy,
    waivers: Option<Waivers>,
    reasons: &mut Vec<Reason>,
) -> Result<(), PolicyError> {
    let waivers = waivers
        .ok_or_else(|| PolicyError::Evaluation("exemptions could not be judged".to_owned()))?;
    let mut by: BTreeMap<(String, Severity), String> = BTreeMap::new();
    for waived in waivers.waived {
        let id = by
            .entry((waived.code, waived.severity))
            .or_insert_with(|| waived.by.clone());
        // Of several, the first by name, so that the answer is always the same.
        if waived.by < *id {
            *id = waived.by;
        }
    }
    for reason in reasons
        .iter_mut()
        .filter(|reason| reason.effect != Effect::Warn)
    {
        reason.waived_by = by.get(&(reason.code.clone(), reason.severity)).cloned();
    }
    let package = "modelward.exemptions";
    reasons.extend(verdict::reasons(
        waivers.warn,
        Effect::Warn,
        package,
        &policy.built_in_sources,
    )?);
    Ok(())
}

fn facets(said: &BTreeMap<String, FacetSaid>) -> Vec<Facet> {
    ["provenance", "custody", "behaviour"]
        .into_iter()
        .map(|name| match said.get(name) {
            Some(facet) => Facet {
                name: name.to_owned(),
                state: facet.state,
                note: facet.note.clone(),
            },
            None => Facet {
                name: name.to_owned(),
                state: FacetState::Missing,
                note: "not judged".to_owned(),
            },
        })
        .collect()
}
