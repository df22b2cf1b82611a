//! Scales, zero points and codes, recomputed as ONNX Runtime's quantizer
//! computes them.
//!
//! Follows `onnxruntime/quantization/quant_utils.py` (`compute_scale_zp`,
//! `quantize_nparray`): the range is widened to hold zero, the scale is the
//! range over the codes in double precision and rounded to single, codes are
//! quotients in single precision, rounded half to even. Which of its switches
//! were set is not recorded; all are tried, and one must explain all channels.

use super::walk::Scaled;
use crate::grade::Grade;
use crate::proof::{TensorProof, Worst};
use crate::sweep::Tell;
use crate::tensor::{Tensor, unravel};

use super::view::values;

/// Elements of one stretch.
const CHUNK: u64 = 1 << 16;
/// Groups that have a scale of their own.
pub(super) const GROUPS: u64 = 1 << 22;

/// How a range becomes a scale.
#[derive(Debug, Clone, Copy)]
struct Switch {
    name: &'static str,
    low: f64,
    high: f64,
    symmetric: bool,
}

fn switches(dtype: &str) -> Vec<Switch> {
    let ranges: &[(f64, f64, &'static str)] = match dtype {
        "i8" => &[
            (-127.0, 127.0, "symmetric"),
            (-128.0, 127.0, "full range"),
            (-64.0, 64.0, "reduced range"),
        ],
        "u8" => &[(0.0, 255.0, "full range"), (0.0, 127.0, "reduced range")],
        "i16" => &[
            (-32767.0, 32767.0, "symmetric"),
            (-32768.0, 32767.0, "full range"),
            (-16384.0, 16384.0, "reduced range"),
        ],
        "u16" => &[
            (0.0, 65535.0, "full range"),
            (0.0, 32767.0, "reduced range"),
        ],
        "i4" => &[
            (-8.0, 7.0, "full range"),
            (-7.0, 7.0, "symmetric"),
            (-4.0, 3.0, "reduced range"),
        ],
        "u4" => &[(0.0, 15.0, "full range"), (0.0, 7.0, "reduced range")],
        _ => &[],
    };
    let mut out = Vec::new();
    for (low, high, name) in ranges {
        for symmetric in [true, false] {
            out.push(Switch {
                name,
                low: *low,
                high: *high,
                symmetric,
            });
        }
    }
    out
}

impl Switch {
    /// Scale and zero point for a range.
    fn scale(self, low: f64, high: f64) -> (f64, f64) {
        let (mut low, mut high) = (low.min(0.0), high.max(0.0));
        if self.symmetric {
            let most = low.abs().max(high.abs());
            (low, high) = (-most, most);
        }
        let scale = (high - low) / (self.high - self.low);
        if scale < f64::from(f32::MIN_POSITIVE) {
            return (1.0, 0.0);
        }
        let zero = if self.symmetric {
            f64::midpoint(self.low, self.high).round_ties_even()
        } else {
            (self.low - low / scale).round_ties_even()
        };
        (f64::from(scale as f32), zero)
    }
}

fn limits(dtype: &str) -> Option<(f64, f64)> {
    Some(match dtype {
        "i8" => (-128.0, 127.0),
        "u8" => (0.0, 255.0),
        "i16" => (-32768.0, 32767.0),
        "u16" => (0.0, 65535.0),
        "i4" => (-8.0, 7.0),
        "u4" => (0.0, 15.0),
        "i32" => (-2_147_483_648.0, 2_147_483_647.0),
        _ => return None,
    })
}

/// Codes of any width, decoded.
fn codes(tensor: &Tensor, start: u64, count: u64, raw: &mut Vec<u8>) -> Result<Vec<f64>, String> {
    if let "i4" | "u4" = tensor.dtype.as_str() {
        raw.clear();
        let first = start / 2;
        tensor.read_raw(first, (start + count).div_ceil(2) - first, raw)?;
        let signed = tensor.dtype == "i4";
        return Ok((start..start + count)
            .map(|at| {
                let place = usize::try_from(at / 2 - first).unwrap_or(usize::MAX);
                let byte = raw.get(place).copied().unwrap_or(0);
                let nibble = if at % 2 == 0 { byte & 15 } else { byte >> 4 };
                let code = f64::from(nibble);
                if signed && code > 7.0 {
                    code - 16.0
                } else {
                    code
                }
            })
            .collect());
    }
    let kind = tensor
        .kind()
        .ok_or_else(|| format!("elements of type {} are not decoded", tensor.dtype))?;
    tensor.read(start, count, raw)?;
    let mut out = Vec::new();
    kind.decode(raw, &mut out);
    Ok(out)
}

/// All codes of a small tensor.
fn few(tensor: &Tensor) -> Option<Vec<f64>> {
    let elements = tensor.elements();
    if elements > GROUPS {
        return None;
    }
    codes(tensor, 0, elements, &mut Vec::new()).ok()
}

/// Which scale each element has.
struct Groups {
    /// Elements after the axis, and of the axis.
    inner: u64,
    size: u64,
    /// Of the axis that share a scale; 0 when all do.
    block: u64,
    count: u64,
    /// Every last place of every first has its own (recurrent layers).
    corners: bool,
}

impl Groups {
    fn of(target: &Tensor, scaled: &Scaled<'_>) -> Option<Self> {
        let count = scaled.scale.elements();
        if count == 1 {
            return Some(Self {
                inner: 1,
                size: 1,
                block: 0,
                count: 1,
                corners: false,
            });
        }
        if let [first, _, last] = *target.shape.as_slice()
            && scaled.scale.shape == [first, last]
            && count <= GROUPS
        {
            return Some(Self {
                inner: last,
                size: target.elements() / first.max(1),
                block: 0,
                count,
                corners: true,
            });
        }
        let rank = i64::try_from(target.shape.len()).ok()?;
        let axis = if scaled.axis < 0 {
            scaled.axis + rank
        } else {
            scaled.axis
        };
        let axis = usize::try_from(axis).ok()?;
        // A vector of scales lies along the axis, or along the only one that fits.
        let axis = match target.shape.get(axis) {
            Some(size) if *size == count || scaled.block > 0 => axis,
            _ => target.shape.iter().position(|size| *size == count)?,
        };
        let size = *target.shape.get(axis)?;
        let inner = target.shape.iter().skip(axis + 1).product();
        let block = if scaled.block > 0 {
            u64::try_from(scaled.block).ok()?
        } else {
            1
        };
        let outer: u64 = target.shape.iter().take(axis).product();
        let expected = if scaled.block > 0 {
            outer * size.div_ceil(block) * inner
        } else {
            size
        };
        (expected == count && count <= GROUPS).then_some(Self {
            inner,
            size,
            block: if scaled.block > 0 { block } else { 0 },
            count,
            corners: false,
        })
    }

    fn at(&self, element: u64) -> usize {
        if self.count == 1 {
            return 0;
        }
        if self.corners {
            let group = element / self.size.max(1) * self.inner + element % self.inner.max(1);
            return usize::try_from(group).unwrap_or(usize::MAX);
        }
        let along = element / self.inner % self.size;
        let group = if self.block > 0 {
            let before = element / self.inner / self.size;
            let blocks = self.size.div_ceil(self.block);
            (before * blocks + along / self.block) * self.inner + element % self.inner
        } else {
            along
        };
        usize::try_from(group).unwrap_or(usize::MAX)
    }
}

/// Walks source and target together.
fn each(
    source: &Tensor,
    target: &Tensor,
    tell: Tell<'_>,
    see: &mut dyn FnMut(u64, f64, f64),
) -> Result<(), String> {
    let kind = source
        .kind()
        .ok_or_else(|| format!("elements of type {} are not decoded", source.dtype))?;
    let (mut raw, mut values, mut buffer) = (Vec::new(), Vec::new(), Vec::new());
    let elements = source.elements();
    let mut start = 0;
    while start < elements {
        let count = CHUNK.min(elements - start);
        source.read(start, count, &mut raw)?;
        tell(raw.len() as u64 * 2);
        values.clear();
        kind.decode(&raw, &mut values);
        let codes = codes(target, start, count, &mut buffer)?;
        for (offset, (value, code)) in values.iter().zip(codes).enumerate() {
            see(start + offset as u64, *value, code);
        }
        start += count;
    }
    Ok(())
}

/// A weight: scales must be those of its range, codes its honest rounding.
pub(super) fn weight(
    target: &Tensor,
    source: &Tensor,
    scaled: &Scaled<'_>,
    tell: Tell<'_>,
) -> TensorProof {
    let refuse = |why: String| TensorProof::refuted(target, why).from_source(source);
    if source.shape != target.shape {
        return refuse(format!(
            "its shape is {:?}, that of the source {:?}",
            target.shape, source.shape
        ));
    }
    let (Some(limits), Some(groups)) = (limits(&target.dtype), Groups::of(target, scaled)) else {
        return TensorProof::unread(target, "how its codes are scaled is not known")
            .from_source(source);
    };
    let Some(scales) = few(scaled.scale) else {
        return TensorProof::unread(target, "its scales cannot be read").from_source(source);
    };
    let zeros = match scaled.zero {
        None => vec![0.0; scales.len()],
        Some(zero) => match few(zero) {
            Some(zeros) if zeros.len() == scales.len() => zeros,
            Some(zeros) if zeros.len() == 1 => {
                vec![zeros.first().copied().unwrap_or(0.0); scales.len()]
            }
            _ => {
                return TensorProof::unread(target, "its zero points cannot be read")
                    .from_source(source);
            }
        },
    };
    if let Some(at) = scales.iter().position(|s| !(s.is_finite() && *s > 0.0)) {
        return refuse(format!("the scale [{at}] is no positive number"));
    }
    // First the ranges, then the codes.
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); scales.len()];
    let read = each(source, target, tell, &mut |at, value, _| {
        if let Some(range) = ranges.get_mut(groups.at(at)) {
            *range = (range.0.min(value), range.1.max(value));
        }
    });
    if let Err(why) = read {
        return TensorProof::unread(target, why).from_source(source);
    }
    let fit = fit(&target.dtype, &ranges, &scales, &zeros);
    if let Fit::Off(proof) = fit {
        return refuse(proof);
    }
    let mut tally = crate::sweep::Tally::default();
    let mut ties = 0_u64;
    let read = each(source, target, tell, &mut |at, value, code| {
        let group = groups.at(at);
        let scale = scales.get(group).copied().unwrap_or(1.0);
        let zero = zeros.get(group).copied().unwrap_or(0.0);
        let quotient = f64::from(value as f32 / scale as f32);
        let must = (quotient.round_ties_even() + zero).clamp(limits.0, limits.1);
        if code.to_bits() == must.to_bits() || code == must {
            return;
        }
        let exact = value / scale + zero;
        let distance = (exact.clamp(limits.0, limits.1) - code).abs();
        let tie = distance <= 0.5 + 1e-5;
        ties += u64::from(tie);
        tally.see(
            !tie,
            Worst {
                index: at,
                position: unravel(at, &target.shape),
                value: code,
                expected: must,
                deviation: (code - must).abs(),
                ..Worst::default()
            },
        );
    });
    if let Err(why) = read {
        return TensorProof::unread(target, why).from_source(source);
    }
    let name = match &fit {
        Fit::Found(switch) if switch.symmetric => {
            format!("{} codes, {}, symmetric", target.dtype, switch.name)
        }
        Fit::Found(switch) => format!("{} codes, {}", target.dtype, switch.name),
        _ => format!("{} codes; scales are not those of the range", target.dtype),
    };
    let grade = match (tally.wrong, ties, &fit) {
        (0, 0, Fit::Found(_)) => Grade::Exact,
        (0, _, _) => Grade::NearestCode,
        _ => Grade::Refuted,
    };
    TensorProof {
        wrong: tally.wrong,
        worst: tally.worst.filter(|_| tally.wrong > 0),
        ..TensorProof::of(target, grade)
    }
    .from_source(source)
    .with_note(name)
}

