//! Pruned: some numbers became zero, rows or layers went, the rest is the same.
//!
//! Follows `torch.nn.utils.prune`: `round(fraction · n)` numbers of a tensor, or
//! of all of them together, those of least magnitude; `remove` folds the mask
//! in, without it `weight_orig` and `weight_mask` stay. N:M patterns run along
//! the last dimension.

mod layers;

use rayon::prelude::*;

use self::layers::{loses_layers, without_layers};

use super::same::{check_names, compare, pairs_as_claimed};
use super::{Fit, Relation};
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::grade::Grade;
use crate::model::Model;
use crate::pairs;
use crate::proof::{Proof, TensorProof, Worst};
use crate::sweep::{Tally, sweep, sweep_rows};
use crate::tensor::Tensor;

pub(super) static RELATION: Relation = Relation {
    name: "prune",
    fits,
    prove,
};

/// Zeros of this share are pruning even when nobody says so.
const SHARE: f64 = 0.05;

fn fits(case: &Case<'_>) -> Fit {
    let [source] = case.sources else {
        return Fit::No;
    };
    if source.is_gguf() || case.target.is_gguf() {
        return Fit::No;
    }
    let pairs = pairs::pair(source, case.target);
    if pairs.paired.is_empty() {
        return Fit::No;
    }
    let masks = case
        .target
        .tensors
        .iter()
        .any(|tensor| tensor.name.ends_with("_mask"));
    let smaller = pairs
        .paired
        .iter()
        .any(|(target, source)| target.elements() < source.elements());
    let layers = loses_layers(source, case.target);
    if masks || smaller || layers {
        Fit::Yes
    } else {
        Fit::Maybe
    }
}

/// One tensor's zeros.
struct Pruned {
    proof: TensorProof,
    zeros: u64,
    /// Largest magnitude that was removed, smallest that was kept.
    removed: f64,
    kept: f64,
}

fn prove(case: &Case<'_>) -> Proof {
    let mut proof = Proof::default();
    let Some(source) = case.source() else {
        proof.refute("it takes one source");
        return proof;
    };
    let claimed = case.claim.relation.is_some();
    let dropped = case
        .claim
        .numbers("removed_layers")
        .map(|layers| layers.into_iter().map(|l| l as u64).collect::<Vec<_>>());
    if dropped.is_some() || loses_layers(source, case.target) {
        return without_layers(case, source, dropped, proof);
    }
    let mut pairs = pairs_as_claimed(case, source, &mut proof);
    masks(case, source, &mut pairs, &mut proof);
    let all: Vec<Pruned> = pairs
        .paired
        .par_iter()
        .map(|(target, source)| one(target, source, case))
        .collect();
    let total: u64 = all
        .iter()
        .filter(|p| p.zeros > 0)
        .map(|p| p.proof.elements)
        .sum();
    let zeros: u64 = all.iter().map(|p| p.zeros).sum();
    let rows_removed = pairs
        .paired
        .iter()
        .any(|(target, source)| target.elements() < source.elements());
    let masked = case
        .target
        .tensors
        .iter()
        .any(|tensor| tensor.name.ends_with("_mask"));
    if zeros == 0 && !rows_removed && !masked {
        proof.refute("nothing was removed");
    } else if !claimed && !rows_removed && !masked && (zeros as f64) < SHARE * total as f64 {
        proof.refute(format!(
            "only {zeros} numbers became zero, which is no pruning"
        ));
    }
    check_claim(case, &all, &pairs.paired, &mut proof);
    proof.take(all.into_iter().map(|pruned| pruned.proof).collect());
    if zeros > 0 {
        proof.note(format!(
            "{zeros} of {total} numbers became zero in the tensors that were pruned"
        ));
    }
    check_names(&pairs, source, case, &mut proof);
    beside::compare(
        &mut proof,
        source,
        case.target,
        &Rules {
            config: rows_removed,
            ..Rules::SAME
        },
    );
    proof
}

