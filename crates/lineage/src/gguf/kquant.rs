//! Super-blocks of 256: Q2_K to Q6_K, replayed.
//!
//! Follows `quantize_row_q?_K_ref` and `_impl` of `ggml/src/ggml-quants.c`.

use super::arith::{Arithmetic, nearest, nearest_product};
use super::block::Kind;
use super::grid::{pack, scale_min, scale_q3};
use super::quantizer::{WEIGHTED, put_f16};
use super::search::{Steps, TINY, extreme, positive, symmetric, three_bit, with_minimum};

/// Q2_K, Q4_K and Q5_K: groups with scale and minimum under two f16.
pub(super) fn minimum_super<A: Arithmetic>(kind: Kind, x: &[f32], w: Option<&[f32]>, b: &mut [u8]) {
    let two = kind == Kind::Q2K;
    let (group, nmax, top) = match kind {
        Kind::Q2K => (16, 3, 15.0f32),
        Kind::Q4K => (32, 15, 63.0),
        _ => (32, 31, 63.0),
    };
    let groups = 256 / group;
    let (mut scales, mut mins, mut sums) = ([0.0f32; 16], [0.0f32; 16], [0.0f32; 16]);
    let mut found = [0i32; 256];
    let block_sum = || x.iter().fold(0.0f32, |s, &v| A::mul_add(v, v, s));
    let sigma = if two {
        block_sum() / 256.0
    } else {
        2.0 * block_sum() / 256.0
    };
    for j in 0..groups {
        let at = j * group..(j + 1) * group;
        let xs = &x[at.clone()];
        let mut weight = [0.0f32; 32];
        match w {
            Some(w) => {
                for ((o, &v), &w) in weight.iter_mut().zip(xs).zip(&w[at.clone()]) {
                    *o = w * A::mul_add(v, v, sigma).sqrt();
                }
                sums[j] = weight[..group].iter().fold(0.0f32, |s, &w| s + w);
            }
            None if two => {
                for (o, &v) in weight.iter_mut().zip(xs) {
                    *o = v.abs();
                }
            }
            None => {
                let sum = xs.iter().fold(0.0f32, |s, &v| A::mul_add(v, v, s));
                let average = (sum / 32.0).sqrt();
                for (o, &v) in weight.iter_mut().zip(xs) {
                    *o = average + v.abs();
                }
            }
        }
        let steps = match (w, kind) {
            (Some(_), _) => WEIGHTED,
            (None, Kind::Q2K) => Steps {
                from: -0.5,
                by: 0.1,
                count: 15,
                absolute: true,
            },
            (None, Kind::Q4K) => Steps {
                from: -1.0,
                by: 0.1,
                count: 20,
                absolute: false,
            },
            (None, _) => Steps {
                from: -0.5,
                by: 0.1,
                count: 15,
                absolute: false,
            },
        };
        (scales[j], mins[j]) = with_minimum::<A>(
            nmax,
            xs,
            &weight[..group],
            &mut found[at],
            steps,
            w.is_some(),
        );
    }
    let (mut ls, mut lm) = ([0i32; 16], [0i32; 16]);
    let (d, dmin) = if w.is_some() {
        let top = top as i32;
        let d = positive::<A>(top, &scales[..groups], &mut ls[..groups], &sums[..groups]);
        let m = positive::<A>(top, &mins[..groups], &mut lm[..groups], &sums[..groups]);
        (d, m)
    } else {
        let max_scale = scales
            .iter()
            .fold(0.0f32, |m, &v| if v > m { v } else { m });
        let max_min = mins.iter().fold(0.0f32, |m, &v| if v > m { v } else { m });
        let code = |max: f32, v: f32| {
            if max > 0.0 {
                i32::from((nearest_product::<A>(top / max, v) & 255) as u8).min(if two {
                    255
                } else {
                    63
                })
            } else {
                0
            }
        };
        for j in 0..groups {
            ls[j] = code(max_scale, scales[j]);
            lm[j] = code(max_min, mins[j]);
        }
        (max_scale / top, max_min / top)
    };
    let (at, codes_at) = if two { (80, 0) } else { (0, 4) };
    b[codes_at..codes_at + if two { 16 } else { 12 }].fill(0);
    let d = put_f16(b, at, d);
    let dmin = put_f16(b, at + 2, dmin);
    for j in 0..groups {
        let (s, m) = ((ls[j] & 255) as u8, (lm[j] & 255) as u8);
        if two {
            b[j] = s | (m << 4);
        } else {
            let q = &mut b[4..16];
            if j < 4 {
                q[j] |= s;
                q[j + 4] |= m;
            } else {
                q[j + 4] = (s & 15) | ((m & 15) << 4);
                q[j - 4] |= (s >> 4) << 6;
                q[j] |= (m >> 4) << 6;
            }
        }
    }
    let mut codes = [0i16; 256];
    for j in 0..groups {
        let (s, m) = if two {
            (b[j] & 15, b[j] >> 4)
        } else {
            scale_min(j, &b[4..16])
        };
        let (ds, dm) = (d * f32::from(s), dmin * f32::from(m));
        for i in j * group..(j + 1) * group {
            codes[i] = if ds == 0.0 {
                found[i] as i16
            } else {
                nearest((x[i] + dm) / ds).clamp(0, nmax) as i16
            };
        }
    }
    pack(kind, &codes, b);
}

