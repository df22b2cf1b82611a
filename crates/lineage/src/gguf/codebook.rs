//! The kinds whose codes point into a codebook: IQ1, IQ2 and IQ3.
//!
//! Follows the dequantizers of `ggml/src/ggml-quants.c`.

use super::block::Kind;
use super::grid::f16_at;
use super::points::{IQ1, IQ2_S, IQ2_XS, IQ2_XXS, IQ3_S, IQ3_XXS};

static LEVELS2: [f32; 4] = [8.0, 25.0, 43.0, 0.0];
static LEVELS3_XXS: [f32; 8] = [4.0, 12.0, 20.0, 28.0, 36.0, 44.0, 52.0, 62.0];
static LEVELS3_S: [f32; 8] = [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0];

fn u16_at(b: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([b[at], b[at + 1]])
}

fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

/// Seven stored signs; the eighth makes their number even.
fn signs(bits: u32) -> u8 {
    let b = (bits & 127) as u8;
    b | (((b.count_ones() & 1) as u8) << 7)
}

fn signed(v: f32, signs: u8, j: usize) -> f32 {
    if (signs >> j) & 1 == 1 { -v } else { v }
}

fn eight(d: f32, point: u16, signs: u8, y: &mut [f32]) {
    for (j, y) in y.iter_mut().enumerate() {
        *y = signed(d * LEVELS2[usize::from((point >> (2 * j)) & 3)], signs, j);
    }
}

fn four(d: f32, levels: &[f32; 8], point: u16, signs: u8, from: usize, y: &mut [f32]) {
    for (j, y) in y.iter_mut().enumerate() {
        let v = levels[usize::from((point >> (3 * j)) & 7)];
        *y = signed(d * v, signs, from + j);
    }
}

/// Decodes one block of 256; false for other kinds.
pub(super) fn decode(kind: Kind, b: &[u8], out: &mut [f32]) -> bool {
    decode_scaled(kind, b, out, &mut [0.0; 32])
}

/// [`decode`], with the scale of every eight elements.
fn decode_scaled(kind: Kind, b: &[u8], out: &mut [f32], scales: &mut [f32; 32]) -> bool {
    match kind {
        Kind::Iq2Xxs => {
            let d = f16_at(b, 0);
            for (i, y) in out.chunks_exact_mut(32).enumerate() {
                let word = u32_at(b, 2 + 8 * i + 4);
                let db = d * (0.5 + (word >> 28) as f32) * 0.25;
                scales[4 * i..4 * i + 4].fill(db);
                for (l, y) in y.chunks_exact_mut(8).enumerate() {
                    let point = IQ2_XXS[usize::from(b[2 + 8 * i + l])];
                    eight(db, point, signs(word >> (7 * l)), y);
                }
            }
        }
        Kind::Iq2Xs => {
            let d = f16_at(b, 0);
            for (i, y) in out.chunks_exact_mut(32).enumerate() {
                let scale = b[66 + i];
                for (l, y) in y.chunks_exact_mut(8).enumerate() {
                    let s = if l < 2 { scale & 15 } else { scale >> 4 };
                    let q = u16_at(b, 2 + 2 * (4 * i + l));
                    let db = d * (0.5 + f32::from(s)) * 0.25;
                    scales[4 * i + l] = db;
                    eight(
                        db,
                        IQ2_XS[usize::from(q & 511)],
                        signs(u32::from(q >> 9)),
                        y,
                    );
                }
            }
        }
        Kind::Iq2S => {
            let d = f16_at(b, 0);
            for (i, y) in out.chunks_exact_mut(32).enumerate() {
                let (scale, high) = (b[74 + i], u16::from(b[66 + i]));
                for (l, y) in y.chunks_exact_mut(8).enumerate() {
                    let s = if l < 2 { scale & 15 } else { scale >> 4 };
                    let index = u16::from(b[2 + 4 * i + l]) | ((high << (8 - 2 * l)) & 0x300);
                    let db = d * (0.5 + f32::from(s)) * 0.25;
                    scales[4 * i + l] = db;
                    eight(db, IQ2_S[usize::from(index)], b[34 + 4 * i + l], y);
                }
            }
        }
        Kind::Iq3Xxs => {
            let d = f16_at(b, 0);
            for (i, y) in out.chunks_exact_mut(32).enumerate() {
                let word = u32_at(b, 66 + 4 * i);
                let db = d * (0.5 + (word >> 28) as f32) * 0.5;
                scales[4 * i..4 * i + 4].fill(db);
                for (l, y) in y.chunks_exact_mut(8).enumerate() {
                    let s = signs(word >> (7 * l));
                    let q = &b[2 + 8 * i + 2 * l..];
                    let (first, second) = y.split_at_mut(4);
                    four(db, &LEVELS3_XXS, IQ3_XXS[usize::from(q[0])], s, 0, first);
                    four(db, &LEVELS3_XXS, IQ3_XXS[usize::from(q[1])], s, 4, second);
                }
            }
        }
        Kind::Iq3S => {
            let d = f16_at(b, 0);
            for (i, y) in out.chunks_exact_mut(32).enumerate() {
                let scale = b[106 + i / 2];
                let s = if i % 2 == 0 { scale & 15 } else { scale >> 4 };
                let db = d * (1.0 + 2.0 * f32::from(s));
                scales[4 * i..4 * i + 4].fill(db);
                let high = u16::from(b[66 + i]);
                for (l, y) in y.chunks_exact_mut(8).enumerate() {
                    let q = &b[2 + 8 * i + 2 * l..];
                    let signs = b[74 + 4 * i + l];
                    let one = u16::from(q[0]) | ((high << (8 - 2 * l)) & 256);
                    let two = u16::from(q[1]) | ((high << (7 - 2 * l)) & 256);
                    let (first, second) = y.split_at_mut(4);
                    four(db, &LEVELS3_S, IQ3_S[usize::from(one)], signs, 0, first);
                    four(db, &LEVELS3_S, IQ3_S[usize::from(two)], signs, 4, second);
                }
            }
        }
        Kind::Iq1S => {
            let d = f16_at(b, 0);
            for (i, y) in out.chunks_exact_mut(32).enumerate() {
                let high = u16_at(b, 34 + 2 * i);
                let dl = d * f32::from(2 * ((high >> 12) & 7) + 1);
                scales[4 * i..4 * i + 4].fill(dl);
                let delta = if high & 0x8000 == 0 { 0.125 } else { -0.125 };
                for (l, y) in y.chunks_exact_mut(8).enumerate() {
                    let index = u16::from(b[2 + 4 * i + l]) | (((high >> (3 * l)) & 7) << 8);
                    ternary(dl, delta, IQ1[usize::from(index)], y);
                }
            }
        }
        Kind::Iq1M => {
            let sc = |k: usize| u16_at(b, 48 + 2 * k);
            let bits = (sc(0) >> 12)
                | ((sc(1) >> 8) & 0x00f0)
                | ((sc(2) >> 4) & 0x0f00)
                | (sc(3) & 0xf000);
            let d = half::f16::from_bits(bits).to_f32();
            for (i, y) in out.chunks_exact_mut(32).enumerate() {
                for (l, y) in y.chunks_exact_mut(8).enumerate() {
                    let shift = 6 * (i % 2) + if l < 2 { 0 } else { 3 };
                    let dl = d * f32::from(2 * ((sc(i / 2) >> shift) & 7) + 1);
                    scales[4 * i + l] = dl;
                    let high = u16::from(b[32 + 2 * i + l / 2]) >> (4 * (l % 2));
                    let index = u16::from(b[4 * i + l]) | ((high & 7) << 8);
                    let delta = if high & 8 == 0 { 0.125 } else { -0.125 };
                    ternary(dl, delta, IQ1[usize::from(index)], y);
                }
            }
        }
        _ => return false,
    }
    true
}

