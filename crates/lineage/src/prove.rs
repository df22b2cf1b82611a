//! Which relation holds, and how strongly.

use crate::case::Case;
use crate::grade::Grade;
use crate::proof::Proof;
use crate::relations::{Fit, RELATIONS, Relation, find};

/// Shows the asked relation; without one, finds the first that holds, and if
/// none does says how far the likeliest came.
pub fn prove(case: &Case<'_>, asked: Option<&str>) -> Result<Proof, String> {
    let wanted = asked.or(case.claim.relation.as_deref());
    if let Some(name) = wanted {
        let relation = find(name).ok_or_else(|| {
            let names: Vec<&str> = RELATIONS.iter().map(|relation| relation.name).collect();
            format!(
                "no relation is called {name}; known are {}",
                names.join(", ")
            )
        })?;
        let mut proof = run(relation, case);
        if let (Some(asked), Some(said)) = (asked, case.claim.relation.as_deref())
            && asked != said
        {
            proof.refute(format!("the claim speaks of {said}, not of {asked}"));
        }
        return Ok(finish(proof, case));
    }
    let mut fitting: Vec<(&Relation, Fit)> = RELATIONS
        .iter()
        .map(|relation| (*relation, (relation.fits)(case)))
        .filter(|(_, fit)| *fit > Fit::No)
        .collect();
    // A stable sort: among equals the order of the list stands.
    fitting.sort_by_key(|(_, fit)| std::cmp::Reverse(*fit));
    let mut best: Option<Proof> = None;
    for (relation, _) in fitting {
        // Training explains any change of numbers, so it must not explain away
        // a few that are wrong in something stricter.
        let nearly = |held: &Proof| {
            let (_, off) = wrong(held);
            off < u64::MAX && off.saturating_mul(50) < elements_of(held)
        };
        if relation.name == "finetune" && best.as_ref().is_some_and(nearly) {
            break;
        }
        let proof = run(relation, case);
        if proof.grade < Grade::Claimed {
            return Ok(finish(proof, case));
        }
        let better = best.as_ref().is_none_or(|held| wrong(&proof) < wrong(held));
        if better {
            best = Some(proof);
        }
    }
    let proof = best.unwrap_or_else(|| {
        let mut none = Proof::of("none");
        none.refute("no known relation leads from the source to the target");
        none
    });
    Ok(finish(proof, case))
}

fn elements_of(proof: &Proof) -> u64 {
    proof.tensors.iter().map(|tensor| tensor.elements).sum()
}

/// How far a failed proof is from holding.
fn wrong(proof: &Proof) -> (bool, u64) {
    let elements = proof
        .tensors
        .iter()
        .filter(|tensor| tensor.grade == Grade::Refuted)
        .map(|tensor| {
            if tensor.worst.is_some() {
                tensor.wrong
            } else {
                tensor.elements.max(1)
            }
        })
        .sum::<u64>();
    let beside = proof.unexplained.len() as u64
        + proof.differences.iter().filter(|d| d.refutes).count() as u64;
    match elements + beside {
        // Refuted as a whole: this is no nearer than any other.
        0 => (proof.tensors.is_empty(), u64::MAX),
        count => (proof.tensors.is_empty(), count),
    }
}

fn run(relation: &Relation, case: &Case<'_>) -> Proof {
    let mut proof = (relation.prove)(case);
    relation.name.clone_into(&mut proof.relation);
    proof
}

fn finish(mut proof: Proof, case: &Case<'_>) -> Proof {
    for key in case.claim.unknown() {
        if !matches!(
            key,
            "operation" | "argv" | "note" | "comment" | "source" | "sources" | "target"
        ) {
            proof.note(format!("the claim says \"{key}\", which is not checked"));
        }
    }
    let into_gguf = matches!(proof.relation.as_str(), "hf2gguf" | "quantize");
    for model in case.sources.iter().chain([case.target]) {
        for gap in &model.facts.coverage.gaps {
            // A conversion to GGUF reads the vocabularies itself.
            let name = gap.at.path.rsplit('/').next().unwrap_or_default();
            if into_gguf && !model.is_gguf() && crate::gguf::reads(name) {
                continue;
            }
            proof.lower(
                Grade::Claimed,
                format!(
                    "{} › {}: {}, so it is not known what is there",
                    model.given, gap.at.path, gap.message
                ),
            );
        }
    }
    proof.sort();
    proof
}
