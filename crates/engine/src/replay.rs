//! A recorded decision, judged again from what was stored.

use modelward_policy::Policy;
use modelward_registry::Registry;
use modelward_schema::{DecisionRecord, Report, Verdict};

use crate::gate::{self, GateError};

/// What was decided and what would be decided now from the same document.
#[derive(Debug)]
pub struct Replay {
    pub record: DecisionRecord,
    pub before: Verdict,
    pub again: Verdict,
}

impl Replay {
    /// The same verdict, to the letter.
    pub fn same(&self) -> bool {
        self.before == self.again
    }

    /// The policy is another one than then.
    pub fn other_policy(&self) -> bool {
        self.before.policy.digest != self.again.policy.digest
    }
}

/// The stored report of a decision; absent when there is no such decision.
pub fn report_of(
    registry: &Registry,
    number: i64,
) -> Result<Option<(DecisionRecord, Report)>, GateError> {
    let Some(record) = registry.decision(number)? else {
        return Ok(None);
    };
    let Some(bytes) = registry.report(&record.report)? else {
        return Ok(None);
    };
    let report = serde_json::from_slice(&bytes).map_err(std::io::Error::other)?;
    Ok(Some((record, report)))
}

/// Judges a recorded decision again with `policy` and the recorded `now`.
pub fn replay(
    registry: &Registry,
    number: i64,
    policy: &Policy,
) -> Result<Option<Replay>, GateError> {
    let Some((record, report)) = report_of(registry, number)? else {
        return Ok(None);
    };
    let (Some(input), Some(before)) = (gate::input(&report), report.verdict) else {
        return Ok(None);
    };
    let again = policy.judge(&input)?;
    Ok(Some(Replay {
        record,
        before,
        again,
    }))
}