/// `x_orig` is the source's `x`; `x_mask` holds ones and zeros.
fn masks<'a>(case: &Case<'a>, source: &'a Model, pairs: &mut pairs::Pairs<'a>, proof: &mut Proof) {
    let mut seen = Vec::new();
    pairs.added.retain(|tensor| {
        let name = &tensor.name;
        if let Some(base) = name.strip_suffix("_orig")
            && let Some(from) = source.tensor(base)
        {
            seen.push(base.to_owned());
            pairs.paired.push((tensor, from));
            return false;
        }
        if let Some(base) = name.strip_suffix("_mask")
            && source
                .tensor(base)
                .is_some_and(|from| from.shape == tensor.shape)
        {
            let kind = tensor.kind();
            let outcome = sweep(&[tensor], case.tell, &|start, buffers| {
                let mut tally = Tally::default();
                let (Some(kind), [raw]) = (kind, buffers) else {
                    return tally;
                };
                let mut values = Vec::new();
                kind.decode(raw, &mut values);
                for (at, value) in values.iter().enumerate() {
                    if *value == 0.0 {
                        tally.changed += 1;
                    } else if (*value - 1.0).abs() > 0.0 {
                        tally.see(
                            true,
                            Worst {
                                index: start + at as u64,
                                value: *value,
                                expected: 1.0,
                                deviation: 1.0,
                                ..Worst::default()
                            },
                        );
                    }
                }
                tally
            });
            let grade = match &outcome {
                Ok(tally) if tally.wrong == 0 => Grade::Exact,
                Ok(_) => Grade::Refuted,
                Err(_) => Grade::Claimed,
            };
            let mut told = TensorProof::of(tensor, grade).with_note("a mask");
            if let Ok(tally) = outcome {
                told.wrong = tally.wrong;
                told.worst = tally.worst.map(|worst| worst.within(&tensor.shape));
                told.measures
                    .insert("zeros".to_owned(), tally.changed as f64);
            }
            proof.take(vec![told]);
            return false;
        }
        true
    });
    pairs.missing.retain(|tensor| !seen.contains(&tensor.name));
}

fn one(target: &Tensor, source: &Tensor, case: &Case<'_>) -> Pruned {
    let none = |proof| Pruned {
        proof,
        zeros: 0,
        removed: 0.0,
        kept: f64::INFINITY,
    };
    let kind = target.kind();
    let Some(kind) = kind.filter(|kind| kind.is_float() && target.dtype == source.dtype) else {
        return none(compare(target, source, case.tell));
    };
    if target.shape != source.shape {
        return none(rows(target, source, case));
    }
    // Kept and removed magnitudes are extremes, which sums cannot hold: they go
    // through the order of their bits.
    let removed = std::sync::atomic::AtomicU64::new(0);
    let kept = std::sync::atomic::AtomicU64::new(f64::INFINITY.to_bits());
    let outcome = sweep(&[target, source], case.tell, &|start, buffers| {
        let mut tally = Tally::default();
        let [is, was] = buffers else { return tally };
        let (mut values, mut origin) = (Vec::new(), Vec::new());
        kind.decode(is, &mut values);
        kind.decode(was, &mut origin);
        let width = kind.width();
        let (mut low, mut high) = (f64::INFINITY, 0_f64);
        let raw = is.chunks_exact(width).zip(was.chunks_exact(width));
        for (at, ((value, from), (is, was))) in values.iter().zip(&origin).zip(raw).enumerate() {
            if is == was {
                if *from != 0.0 {
                    low = low.min(from.abs());
                }
            } else if *value == 0.0 {
                // A number times a mask of zero keeps its sign.
                let signed = value.is_sign_negative() && !from.is_sign_negative();
                tally.changed += 1;
                high = high.max(from.abs());
                if signed || from.is_nan() {
                    tally.see(
                        true,
                        super::same::worst(Some(kind), start + at as u64, is, was),
                    );
                }
            } else {
                tally.see(
                    true,
                    super::same::worst(Some(kind), start + at as u64, is, was),
                );
            }
        }
        removed.fetch_max(high.to_bits(), std::sync::atomic::Ordering::Relaxed);
        kept.fetch_min(low.to_bits(), std::sync::atomic::Ordering::Relaxed);
        tally
    });
    let mut proof = TensorProof::of(target, Grade::Exact).from_source(source);
    match outcome {
        Err(why) => none(TensorProof::unread(target, why)),
        Ok(tally) => {
            proof.changed = Some(tally.changed);
            proof.worst = tally.worst.map(|worst| worst.within(&target.shape));
            if tally.wrong > 0 {
                proof.grade = Grade::Refuted;
                proof.wrong = tally.wrong;
                proof.note = Some("what was not removed must stay".to_owned());
            } else if tally.changed > 0 {
                proof.note = Some(format!(
                    "{} of {} numbers became zero",
                    tally.changed, proof.elements
                ));
            }
            Pruned {
                zeros: tally.changed,
                removed: f64::from_bits(removed.into_inner()),
                kept: f64::from_bits(kept.into_inner()),
                proof,
            }
        }
    }
}

