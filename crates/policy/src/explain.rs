//! Why a verdict is what it is: the tier and what made it, what is asked at
//! that tier and stage, and which rules spoke.

use modelward_schema::{Effect, PolicyInput, Tier, Verdict};
use serde::{Deserialize, Serialize};

use crate::policy::Policy;
use crate::{PolicyError, input, judge};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What the declared capabilities imply, before a tier by hand.
    pub derived: Tier,
    /// Every cause, highest tier first.
    pub causes: Vec<TierCause>,
    /// Every control with what its lack does here; empty when a bundle
    /// replaces the gate.
    pub required: Vec<RequiredControl>,
    /// The rules that gave reasons, in the order of the verdict's reasons.
    pub fired: Vec<FiredRule>,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TierCause {
    pub tier: Tier,
    pub because: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequiredControl {
    /// `owner`, `approvals`, `finding-high`…
    pub control: String,
    pub title: String,
    /// What its lack does at this tier and stage; `None`: it is not asked for.
    #[serde(deserialize_with = "effect")]
    pub effect: Option<Effect>,
    pub met: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FiredRule {
    /// `file:line`.
    pub policy: String,
    pub code: String,
    pub effect: Effect,
    pub waived_by: Option<String>,
    /// How many reasons of this code it gave.
    pub count: usize,
}

fn effect<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Effect>, D::Error> {
    let text = String::deserialize(from)?;
    if text == "-" {
        return Ok(None);
    }
    serde_json::from_value(serde_json::Value::String(text))
        .map(Some)
        .map_err(serde::de::Error::custom)
}

pub(crate) fn explain(policy: &Policy, input: &PolicyInput) -> Result<Explanation, PolicyError> {
    let judged = judge::judge(policy, input)?;
    let mut required: Vec<RequiredControl> = Vec::new();
    if !policy.bundle.as_ref().is_some_and(|bundle| bundle.replaces) {
        let mut engine = policy.built_in.clone();
        engine.set_input(input::trimmed(input)?);
        required = engine
            .rule("data.modelward.gate.controls")?
            .unwrap_or_default();
        required.sort_by(|a, b| {
            b.effect
                .cmp(&a.effect)
                .then_with(|| a.control.cmp(&b.control))
        });
    }
    let mut causes: Vec<TierCause> = judged
        .tiers
        .why
        .into_iter()
        .map(|cause| TierCause {
            tier: cause.tier,
            because: cause.because,
        })
        .collect();
    causes.sort_by(|a, b| b.tier.cmp(&a.tier).then_with(|| a.because.cmp(&b.because)));
    let mut fired: Vec<FiredRule> = Vec::new();
    for reason in &judged.verdict.reasons {
        let same = fired.iter_mut().find(|rule| {
            rule.policy == reason.policy && rule.code == reason.code && rule.effect == reason.effect
        });
        match same {
            Some(rule) => rule.count = rule.count.saturating_add(1),
            None => fired.push(FiredRule {
                policy: reason.policy.clone(),
                code: reason.code.clone(),
                effect: reason.effect,
                waived_by: reason.waived_by.clone(),
                count: 1,
            }),
        }
    }
    Ok(Explanation {
        derived: judged.tiers.derived,
        causes,
        required,
        fired,
        verdict: judged.verdict,
    })
}