enum Fit {
    Found(Switch),
    /// Another recipe made the scales.
    Other,
    Off(String),
}

/// The switch that explains all scales and zero points.
fn fit(dtype: &str, ranges: &[(f64, f64)], scales: &[f64], zeros: &[f64]) -> Fit {
    let mut best: Option<(usize, String)> = None;
    let mut near = false;
    for switch in switches(dtype) {
        let mut off = 0;
        let mut told = String::new();
        for (at, ((range, scale), zero)) in ranges.iter().zip(scales).zip(zeros).enumerate() {
            let (must, point) = switch.scale(range.0, range.1);
            let close = (scale - must).abs() <= must * 1e-3;
            if scale.to_bits() != must.to_bits() || *zero != point {
                off += 1;
                near |= close && (*zero - point).abs() <= 2.0;
                if told.is_empty() {
                    told = if *zero == point || scale.to_bits() != must.to_bits() {
                        format!("the scale [{at}] is {scale:e}, must be {must:e}")
                    } else {
                        format!("the zero point [{at}] is {zero}, must be {point}")
                    };
                }
            }
        }
        if off == 0 {
            return Fit::Found(switch);
        }
        if best.as_ref().is_none_or(|(held, _)| off < *held) {
            best = Some((off, told));
        }
    }
    match best {
        // Most channels are as one recipe makes them, or the only one nearly is.
        Some((off, told)) if off * 2 < scales.len() || near => Fit::Off(told),
        _ => Fit::Other,
    }
}

