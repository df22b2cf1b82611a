//! Another element type: every number is the honest rounding of its source.

use rayon::prelude::*;

use super::same::{check_names, compare, is_same_type, pairs_as_claimed, worst};
use super::{Fit, Relation};
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::pairs;
use crate::proof::{Proof, TensorProof};
use crate::round::{Way, encode, encode_all, is_plain_nan};
use crate::sweep::{Tally, Tell, sweep};
use crate::tensor::Tensor;

pub(super) static RELATION: Relation = Relation {
    name: "cast",
    fits,
    prove,
};

fn fits(case: &Case<'_>) -> Fit {
    let [source] = case.sources else {
        return Fit::No;
    };
    if source.is_gguf() || case.target.is_gguf() {
        return Fit::No;
    }
    let pairs = pairs::pair(source, case.target);
    if pairs.paired.len() * 2 < source.tensors.len().min(case.target.tensors.len()) {
        return Fit::No;
    }
    let other = |(target, source): &(&Tensor, &Tensor)| {
        !is_same_type(target, source) && target.shape == source.shape
    };
    if pairs.paired.iter().any(other) {
        Fit::Yes
    } else {
        Fit::No
    }
}

/// What a claim says of the numbers.
struct Said {
    /// The type that numbers were rounded to.
    dtype: Option<Dtype>,
    truncate: bool,
}

fn prove(case: &Case<'_>) -> Proof {
    let mut proof = Proof::default();
    let [source] = case.sources else {
        proof.refute("it takes one source");
        return proof;
    };
    let said = said(case, &mut proof);
    let pairs = pairs_as_claimed(case, source, &mut proof);
    let tensors: Vec<TensorProof> = pairs
        .paired
        .par_iter()
        .map(|(target, source)| one(target, source, &said, case.tell))
        .collect();
    proof.take(tensors);
    check_names(&pairs, source, case, &mut proof);
    check_claim(case, &pairs.paired, &said, &mut proof);
    beside::compare(&mut proof, source, case.target, &Rules::CAST);
    proof
}

fn said(case: &Case<'_>, proof: &mut Proof) -> Said {
    let dtype = case.claim.text("dtype").and_then(|text| {
        let known = Dtype::of_any(text);
        if known.is_none() {
            proof.refute(format!(
                "the claim names the type {text:?}, which does not exist"
            ));
        }
        known
    });
    let mut truncate = false;
    if let Some(text) = case.claim.text("rounding") {
        match text.to_ascii_lowercase().replace(['_', ' '], "-").as_str() {
            "nearest-even"
            | "rne"
            | "round-to-nearest-even"
            | "nearest"
            | "half-even"
            | "ties-to-even"
            | "round-half-even"
            | "nearest-ties-to-even"
            | "round-nearest-even" => {}
            "toward-zero" | "towards-zero" | "truncate" | "truncation" | "rtz"
            | "round-toward-zero" | "round-towards-zero" | "trunc" => truncate = true,
            other => proof.refute(format!(
                "the claim names the rounding {other:?}, which is not known"
            )),
        }
    }
    Said { dtype, truncate }
}

/// Rounded to nearest, with nothing claimed.
pub(super) fn plain(target: &Tensor, source: &Tensor, tell: Tell<'_>) -> TensorProof {
    let said = Said {
        dtype: None,
        truncate: false,
    };
    one(target, source, &said, tell)
}

