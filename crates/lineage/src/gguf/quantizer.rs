//! The quantizer, replayed: the bytes llama.cpp writes for a row of weights.
//!
//! Follows the reference (`*_ref`, no importance matrix) and weighted (`*_impl`)
//! forms in `ggml/src/ggml-quants.c`. IQ1 and IQ2 are not replayed.

use half::f16;

use super::arith::{Arithmetic, nearest, nearest_product};
use super::block::Kind;
use super::{fp4, iq3};
use super::grid::{IQ4, pack, scale_min, scale_q3};
use super::search::{Steps, TINY, positive, symmetric, three_bit, with_minimum};

/// Whether rows of this kind can be replayed.
pub fn replays(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Q1_0
            | Kind::Q2_0
            | Kind::Q4_0
            | Kind::Q4_1
            | Kind::Q5_0
            | Kind::Q5_1
            | Kind::Q8_0
            | Kind::Q2K
            | Kind::Q3K
            | Kind::Q4K
            | Kind::Q5K
            | Kind::Q6K
            | Kind::Iq4Nl
            | Kind::Iq4Xs
            | Kind::Iq3Xxs
            | Kind::Iq3S
            | Kind::Tq1_0
            | Kind::Tq2_0
            | Kind::Mxfp4
            | Kind::Nvfp4
    )
}

/// Quantizes one row; `importance` holds one weight per column.
/// False when the kind is not replayed or the row is no multiple of its block.
pub fn quantize_row<A: Arithmetic>(
    kind: Kind,
    x: &[f32],
    importance: Option<&[f32]>,
    out: &mut [u8],
) -> bool {
    let (n, bytes) = (kind.elements(), kind.bytes());
    if !replays(kind) || x.len() % n != 0 || out.len() != x.len() / n * bytes {
        return false;
    }
    let importance = importance.filter(|w| w.len() == x.len());
    // Block kinds of 32 take the row's mean square, super-blocks their own.
    let row_square = importance.map(|_| {
        let sum = x.iter().fold(0.0f32, |s, &v| A::mul_add(v, v, s));
        sum / x.len() as f32
    });
    for (i, (x, b)) in x.chunks_exact(n).zip(out.chunks_exact_mut(bytes)).enumerate() {
        let w = importance.map(|w| &w[i * n..(i + 1) * n]);
        quantize_block::<A>(kind, x, w, row_square.unwrap_or(0.0), b);
    }
    true
}

#[inline]
fn put_f16(b: &mut [u8], at: usize, v: f32) -> f32 {
    let h = f16::from_f32(v);
    b[at..at + 2].copy_from_slice(&h.to_le_bytes());
    h.to_f32()
}

fn inverse(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}

fn quantize_block<A: Arithmetic>(
    kind: Kind,
    x: &[f32],
    w: Option<&[f32]>,
    row_square: f32,
    b: &mut [u8],
) {
    let mut codes = [0i16; 256];
    match (kind, w) {
        (Kind::Q4_0, None) => signed_block::<A>(kind, 8, x, b),
        (Kind::Q5_0, None) => signed_block::<A>(kind, 16, x, b),
        (Kind::Q4_1, None) => ranged_block::<A>(kind, 15, x, b),
        (Kind::Q5_1, None) => ranged_block::<A>(kind, 31, x, b),
        (Kind::Q4_0 | Kind::Q5_0, Some(w)) => {
            let nmax = if kind == Kind::Q4_0 { 8 } else { 16 };
            let weight = block_weights::<A>(x, w, row_square);
            let mut l = [0i32; 32];
            let d = symmetric::<A>(nmax, x, &mut l, Some(&weight));
            put_f16(b, 0, d);
            for (c, l) in codes.iter_mut().zip(l) {
                *c = (l - nmax) as i16;
            }
            pack(kind, &codes, b);
        }
        (Kind::Q4_1 | Kind::Q5_1, Some(w)) => {
            let nmax = if kind == Kind::Q4_1 { 15 } else { 31 };
            let weight = block_weights::<A>(x, w, row_square);
            let mut l = [0i32; 32];
            let (d, min) = with_minimum::<A>(nmax, x, &weight, &mut l, WEIGHTED, true);
            put_f16(b, 0, d);
            put_f16(b, 2, -min);
            for (c, l) in codes.iter_mut().zip(l) {
                *c = l as i16;
            }
            pack(kind, &codes, b);
        }
        (Kind::Q8_0, _) => {
            let amax = x.iter().fold(0.0f32, |m, &v| if m > v.abs() { m } else { v.abs() });
            let d = amax / 127.0;
            let id = inverse(d);
            put_f16(b, 0, d);
            for (c, &v) in codes.iter_mut().zip(x) {
                *c = (v * id).round() as i16;
            }
            pack(kind, &codes, b);
        }
        (Kind::Q1_0, _) => {
            let sum = x.iter().fold(0.0f32, |s, &v| s + v.abs());
            put_f16(b, 0, sum / 128.0);
            for (c, &v) in codes.iter_mut().zip(x) {
                *c = if v >= 0.0 { 1 } else { -1 };
            }
            pack(kind, &codes, b);
        }
        (Kind::Q2_0 | Kind::Tq1_0 | Kind::Tq2_0, _) => {
            let amax = x.iter().fold(0.0f32, |m, &v| if v.abs() > m { v.abs() } else { m });
            let id = inverse(amax);
            let at = match kind {
                Kind::Q2_0 => 0,
                Kind::Tq1_0 => 52,
                _ => 64,
            };
            put_f16(b, at, amax);
            for (c, &v) in codes.iter_mut().zip(x) {
                *c = ((v * id).round() as i16).clamp(-1, 2);
            }
            pack(kind, &codes, b);
        }
        (Kind::Mxfp4, _) => fp4::mxfp4(x, b),
        (Kind::Nvfp4, _) => fp4::nvfp4(x, b),
        (Kind::Q2K | Kind::Q4K | Kind::Q5K, _) => minimum_super::<A>(kind, x, w, b),
        (Kind::Q3K, _) => q3k::<A>(x, w, b),
        (Kind::Q6K, _) => q6k::<A>(x, w, b),
        (Kind::Iq3Xxs | Kind::Iq3S, _) => iq3::quantize::<A>(kind == Kind::Iq3S, x, w, b),
        (Kind::Iq4Nl | Kind::Iq4Xs, _) => iq4::<A>(kind, x, w, b),
        _ => {}
    }
}

