//! The same numbers in other files: another format, other shards, another
//! container.

use rayon::prelude::*;

use super::{Fit, Relation};
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::model::Model;
use crate::pairs::{self, Pairs, is_recomputed};
use crate::proof::{Proof, TensorProof, Worst};
use crate::sweep::{Tally, Tell, sweep};
use crate::tensor::Tensor;

pub(super) static FORMAT: Relation = Relation {
    name: "format",
    fits: |case| {
        fits(case, |source, target| {
            source.tensor_formats() != target.tensor_formats()
        })
    },
    prove: |case| prove(case, Kind::Format),
};

pub(super) static RESHARD: Relation = Relation {
    name: "reshard",
    fits: |case| {
        fits(case, |source, target| {
            source.tensor_formats() == target.tensor_formats()
                && tensor_files(source) != tensor_files(target)
        })
    },
    prove: |case| prove(case, Kind::Reshard),
};

pub(super) static REPACKAGE: Relation = Relation {
    name: "repackage",
    fits: |case| {
        fits(case, |source, target| {
            source.tensor_formats() == target.tensor_formats()
                && tensor_files(source) == tensor_files(target)
        })
    },
    prove: |case| prove(case, Kind::Repackage),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Format,
    Reshard,
    Repackage,
}

fn tensor_files(model: &Model) -> usize {
    let mut files: Vec<&str> = model
        .tensors
        .iter()
        .map(|tensor| tensor.file.as_str())
        .collect();
    files.sort_unstable();
    files.dedup();
    files.len()
}

fn fits(case: &Case<'_>, like: fn(&Model, &Model) -> bool) -> Fit {
    let [source] = case.sources else {
        return Fit::No;
    };
    if source.is_gguf() != case.target.is_gguf() {
        return Fit::No;
    }
    let pairs = pairs::pair(source, case.target);
    if pairs.paired.len() * 2 < source.tensors.len().min(case.target.tensors.len()) {
        return Fit::No;
    }
    let same = pairs
        .paired
        .iter()
        .all(|(target, source)| is_same_type(target, source) && target.shape == source.shape);
    if same && like(source, case.target) {
        Fit::Yes
    } else {
        Fit::Maybe
    }
}

/// Equal types, or bits kept under the name of whole numbers of the same size,
/// as NumPy keeps what it has no type for.
pub(super) fn is_same_type(target: &Tensor, source: &Tensor) -> bool {
    target.dtype == source.dtype || is_stored_as(target, source) || is_stored_as(source, target)
}

fn is_stored_as(carrier: &Tensor, meant: &Tensor) -> bool {
    let exotic = matches!(
        meant.kind(),
        Some(Dtype::Bf16 | Dtype::F16 | Dtype::F8E4m3 | Dtype::F8E5m2)
    );
    let plain = carrier.dtype == "raw"
        || matches!(
            carrier.kind(),
            Some(Dtype::U16 | Dtype::I16 | Dtype::U8 | Dtype::I8)
        );
    exotic && plain && carrier.width() == meant.width()
}

fn prove(case: &Case<'_>, kind: Kind) -> Proof {
    let mut proof = Proof::default();
    let [source] = case.sources else {
        proof.refute("it takes one source");
        return proof;
    };
    if source.tensors.is_empty() {
        proof.lower(Grade::Claimed, "no tensor was found in the source");
    }
    let pairs = pairs_as_claimed(case, source, &mut proof);
    proof.take(compare_all(&pairs, case.tell));
    check_names(&pairs, source, case, &mut proof);
    check_claim(case, &pairs, &mut proof);
    if kind == Kind::Reshard && source.tensor_formats() != case.target.tensor_formats() {
        proof.refute(format!(
            "re-sharding keeps the format, and {} became {}",
            source.tensor_formats().join(", "),
            case.target.tensor_formats().join(", ")
        ));
    }
    beside::compare(&mut proof, source, case.target, &Rules::SAME);
    proof
}

