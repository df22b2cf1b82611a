//! Batch normalization folded into the convolution or matrix before it.
//!
//! Exporters multiply each output channel by γ/√(σ²+ε) in single precision:
//! every step is correctly rounded, so the result can be had bit for bit when
//! the order of the steps is known. Several orders are in use; the one that
//! explains most elements is taken.

use crate::dtype::Dtype;
use crate::grade::Grade;
use crate::model::Model;
use crate::proof::{TensorProof, Worst};
use crate::sweep::{Tally, Tell, sweep};
use crate::tensor::{Tensor, unravel};

use super::view::{value, values};

/// ε that layers and configurations have.
const EPSILONS: [f64; 6] = [1e-5, 1e-3, 1e-6, 1e-12, 1e-4, 1e-8];
/// Channels of one layer.
const CHANNELS: u64 = 1 << 16;

/// A batch normalization of the source.
struct Norm {
    name: String,
    gamma: Vec<f64>,
    beta: Vec<f64>,
    mean: Vec<f64>,
    variance: Vec<f64>,
}

fn norms(source: &Model, channels: u64) -> Vec<Norm> {
    source
        .tensors
        .iter()
        .filter_map(|tensor| {
            let name = tensor.name.strip_suffix("running_var")?.to_owned();
            if tensor.elements() != channels {
                return None;
            }
            let get = |ending: &str| {
                let found = source.tensor(&format!("{name}{ending}"))?;
                (found.elements() == channels).then(|| values(found, CHANNELS))?
            };
            let count = usize::try_from(channels).ok()?;
            Some(Norm {
                gamma: get("weight").unwrap_or_else(|| vec![1.0; count]),
                beta: get("bias").unwrap_or_else(|| vec![0.0; count]),
                mean: get("running_mean")?,
                variance: values(tensor, CHANNELS)?,
                name,
            })
        })
        .collect()
}

/// The steps, in single precision.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// w · (γ/√(σ²+ε))
    Scale,
    /// w · (γ · (1/√(σ²+ε)))
    Reciprocal,
    /// In double precision, rounded at the end.
    Double,
}

const WAYS: [Way; 3] = [Way::Scale, Way::Reciprocal, Way::Double];

impl Way {
    fn scale(self, norm: &Norm, at: usize, epsilon: f64) -> Option<f64> {
        let (gamma, variance) = (*norm.gamma.get(at)?, *norm.variance.get(at)?);
        let root = (variance as f32 + epsilon as f32).sqrt();
        Some(match self {
            Self::Scale => f64::from(gamma as f32 / root),
            Self::Reciprocal => f64::from(gamma as f32 * (1.0 / root)),
            Self::Double => gamma / (variance + epsilon).sqrt(),
        })
    }

    fn weight(self, weight: f64, scale: f64) -> f64 {
        match self {
            Self::Double => f64::from((weight * scale) as f32),
            _ => f64::from(weight as f32 * scale as f32),
        }
    }

    fn bias(self, bias: f64, norm: &Norm, at: usize, scale: f64) -> Option<f64> {
        let (beta, mean) = (*norm.beta.get(at)?, *norm.mean.get(at)?);
        Some(match self {
            Self::Double => f64::from(((bias - mean) * scale + beta) as f32),
            _ => f64::from((bias as f32 - mean as f32) * scale as f32 + beta as f32),
        })
    }
}

/// A folded weight, when a normalization of the source explains most of it.
pub(super) fn weight(
    target: &Tensor,
    source: &Tensor,
    model: &Model,
    tell: Tell<'_>,
) -> Option<(TensorProof, Vec<String>)> {
    if target.shape != source.shape
        || target.shape.len() < 2
        || target.kind() != Some(Dtype::F32)
        || source.kind() != Some(Dtype::F32)
    {
        return None;
    }
    let mut best: Option<(u64, TensorProof, String)> = None;
    for axis in [0, 1] {
        let channels = *target.shape.get(axis)?;
        let inner: u64 = target.shape.iter().skip(axis + 1).product();
        for norm in norms(model, channels) {
            for epsilon in EPSILONS {
                for way in WAYS {
                    let scales: Option<Vec<f64>> = (0..norm.gamma.len())
                        .map(|at| way.scale(&norm, at, epsilon))
                        .collect();
                    let scales = scales?;
                    if !is_near(target, source, &scales, inner) {
                        continue;
                    }
                    let (_, tuned) = tune(target, source, way, &scales, inner)?;
                    let tally = sweep(&[target, source], tell, &|start, buffers| {
                        compare(way, &tuned, inner, start, buffers)
                    })
                    .ok()?;
                    let name = format!("{}running_var", norm.name);
                    let off = tally.changed;
                    if best.as_ref().is_none_or(|(held, _, _)| off < *held) {
                        let proof = judge(target, source, tally, &norm.name, epsilon);
                        best = Some((off, proof, name));
                    }
                }
            }
        }
    }
    best.map(|(_, proof, name)| {
        let prefix = name.strip_suffix("running_var").unwrap_or_default();
        let used = ["weight", "running_var"].map(|end| format!("{prefix}{end}"));
        (proof, used.to_vec())
    })
}