fn block_weights<A: Arithmetic>(x: &[f32], w: &[f32], square: f32) -> [f32; 32] {
    let mut out = [0.0; 32];
    for (o, (&v, &w)) in out.iter_mut().zip(x.iter().zip(w)) {
        *o = w * A::mul_add(v, v, square).sqrt();
    }
    out
}

const WEIGHTED: Steps = Steps { from: -0.9, by: 0.05, count: 36, absolute: false };

/// Q4_0 and Q5_0: the largest magnitude gets the lowest code.
fn signed_block<A: Arithmetic>(kind: Kind, half: i16, x: &[f32], b: &mut [u8]) {
    let (max, _) = super::search::extreme(x);
    let d = max / -f32::from(half);
    let id = inverse(d);
    put_f16(b, 0, d);
    let mut codes = [0i16; 256];
    for (c, &v) in codes.iter_mut().zip(x) {
        let q = A::mul_add(v, id, f32::from(half) + 0.5) as i16;
        *c = q.min(2 * half - 1) - half;
    }
    pack(kind, &codes, b);
}

/// Q4_1 and Q5_1: from the smallest to the largest value.
fn ranged_block<A: Arithmetic>(kind: Kind, top: i16, x: &[f32], b: &mut [u8]) {
    let (mut min, mut max) = (f32::MAX, -f32::MAX);
    for &v in x {
        if v < min {
            min = v;
        }
        if v > max {
            max = v;
        }
    }
    let d = (max - min) / f32::from(top);
    let id = inverse(d);
    put_f16(b, 0, d);
    put_f16(b, 2, min);
    let mut codes = [0i16; 256];
    for (c, &v) in codes.iter_mut().zip(x) {
        let q = A::mul_add(v - min, id, 0.5) as i16;
        *c = if top == 15 { q.min(15) } else { q & 31 };
    }
    pack(kind, &codes, b);
}

