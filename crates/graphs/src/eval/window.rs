//! Operators that slide a window: convolutions and pools, of any rank.

use super::array::{Array, offsets, product, strides};
use super::call::Call;
use super::number::{count, index, long};
use super::refusal::{Refusal, refuse};

/// `None` when the operator is not of this family.
pub(crate) fn apply(call: &mut Call<'_>) -> Result<Option<Array>, Refusal> {
    Ok(Some(match call.op {
        "Conv" => {
            let (x, w) = (call.input(0)?.clone(), call.input(1)?.clone());
            convolve(call, &x, &w)?
        }
        "ConvTranspose" => transposed(call)?,
        "MaxPool" | "AveragePool" | "LpPool" => pool(call)?,
        "GlobalAveragePool" | "GlobalMaxPool" | "GlobalLpPool" => global(call)?,
        _ => return Ok(None),
    }))
}

/// Where a window may stand: for every tap of the kernel, for every output
/// position, the offset into the plane, or `usize::MAX` outside.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) taps: Vec<Vec<usize>>,
    pub(crate) shape: Vec<usize>,
    /// Taps of each output position that count as inside when the padding
    /// does.
    padded: Vec<usize>,
}

fn natural(list: Option<&[i64]>, rank: usize, default: usize) -> Result<Vec<usize>, Refusal> {
    match list {
        None => Ok(vec![default; rank]),
        Some(all) if all.len() == rank => all
            .iter()
            .map(|&n| index(n).ok_or_else(|| refuse("a negative dimension")))
            .collect(),
        Some(_) => Err(refuse("a window of another rank")),
    }
}

/// Explicit padding, or that which `auto_pad` means.
fn padding(
    call: &Call<'_>,
    plane: &[usize],
    reach: &[usize],
    steps: &[usize],
) -> Result<Vec<(i64, i64)>, Refusal> {
    let rank = plane.len();
    let mode = call.text("auto_pad").unwrap_or("NOTSET");
    if mode == "VALID" {
        return Ok(vec![(0, 0); rank]);
    }
    if mode == "SAME_UPPER" || mode == "SAME_LOWER" {
        return Ok(plane
            .iter()
            .zip(reach)
            .zip(steps)
            .map(|((dim, reach), step)| {
                let out = dim.div_ceil((*step).max(1));
                let total = out
                    .saturating_sub(1)
                    .saturating_mul(*step)
                    .saturating_add(*reach)
                    .saturating_sub(*dim);
                let (half, rest) = (total / 2, total.saturating_sub(total / 2));
                if mode == "SAME_UPPER" {
                    (long(half), long(rest))
                } else {
                    (long(rest), long(half))
                }
            })
            .collect());
    }
    match call.ints("pads") {
        None => Ok(vec![(0, 0); rank]),
        Some(all) if all.len() == rank.saturating_mul(2) => {
            let (front, back) = all.split_at_checked(rank).unwrap_or((&[], &[]));
            Ok(front.iter().copied().zip(back.iter().copied()).collect())
        }
        Some(_) => Err(refuse("a padding of another rank")),
    }
}

