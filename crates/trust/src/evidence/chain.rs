//! What the statements that count amount to: the models on the way from the
//! origins to the artifact, who signed each, and what is missing where.
//!
//! Walked backwards from the artifact's digest by the inputs that provenance
//! names. Nothing is taken on a name: a step belongs to a model only by its
//! digest, so a model that was exchanged in the middle breaks the line there.

use std::collections::{BTreeSet, VecDeque};

use modelward_schema::{About, Chain, Evidence, EvidenceProblem, Hop, HopInput, SignedStatement};
use serde_json::Value;

use super::custody::custody;
use super::{ConversionProof, Judged, Kind, Operation, Provenance, Resource, Revocation};

/// More models than this in one history are cut off, and that is said.
const MAX_HOPS: usize = 200;
/// A longer predicate is not carried into the report.
const MAX_PREDICATE: usize = 64 << 10;

/// Grades of a conversion proof, the weakest first.
const GRADES: [&str; 6] = [
    "refuted",
    "claimed",
    "structural",
    "bounded",
    "nearest-code",
    "exact",
];

/// A step that counts.
struct Step<'a> {
    judged: &'a Judged,
    provenance: Provenance,
    digests: Vec<String>,
}

/// Puts the judged statements in line for the artifact `digest`.
pub fn chain(judged: &[Judged], digest: &str) -> Chain {
    let steps: Vec<Step<'_>> = judged
        .iter()
        .filter_map(|judged| {
            let (statement, provenance) = judged.says::<Provenance>()?;
            Some(Step {
                judged,
                provenance,
                digests: statement.digests().collect(),
            })
        })
        .collect();
    let mut walk = Walk {
        judged,
        steps: &steps,
        hops: Vec::new(),
        problems: Vec::new(),
        makers: BTreeSet::new(),
        whole: 0,
    };
    walk.from(digest);
    let bridged = |from: &str, to: &str| made_from(&steps, to, from);
    let custody = custody(judged, digest, &bridged);
    let total = walk.hops.len().max(1);
    let completeness = walk.whole.saturating_mul(100) / total;
    Chain {
        digest: digest.to_owned(),
        completeness: u8::try_from(completeness).unwrap_or(100),
        hops: walk.hops,
        problems: walk.problems,
        custody,
        makers: walk.makers.into_iter().collect(),
    }
}

struct Walk<'a> {
    judged: &'a [Judged],
    steps: &'a [Step<'a>],
    hops: Vec<Hop>,
    problems: Vec<EvidenceProblem>,
    makers: BTreeSet<String>,
    /// Hops that are signed and tell how they came to be.
    whole: usize,
}

