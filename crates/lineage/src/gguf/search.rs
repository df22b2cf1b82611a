//! The searches for a block's scale (and minimum) that llama.cpp runs.
//!
//! Follows `make_qx_quants`, `make_q3_quants`, `make_qkx2_quants`,
//! `make_qkx3_quants` and `make_qp_quants` of `ggml/src/ggml-quants.c`; the
//! order of every sum matters, since the result must be theirs to the last bit.

use super::arith::{Arithmetic, nearest, nearest_product};

/// Blocks whose largest magnitude lies below this are all zero.
pub(super) const TINY: f32 = 1e-15;

/// First value of the largest magnitude, and that magnitude.
#[inline]
pub(super) fn extreme(x: &[f32]) -> (f32, f32) {
    let (mut max, mut amax) = (0.0f32, 0.0f32);
    for &v in x {
        if v.abs() > amax {
            amax = v.abs();
            max = v;
        }
    }
    (max, amax)
}

/// Symmetric codes −nmax…nmax−1, written offset by nmax; gives the scale.
/// Without weights each element weighs its own square.
pub(super) fn symmetric<A: Arithmetic>(
    nmax: i32,
    x: &[f32],
    codes: &mut [i32],
    weights: Option<&[f32]>,
) -> f32 {
    let (max, amax) = extreme(x);
    if amax < TINY {
        codes.fill(0);
        return 0.0;
    }
    let fmax = nmax as f32;
    let clamp = |l: i32| l.clamp(-nmax, nmax - 1);
    let weight = |i: usize| weights.map_or_else(|| x[i] * x[i], |w| w[i]);
    let mut inverse = -fmax / max;
    let (mut sumlx, mut suml2) = (0.0f32, 0.0f32);
    for i in 0..x.len() {
        let l = clamp(nearest_product::<A>(inverse, x[i]));
        codes[i] = l + nmax;
        let (w, l) = (weight(i), l as f32);
        sumlx += w * x[i] * l;
        suml2 += w * l * l;
    }
    let mut scale = if suml2 == 0.0 { 0.0 } else { sumlx / suml2 };
    let mut best = scale * sumlx;
    for step in -9i32..=9 {
        if step == 0 {
            continue;
        }
        inverse = -(0.1 * step as f32 + fmax) / max;
        (sumlx, suml2) = (0.0, 0.0);
        for i in 0..x.len() {
            let l = clamp(nearest_product::<A>(inverse, x[i])) as f32;
            let w = weight(i);
            sumlx += w * x[i] * l;
            suml2 += w * l * l;
        }
        if suml2 > 0.0 && sumlx * sumlx > best * suml2 {
            for (code, &v) in codes.iter_mut().zip(x) {
                *code = nmax + clamp(nearest_product::<A>(inverse, v));
            }
            scale = sumlx / suml2;
            best = scale * sumlx;
        }
    }
    scale
}

/// The three-bit search: codes are improved one at a time.
pub(super) fn three_bit<A: Arithmetic>(nmax: i32, x: &[f32], codes: &mut [i32]) -> f32 {
    let (max, amax) = extreme(x);
    if amax < TINY {
        codes.fill(0);
        return 0.0;
    }
    let inverse = -(nmax as f32) / max;
    let (mut sumlx, mut suml2) = (0.0f32, 0.0f32);
    for i in 0..x.len() {
        let l = nearest_product::<A>(inverse, x[i]).clamp(-nmax, nmax - 1);
        codes[i] = l;
        let (w, l) = (x[i] * x[i], l as f32);
        sumlx = A::mul_add(w * x[i], l, sumlx);
        suml2 = A::mul_add(w * l, l, suml2);
    }
    for _ in 0..5 {
        let mut changed = false;
        for i in 0..x.len() {
            let w = x[i] * x[i];
            let old = codes[i] as f32;
            let mut slx = A::mul_add(-(w * x[i]), old, sumlx);
            if slx > 0.0 {
                let mut sl2 = A::mul_add(-(w * old), old, suml2);
                let new = nearest(x[i] * sl2 / slx).clamp(-nmax, nmax - 1);
                if new != codes[i] {
                    let l = new as f32;
                    slx = A::mul_add(w * x[i], l, slx);
                    sl2 = A::mul_add(w * l, l, sl2);
                    if sl2 > 0.0 && slx * slx * suml2 > sumlx * sumlx * sl2 {
                        codes[i] = new;
                        (sumlx, suml2) = (slx, sl2);
                        changed = true;
                    }
                }
            }
        }
        if !changed {
            break;
        }
    }
    for code in codes.iter_mut() {
        *code += nmax;
    }
    if suml2 > 0.0 { sumlx / suml2 } else { 0.0 }
}

/// What the search with a minimum tries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    pub(super) from: f32,
    pub(super) by: f32,
    pub(super) count: i32,
    /// Absolute error in place of the squared one.
    pub(super) absolute: bool,
}