/// Most of a bias is about what it would be.
fn is_about(is: &[f64], own: &[f64], norm: &Norm, way: Way, epsilon: f64) -> bool {
    let far = is
        .iter()
        .zip(own)
        .enumerate()
        .filter(|(at, (is, own))| {
            let scale = way.scale(norm, *at, epsilon).unwrap_or(f64::NAN);
            let must = way.bias(**own, norm, *at, scale).unwrap_or(f64::NAN);
            let mean = norm.mean.get(*at).copied().unwrap_or(0.0);
            let size = ((**own).abs() + mean.abs()) * scale.abs() + must.abs();
            let near = (**is - must).abs() <= size * 1e-5 + 1e-12;
            !near
        })
        .count();
    far * 3 <= is.len()
}

/// The scale of each channel, as the weight beside the bias shows it.
fn scales_of(
    weight: Option<&Tensor>,
    model: &Model,
    norm: &Norm,
    way: Way,
    epsilon: f64,
) -> Option<Vec<f64>> {
    let scales: Option<Vec<f64>> = (0..norm.gamma.len())
        .map(|at| way.scale(norm, at, epsilon))
        .collect();
    let scales = scales?;
    let Some(weight) = weight.filter(|weight| weight.kind() == Some(Dtype::F32)) else {
        return Some(scales);
    };
    let inner = weight.shape.iter().skip(1).product();
    let tuned = model
        .tensors
        .iter()
        .filter(|source| source.shape == weight.shape && source.kind() == Some(Dtype::F32))
        .filter(|source| is_near(weight, source, &scales, inner))
        .filter_map(|source| tune(weight, source, way, &scales, inner))
        .min_by_key(|(off, _)| *off);
    Some(tuned.map_or(scales, |(_, tuned)| tuned))
}

/// Vectorized roots and quotients miss the correctly rounded one by a unit in
/// the last place now and then: per channel, the neighbour that explains most.
fn tune(
    target: &Tensor,
    source: &Tensor,
    way: Way,
    scales: &[f64],
    inner: u64,
) -> Option<(u64, Vec<f64>)> {
    let run = usize::try_from(inner.max(1)).ok()?;
    let mut misses = vec![[0_u32; NEAR.len()]; scales.len()];
    let (mut is, mut origin) = (Vec::new(), Vec::new());
    let elements = target.elements();
    let step = (1 << 16) / inner.max(1) * inner.max(1);
    let step = step.max(inner.max(1));
    let mut start = 0;
    while start < elements {
        let count = step.min(elements - start);
        target.read(start, count, &mut is).ok()?;
        source.read(start, count, &mut origin).ok()?;
        let rows = is
            .as_chunks::<4>()
            .0
            .chunks(run)
            .zip(origin.as_chunks::<4>().0.chunks(run));
        for (row, (is, origin)) in rows.enumerate() {
            let at = (start / inner.max(1) + row as u64) % scales.len().max(1) as u64;
            let at = usize::try_from(at).ok()?;
            let (Some(scale), Some(misses)) = (scales.get(at), misses.get_mut(at)) else {
                continue;
            };
            for (near, miss) in NEAR.iter().zip(misses.iter_mut()) {
                let scale = step_by(*scale, *near);
                for (is, origin) in is.iter().zip(origin) {
                    let must = way.weight(f64::from(f32::from_le_bytes(*origin)), scale);
                    let is = f64::from(f32::from_le_bytes(*is));
                    *miss += u32::from(is.to_bits() != must.to_bits());
                }
            }
        }
        start += count;
    }
    let mut off = 0;
    let tuned = scales
        .iter()
        .zip(&misses)
        .map(|(scale, misses)| {
            let best = NEAR.iter().zip(misses).min_by_key(|(_, miss)| **miss);
            off += best.map_or(0, |(_, miss)| u64::from(*miss));
            step_by(*scale, best.map_or(0, |(near, _)| *near))
        })
        .collect();
    Some((off, tuned))
}

/// Some elements are about what they would be.
fn is_near(target: &Tensor, source: &Tensor, scales: &[f64], inner: u64) -> bool {
    let elements = target.elements().max(1);
    (0..24).all(|step| {
        let at = step * (elements / 24).max(1) % elements;
        let is = value(target, at).unwrap_or(f64::NAN);
        let must = value(source, at).unwrap_or(f64::NAN) * channel(scales, at, inner);
        // One in five may be anything, so that what was changed is found.
        step % 5 == 0 || (is - must).abs() <= must.abs() * 1e-5 + 1e-12
    })
}

/// Units in the last place, likeliest first.
const NEAR: [i32; 5] = [0, 1, -1, 2, -2];

fn step_by(scale: f64, units: i32) -> f64 {
    let bits = (scale as f32).to_bits().wrapping_add_signed(units);
    if units == 0 {
        scale
    } else {
        f64::from(f32::from_bits(bits))
    }
}