fn one(target: &Tensor, source: &Tensor, said: &Said, tell: Tell<'_>) -> TensorProof {
    if target.shape != source.shape {
        return TensorProof::refuted(
            target,
            format!(
                "its shape is {:?}, the source's {:?}",
                target.shape, source.shape
            ),
        )
        .from_source(source);
    }
    let (Some(from), stored) = (source.kind(), target.kind()) else {
        return compare(target, source, tell);
    };
    // Bits may stand under the name of whole numbers of the same size, and
    // rounded numbers in a wider type.
    let wants = |kind: Dtype| target.width() == Some(kind.width() as u64);
    let to = match stored {
        Some(kind) if kind.is_float() => match said.dtype {
            Some(dtype) if dtype.is_float() && dtype.width() < kind.width() && from.is_float() => {
                dtype
            }
            _ => kind,
        },
        Some(kind) if !from.is_float() => kind,
        _ => match said.dtype.filter(|kind| wants(*kind)) {
            Some(kind) => kind,
            None => match [Dtype::Bf16, Dtype::F8E4m3]
                .into_iter()
                .find(|kind| wants(*kind))
            {
                Some(kind) => kind,
                None => {
                    return TensorProof::refuted(
                        target,
                        format!("{} is no rounding of {}", target.dtype, source.dtype),
                    );
                }
            },
        },
    };
    if to == from && stored == Some(from) {
        return compare(target, source, tell);
    }
    if from.is_float() != to.is_float() {
        return TensorProof::refuted(
            target,
            format!("{} is no rounding of {}", target.dtype, source.dtype),
        )
        .from_source(source);
    }
    let mut ways = Way::all(from, to);
    if said.truncate {
        ways = vec![Way {
            truncate: true,
            ..Way::NEAREST
        }];
    }
    let wider = stored.filter(|kind| kind.is_float() && *kind != to);
    let mut first: Option<TensorProof> = None;
    for way in ways {
        let outcome = check(target, source, (from, to), wider, way, tell);
        let mut proof = TensorProof::of(target, Grade::Exact).from_source(source);
        let note = match (way == Way::NEAREST, way.truncate) {
            (true, _) => format!("{} to {}", from.name(), to.name()),
            (_, true) => format!("{} to {}, towards zero", from.name(), to.name()),
            _ => format!("{} to {}, {}", from.name(), to.name(), way.name()),
        };
        match outcome {
            Ok(tally) if tally.wrong == 0 => return proof.with_note(note),
            Ok(tally) => {
                proof.grade = Grade::Refuted;
                proof.wrong = tally.wrong;
                proof.worst = tally.worst.map(|worst| worst.within(&target.shape));
                first = first.or(Some(proof));
            }
            Err(why) => return TensorProof::unread(target, why).from_source(source),
        }
    }
    first.unwrap_or_else(|| TensorProof::unread(target, "it was not compared"))
}

fn check(
    target: &Tensor,
    source: &Tensor,
    (from, to): (Dtype, Dtype),
    wider: Option<Dtype>,
    way: Way,
    tell: Tell<'_>,
) -> Result<Tally, String> {
    sweep(&[target, source], tell, &|start, buffers| {
        let mut tally = Tally::default();
        let [is, origin] = buffers else { return tally };
        let mut must = Vec::with_capacity(is.len());
        if !encode_all(from, to, way, origin, &mut must) {
            let mut values = Vec::new();
            from.decode(origin, &mut values);
            for value in &values {
                encode(to, way, *value, &mut must);
            }
        }
        if let Some(wider) = wider {
            let mut rounded = Vec::new();
            to.decode(&must, &mut rounded);
            must.clear();
            for value in rounded {
                encode(wider, Way::NEAREST, value, &mut must);
            }
        }
        if *is == must {
            return tally;
        }
        let kind = wider.unwrap_or(to);
        let elements = is
            .chunks_exact(kind.width())
            .zip(must.chunks_exact(kind.width()));
        let origins = origin.chunks_exact(from.width());
        for (offset, ((is, must), origin)) in elements.zip(origins).enumerate() {
            let nan = || {
                kind.value(is).is_nan()
                    && from.value(origin).is_nan()
                    && is_plain_nan((from, number(origin)), (kind, number(is)))
            };
            if is != must && !nan() {
                tally.see(true, worst(Some(kind), start + offset as u64, is, must));
            }
        }
        tally
    })
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn check_claim(case: &Case<'_>, paired: &[(&Tensor, &Tensor)], said: &Said, proof: &mut Proof) {
    let floats: Vec<_> = paired
        .iter()
        .filter(|(_, source)| source.kind().is_some_and(Dtype::is_float))
        .collect();
    if let Some(stored) = case.claim.text("stored") {
        let wanted =
            Dtype::of_any(stored).map_or_else(|| stored.to_owned(), |kind| kind.name().to_owned());
        let any = floats.iter().any(|(target, _)| target.dtype == wanted);
        if !any {
            proof.refute(format!(
                "the claim says that the numbers are stored as {stored}, and none are"
            ));
        }
    } else if let Some(dtype) = said.dtype {
        let any = floats.iter().any(|(target, _)| {
            target.kind() == Some(dtype) || target.kind().is_none_or(|kind| !kind.is_float())
        });
        let others: Vec<&str> = floats
            .iter()
            .filter(|(target, source)| {
                target.dtype != source.dtype
                    && target
                        .kind()
                        .is_some_and(|kind| kind.is_float() && kind != dtype)
            })
            .map(|(target, _)| target.name.as_str())
            .collect();
        if !any || !others.is_empty() {
            let other = others.first().copied().unwrap_or("every tensor");
            proof.refute(format!(
                "the claim says that numbers became {}, and {other} did not",
                dtype.name()
            ));
        }
    }
    if paired
        .iter()
        .all(|(target, source)| target.dtype == source.dtype)
        && said.dtype.is_none()
    {
        proof.note("no tensor changed its type");
    }
}