impl Walk<'_> {
    fn from(&mut self, artifact: &str) {
        let mut seen = BTreeSet::from([artifact.to_owned()]);
        let mut next = VecDeque::from([(artifact.to_owned(), None::<String>, true)]);
        while let Some((digest, name, top)) = next.pop_front() {
            if self.hops.len() >= MAX_HOPS {
                self.say(
                    "chain-too-long",
                    format!("it has more than {MAX_HOPS} ancestors; the others were not looked at"),
                    "",
                );
                return;
            }
            let parents = self.hop(&digest, name, top);
            for (parent, name) in parents {
                if seen.insert(parent.clone()) {
                    next.push_back((parent, name, false));
                }
            }
        }
    }

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

    /// One model; what it was made from.
    fn hop(
        &mut self,
        digest: &str,
        name: Option<String>,
        top: bool,
    ) -> Vec<(String, Option<String>)> {
        let about = |judged: &&Judged| {
            judged
                .statement
                .as_ref()
                .is_some_and(|s| s.speaks_of(digest))
        };
        let own: Vec<&Judged> = self.judged.iter().filter(about).collect();
        let step = self
            .steps
            .iter()
            .find(|step| step.digests.iter().any(|of| of == digest));
        let name = name.or_else(|| {
            let statement = own.iter().find_map(|judged| judged.statement.as_ref())?;
            let subject = statement
                .subject
                .iter()
                .find(|s| s.sha256().as_deref() == Some(digest))?;
            subject.name.clone()
        });
        let label = label(name.as_deref(), digest, top);
        let of_kind = |kind: Kind| {
            own.iter().copied().filter(move |judged| {
                judged.statement.as_ref().and_then(super::Statement::known) == Some(kind)
            })
        };
        let mut signed_by: Vec<String> = of_kind(Kind::Signature)
            .filter(|judged| judged.counts())
            .filter_map(|judged| judged.signer.clone())
            .collect();
        signed_by.sort();
        signed_by.dedup();
        let mut problems: Vec<(&str, String, String)> = Vec::new();
        if signed_by.is_empty() {
            let refused = of_kind(Kind::Signature).find_map(|judged| judged.refused.as_ref());
            let message = match refused {
                Some(why) => format!("the signature of {label} does not count: {}", why.message),
                None => format!("{label} is not signed"),
            };
            problems.push(("hop-unsigned", message, fix_sign(top)));
        }
        for judged in of_kind(Kind::Revocation) {
            if let Some((_, revocation)) = judged.says::<Revocation>()
                && revocation.statements.is_empty()
            {
                let message = format!(
                    "{label} was withdrawn by {} at {}: {}",
                    revocation.by, revocation.at, revocation.reason
                );
                problems.push((
                    "model-revoked",
                    message,
                    "use another model, made from none that was withdrawn".to_owned(),
                ));
            }
        }
        let mut hop = Hop {
            digest: digest.to_owned(),
            name,
            operation: None,
            recorded_by: None,
            statement: None,
            at: None,
            signed_by,
            inputs: Vec::new(),
            grade: grade(&own),
        };
        if hop.grade.as_deref() == Some("refuted") {
            problems.push((
                "hop-refuted",
                format!("a conversion proof refutes that {label} is what its record says"),
                "find out who changed it, and make it again from its source".to_owned(),
            ));
        }
        let mut parents = Vec::new();
        let mut tells = false;
        match step {
            Some(step) => {
                let lacks = step.provenance.lacks();
                tells = lacks.is_empty();
                for lack in lacks {
                    problems.push((
                        lack_code(lack.what),
                        format!("the record of {label}: it {}", lack.message),
                        "record the step again with --input and --tool, or attest what it lacks"
                            .to_owned(),
                    ));
                }
                if step.provenance.is_dirty() {
                    problems.push((
                        "provenance-code-dirty",
                        format!("{label} was made by code with changes that were not committed"),
                        "commit the code and make it again".to_owned(),
                    ));
                }
                self.tell(&mut hop, step);
                parents = step
                    .provenance
                    .parents()
                    .filter_map(|parent| Some((parent.sha256()?, parent.name.clone())))
                    .collect();
            }
            None => problems.push(self.untold(&label, &own, top)),
        }
        if tells && !hop.signed_by.is_empty() {
            self.whole = self.whole.saturating_add(1);
        }
        self.hops.push(hop);
        for (code, message, fix) in problems {
            self.say(code, message, &fix);
        }
        parents
    }

    fn tell(&mut self, hop: &mut Hop, step: &Step<'_>) {
        hop.operation = step.provenance.operation().map(|o| o.word().to_owned());
        hop.recorded_by.clone_from(&step.judged.signer);
        hop.statement.clone_from(&step.judged.id);
        hop.at
            .clone_from(&step.provenance.run_details.metadata.finished_on);
        hop.inputs = step
            .provenance
            .build_definition
            .resolved_dependencies
            .iter()
            .map(|resource| HopInput {
                role: resource.role().unwrap_or("input").to_owned(),
                name: resource.name.clone().or_else(|| resource.uri.clone()),
                digest: pin(resource),
            })
            .collect();
        let made = step.provenance.operation();
        if made.is_some_and(|operation| operation != Operation::Download)
            && let Some(signer) = &step.judged.signer
        {
            self.makers.insert(signer.clone());
        }
    }

    /// Why nothing tells how it came to be.
    fn untold(&self, label: &str, own: &[&Judged], top: bool) -> (&'static str, String, String) {
        let refused = own
            .iter()
            .filter(|judged| {
                judged.statement.as_ref().and_then(super::Statement::known)
                    == Some(Kind::Provenance)
            })
            .find_map(|judged| judged.refused.as_ref());
        if let Some(why) = refused {
            return (
                "hop-refused",
                format!("the record of {label} does not count: {}", why.message),
                "have it signed by somebody whom the trust root allows that".to_owned(),
            );
        }
        let others: Vec<&str> = if top {
            self.steps
                .iter()
                .flat_map(|step| step.digests.iter().map(String::as_str))
                .collect()
        } else {
            Vec::new()
        };
        let message = match others.first() {
            Some(other) => format!(
                "no record tells how {label} came to be; there is one for {}",
                short(other)
            ),
            None => format!("no record tells how {label} came to be"),
        };
        let fix = if top {
            "record the step that makes it: modelward record -- COMMAND"
        } else {
            "put that model's own claims.jsonl beside it, or attest its origin: modelward attest provenance --operation download"
        };
        ("hop-unrecorded", message, fix.to_owned())
    }
}