fn channel(scales: &[f64], at: u64, inner: u64) -> f64 {
    let count = scales.len().max(1) as u64;
    let at = usize::try_from(at / inner.max(1) % count).unwrap_or(0);
    scales.get(at).copied().unwrap_or(f64::NAN)
}

fn compare(way: Way, scales: &[f64], inner: u64, start: u64, buffers: &[Vec<u8>]) -> Tally {
    let mut tally = Tally::default();
    let [is, origin] = buffers else { return tally };
    let pairs = is.as_chunks::<4>().0.iter().zip(origin.as_chunks::<4>().0);
    for (offset, (is, origin)) in pairs.enumerate() {
        let at = start + offset as u64;
        let is = f64::from(f32::from_le_bytes(*is));
        let origin = f64::from(f32::from_le_bytes(*origin));
        let must = way.weight(origin, channel(scales, at, inner));
        note(&mut tally, at, is, must);
    }
    tally
}

fn note(tally: &mut Tally, at: u64, is: f64, must: f64) {
    if is.to_bits() == must.to_bits() || (is.is_nan() && must.is_nan()) {
        return;
    }
    let bound = 4.0 * Dtype::F32.ulp(must);
    let deviation = (is - must).abs();
    let far = deviation.is_nan() || deviation > bound;
    tally.changed += 1;
    tally.see(
        far,
        Worst {
            index: at,
            value: is,
            expected: must,
            deviation,
            bound,
            ..Worst::default()
        },
    );
}

/// Every element as replayed is exact; a few that are not, among many that
/// are, were changed; else all must be within a few units in the last place.
fn judge(target: &Tensor, source: &Tensor, tally: Tally, norm: &str, epsilon: f64) -> TensorProof {
    let elements = target.elements();
    let replayed = tally.changed * 2 < elements;
    let wrong = if replayed { tally.changed } else { tally.wrong };
    let grade = match (wrong, replayed) {
        (0, true) => Grade::Exact,
        (0, false) => Grade::Bounded,
        _ => Grade::Refuted,
    };
    TensorProof {
        wrong,
        worst: tally.worst.map(|mut worst| {
            if replayed {
                worst.bound = 0.0;
            }
            worst.position = unravel(worst.index, &target.shape);
            worst
        }),
        ..TensorProof::of(target, grade)
    }
    .from_source(source)
    .with_note(format!(
        "batch normalization {} folded in, ε {epsilon:e}",
        norm.trim_end_matches('.')
    ))
}

/// A folded bias; the layer itself may have none.
pub(super) fn bias(
    target: &Tensor,
    weight: Option<&Tensor>,
    model: &Model,
    tell: Tell<'_>,
) -> Option<(TensorProof, Vec<String>)> {
    let [channels] = *target.shape.as_slice() else {
        return None;
    };
    if target.kind() != Some(Dtype::F32) || channels > CHANNELS {
        return None;
    }
    tell(target.size());
    let is = values(target, CHANNELS)?;
    let mut best: Option<(u64, TensorProof, Vec<String>)> = None;
    let zeros = (String::new(), vec![0.0; is.len()]);
    let own = model
        .tensors
        .iter()
        .filter(|tensor| tensor.shape == [channels])
        .filter(|tensor| {
            // Not that of a normalization itself.
            let module = tensor.name.strip_suffix("bias");
            module.is_some_and(|module| model.tensor(&format!("{module}running_var")).is_none())
        })
        .filter_map(|tensor| Some((tensor.name.clone(), values(tensor, CHANNELS)?)));
    let norms = norms(model, channels);
    for (name, own) in std::iter::once(zeros).chain(own) {
        for norm in &norms {
            for epsilon in EPSILONS {
                for way in WAYS {
                    let mut tally = Tally::default();
                    if !is_about(&is, &own, norm, way, epsilon) {
                        continue;
                    }
                    let Some(scales) = scales_of(weight, model, norm, way, epsilon) else {
                        continue;
                    };
                    for (at, (is, own)) in is.iter().zip(&own).enumerate() {
                        let scale = scales.get(at).copied().unwrap_or(f64::NAN);
                        let must = way.bias(*own, norm, at, scale).unwrap_or(f64::NAN);
                        note(&mut tally, at as u64, *is, must);
                    }
                    if tally.wrong * 3 > channels {
                        continue;
                    }
                    let off = tally.changed;
                    if best.as_ref().is_none_or(|(held, _, _)| off < *held) {
                        let mut proof = judge(target, target, tally, &norm.name, epsilon);
                        let mut used: Vec<String> = ["bias", "running_mean"]
                            .map(|end| format!("{}{end}", norm.name))
                            .to_vec();
                        if !name.is_empty() {
                            proof.source = Some(name.clone());
                            used.push(name.clone());
                        }
                        best = Some((off, proof, used));
                    }
                }
            }
        }
    }
    best.map(|(_, proof, used)| (proof, used))
}
