//! The rank of a change, when the adapter is not at hand.

use crate::case::Case;
use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::proof::TensorProof;
use crate::relations::same::compare;
use crate::tensor::Tensor;

/// Rows that are looked at.
const ROWS: u64 = 160;

/// Unchanged, or changed by a matrix of low rank up to rounding.
pub(super) fn judge(target: &Tensor, source: &Tensor, case: &Case<'_>) -> TensorProof {
    let same = compare(target, source, case.tell);
    if same.grade != Grade::Refuted || target.shape != source.shape || target.dtype != source.dtype
    {
        return same;
    }
    let Some(kind) = target
        .kind()
        .filter(|kind| kind.is_float() && target.shape.len() >= 2)
    else {
        return same.with_note("no matrix, and it changed");
    };
    let rows = target.shape.first().copied().unwrap_or(0);
    let columns = target.columns();
    let most = rows.min(columns);
    let allowed = case.claim.number("r").map_or(most / 4, |r| r as u64).max(1);
    match rank(target, source, kind, allowed) {
        Err(why) => TensorProof::unread(target, why),
        Ok(found) => {
            let mut proof = TensorProof::of(target, Grade::Structural);
            proof.changed = Some(same.wrong);
            proof.measures.insert("rank".to_owned(), found as f64);
            if found > allowed {
                proof.grade = Grade::Refuted;
                return proof.with_note(format!("its change has a rank above {allowed}"));
            }
            proof.with_note(format!("its change has rank {found}"))
        }
    }
}

/// Rows of the change, each without what the earlier ones span; those that are
/// left above the rounding count. Stops above `allowed`.
fn rank(target: &Tensor, source: &Tensor, kind: Dtype, allowed: u64) -> Result<u64, String> {
    let rows = target.shape.first().copied().unwrap_or(0);
    let columns = target.columns();
    let step = (rows / ROWS).max(1);
    let mut spanned: Vec<Vec<f64>> = Vec::new();
    let (mut new, mut old) = (Vec::new(), Vec::new());
    let mut row = 0;
    while row < rows {
        target.read(row * columns, columns, &mut new)?;
        source.read(row * columns, columns, &mut old)?;
        let (mut after, mut before) = (Vec::new(), Vec::new());
        kind.decode(&new, &mut after);
        kind.decode(&old, &mut before);
        let noise: f64 = after
            .iter()
            .map(|value| (kind.ulp(*value) / 2.0).powi(2))
            .sum::<f64>();
        let mut change: Vec<f64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        for direction in &spanned {
            let along: f64 = change.iter().zip(direction).map(|(a, b)| a * b).sum();
            for (value, unit) in change.iter_mut().zip(direction) {
                *value -= along * unit;
            }
        }
        let left: f64 = change.iter().map(|value| value * value).sum();
        // What earlier rows span is itself only known up to rounding.
        if left > noise * 16.0 {
            let norm = left.sqrt();
            for value in &mut change {
                *value /= norm;
            }
            spanned.push(change);
            if spanned.len() as u64 > allowed {
                break;
            }
        }
        row += step;
    }
    Ok(spanned.len() as u64)
}
