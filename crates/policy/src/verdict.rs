//! From what the rules said to a verdict.

use std::collections::BTreeSet;

use modelward_schema::{Decision, Effect, Location, Reason, Severity};
use serde::Deserialize;
use serde_json::Value;

use crate::PolicyError;
use crate::source::{SourceMap, place_of};

/// A reason as a rule gives it.
#[derive(Debug, Deserialize)]
struct Given {
    code: String,
    message: String,
    #[serde(default = "medium")]
    severity: Severity,
    #[serde(default)]
    fix: String,
    #[serde(default)]
    frameworks: Vec<String>,
    #[serde(default)]
    locations: Vec<Location>,
}

fn medium() -> Severity {
    Severity::Medium
}

/// Reads the members of one set.
pub(crate) fn reasons(
    members: Vec<Value>,
    effect: Effect,
    package: &str,
    sources: &[SourceMap],
) -> Result<Vec<Reason>, PolicyError> {
    let set = match effect {
        Effect::Deny => "deny",
        Effect::Hold => "hold",
        Effect::Warn => "warn",
    };
    let mut out = Vec::with_capacity(members.len());
    for member in members {
        let code = member
            .get("code")
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned();
        let policy = place_of(sources, package, set, &code);
        let given: Given = serde_json::from_value(member).map_err(|error| PolicyError::Reason {
            place: policy.clone(),
            message: format!(
                "a member of {set} is not a reason: {error}; give an object with code, message, severity and fix"
            ),
        })?;
        out.push(Reason {
            code: given.code,
            effect,
            severity: given.severity,
            message: given.message,
            fix: given.fix,
            policy,
            frameworks: given.frameworks,
            locations: given.locations,
            waived_by: None,
        });
    }
    Ok(out)
}

/// Most severe first, then what weighs most, then by code, place and message;
/// the same thing said twice is kept once, at its heaviest.
pub(crate) fn sort(reasons: &mut Vec<Reason>) {
    reasons.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| b.effect.cmp(&a.effect))
            .then_with(|| a.code.cmp(&b.code))
            .then_with(|| a.locations.cmp(&b.locations))
            .then_with(|| a.message.cmp(&b.message))
            .then_with(|| a.policy.cmp(&b.policy))
    });
    let mut seen = BTreeSet::new();
    reasons.retain(|reason| {
        seen.insert((
            reason.code.clone(),
            reason.message.clone(),
            reason.locations.clone(),
        ))
    });
}

/// What stands in the way.
pub(crate) fn blocks(reason: &Reason) -> bool {
    reason.effect != Effect::Warn && reason.waived_by.is_none()
}

pub(crate) fn decide(reasons: &[Reason], complete: bool) -> Decision {
    let any = |effect| {
        reasons
            .iter()
            .any(|reason| reason.effect == effect && reason.waived_by.is_none())
    };
    if any(Effect::Deny) {
        Decision::Deny
    } else if any(Effect::Hold) || !complete {
        Decision::Hold
    } else {
        Decision::Allow
    }
}

/// Every reason that blocks has to go, and when all are gone the decision is
/// allow: each is judged on its own, so no smaller set will do.
pub(crate) fn unblock(reasons: &[Reason]) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    for reason in reasons.iter().filter(|reason| blocks(reason)) {
        if !codes.contains(&reason.code) {
            codes.push(reason.code.clone());
        }
    }
    codes
}