/// The window of a call over a plane.
pub(crate) fn window(
    call: &mut Call<'_>,
    plane: &[usize],
    kernel: &[usize],
) -> Result<Window, Refusal> {
    let rank = plane.len();
    let steps = natural(call.ints("strides"), rank, 1)?;
    let holes = natural(call.ints("dilations"), rank, 1)?;
    if kernel.len() != rank || steps.contains(&0) || kernel.contains(&0) {
        return Err(refuse("a window of another rank"));
    }
    let reach: Vec<usize> = kernel
        .iter()
        .zip(&holes)
        .map(|(k, hole)| k.saturating_sub(1).saturating_mul(*hole).saturating_add(1))
        .collect();
    let pads = padding(call, plane, &reach, &steps)?;
    let round_up = call.flag("ceil_mode", false);
    let mut shape = Vec::with_capacity(rank);
    for (((dim, reach), step), (before, after)) in plane.iter().zip(&reach).zip(&steps).zip(&pads) {
        let room = long(*dim)
            .saturating_add(*before)
            .saturating_add(*after)
            .saturating_sub(long(*reach));
        let room = index(room).ok_or_else(|| refuse("a window larger than its plane"))?;
        let mut out = room.checked_div(*step).unwrap_or(0).saturating_add(1);
        if round_up && room.checked_rem(*step).unwrap_or(0) != 0 {
            // A window that would begin in the padding behind is left out.
            let begin = long(out.saturating_mul(*step)).saturating_sub(*before);
            if begin < long(*dim) {
                out = out.saturating_add(1);
            }
        }
        shape.push(out);
    }
    let positions = product(&shape)?;
    let count_taps = product(kernel)?;
    call.budget
        .elements(positions.checked_mul(count_taps).ok_or(Refusal::Budget)?)?;
    let own = strides(plane);
    let mut padded = vec![0_usize; positions];
    let mut taps = Vec::with_capacity(count_taps);
    let kernel_steps = strides(kernel);
    for tap in 0..count_taps {
        let mut places = vec![0_usize];
        let mut within = vec![true];
        for axis in 0..rank {
            let get = |list: &[usize]| list.get(axis).copied().unwrap_or(1);
            let k = tap
                .checked_div(get(&kernel_steps))
                .and_then(|n| n.checked_rem(get(kernel)))
                .unwrap_or(0);
            let (before, after) = pads.get(axis).copied().unwrap_or((0, 0));
            let dim = long(get(plane));
            let mut next = Vec::with_capacity(places.len().saturating_mul(get(&shape)));
            let mut inside = Vec::with_capacity(next.capacity());
            for (base, was) in places.iter().zip(&within) {
                for out in 0..get(&shape) {
                    let at = long(out.wrapping_mul(get(&steps)))
                        .saturating_add(long(k.wrapping_mul(get(&holes))))
                        .saturating_sub(before);
                    inside.push(*was && at < dim.saturating_add(after));
                    next.push(
                        match index(at).filter(|_| at < dim && *base != usize::MAX) {
                            Some(at) => base.wrapping_add(at.wrapping_mul(get(&own))),
                            None => usize::MAX,
                        },
                    );
                }
            }
            places = next;
            within = inside;
        }
        for (slot, inside) in padded.iter_mut().zip(&within) {
            *slot = slot.saturating_add(usize::from(*inside));
        }
        taps.push(places);
    }
    Ok(Window {
        taps,
        shape,
        padded,
    })
}

/// Batch, channels and plane of an image-like tensor.
fn planes(x: &Array) -> Result<(usize, usize, &[usize]), Refusal> {
    match &x.shape[..] {
        [n, c, plane @ ..] if !plane.is_empty() => Ok((*n, *c, plane)),
        _ => Err(refuse("an image that is none")),
    }
}

pub(crate) fn convolve(call: &mut Call<'_>, x: &Array, w: &Array) -> Result<Array, Refusal> {
    let (batch, channels, plane) = planes(x)?;
    let (filters, depth, kernel) = planes(w)?;
    let groups = call.int("group").map_or(Some(1), index).filter(|g| *g > 0);
    let groups = groups.ok_or_else(|| refuse("a convolution in no groups"))?;
    if depth.checked_mul(groups) != Some(channels) || filters.checked_rem(groups) != Some(0) {
        return Err(refuse("filters that do not fit"));
    }
    let window = window(call, plane, kernel)?;
    let positions = product(&window.shape)?;
    call.budget
        .product(&[batch, filters, depth, window.taps.len(), positions])?;
    call.budget
        .elements(batch.saturating_mul(filters).saturating_mul(positions))?;
    let (xs, ws) = (x.reals()?, w.reals()?);
    let area = product(plane)?;
    let each = filters.checked_div(groups).unwrap_or(1).max(1);
    let bias = call
        .given(2)
        .map(|b| b.reals().map(std::borrow::Cow::into_owned))
        .transpose()?;
    let mut out = Vec::with_capacity(batch.saturating_mul(filters).saturating_mul(positions));
    let mut line = vec![0.0; positions];
    for n in 0..batch {
        for filter in 0..filters {
            let group = filter.checked_div(each).unwrap_or(0);
            let start = bias
                .as_ref()
                .and_then(|b| b.get(filter))
                .copied()
                .unwrap_or(0.0);
            line.fill(start);
            for d in 0..depth {
                let channel = group.wrapping_mul(depth).wrapping_add(d);
                let from = n
                    .wrapping_mul(channels)
                    .wrapping_add(channel)
                    .wrapping_mul(area);
                let image = xs.get(from..from.saturating_add(area)).unwrap_or(&[]);
                let at = filter
                    .wrapping_mul(depth)
                    .wrapping_add(d)
                    .wrapping_mul(window.taps.len());
                let weights = ws
                    .get(at..at.saturating_add(window.taps.len()))
                    .unwrap_or(&[]);
                for (weight, places) in weights.iter().zip(&window.taps) {
                    for (slot, place) in line.iter_mut().zip(places) {
                        if let Some(pixel) = image.get(*place) {
                            *slot += weight * pixel;
                        }
                    }
                }
            }
            out.extend_from_slice(&line);
        }
    }
    let mut shape = vec![batch, filters];
    shape.extend(window.shape);
    Array::numbers(x.kind, shape, out)
}

