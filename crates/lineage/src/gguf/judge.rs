//! From what the blocks showed to a grade for every tensor.

use rayon::prelude::*;

use super::block::Kind;
use super::check::{Report, Seen};
use super::rows::Map;
use super::weigh::{Importance, Job, Path, Setting, choose, is_narrowed};
use crate::grade::Grade;
use crate::proof::{Proof, TensorProof, Worst};
use crate::sweep::{Tally, Tell};
use crate::tensor::Unread;

enum Outcome {
    Numbers(Tally),
    Blocks(Report),
}

/// Weighs all jobs and adds their tensors to the proof.
pub(super) fn judge(jobs: &[Job<'_>], importance: &Importance, proof: &mut Proof, tell: Tell<'_>) {
    let setting = choose(jobs, importance);
    let outcomes: Vec<Result<Outcome, Unread>> = jobs
        .par_iter()
        .map(|job| {
            if job.kind.is_quantized() {
                weigh_blocks(job, setting, importance, tell).map(Outcome::Blocks)
            } else {
                job.numbers(setting.path, tell).map(Outcome::Numbers)
            }
        })
        .collect();
    let foreign = foreign_build(jobs, &outcomes);
    let mut tensors = Vec::new();
    let mut other = 0;
    for (job, outcome) in jobs.iter().zip(outcomes) {
        let tensor = match outcome {
            Err(why) => TensorProof::unread(job.target, why),
            Ok(Outcome::Numbers(tally)) => numbers(job, tally),
            Ok(Outcome::Blocks(report)) => {
                other += u64::from(report.differing > 0);
                blocks(job, &report, foreign)
            }
        };
        let from = job.recipe.names();
        let source = (from != job.target.name).then_some(from);
        tensors.push(TensorProof { source, ..tensor });
    }
    match setting.path {
        Path::Direct => {}
        Path::F16 => proof.note("the weights went through f16 on their way"),
        Path::Bf16 => proof.note("the weights went through bf16 on their way"),
    }
    if setting.fused && other < tensors.len() as u64 {
        proof.note("the quantizer was built with fused multiply-add");
    }
    proof.take(tensors);
}

/// A sample may not tell the paths apart: what fails on one is tried on the others.
fn weigh_blocks(
    job: &Job<'_>,
    setting: Setting,
    importance: &Importance,
    tell: Tell<'_>,
) -> Result<Report, Unread> {
    let report = job.blocks(setting, importance, tell)?;
    if report.off == 0 && report.differing == 0 {
        return Ok(report);
    }
    let key = |r: &Report| (r.off, r.differing);
    let mut best = report;
    for path in [Path::Direct, Path::F16, Path::Bf16] {
        if path == setting.path || key(&best) == (0, 0) {
            continue;
        }
        // Only what differs in few places can be explained by another rounding.
        if best.off * 20 > best.blocks * job.kind.elements() as u64 {
            break;
        }
        let other = job.blocks(Setting { path, ..setting }, importance, &|_| {})?;
        if key(&other) < key(&best) && other.off == 0 {
            best = other;
        }
    }
    Ok(best)
}

/// Share of blocks of a kind that another way to round `a·b + c` changes,
/// measured over both kinds of build.
fn rate(kind: Kind) -> f64 {
    match kind {
        Kind::Q4_0 | Kind::Q5_0 => 0.004,
        Kind::Q2K => 0.2,
        Kind::Q3K => 0.008,
        Kind::Q4K => 0.04,
        Kind::Q5K => 0.2,
        Kind::Q6K => 0.015,
        Kind::Iq4Nl => 0.002,
        Kind::Iq4Xs | Kind::Iq3S | Kind::Iq3Xxs => 0.01,
        _ => 0.0,
    }
}

/// Most blocks differ: the scales come from another search.
fn is_searched(report: &Report) -> bool {
    report.differing * 2 > report.blocks
}

/// Whether the differing blocks are as many as another build would make.
fn foreign_build(jobs: &[Job<'_>], outcomes: &[Result<Outcome, Unread>]) -> bool {
    let (mut seen, mut expected) = (0.0, 0.0);
    for (job, outcome) in jobs.iter().zip(outcomes) {
        if let Ok(Outcome::Blocks(report)) = outcome
            && !is_searched(report)
            && rate(job.kind) > 0.0
        {
            // A tensor that was replaced is not a sign of a build.
            seen += (report.differing as f64).min(report.blocks as f64 * 0.3);
            expected += report.blocks as f64 * rate(job.kind);
        }
    }
    seen > expected / 3.0 && seen >= 3.0
}

fn numbers(job: &Job<'_>, tally: Tally) -> TensorProof {
    let grade = if tally.wrong > 0 {
        Grade::Refuted
    } else if job.recipe.map == Map::MinusExp || job.target.name == "rope_freqs.weight" {
        Grade::Bounded
    } else {
        Grade::Exact
    };
    TensorProof {
        wrong: tally.wrong,
        worst: tally
            .worst
            .filter(|_| tally.wrong > 0)
            .map(|w| w.within(&job.target.shape)),
        ..TensorProof::of(job.target, grade)
    }
}

fn blocks(job: &Job<'_>, report: &Report, foreign: bool) -> TensorProof {
    let kind = job.kind;
    let replayed = super::quantizer::replays(kind);
    let mut tensor = TensorProof::of(job.target, Grade::Exact);
    tensor
        .measures
        .insert("relative_rmse".to_owned(), report.relative());
    if report.clipped > 0 {
        tensor
            .measures
            .insert("clipped".to_owned(), report.clipped as f64);
    }
    if report.free > 0 {
        tensor
            .measures
            .insert("free_codes".to_owned(), report.free as f64);
    }
    // Coarser grids are not filled evenly by any weights, and on finer ones the
    // steps of a 16-bit source show.
    let telling = matches!(kind, Kind::Q5_0 | Kind::Q5_1 | Kind::Q5K | Kind::Q6K);
    if telling && let Some(skew) = skew(&report.residuals) {
        tensor.measures.insert("residual_skew".to_owned(), skew);
    }
    let refuted = |mut tensor: TensorProof, wrong: u64, seen: Option<Seen>, why: String| {
        tensor.grade = Grade::Refuted;
        tensor.wrong = wrong;
        tensor.worst = seen.map(|seen| worst(seen, &job.target.shape));
        tensor.note = Some(why);
        tensor
    };
    if report.off > 0 {
        return refuted(
            tensor,
            report.off,
            report.off_at.or(report.differs_at),
            format!("{} codes are not the nearest to their weights", report.off),
        );
    }
    if !replayed {
        tensor.grade = Grade::Bounded;
        tensor.note = Some("decoded and bounded; codes of this type are not replayed".to_owned());
        return tensor;
    }
    if report.differing == 0 {
        return tensor;
    }
    let searched =
        is_searched(report) && searches(kind) && is_narrowed(&job.recipe, &job.target.name);
    let elsewhere = foreign && rate(kind) > 0.0;
    if !(searched || elsewhere) {
        return refuted(
            tensor,
            report.differing,
            report.differs_at,
            format!(
                "{} of {} blocks are not what the quantizer gives for these weights",
                report.differing, report.blocks
            ),
        );
    }
    if report.implausible * 5 > report.blocks {
        return refuted(
            tensor,
            report.implausible,
            report.implausible_at,
            "its scales do not suit its weights".to_owned(),
        );
    }
    tensor.grade = match kind {
        Kind::Q2K | Kind::Q3K | Kind::Q4K | Kind::Q5K | Kind::Q6K => Grade::NearestCode,
        _ => Grade::Bounded,
    };
    let why = if searched && matches!(kind, Kind::Iq3S | Kind::Iq3Xxs) {
        "points were chosen with an importance matrix that was not given, so they are only bounded"
    } else if searched {
        "every code is the nearest on its grid; the scales were searched with an importance matrix \
         that was not given, so a scale that is off by little would not show"
    } else {
        "every code is the nearest on its grid; the scales are those of another build of the \
         quantizer, so a scale that is off by little would not show"
    };
    tensor.note = Some(why.to_owned());
    tensor
}

/// Kinds whose scale is searched when there is an importance matrix.
fn searches(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Q4_0
            | Kind::Q4_1
            | Kind::Q5_0
            | Kind::Q5_1
            | Kind::Q2K
            | Kind::Q3K
            | Kind::Q4K
            | Kind::Q5K
            | Kind::Q6K
            | Kind::Iq4Nl
            | Kind::Iq4Xs
            | Kind::Iq3Xxs
            | Kind::Iq3S
    )
}

fn worst(seen: Seen, shape: &[u64]) -> Worst {
    Worst {
        index: seen.index,
        value: f64::from(seen.value),
        expected: f64::from(seen.expected),
        deviation: (f64::from(seen.value) - f64::from(seen.expected)).abs(),
        bound: f64::from(seen.bound),
        ..Worst::default()
    }
    .within(shape)
}

/// How far the residuals within rounding cells are from uniform: the largest
/// relative excess of a tenth of the cell.
fn skew(residuals: &[u64; 10]) -> Option<f64> {
    let all: u64 = residuals.iter().sum();
    let mean = all as f64 / 10.0;
    (all >= 10_000).then(|| {
        residuals
            .iter()
            .map(|n| (*n as f64 - mean).abs() / mean)
            .fold(0.0, f64::max)
    })
}