/// Whole rows that are gone: those that are left are rows of the source, in
/// order.
fn rows(target: &Tensor, source: &Tensor, case: &Case<'_>) -> TensorProof {
    let same_width =
        target.shape.len() == source.shape.len() && target.shape.get(1..) == source.shape.get(1..);
    if !same_width || target.elements() > source.elements() {
        return TensorProof::refuted(
            target,
            format!(
                "its shape is {:?}, the source's {:?}",
                target.shape, source.shape
            ),
        );
    }
    let columns = target.columns();
    let (rows, from) = (
        target.shape.first().copied().unwrap_or(0),
        source.shape.first().copied().unwrap_or(0),
    );
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    let mut at = 0;
    for row in 0..rows {
        if let Err(why) = target.read(row * columns, columns, &mut mine) {
            return TensorProof::unread(target, why);
        }
        loop {
            if at >= from {
                return TensorProof::refuted(
                    target,
                    format!("row {row} is no row of the source, or out of order"),
                );
            }
            if let Err(why) = source.read(at * columns, columns, &mut theirs) {
                return TensorProof::unread(target, why);
            }
            (case.tell)(theirs.len() as u64);
            at += 1;
            if mine == theirs {
                break;
            }
        }
    }
    TensorProof::of(target, Grade::Exact).with_note(format!("{rows} of {from} rows were kept"))
}

fn check_claim(case: &Case<'_>, all: &[Pruned], paired: &[(&Tensor, &Tensor)], proof: &mut Proof) {
    let claim = case.claim;
    let global = claim
        .text("scope")
        .is_some_and(|scope| scope.eq_ignore_ascii_case("global"));
    let touched: Vec<&Pruned> = all.iter().filter(|pruned| pruned.zeros > 0).collect();
    if let Some(fraction) = claim.number("fraction") {
        let close = |zeros: u64, of: u64| {
            let wanted = (fraction * of as f64).round_ties_even();
            (zeros as f64 - wanted).abs() <= 1.0
        };
        if global {
            let zeros: u64 = touched.iter().map(|p| p.zeros).sum();
            let of: u64 = touched.iter().map(|p| p.proof.elements).sum();
            if !close(zeros, of) {
                proof.refute(format!("the claim says that {fraction} of all numbers were removed, and {zeros} of {of} were"));
            }
        } else if let Some(other) = touched.iter().find(|p| !near(p, fraction, &close)) {
            proof.refute(format!(
                "the claim says that {fraction} of each tensor was removed, and of {} it is {} of {}",
                other.proof.name, other.zeros, other.proof.elements
            ));
        }
    }
    if let Some(criterion) = claim.text("criterion") {
        let criterion = criterion.to_ascii_lowercase();
        let by_size = matches!(
            criterion.as_str(),
            "magnitude" | "l1" | "l1-unstructured" | "l1_unstructured" | "absolute"
        );
        let pattern = claim.text("pattern").is_some();
        if by_size && global {
            let removed = touched.iter().map(|p| p.removed).fold(0.0, f64::max);
            let kept = touched.iter().map(|p| p.kept).fold(f64::INFINITY, f64::min);
            if removed > kept {
                proof.refute(format!("a number of magnitude {removed} was removed and one of {kept} was kept, so it was not by magnitude over all"));
            }
        } else if by_size && !pattern {
            for pruned in touched.iter().filter(|p| p.removed > p.kept) {
                proof.refute(format!(
                    "{}: a number of magnitude {} was removed and one of {} was kept, so it was not by magnitude",
                    pruned.proof.name, pruned.removed, pruned.kept
                ));
            }
        } else if criterion == "random"
            && !touched.is_empty()
            && !pattern
            && touched.iter().all(|p| p.zeros > 8 && p.removed <= p.kept)
        {
            proof.refute(
                "the claim says that numbers were removed at random, and exactly the smallest were",
            );
        }
    }
    if let Some(pattern) = claim.text("pattern") {
        check_pattern(case, pattern, paired, proof);
    }
}