/// Codes 0…nmax above a minimum ≤ 0; gives scale and −minimum.
/// `relaxed` is the comparison of the weighted form (`max <= min`).
pub(super) fn with_minimum<A: Arithmetic>(
    nmax: i32,
    x: &[f32],
    weights: &[f32],
    codes: &mut [i32],
    steps: Steps,
    relaxed: bool,
) -> (f32, f32) {
    let (mut min, mut max) = (x[0], x[0]);
    let mut sum_w = weights[0];
    let mut sum_x = sum_w * x[0];
    for (&v, &w) in x.iter().zip(weights).skip(1) {
        if v < min {
            min = v;
        }
        if v > max {
            max = v;
        }
        sum_w += w;
        sum_x = A::mul_add(w, v, sum_x);
    }
    if min > 0.0 {
        min = 0.0;
    }
    #[allow(clippy::float_cmp, reason = "the quantizer compares exactly")]
    let flat = if relaxed { max <= min } else { max == min };
    if flat {
        codes.fill(0);
        return (0.0, -min);
    }
    let fmax = nmax as f32;
    let error = |diff: f32| {
        if steps.absolute {
            diff.abs()
        } else {
            diff * diff
        }
    };
    let low = min;
    let range = max - low;
    let mut inverse = fmax / range;
    let mut scale = 1.0 / inverse;
    let mut best = 0.0f32;
    for i in 0..x.len() {
        let l = nearest_product::<A>(inverse, x[i] - low).clamp(0, nmax);
        codes[i] = l;
        let diff = A::mul_add(scale, l as f32, min) - x[i];
        best = A::mul_add(weights[i], error(diff), best);
    }
    let mut tried = [0.0f32; 32];
    for step in 0..=steps.count {
        // The grid is laid from the best minimum so far, over the first range.
        inverse = (steps.by * step as f32 + steps.from + fmax) / (max - min);
        let (mut sum_l, mut sum_l2, mut sum_xl) = (0.0f32, 0.0f32, 0.0f32);
        for (t, &v) in tried.iter_mut().zip(x) {
            *t = nearest_product::<A>(inverse, v - min).clamp(0, nmax) as f32;
        }
        for i in 0..x.len() {
            let (w, l) = (weights[i], tried[i]);
            sum_l = A::mul_add(w, l, sum_l);
            sum_l2 = A::mul_add(w * l, l, sum_l2);
            sum_xl = A::mul_add(w * l, x[i], sum_xl);
        }
        let det = A::mul_add(sum_w, sum_l2, -(sum_l * sum_l));
        if det > 0.0 {
            let mut this_scale = A::mul_add(sum_w, sum_xl, -(sum_x * sum_l)) / det;
            let mut this_min = A::mul_add(sum_l2, sum_x, -(sum_l * sum_xl)) / det;
            if this_min > 0.0 {
                this_min = 0.0;
                this_scale = sum_xl / sum_l2;
            }
            let mut current = 0.0f32;
            for i in 0..x.len() {
                let diff = A::mul_add(this_scale, tried[i], this_min) - x[i];
                current = A::mul_add(weights[i], error(diff), current);
            }
            if current < best {
                for (code, &t) in codes.iter_mut().zip(&tried) {
                    *code = t as i32;
                }
                best = current;
                scale = this_scale;
                min = this_min;
            }
        }
    }
    (scale, -min)
}

/// Positive values on codes 0…nmax, weighted; gives the scale.
pub(super) fn positive<A: Arithmetic>(
    nmax: i32,
    x: &[f32],
    codes: &mut [i32],
    weights: &[f32],
) -> f32 {
    let max = x.iter().fold(0.0f32, |m, &v| if v > m { v } else { m });
    if max < TINY {
        codes.fill(0);
        return 0.0;
    }
    let fmax = nmax as f32;
    let mut inverse = fmax / max;
    let scale = 1.0 / inverse;
    let mut best = 0.0f32;
    for i in 0..x.len() {
        let l = nearest_product::<A>(inverse, x[i]);
        let diff = A::mul_add(-scale, l as f32, x[i]);
        best = A::mul_add(weights[i] * diff, diff, best);
    }
    for step in -4i32..=4 {
        if step == 0 {
            continue;
        }
        let tried = (0.1 * step as f32 + fmax) / max;
        let scale = 1.0 / tried;
        let mut error = 0.0f32;
        for i in 0..x.len() {
            let l = nearest_product::<A>(tried, x[i]).min(nmax);
            let diff = A::mul_add(-scale, l as f32, x[i]);
            error = A::mul_add(weights[i] * diff, diff, error);
        }
        if error < best {
            best = error;
            inverse = tried;
        }
    }
    let (mut sumlx, mut suml2) = (0.0f32, 0.0f32);
    for i in 0..x.len() {
        let l = nearest_product::<A>(inverse, x[i]).min(nmax);
        codes[i] = l;
        let (w, l) = (weights[i], l as f32);
        sumlx = A::mul_add(w * x[i], l, sumlx);
        suml2 = A::mul_add(w * l, l, suml2);
    }
    for _ in 0..5 {
        let mut changed = false;
        for i in 0..x.len() {
            let w = weights[i];
            let old = codes[i] as f32;
            let mut slx = A::mul_add(-(w * x[i]), old, sumlx);
            let mut sl2 = A::mul_add(-(w * old), old, suml2);
            if slx > 0.0 && sl2 > 0.0 {
                let new = nearest(x[i] * sl2 / slx).min(nmax);
                if new != codes[i] {
                    let l = new as f32;
                    slx = A::mul_add(w * x[i], l, slx);
                    sl2 = A::mul_add(w * l, l, sl2);
                    if slx * slx * suml2 > sumlx * sumlx * sl2 {
                        codes[i] = new;
                        (sumlx, suml2) = (slx, sl2);
                        changed = true;
                    }
                }
            }
        }
        if !changed {
            break;
        }
    }
    if suml2 > 0.0 { sumlx / suml2 } else { 0.0 }
}