/// Q2_K, Q4_K and Q5_K: groups with scale and minimum under two f16.
fn minimum_super<A: Arithmetic>(kind: Kind, x: &[f32], w: Option<&[f32]>, b: &mut [u8]) {
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
    let sigma = if two { block_sum() / 256.0 } else { 2.0 * block_sum() / 256.0 };
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
            (None, Kind::Q2K) => Steps { from: -0.5, by: 0.1, count: 15, absolute: true },
            (None, Kind::Q4K) => Steps { from: -1.0, by: 0.1, count: 20, absolute: false },
            (None, _) => Steps { from: -0.5, by: 0.1, count: 15, absolute: false },
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
        let max_scale = scales.iter().fold(0.0f32, |m, &v| if v > m { v } else { m });
        let max_min = mins.iter().fold(0.0f32, |m, &v| if v > m { v } else { m });
        let code = |max: f32, v: f32| {
            if max > 0.0 {
                i32::from((nearest_product::<A>(top / max, v) & 255) as u8).min(if two { 255 } else { 63 })
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
        let (s, m) = if two { (b[j] & 15, b[j] >> 4) } else { scale_min(j, &b[4..16]) };
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

fn q3k<A: Arithmetic>(x: &[f32], w: Option<&[f32]>, b: &mut [u8]) {
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
        let (max, amax) = super::search::extreme(&scales);
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

fn q6k<A: Arithmetic>(x: &[f32], w: Option<&[f32]>, b: &mut [u8]) {
    let mut found = [0i32; 256];
    let mut scales = [0.0f32; 16];
    for j in 0..16 {
        let at = 16 * j..16 * (j + 1);
        scales[j] =
            symmetric::<A>(32, &x[at.clone()], &mut found[at.clone()], w.map(|w| &w[at.clone()]));
    }
    let (max, amax) = super::search::extreme(&scales);
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

/// Index of the nearest value of IQ4; the upper one on a tie.
#[inline]
pub(super) fn nearest_iq4(v: f32) -> usize {
    if v <= f32::from(IQ4[0]) {
        return 0;
    }
    if v >= f32::from(IQ4[15]) {
        return 15;
    }
    let (mut low, mut high) = (0, 15);
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if v < f32::from(IQ4[middle]) {
            high = middle;
        } else {
            low = middle;
        }
    }
    if v - f32::from(IQ4[high - 1]) < f32::from(IQ4[high]) - v { high - 1 } else { high }
}

fn iq4<A: Arithmetic>(kind: Kind, x: &[f32], w: Option<&[f32]>, b: &mut [u8]) {
    let size = x.len();
    let sum = x.iter().fold(0.0f32, |s, &v| A::mul_add(v, v, s));
    let sigma = sum * (2.0 / size as f32);
    let mut scales = [0.0f32; 8];
    let mut found = [0usize; 256];
    let (mut max_scale, mut amax_scale) = (0.0f32, 0.0f32);
    for (ib, xb) in x.chunks_exact(32).enumerate() {
        let mut weight = [0.0f32; 32];
        for (j, (o, &v)) in weight.iter_mut().zip(xb).enumerate() {
            *o = match w {
                Some(w) => w[32 * ib + j] * A::mul_add(v, v, sigma).sqrt(),
                None => v * v,
            };
        }
        let (max, amax) = super::search::extreme(xb);
        if amax < TINY {
            continue;
        }
        let sums = |id: f32, codes: Option<&mut [usize]>| {
            let (mut qx, mut q2) = (0.0f32, 0.0f32);
            let mut keep = codes;
            for (j, &v) in xb.iter().enumerate() {
                let l = nearest_iq4(id * v);
                if let Some(codes) = keep.as_deref_mut() {
                    codes[j] = l;
                }
                let q = f32::from(IQ4[l]);
                qx = A::mul_add(weight[j] * q, v, qx);
                q2 = A::mul_add(weight[j] * q, q, q2);
            }
            (qx, q2)
        };
        let first = -max / f32::from(IQ4[0]);
        let (qx, q2) = sums(1.0 / first, Some(&mut found[32 * ib..32 * (ib + 1)]));
        let mut d = if q2 > 0.0 { qx / q2 } else { 0.0 };
        let mut best = d * qx;
        for step in -7i16..=7 {
            let (qx, q2) = sums(f32::from(step + i16::from(IQ4[0])) / max, None);
            if q2 > 0.0 && qx * qx > best * q2 {
                d = qx / q2;
                best = d * qx;
            }
        }
        scales[ib] = d;
        if d.abs() > amax_scale {
            amax_scale = d.abs();
            max_scale = d;
        }
    }
    let mut codes = [0i16; 256];
    if kind == Kind::Iq4Nl {
        put_f16(b, 0, scales[0]);
        let id = inverse(scales[0]);
        for (c, &v) in codes.iter_mut().zip(x) {
            *c = nearest_iq4(id * v) as i16;
        }
    } else {
        let d = -max_scale / 32.0;
        put_f16(b, 0, d);
        let id = inverse(d);
        b[2..8].fill(0);
        let mut high = 0u16;
        for ib in 0..8 {
            let l = nearest_product::<A>(id, scales[ib]).clamp(-32, 31);
            let idl = inverse(d * l as f32);
            for i in 32 * ib..32 * (ib + 1) {
                codes[i] = nearest_iq4(idl * x[i]) as i16;
            }
            let l = (l + 32) as u16;
            b[4 + ib / 2] |= ((l & 15) as u8) << (4 * (ib % 2));
            high |= (l >> 4) << (2 * ib);
        }
        b[2..4].copy_from_slice(&high.to_le_bytes());
    }
    pack(kind, &codes, b);
}