/// Pairs, by the prefix that the claim names if it names one.
pub(super) fn pairs_as_claimed<'a>(
    case: &Case<'a>,
    source: &'a Model,
    proof: &mut Proof,
) -> Pairs<'a> {
    let found = pairs::pair(source, case.target);
    let Some(said) = case.claim.text("prefix_removed") else {
        if !found.removed.is_empty() {
            proof.note(format!("all names lost {:?}", found.removed));
        }
        if !found.gained.is_empty() {
            proof.note(format!("all names gained {:?}", found.gained));
        }
        return found;
    };
    if found.removed != said {
        proof.refute(format!(
            "the claim says that names lost {said:?}, and they lost {:?}",
            found.removed
        ));
    }
    found
}

/// Compares every pair bit for bit.
pub(super) fn compare_all(pairs: &Pairs<'_>, tell: Tell<'_>) -> Vec<TensorProof> {
    pairs
        .paired
        .par_iter()
        .map(|(target, source)| compare(target, source, tell))
        .collect()
}

/// Bit for bit.
pub(super) fn compare(target: &Tensor, source: &Tensor, tell: Tell<'_>) -> TensorProof {
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
    if !is_same_type(target, source) {
        return TensorProof::refuted(
            target,
            format!(
                "its type is {}, the source's {}",
                target.dtype, source.dtype
            ),
        )
        .from_source(source);
    }
    let outcome = if is_block(target) {
        compare_blocks(target, source, tell)
    } else {
        let decode = target
            .kind()
            .filter(|kind| kind.is_float() || source.kind().is_none_or(|k| !k.is_float()));
        compare_elements(target, source, decode.or(source.kind()), tell)
    };
    let mut proof = TensorProof::of(target, Grade::Exact).from_source(source);
    if target.dtype != source.dtype {
        proof.note = Some(format!(
            "the bits of {} stand as {}",
            source.dtype, target.dtype
        ));
    }
    match outcome {
        Ok(tally) if tally.wrong == 0 => proof,
        Ok(tally) => TensorProof {
            grade: Grade::Refuted,
            wrong: tally.wrong,
            worst: tally.worst.map(|worst| worst.within(&target.shape)),
            ..proof
        },
        Err(why) => TensorProof::unread(target, why).from_source(source),
    }
}

fn is_block(tensor: &Tensor) -> bool {
    tensor.kind().is_none() && tensor.width().is_none()
}

fn compare_elements(
    target: &Tensor,
    source: &Tensor,
    kind: Option<Dtype>,
    tell: Tell<'_>,
) -> Result<Tally, String> {
    sweep(&[target, source], tell, &|start, buffers| {
        let mut tally = Tally::default();
        let [is, must] = buffers else { return tally };
        if is == must {
            return tally;
        }
        let width = target
            .width()
            .and_then(|w| usize::try_from(w).ok())
            .unwrap_or(1)
            .max(1);
        for (offset, (is, must)) in is
            .chunks_exact(width)
            .zip(must.chunks_exact(width))
            .enumerate()
        {
            if is != must {
                tally.see(true, worst(kind, start + offset as u64, is, must));
            }
        }
        tally
    })
}

/// The element as numbers, and as bits where numbers do not tell.
pub(super) fn worst(kind: Option<Dtype>, index: u64, is: &[u8], must: &[u8]) -> Worst {
    let number = |raw: &[u8]| {
        kind.map_or_else(
            || f64::from(raw.first().copied().unwrap_or(0)),
            |kind| kind.value(raw),
        )
    };
    let (value, expected) = (number(is), number(must));
    let deviation = (value - expected).abs();
    Worst {
        index,
        value,
        expected,
        deviation: if deviation.is_nan() {
            f64::INFINITY
        } else {
            deviation
        },
        bits: Some((bits(is), bits(must))),
        ..Worst::default()
    }
}

