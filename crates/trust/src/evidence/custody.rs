//! Who had the model, from receipts: each handing on is a release by who gives
//! and an acceptance by who takes.
//!
//! A chain of receipts is whole when every acceptance names a release that is
//! there, every release was accepted, each holder gave what it had got or what
//! a record says it made of it, and nobody gave one thing to two.

use std::collections::BTreeMap;

use jiff::Timestamp;
use modelward_schema::{Custody, EvidenceProblem, Holder};

use super::{Accept, Judged, Release};

/// A receipt that counts.
struct Receipt<P> {
    id: String,
    root: String,
    said: P,
}

fn receipts<P: super::Predicate>(judged: &[Judged]) -> Vec<Receipt<P>> {
    let mut out: Vec<Receipt<P>> = Vec::new();
    for one in judged {
        let (Some((statement, said)), Some(id)) = (one.says::<P>(), one.id.clone()) else {
            continue;
        };
        let Some(root) = statement.digests().next() else {
            continue;
        };
        // Two signers of one payload are one receipt.
        if out.iter().all(|known| known.id != id) {
            out.push(Receipt { id, root, said });
        }
    }
    out
}

/// Every receipt, put in line. `bridged` tells whether a record says that the
/// second digest was made from the first.
pub(super) fn custody(
    judged: &[Judged],
    artifact: &str,
    bridged: &dyn Fn(&str, &str) -> bool,
) -> Custody {
    let releases = receipts::<Release>(judged);
    let mut accepts = receipts::<Accept>(judged);
    if releases.is_empty() && accepts.is_empty() {
        return Custody::default();
    }
    accepts.sort_by_key(|accept| time(&accept.said.time));
    let mut check = Check {
        problems: Vec::new(),
        bridged,
    };
    let by_id: BTreeMap<&str, &Receipt<Release>> = releases
        .iter()
        .map(|release| (release.id.as_str(), release))
        .collect();
    for accept in &accepts {
        check.acceptance(accept, &by_id, &releases);
    }
    for release in &releases {
        check.release(release, &accepts);
    }
    check.overlaps(&releases);
    check.end(&accepts, &releases, artifact);
    Custody {
        holders: holders(&releases, &accepts),
        problems: check.problems,
    }
}

struct Check<'a> {
    problems: Vec<EvidenceProblem>,
    bridged: &'a dyn Fn(&str, &str) -> bool,
}