/// A bias in whole numbers, scaled by the product of two scales.
pub(super) fn bias(
    target: &Tensor,
    source: &Tensor,
    own: Option<&Tensor>,
    product: Option<(&Tensor, &Tensor)>,
    tell: Tell<'_>,
) -> TensorProof {
    let unread = |why: &str| TensorProof::unread(target, why).from_source(source);
    let refuse = |why: String| TensorProof::refuted(target, why).from_source(source);
    let read = |tensor: &Tensor| values(tensor, GROUPS);
    tell(target.size() + source.size());
    let (Some(is), Some(origin)) = (read(target), read(source)) else {
        return unread("it cannot be read");
    };
    if is.len() != origin.len() {
        return refuse("it has another number of elements than the source".to_owned());
    }
    let multiplied = match product {
        None => None,
        Some((first, second)) => match (read(first), read(second)) {
            (Some(first), Some(second)) if first.len() == 1 => {
                let first = first.first().copied().unwrap_or(0.0);
                let each = second.iter();
                Some(
                    each.map(|s| f64::from(first as f32 * *s as f32))
                        .collect::<Vec<f64>>(),
                )
            }
            _ => return unread("the scales before it cannot be read"),
        },
    };
    let own = match own.map(read) {
        None => None,
        Some(Some(own)) => Some(own),
        Some(None) => return unread("its scale cannot be read"),
    };
    if let (Some(own), Some(product)) = (&own, &multiplied) {
        let most = origin.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        for (at, scale) in own.iter().enumerate() {
            let must = product.get(at).or(product.first()).copied().unwrap_or(0.0);
            // A product too small for the bias is raised until the bias fits.
            let raised = f64::from((most / 2_147_483_647.0 * 1.0001) as f32);
            let fits = scale.to_bits() == must.to_bits()
                || (must < raised && (scale - raised).abs() <= raised * 1e-6);
            if !fits {
                return refuse(format!(
                    "the scale [{at}] is {scale:e}, must be {must:e}, the product of the scales before it"
                ));
            }
        }
    }
    let Some(scales) = own.or(multiplied) else {
        return unread("its scale is not known");
    };
    let mut wrong = 0;
    let mut worst: Option<Worst> = None;
    for (at, (code, value)) in is.iter().zip(&origin).enumerate() {
        let scale = scales.get(at).or(scales.first()).copied().unwrap_or(1.0);
        let limit = limits("i32").unwrap_or((0.0, 0.0));
        let must = (value / scale).round_ties_even().clamp(limit.0, limit.1);
        let single = f64::from((*value as f32 / scale as f32).round_ties_even());
        if *code != must && *code != single {
            wrong += 1;
            worst = worst.or(Some(Worst {
                index: at as u64,
                position: vec![at as u64],
                value: *code,
                expected: must,
                deviation: (code - must).abs(),
                ..Worst::default()
            }));
        }
    }
    TensorProof {
        wrong,
        worst,
        ..TensorProof::of(
            target,
            if wrong == 0 {
                Grade::Exact
            } else {
                Grade::Refuted
            },
        )
    }
    .from_source(source)
    .with_note("a bias in the scale of its product")
}
