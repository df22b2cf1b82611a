//! MXFP4 and NVFP4: a shared scale and the sixteen values of E2M1.
//!
//! Follows `quantize_row_mxfp4_ref` and `quantize_row_nvfp4_ref` of
//! `ggml/src/ggml-quants.c`.

use super::block::Kind;
use super::grid::{FP4, e8m0_half, pack, ue4m3_half};

/// The first of the values that lies nearest.
pub(super) fn nearest_fp4(v: f32, d: f32) -> usize {
    let mut best = 0;
    let mut error = (f32::from(FP4[0]) * d - v).abs();
    for (i, &value) in FP4.iter().enumerate().skip(1) {
        let e = (f32::from(value) * d - v).abs();
        if e < error {
            best = i;
            error = e;
        }
    }
    best
}

fn largest(x: &[f32]) -> f32 {
    x.iter()
        .fold(0.0f32, |m, &v| if m < v.abs() { v.abs() } else { m })
}

pub(super) fn mxfp4(x: &[f32], b: &mut [u8]) {
    let amax = largest(x);
    let e = if amax > 0.0 {
        ((amax.log2().floor() - 2.0 + 127.0) as i32 & 255) as u8
    } else {
        0
    };
    b[0] = e;
    let d = e8m0_half(e);
    let mut codes = [0i16; 256];
    for (c, &v) in codes.iter_mut().zip(x) {
        *c = nearest_fp4(v, d) as i16;
    }
    pack(Kind::Mxfp4, &codes, b);
}

pub(super) fn nvfp4(x: &[f32], b: &mut [u8]) {
    let mut codes = [0i16; 256];
    for (s, xs) in x.chunks_exact(16).enumerate() {
        let ue = to_ue4m3(largest(xs) / 6.0);
        b[s] = ue;
        let d = ue4m3_half(ue);
        for (c, &v) in codes[16 * s..].iter_mut().zip(xs) {
            *c = nearest_fp4(v, d) as i16;
        }
    }
    pack(Kind::Nvfp4, &codes, b);
}

/// Four bits of exponent (bias 7), three of mantissa, half away from zero.
fn to_ue4m3(x: f32) -> u8 {
    // A NaN is no scale either.
    if x.is_nan() || x <= 0.0 {
        return 0;
    }
    let x = x.min(448.0);
    let bits = x.to_bits();
    let mut exponent = ((bits >> 23) & 0xff).cast_signed() - 127 + 7;
    if exponent <= 0 {
        let mantissa = ((x * 512.0 + 0.5) as i32).min(7);
        return if mantissa < 1 { 0 } else { mantissa as u8 };
    }
    if exponent >= 15 {
        return 0x7e;
    }
    let mut mantissa = ((bits >> 20) & 7) + ((bits >> 19) & 1);
    if mantissa > 7 {
        mantissa = 0;
        exponent += 1;
        if exponent >= 15 {
            return 0x7e;
        }
    }
    ((exponent as u8) << 3) | (mantissa as u8)
}
