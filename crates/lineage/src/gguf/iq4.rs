//! IQ4_NL and IQ4_XS, replayed: sixteen values that are not evenly spaced.
//!
//! Follows `quantize_row_iq4_nl_impl` of `ggml/src/ggml-quants.c`.

use super::arith::{Arithmetic, nearest_product};
use super::block::Kind;
use super::grid::{IQ4, pack};
use super::quantizer::{inverse, put_f16};
use super::search::{TINY, extreme};

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
    if v - f32::from(IQ4[high - 1]) < f32::from(IQ4[high]) - v {
        high - 1
    } else {
        high
    }
}

pub(super) fn quantize<A: Arithmetic>(kind: Kind, x: &[f32], w: Option<&[f32]>, b: &mut [u8]) {
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
        let (max, amax) = extreme(xb);
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
