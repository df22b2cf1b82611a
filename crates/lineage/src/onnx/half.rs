//! Conversion to half precision.
//!
//! Follows `float16.py` of onnxconverter-common and of ONNX Runtime: what is
//! smaller than the smallest positive value asked for (1e-7, or 5.96e-8 in newer
//! versions) and not zero is raised to it, what is larger than 65504 (or, in
//! onnxconverter-common, than 1e4) and finite is lowered to that, the rest is rounded to nearest.

use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::proof::{TensorProof, Worst};
use crate::round::{Way, encode};
use crate::sweep::{Tally, Tell, sweep};
use crate::tensor::Tensor;

const SMALLEST: [f32; 3] = [1e-7, 5.96e-8, 0.0];

pub(super) fn check(target: &Tensor, source: &Tensor, tell: Tell<'_>) -> TensorProof {
    if target.shape != source.shape {
        return TensorProof::refuted(target, "its shape is not that of the source")
            .from_source(source);
    }
    let mut first: Option<TensorProof> = None;
    for smallest in SMALLEST {
        for most in [65504.0, 1e4, f64::INFINITY] {
            let rule = |value: f64| round(value, f64::from(smallest), most);
            let tally = sweep(&[target, source], tell, &|start, buffers| {
                compare(start, buffers, &rule)
            });
            let proof = match tally {
                Err(why) => return TensorProof::unread(target, why).from_source(source),
                Ok(tally) => TensorProof {
                    wrong: tally.wrong,
                    grade: if tally.wrong == 0 {
                        Grade::Exact
                    } else {
                        Grade::Refuted
                    },
                    worst: tally.worst.map(|worst| worst.within(&target.shape)),
                    ..TensorProof::of(target, Grade::Exact)
                }
                .from_source(source)
                .with_note(if smallest > 0.0 {
                    format!("f32 to f16, at least {smallest:e}")
                } else {
                    "f32 to f16".to_owned()
                }),
            };
            if proof.wrong == 0 {
                return proof;
            }
            if first.as_ref().is_none_or(|held| proof.wrong < held.wrong) {
                first = Some(proof);
            }
        }
    }
    first.unwrap_or_else(|| TensorProof::unread(target, "it was not compared"))
}

fn round(value: f64, smallest: f64, most: f64) -> Vec<u8> {
    let magnitude = value.abs();
    let value = if magnitude > 0.0 && magnitude < smallest {
        smallest.copysign(value)
    } else if magnitude > most && magnitude.is_finite() {
        most.copysign(value)
    } else {
        value
    };
    let mut out = Vec::with_capacity(2);
    encode(Dtype::F16, Way::NEAREST, value, &mut out);
    out
}

fn compare(start: u64, buffers: &[Vec<u8>], rule: &dyn Fn(f64) -> Vec<u8>) -> Tally {
    let mut tally = Tally::default();
    let [is, origin] = buffers else { return tally };
    for (offset, (is, origin)) in is
        .chunks_exact(2)
        .zip(origin.as_chunks::<4>().0)
        .enumerate()
    {
        let must = rule(f64::from(f32::from_le_bytes(*origin)));
        let (value, expected) = (Dtype::F16.value(is), Dtype::F16.value(&must));
        if *is != *must && !(value.is_nan() && expected.is_nan()) {
            tally.see(
                true,
                Worst {
                    index: start + offset as u64,
                    value,
                    expected,
                    deviation: (value - expected).abs(),
                    ..Worst::default()
                },
            );
        }
    }
    tally
}