fn transposed(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let (x, w) = (call.input(0)?.clone(), call.input(1)?.clone());
    let (batch, channels, plane) = planes(&x)?;
    let (inputs, each, kernel) = planes(&w)?;
    let rank = plane.len();
    let groups = call.int("group").map_or(Some(1), index).filter(|g| *g > 0);
    let groups = groups.ok_or_else(|| refuse("a convolution in no groups"))?;
    if inputs != channels || channels.checked_rem(groups) != Some(0) || kernel.len() != rank {
        return Err(refuse("filters that do not fit"));
    }
    let steps = natural(call.ints("strides"), rank, 1)?;
    let holes = natural(call.ints("dilations"), rank, 1)?;
    let extra = natural(call.ints("output_padding"), rank, 0)?;
    let wanted = call.ints("output_shape").map(<[i64]>::to_vec);
    let mode = call.text("auto_pad").unwrap_or("NOTSET").to_owned();
    let pads = natural(call.ints("pads"), rank.saturating_mul(2), 0)?;
    let mut shape = Vec::with_capacity(rank);
    let mut before = Vec::with_capacity(rank);
    for axis in 0..rank {
        let get = |list: &[usize]| list.get(axis).copied().unwrap_or(0);
        let full = get(plane)
            .saturating_sub(1)
            .saturating_mul(get(&steps))
            .saturating_add(get(kernel).saturating_sub(1).saturating_mul(get(&holes)))
            .saturating_add(1)
            .saturating_add(get(&extra));
        let same = mode.starts_with("SAME");
        let target = match &wanted {
            Some(list) => {
                let list = list.get(list.len().saturating_sub(rank)..).unwrap_or(&[]);
                list.get(axis).copied().and_then(index)
            }
            None if same => Some(get(plane).saturating_mul(get(&steps))),
            None => None,
        };
        if let Some(target) = target {
            let total = full.saturating_sub(target);
            before.push(if mode == "SAME_UPPER" {
                total / 2
            } else {
                total.saturating_sub(total / 2)
            });
            shape.push(target);
        } else {
            let front = get(&pads);
            let back = pads.get(axis.saturating_add(rank)).copied().unwrap_or(0);
            before.push(front);
            shape.push(full.saturating_sub(front.saturating_add(back)));
        }
    }
    let outputs = each.checked_mul(groups).ok_or(Refusal::Budget)?;
    let (area, target, taps) = (product(plane)?, product(&shape)?, product(kernel)?);
    call.budget.product(&[batch, channels, each, taps, area])?;
    let total = batch
        .checked_mul(outputs)
        .and_then(|n| n.checked_mul(target))
        .ok_or(Refusal::Budget)?;
    call.budget.elements(total)?;
    call.budget.elements(taps.saturating_mul(area))?;
    // For every tap, for every input position, the output offset.
    let own = strides(&shape);
    let (kernel_steps, plane_steps) = (strides(kernel), strides(plane));
    let mut maps = Vec::with_capacity(taps);
    for tap in 0..taps {
        let mut map = Vec::with_capacity(area);
        for pixel in 0..area {
            let mut place = 0_usize;
            for axis in 0..rank {
                let get = |list: &[usize]| list.get(axis).copied().unwrap_or(1);
                let along = |n: usize, steps: &[usize], dims: &[usize]| {
                    n.checked_div(get(steps))
                        .and_then(|n| n.checked_rem(get(dims)))
                        .unwrap_or(0)
                };
                let at = along(pixel, &plane_steps, plane)
                    .wrapping_mul(get(&steps))
                    .wrapping_add(along(tap, &kernel_steps, kernel).wrapping_mul(get(&holes)))
                    .checked_sub(before.get(axis).copied().unwrap_or(0))
                    .filter(|at| *at < get(&shape));
                match at {
                    Some(at) if place != usize::MAX => {
                        place = place.wrapping_add(at.wrapping_mul(get(&own)));
                    }
                    _ => place = usize::MAX,
                }
            }
            map.push(place);
        }
        maps.push(map);
    }
    let (xs, ws) = (x.reals()?, w.reals()?);
    let bias = call
        .given(2)
        .map(|b| b.reals().map(std::borrow::Cow::into_owned))
        .transpose()?;
    let per_group = channels.checked_div(groups).unwrap_or(1);
    let mut out = Vec::with_capacity(total);
    for n in 0..batch {
        for filter in 0..outputs {
            let start = bias
                .as_ref()
                .and_then(|b| b.get(filter))
                .copied()
                .unwrap_or(0.0);
            let mut line = vec![start; target];
            let group = filter.checked_div(each).unwrap_or(0);
            let nth = filter.checked_rem(each).unwrap_or(0);
            for d in 0..per_group {
                let channel = group.wrapping_mul(per_group).wrapping_add(d);
                let from = n
                    .wrapping_mul(channels)
                    .wrapping_add(channel)
                    .wrapping_mul(area);
                let image = xs.get(from..from.saturating_add(area)).unwrap_or(&[]);
                let at = channel
                    .wrapping_mul(each)
                    .wrapping_add(nth)
                    .wrapping_mul(taps);
                let weights = ws.get(at..at.saturating_add(taps)).unwrap_or(&[]);
                for (weight, map) in weights.iter().zip(&maps) {
                    for (pixel, place) in image.iter().zip(map) {
                        if let Some(slot) = line.get_mut(*place) {
                            *slot += weight * pixel;
                        }
                    }
                }
            }
            out.extend(line);
        }
    }
    let mut full = vec![batch, outputs];
    full.extend(shape);
    Array::floats(x.kind, full, out)
}