/// A tensor whose source had zeros already has fewer new ones.
fn near(pruned: &Pruned, fraction: f64, close: &dyn Fn(u64, u64) -> bool) -> bool {
    close(pruned.zeros, pruned.proof.elements)
        // Rows by rows: the fraction is of rows.
        || structured(pruned, fraction)
}

fn structured(pruned: &Pruned, fraction: f64) -> bool {
    let share = pruned.zeros as f64 / pruned.proof.elements.max(1) as f64;
    // A whole number of rows or columns cannot meet every fraction.
    pruned.removed > pruned.kept && (share - fraction).abs() < 0.05
}

/// Of every `m` in a row at most `n` are kept (`n:m`), the largest ones when the
/// criterion is magnitude.
fn check_pattern(case: &Case<'_>, pattern: &str, paired: &[(&Tensor, &Tensor)], proof: &mut Proof) {
    let parts = pattern.split_once(':').and_then(|(n, m)| {
        Some((
            n.trim().parse::<usize>().ok()?,
            m.trim().parse::<usize>().ok()?,
        ))
    });
    let Some((n, m)) = parts.filter(|(n, m)| *m > 0 && n <= m) else {
        proof.refute(format!(
            "the claim's pattern {pattern:?} is not written as 2:4"
        ));
        return;
    };
    let by_size = case
        .claim
        .text("criterion")
        .is_none_or(|c| c.eq_ignore_ascii_case("magnitude") || c.eq_ignore_ascii_case("l1"));
    let mut any = false;
    for (target, source) in paired {
        let last = target.shape.last().copied().unwrap_or(0);
        let Some(kind) = target.kind().filter(|kind| kind.is_float()) else {
            continue;
        };
        if target.shape != source.shape
            || target.dtype != source.dtype
            || target.shape.len() < 2
            || last == 0
            || !last.is_multiple_of(m as u64)
        {
            continue;
        }
        let outcome = sweep_rows(&[target, source], m as u64, case.tell, &|start, buffers| {
            let mut tally = Tally::default();
            let [is, was] = buffers else { return tally };
            let (mut values, mut origin) = (Vec::new(), Vec::new());
            kind.decode(is, &mut values);
            kind.decode(was, &mut origin);
            for (group, (is, was)) in values.chunks(m).zip(origin.chunks(m)).enumerate() {
                tally.changed += is
                    .iter()
                    .zip(was)
                    .filter(|(a, b)| **a == 0.0 && **b != 0.0)
                    .count() as u64;
                let kept = is.iter().filter(|value| **value != 0.0).count();
                let smallest = is
                    .iter()
                    .filter(|v| **v != 0.0)
                    .map(|v| v.abs())
                    .fold(f64::INFINITY, f64::min);
                let largest = is
                    .iter()
                    .zip(was)
                    .filter(|(a, _)| **a == 0.0)
                    .map(|(_, b)| b.abs())
                    .fold(0.0, f64::max);
                if kept > n || (by_size && largest > smallest) {
                    let index = start + (group * m) as u64;
                    tally.see(
                        true,
                        Worst {
                            index,
                            value: kept as f64,
                            expected: n as f64,
                            deviation: 1.0,
                            ..Worst::default()
                        },
                    );
                }
            }
            tally
        });
        match outcome {
            Ok(tally) if tally.changed == 0 => {}
            Ok(tally) if tally.wrong > 0 => {
                let at = tally
                    .worst
                    .map(|worst| worst.within(&target.shape).place())
                    .unwrap_or_default();
                proof.refute(format!(
                    "{}: {} groups are not {pattern}, one at {at}",
                    target.name, tally.wrong
                ));
            }
            Ok(_) => any = true,
            Err(why) => proof.lower(Grade::Claimed, format!("{}: {why}", target.name)),
        }
    }
    if !any {
        proof.refute(format!(
            "the claim says that the pattern is {pattern}, and no tensor has it"
        ));
    }
}