pub(super) fn q3k<A: Arithmetic>(x: &[f32], w: Option<&[f32]>, b: &mut [u8]) {
    let mut found = [0i32; 256];
    let (mut scales, mut sums, mut ls) = ([0.0f32; 16], [0.0f32; 16], [0i32; 16]);
    let sigma = 2.0 * x.iter().fold(0.0f32, |s, &v| A::mul_add(v, v, s)) / 256.0;
    for j in 0..16 {
        let at = 16 * j..16 * (j + 1);
        if let Some(w) = w {
            let mut weight = [0.0f32; 16];
            for ((o, &v), &w) in weight.iter_mut().zip(&x[at.clone()]).zip(&w[at.clone()]) {
                *o = w * A::mul_add(v, v, sigma).sqrt();
            }
            sums[j] = weight.iter().fold(0.0f32, |s, &w| s + w);
            scales[j] = symmetric::<A>(4, &x[at.clone()], &mut found[at], Some(&weight));
        } else {
            scales[j] = three_bit::<A>(4, &x[at.clone()], &mut found[at]);
        }
    }
    let d = if w.is_some() {
        symmetric::<A>(32, &scales, &mut ls, Some(&sums))
    } else {
        let (max, amax) = extreme(&scales);
        if amax > 0.0 {
            let inverse = -32.0 / max;
            for (l, &s) in ls.iter_mut().zip(&scales) {
                *l = nearest_product::<A>(inverse, s).clamp(-32, 31) + 32;
            }
            1.0 / inverse
        } else {
            0.0
        }
    };
    b[96..108].fill(0);
    for (j, &l) in ls.iter().enumerate() {
        let l = (l & 63) as u8;
        b[96 + j % 8] |= (l & 15) << (if j < 8 { 0 } else { 4 });
        b[104 + j % 4] |= (l >> 4) << (2 * (j / 4));
    }
    let d = put_f16(b, 108, d);
    let mut codes = [0i16; 256];
    for j in 0..16 {
        let ds = d * f32::from(scale_q3(j, &b[96..108]));
        for i in 16 * j..16 * (j + 1) {
            codes[i] = if ds == 0.0 {
                (found[i] - 4) as i16
            } else {
                nearest(x[i] / ds).clamp(-4, 3) as i16
            };
        }
    }
    pack(Kind::Q3K, &codes, b);
}

pub(super) fn q6k<A: Arithmetic>(x: &[f32], w: Option<&[f32]>, b: &mut [u8]) {
    let mut found = [0i32; 256];
    let mut scales = [0.0f32; 16];
    for j in 0..16 {
        let at = 16 * j..16 * (j + 1);
        scales[j] = symmetric::<A>(
            32,
            &x[at.clone()],
            &mut found[at.clone()],
            w.map(|w| &w[at.clone()]),
        );
    }
    let (max, amax) = extreme(&scales);
    if amax < TINY {
        b.fill(0);
        return;
    }
    let inverse = -128.0 / max;
    let d = put_f16(b, 208, 1.0 / inverse);
    let mut codes = [0i16; 256];
    for j in 0..16 {
        let s = (nearest_product::<A>(inverse, scales[j]).min(127) & 255) as u8;
        b[192 + j] = s;
        let ds = d * f32::from(s.cast_signed());
        for i in 16 * j..16 * (j + 1) {
            codes[i] = if ds == 0.0 {
                (found[i] - 32) as i16
            } else {
                nearest(x[i] / ds).clamp(-32, 31) as i16
            };
        }
    }
    pack(Kind::Q6K, &codes, b);
}