fn label(name: Option<&str>, digest: &str, top: bool) -> String {
    match (name, top) {
        (_, true) => "this model".to_owned(),
        (Some(name), false) => format!("{name} ({})", short(digest)),
        (None, false) => format!("the ancestor {}", short(digest)),
    }
}

fn short(digest: &str) -> String {
    let cut: String = digest.chars().take(19).collect();
    if cut.len() < digest.len() {
        cut + "…"
    } else {
        cut
    }
}

fn fix_sign(top: bool) -> String {
    if top {
        "modelward sign PATH --private-key FILE".to_owned()
    } else {
        "put that model's signature beside this one: modelward record copies it along".to_owned()
    }
}

fn lack_code(what: &str) -> &'static str {
    match what {
        "source" => "provenance-lacks-source",
        "training-data" => "provenance-lacks-data",
        "training-code" => "provenance-lacks-code",
        "tool" => "provenance-lacks-tool",
        "builder" => "provenance-lacks-builder",
        _ => "provenance-incomplete",
    }
}

fn pin(resource: &Resource) -> Option<String> {
    resource.sha256().or_else(|| {
        let (algorithm, digest) = resource.digest.iter().next()?;
        Some(format!("{algorithm}:{digest}"))
    })
}

/// The worst if anything refutes it, else the best that is proven.
fn grade(own: &[&Judged]) -> Option<String> {
    let rank = |grade: &str| GRADES.iter().position(|known| *known == grade);
    let mut best: Option<usize> = None;
    for judged in own {
        if let Some((_, proof)) = judged.says::<ConversionProof>() {
            match rank(&proof.grade) {
                Some(0) => return Some("refuted".to_owned()),
                found => best = best.max(found),
            }
        }
    }
    Some((*GRADES.get(best?)?).to_owned())
}

/// Whether `from` is an ancestor of `digest`.
fn made_from(steps: &[Step<'_>], digest: &str, from: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![digest.to_owned()];
    while let Some(digest) = next.pop() {
        if digest == from {
            return true;
        }
        if seen.len() > MAX_HOPS || !seen.insert(digest.clone()) {
            continue;
        }
        for step in steps.iter().filter(|step| step.digests.contains(&digest)) {
            next.extend(step.provenance.parents().filter_map(Resource::sha256));
        }
    }
    false
}

/// As policy and report see them: the statements, then the chain when there is
/// a trust root to build it by.
pub fn to_schema(judged: &[Judged], chain: Option<Chain>, digest: &str) -> Vec<Evidence> {
    let ancestors: BTreeSet<&str> = chain
        .iter()
        .flat_map(|chain| chain.hops.iter())
        .map(|hop| hop.digest.as_str())
        .collect();
    let mut out: Vec<Evidence> = judged
        .iter()
        .map(|judged| Evidence::Statement(statement(judged, digest, &ancestors)))
        .collect();
    out.extend(chain.map(Evidence::Chain));
    out
}

fn statement(judged: &Judged, digest: &str, ancestors: &BTreeSet<&str>) -> SignedStatement {
    let read = judged.statement.as_ref();
    let subjects: Vec<String> = read.map(|s| s.digests().collect()).unwrap_or_default();
    let about = if subjects.iter().any(|subject| subject == digest) {
        About::Artifact
    } else if subjects
        .iter()
        .any(|subject| ancestors.contains(subject.as_str()))
    {
        About::Ancestor
    } else {
        About::Other
    };
    let predicate = read.map_or(Value::Null, |s| s.predicate.clone());
    let long = predicate.to_string().len() > MAX_PREDICATE;
    SignedStatement {
        id: judged.id.clone(),
        place: judged.place.clone(),
        claim: read.map_or("unreadable", super::Statement::word).to_owned(),
        predicate_type: read.map(|s| s.predicate_type.clone()).unwrap_or_default(),
        subjects,
        about,
        standing: judged.standing,
        refused: judged.refused.as_ref().map(|refused| EvidenceProblem {
            code: refused.code.clone(),
            message: refused.message.clone(),
            fix: String::new(),
        }),
        signer: judged.signer.clone(),
        key: judged.key.clone(),
        time: judged.time.map(|time| time.to_string()),
        predicate: if long { Value::Null } else { predicate },
    }
}
