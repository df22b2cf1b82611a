//! The quantizer, replayed: the bytes llama.cpp writes for a row of weights.
//!
//! Follows the reference (`*_ref`, no importance matrix) and weighted (`*_impl`)
//! forms in `ggml/src/ggml-quants.c`. IQ1 and IQ2 are not replayed.

use half::f16;

use super::arith::Arithmetic;
use super::block::Kind;
use super::grid::pack;
use super::search::{Steps, extreme, symmetric, with_minimum};
use super::{fp4, iq3, iq4, kquant};

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
    if !replays(kind) || !x.len().is_multiple_of(n) || out.len() != x.len() / n * bytes {
        return false;
    }
    let importance = importance.filter(|w| w.len() == x.len());
    // Block kinds of 32 take the row's mean square, super-blocks their own.
    let row_square = importance.map(|_| {
        let sum = x.iter().fold(0.0f32, |s, &v| A::mul_add(v, v, s));
        sum / x.len() as f32
    });
    for (i, (x, b)) in x
        .chunks_exact(n)
        .zip(out.chunks_exact_mut(bytes))
        .enumerate()
    {
        let w = importance.map(|w| &w[i * n..(i + 1) * n]);
        quantize_block::<A>(kind, x, w, row_square.unwrap_or(0.0), b);
    }
    true
}

#[inline]
pub(super) fn put_f16(b: &mut [u8], at: usize, v: f32) -> f32 {
    let h = f16::from_f32(v);
    b[at..at + 2].copy_from_slice(&h.to_le_bytes());
    h.to_f32()
}

pub(super) fn inverse(d: f32) -> f32 {
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
            let amax = x
                .iter()
                .fold(0.0f32, |m, &v| if m > v.abs() { m } else { v.abs() });
            let d = amax / 127.0;
            let id = inverse(d);
            put_f16(b, 0, d);
            for (q, &v) in b[2..].iter_mut().zip(x) {
                *q = ((v * id).round() as i8).cast_unsigned();
            }
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
            let amax = x
                .iter()
                .fold(0.0f32, |m, &v| if v.abs() > m { v.abs() } else { m });
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
        (Kind::Q2K | Kind::Q4K | Kind::Q5K, _) => kquant::minimum_super::<A>(kind, x, w, b),
        (Kind::Q3K, _) => kquant::q3k::<A>(x, w, b),
        (Kind::Q6K, _) => kquant::q6k::<A>(x, w, b),
        (Kind::Iq3Xxs | Kind::Iq3S, _) => iq3::quantize::<A>(kind == Kind::Iq3S, x, w, b),
        (Kind::Iq4Nl | Kind::Iq4Xs, _) => iq4::quantize::<A>(kind, x, w, b),
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

pub(super) const WEIGHTED: Steps = Steps {
    from: -0.9,
    by: 0.05,
    count: 36,
    absolute: false,
};

/// Q4_0 and Q5_0: the largest magnitude gets the lowest code.
fn signed_block<A: Arithmetic>(kind: Kind, half: i16, x: &[f32], b: &mut [u8]) {
    let (max, _) = extreme(x);
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