fn ternary(dl: f32, delta: f32, point: u16, y: &mut [f32]) {
    for (j, y) in y.iter_mut().enumerate() {
        *y = dl * (f32::from((point >> (2 * j)) & 3) - 1.0 + delta);
    }
}

/// Checks a block of points against its weights: the signs where they are
/// stored in full, and the error of the whole, against what is typical. Weights
/// of columns are not known, and a light one may lie anywhere, so a single
/// point cannot be judged.
pub(super) fn check(
    kind: Kind,
    x: &[f32],
    b: &[u8],
    values: &[f32],
    at: u64,
    report: &mut super::check::Report,
) {
    let mut again = [0f32; 256];
    let mut scales = [0f32; 32];
    decode_scaled(kind, b, &mut again, &mut scales);
    let signed = matches!(kind, Kind::Iq3S | Kind::Iq2S);
    let (mut error, mut square) = (0f64, 0f64);
    for (j, (&x, &v)) in x.iter().zip(values).enumerate() {
        let e = f64::from(x) - f64::from(v);
        error += e * e;
        square += f64::from(x) * f64::from(x);
        if signed && scales[j / 8] > 0.0 && x != 0.0 && v != 0.0 && (x < 0.0) != (v < 0.0) {
            report.see_off(at + j as u64, v, x, 0.0);
        }
    }
    let most = match kind {
        Kind::Iq3S | Kind::Iq3Xxs => 0.6,
        Kind::Iq2Xxs | Kind::Iq2Xs | Kind::Iq2S => 0.8,
        _ => 1.1,
    };
    let worst = x
        .iter()
        .zip(values)
        .enumerate()
        .max_by(|a, b| (a.1.0 - a.1.1).abs().total_cmp(&(b.1.0 - b.1.1).abs()))
        .map_or(0, |(j, _)| j);
    // A scale below what half precision holds makes a block of zeros.
    if square > 256e-14 && error > most * most * square {
        report.see_off(
            at + worst as u64,
            values[worst],
            x[worst],
            (most * (square / 256.0).sqrt()) as f32,
        );
    }
}