impl Check<'_> {
    fn say(&mut self, code: &str, message: String, fix: &str) {
        let problem = EvidenceProblem {
            code: code.to_owned(),
            message,
            fix: fix.to_owned(),
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn gap(&mut self, message: String) {
        self.say(
            "custody-gap",
            message,
            "have both sides sign: modelward attest release, modelward attest accept",
        );
    }

    fn acceptance(
        &mut self,
        accept: &Receipt<Accept>,
        by_id: &BTreeMap<&str, &Receipt<Release>>,
        all: &[Receipt<Release>],
    ) {
        let said = &accept.said;
        if said.received_root != accept.root {
            self.say(
                "custody-root-changed",
                format!(
                    "{} signed for {} and says that it received {}",
                    said.to, accept.root, said.received_root
                ),
                "accept again what was received",
            );
        }
        let named = said.release_receipt.as_deref();
        let Some(release) = named.and_then(|id| by_id.get(id)) else {
            let others = all
                .iter()
                .any(|release| release.said.to == said.to && release.said.from == said.from);
            let hint = if others {
                "; a release between them is there that it does not name"
            } else {
                ""
            };
            self.gap(format!(
                "{} accepted it from {} at {} without a release receipt of theirs{hint}",
                said.to, said.from, said.time
            ));
            return;
        };
        if release.said.from != said.from || release.said.to != said.to {
            self.gap(format!(
                "{} released it to {}, and {} accepted it from {}",
                release.said.from, release.said.to, said.to, said.from
            ));
        }
        if release.root != said.received_root {
            self.say(
                "custody-root-changed",
                format!(
                    "{} released {}, and {} received {}",
                    release.said.from, release.root, said.to, said.received_root
                ),
                "get it again from who released it: it changed on the way",
            );
        }
        if time(&said.time) < time(&release.said.time) {
            self.say(
                "custody-overlap",
                format!(
                    "{} accepted it at {}, before {} released it at {}",
                    said.to, said.time, release.said.from, release.said.time
                ),
                "correct the clocks and sign both receipts again",
            );
        }
    }

    fn release(&mut self, release: &Receipt<Release>, accepts: &[Receipt<Accept>]) {
        let said = &release.said;
        let accepted = accepts
            .iter()
            .any(|accept| accept.said.release_receipt.as_deref() == Some(release.id.as_str()));
        if !accepted {
            self.gap(format!(
                "{} released it to {} at {}, and nobody signed that it arrived",
                said.from, said.to, said.time
            ));
        }
        let Some(prior) = &said.prior_receipt else {
            // Who had it from somebody has a receipt for that.
            let earlier = accepts.iter().find(|accept| {
                accept.said.to == said.from && time(&accept.said.time) <= time(&said.time)
            });
            if let Some(earlier) = earlier {
                self.gap(format!(
                    "{} released it at {} without naming the receipt by which it came from {}",
                    said.from, said.time, earlier.said.from
                ));
            }
            return;
        };
        let Some(prior) = accepts.iter().find(|accept| accept.id == *prior) else {
            self.gap(format!(
                "{} released it at {} and names an earlier receipt that is not there",
                said.from, said.time
            ));
            return;
        };
        if prior.said.to != said.from {
            self.gap(format!(
                "{} accepted it from {}, and {} released it",
                prior.said.to, prior.said.from, said.from
            ));
        }
        if prior.said.received_root != release.root
            && !(self.bridged)(&prior.said.received_root, &release.root)
        {
            self.say(
                "custody-root-changed",
                format!(
                    "{} received {} and released {}, and no record says what was done to it",
                    said.from, prior.said.received_root, release.root
                ),
                "record the step: modelward record -- COMMAND",
            );
        }
        if time(&said.time) < time(&prior.said.time) {
            self.say(
                "custody-overlap",
                format!(
                    "{} released it at {}, before it was accepted at {}",
                    said.from, said.time, prior.said.time
                ),
                "correct the clocks and sign both receipts again",
            );
        }
    }

    /// One holding given to two.
    fn overlaps(&mut self, releases: &[Receipt<Release>]) {
        for (at, one) in releases.iter().enumerate() {
            for other in releases.iter().skip(at.saturating_add(1)) {
                let same = one.said.from == other.said.from
                    && one.root == other.root
                    && one.said.prior_receipt == other.said.prior_receipt;
                if same && one.said.to != other.said.to {
                    self.say(
                        "custody-overlap",
                        format!(
                            "{} released it to {} at {} and to {} at {}",
                            one.said.from,
                            one.said.to,
                            one.said.time,
                            other.said.to,
                            other.said.time
                        ),
                        "keep the receipts of one line of custody beside the model",
                    );
                }
            }
        }
    }

    /// The line ends at these bytes.
    fn end(&mut self, accepts: &[Receipt<Accept>], releases: &[Receipt<Release>], artifact: &str) {
        let last = accepts
            .iter()
            .map(|accept| {
                (
                    time(&accept.said.time),
                    &accept.said.received_root,
                    &accept.said.to,
                )
            })
            .chain(
                releases
                    .iter()
                    .map(|release| (time(&release.said.time), &release.root, &release.said.to)),
            )
            .max_by_key(|(time, ..)| *time);
        if let Some((_, root, who)) = last
            && root != artifact
            && !(self.bridged)(root, artifact)
        {
            self.say(
                "custody-root-changed",
                format!("the receipts end at {who} with {root}, these bytes are {artifact}, and no record says what was done to it"),
                "record the step: modelward record -- COMMAND",
            );
        }
    }
}

fn holders(releases: &[Receipt<Release>], accepts: &[Receipt<Accept>]) -> Vec<Holder> {
    let mut out: Vec<Holder> = Vec::new();
    for release in releases.iter().filter(|r| r.said.prior_receipt.is_none()) {
        out.push(Holder {
            who: release.said.from.clone(),
            digest: release.root.clone(),
            since: None,
            until: Some(release.said.time.clone()),
        });
    }
    for accept in accepts {
        let next = releases
            .iter()
            .find(|release| release.said.prior_receipt.as_deref() == Some(accept.id.as_str()));
        out.push(Holder {
            who: accept.said.to.clone(),
            digest: accept.said.received_root.clone(),
            since: Some(accept.said.time.clone()),
            until: next.map(|release| release.said.time.clone()),
        });
    }
    out
}

/// What cannot be read comes first, so that it contradicts what follows.
fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}