fn pool(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let x = call.input(0)?.clone();
    let (batch, channels, plane) = planes(&x)?;
    let kernel = natural(call.ints("kernel_shape"), plane.len(), 1)?;
    let window = window(call, plane, &kernel)?;
    let positions = product(&window.shape)?;
    let lines = batch.saturating_mul(channels);
    call.budget
        .product(&[lines, positions, window.taps.len()])?;
    call.budget.elements(lines.saturating_mul(positions))?;
    let with_padding = call.flag("count_include_pad", false);
    let p = call.float_or("p", 2.0);
    let area = product(plane)?;
    let data = x.reals()?;
    let mut out = Vec::with_capacity(lines.saturating_mul(positions));
    for nth in 0..lines {
        let from = nth.wrapping_mul(area);
        let image = data.get(from..from.saturating_add(area)).unwrap_or(&[]);
        let largest = call.op == "MaxPool";
        let mut line = vec![if largest { f64::NEG_INFINITY } else { 0.0 }; positions];
        let mut inside = vec![0_usize; positions];
        for places in &window.taps {
            for ((slot, seen), place) in line.iter_mut().zip(&mut inside).zip(places) {
                let Some(pixel) = image.get(*place) else {
                    continue;
                };
                *seen = seen.saturating_add(1);
                match call.op {
                    "MaxPool" => *slot = slot.max(*pixel),
                    "AveragePool" => *slot += pixel,
                    _ => *slot += pixel.abs().powf(p),
                }
            }
        }
        match call.op {
            "AveragePool" => {
                for ((slot, seen), padded) in line.iter_mut().zip(&inside).zip(&window.padded) {
                    *slot /= count(if with_padding { *padded } else { *seen });
                }
            }
            "LpPool" => line.iter_mut().for_each(|slot| *slot = slot.powf(1.0 / p)),
            _ => {}
        }
        out.extend(line);
    }
    if call.op == "MaxPool" && call.outputs > 1 {
        return Err(Refusal::Operator("MaxPool with indices".to_owned()));
    }
    let mut shape = vec![batch, channels];
    shape.extend(window.shape);
    Array::numbers(x.kind, shape, out)
}

fn global(call: &mut Call<'_>) -> Result<Array, Refusal> {
    let x = call.input(0)?.clone();
    let (batch, channels, plane) = planes(&x)?;
    let area = product(plane)?;
    let p = call.float_or("p", 2.0);
    call.budget.elements(x.len())?;
    let data = x.as_floats()?;
    let lines = offsets(&[batch.saturating_mul(channels)], &[area], 0);
    let out = lines
        .iter()
        .map(|from| {
            let image = data.get(*from..from.saturating_add(area)).unwrap_or(&[]);
            match call.op {
                "GlobalAveragePool" => image.iter().sum::<f64>() / count(area),
                "GlobalMaxPool" => image.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                _ => image
                    .iter()
                    .map(|x| x.abs().powf(p))
                    .sum::<f64>()
                    .powf(1.0 / p),
            }
        })
        .collect();
    let mut shape = vec![batch, channels];
    shape.extend(std::iter::repeat_n(1, plane.len()));
    Array::floats(x.kind, shape, out)
}