fn bits(raw: &[u8]) -> String {
    let digits: String = raw.iter().rev().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

fn compare_blocks(target: &Tensor, source: &Tensor, tell: Tell<'_>) -> Result<Tally, String> {
    let mut tally = Tally::default();
    if target.size() != source.size() {
        return Err("the two have different sizes".to_owned());
    }
    let (mut is, mut must) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < target.size() {
        let len = (1 << 20).min(target.size() - at);
        is.clear();
        must.clear();
        target.read_raw(at, len, &mut is)?;
        source.read_raw(at, len, &mut must)?;
        tell(len * 2);
        if is != must {
            for (offset, (is, must)) in is
                .iter()
                .zip(&must)
                .enumerate()
                .filter(|(_, (a, b))| a != b)
            {
                tally.see(true, worst(None, at + offset as u64, &[*is], &[*must]));
            }
        }
        at += len;
    }
    Ok(tally)
}

/// What only one side has.
pub(super) fn check_names(pairs: &Pairs<'_>, source: &Model, case: &Case<'_>, proof: &mut Proof) {
    for tensor in &pairs.twice {
        proof.unexplained(format!(
            "{} holds two tensors called {}",
            tensor.file, tensor.name
        ));
    }
    for missing in &pairs.missing {
        let kept = source.tensors.iter().find_map(|other| {
            let there = pairs
                .paired
                .iter()
                .any(|(_, paired)| std::ptr::eq(*paired, other));
            (there && !std::ptr::eq(other, *missing))
                .then(|| pairs::tie(source, missing, other))
                .flatten()
                .map(|why| (other, why))
        });
        if let Some((other, why)) = kept {
            let equal = compare(missing, other, case.tell);
            if equal.grade == Grade::Exact {
                proof.note(format!(
                    "{} is left out, as {} stands for it: {why}",
                    missing.name, other.name
                ));
                continue;
            }
        }
        if is_recomputed(&missing.name) {
            proof.note(format!("{} is left out; loading computes it", missing.name));
        } else if !pairs.removed.is_empty()
            && !missing
                .name
                .starts_with(pairs.removed.trim_end_matches('.'))
        {
            proof.note(format!(
                "{} is left out; it is not below {:?}",
                missing.name, pairs.removed
            ));
        } else {
            proof.refute(format!("{} is missing in the target", missing.name));
        }
    }
    for added in &pairs.added {
        let twin = pairs.paired.iter().find_map(|(other, from)| {
            pairs::tie(case.target, added, other)
                .or_else(|| pairs::tie(source, added, other))
                .map(|why| (*other, *from, why))
        });
        if let Some((other, from, why)) = twin {
            let compared = compare(added, from, case.tell);
            if compared.grade == Grade::Exact {
                proof.take(vec![
                    compared.with_note(format!("stands for {} once more: {why}", other.name)),
                ]);
                continue;
            }
        }
        proof
            .tensors
            .push(TensorProof::refuted(added, "no source has it"));
        proof.unexplained(format!("the tensor {}", added.name));
    }
}

fn check_claim(case: &Case<'_>, pairs: &Pairs<'_>, proof: &mut Proof) {
    let Some(said) = case.claim.text("stored") else {
        return;
    };
    let wanted = Dtype::of_any(said)
        .map_or_else(|| said.to_ascii_lowercase(), |kind| kind.name().to_owned());
    for (target, source) in &pairs.paired {
        let carried = target.dtype != source.dtype;
        if carried && target.dtype != wanted {
            proof.refute(format!(
                "the claim says that bits are stored as {said}, and {} is stored as {}",
                target.name, target.dtype
            ));
        }
    }
    let any = pairs
        .paired
        .iter()
        .any(|(target, _)| target.dtype == wanted);
    if !any && !pairs.paired.is_empty() {
        proof.refute(format!(
            "the claim says that bits are stored as {said}, and none are"
        ));
    }
}
