//! IQ3_XXS and IQ3_S, replayed: points of a codebook in four dimensions.
//!
//! Follows `iq3xs_init_impl`, `quantize_row_iq3_xxs_impl` and
//! `quantize_row_iq3_s_impl` of `ggml/src/ggml-quants.c`.

use std::sync::LazyLock;

use half::f16;

use super::arith::{Arithmetic, nearest};
use super::points::{IQ3_S, IQ3_XXS};

/// For each of the 8⁴ patterns its point, or the points near it.
struct Book {
    points: &'static [u16],
    at: Vec<Result<u16, Vec<u16>>>,
}

static XXS: LazyLock<Book> = LazyLock::new(|| Book::new(&IQ3_XXS, 2));
static S: LazyLock<Book> = LazyLock::new(|| Book::new(&IQ3_S, 3));

fn digit(point: u16, i: usize) -> i32 {
    i32::from((point >> (3 * i)) & 7)
}

impl Book {
    /// `shells` distances are searched around a pattern that is no point.
    fn new(points: &'static [u16], shells: usize) -> Self {
        let at = (0..4096u16)
            .map(|pattern| {
                if let Some(index) = points.iter().position(|p| *p == pattern) {
                    return Ok(index as u16);
                }
                let mut near: Vec<(i32, u16)> = points
                    .iter()
                    .enumerate()
                    .map(|(j, p)| {
                        let d = |i| 2 * (digit(*p, i) - digit(pattern, i));
                        ((0..4).map(|i| d(i) * d(i)).sum(), j as u16)
                    })
                    .collect();
                near.sort_unstable();
                let mut distances: Vec<i32> = near.iter().map(|n| n.0).collect();
                distances.dedup();
                let last = distances.get(shells - 1).copied().unwrap_or(i32::MAX);
                Err(near
                    .into_iter()
                    .take_while(|n| n.0 <= last)
                    .map(|n| n.1)
                    .collect())
            })
            .collect();
        Self { points, at }
    }

    /// The pattern that stands for the four codes, and whether it was a point.
    fn settle<A: Arithmetic>(&self, codes: &mut [i32], x: &[f32], w: &[f32], scale: f32) -> bool {
        let pattern = pack(codes);
        match &self.at[usize::from(pattern)] {
            Ok(_) => true,
            Err(near) => {
                let mut best = (f32::MAX, 0u16);
                for &index in near {
                    let point = self.points[usize::from(index)];
                    let mut d2 = 0.0f32;
                    for i in 0..4 {
                        let q = (2 * digit(point, i) + 1) as f32;
                        let diff = A::mul_add(scale, q, -x[i]);
                        d2 = A::mul_add(w[i] * diff, diff, d2);
                    }
                    if d2 < best.0 {
                        best = (d2, index);
                    }
                }
                let point = self.points[usize::from(best.1)];
                for (i, code) in codes.iter_mut().enumerate() {
                    *code = digit(point, i);
                }
                false
            }
        }
    }

    fn index(&self, codes: &[i32]) -> u16 {
        self.at[usize::from(pack(codes))]
            .as_ref()
            .copied()
            .unwrap_or(0)
    }
}

fn pack(codes: &[i32]) -> u16 {
    codes
        .iter()
        .enumerate()
        .fold(0, |u, (i, c)| u | ((*c as u16 & 7) << (3 * i)))
}

fn code(id: f32, v: f32) -> i32 {
    nearest(0.5 * (id * v - 1.0)).clamp(0, 7)
}

/// Weighted sums of `x·q` and `q²` for odd values `q`.
fn sums<A: Arithmetic>(codes: &[i32; 32], x: &[f32; 32], w: &[f32; 32]) -> (f32, f32) {
    let (mut qx, mut q2) = (0.0f32, 0.0f32);
    for i in 0..32 {
        let q = (2 * codes[i] + 1) as f32;
        qx = A::mul_add(w[i] * x[i], q, qx);
        q2 = A::mul_add(w[i] * q, q, q2);
    }
    (qx, q2)
}

/// One block of 256; `full` for IQ3_S, which stores all signs.
pub(super) fn quantize<A: Arithmetic>(full: bool, x: &[f32], w: Option<&[f32]>, b: &mut [u8]) {
    let book: &Book = if full { &S } else { &XXS };
    b.fill(0);
    let sigma = 2.0 * x.iter().fold(0.0f32, |s, &v| A::mul_add(v, v, s)) / 256.0;
    let mut scales = [0.0f32; 8];
    let mut words = [0u32; 8];
    let mut max_scale = 0.0f32;
    // Where the next points go: IQ3_S forgets to leave room for groups of zeros.
    let mut place = 0;
    for ib in 0..8 {
        let xb = &x[32 * ib..32 * (ib + 1)];
        let mut weight = [0.0f32; 32];
        for (i, &v) in xb.iter().enumerate() {
            weight[i] = match w {
                Some(w) => w[32 * ib + i] * A::mul_add(v, v, sigma).sqrt(),
                None => v * v,
            };
        }
        let root: [f32; 32] = std::array::from_fn(|i| weight[i].sqrt());
        let mut xval = [0.0f32; 32];
        let mut signs = [0u8; 4];
        for k in 0..4 {
            for i in 0..8 {
                let v = xb[8 * k + i];
                // A NaN counts as negative, as it does there.
                let negative = v.is_nan() || v < 0.0;
                xval[8 * k + i] = if negative { -v } else { v };
                signs[k] |= u8::from(negative) << i;
            }
            if !full && signs[k].count_ones() % 2 == 1 {
                let cost = |i: usize| weight[8 * k + i] * xb[8 * k + i] * xb[8 * k + i];
                let (mut least, mut min) = (0, cost(0));
                for i in 1..8 {
                    if cost(i) < min {
                        min = cost(i);
                        least = i;
                    }
                }
                xval[8 * k + least] = -xval[8 * k + least];
                signs[k] ^= 1 << least;
            }
        }
        let max = xval
            .iter()
            .copied()
            .fold(xval[0], |m, v| if m > v { m } else { v });
        if if full { max == 0.0 } else { max < 1e-8 } {
            place += usize::from(!full);
            continue;
        }
        let mut codes = [0i32; 32];
        let mut on = [!full; 8];
        let mut scale = max / 15.0;
        let mut best = 0.0f32;
        let reach = if full { 9 } else { 15 };
        for step in -reach..=reach {
            let id = (step as f32 * 0.2 + 15.0) / max;
            let mut tried: [i32; 32] = std::array::from_fn(|i| code(id, xval[i]));
            let mut tried_on = [true; 8];
            for k in 0..8 {
                let at = 4 * k..4 * k + 4;
                tried_on[k] = book.settle::<A>(
                    &mut tried[at.clone()],
                    &xval[at.clone()],
                    &root[at],
                    1.0 / id,
                );
            }
            let (qx, q2) = sums::<A>(&tried, &xval, &weight);
            if q2 > 0.0 && qx * qx > best * q2 {
                scale = qx / q2;
                best = scale * qx;
                codes = tried;
                on = tried_on;
            }
        }
        if on.contains(&false) && scale > 0.0 {
            let id = 1.0 / scale;
            for k in 0..8 {
                if on[k] && !full {
                    continue;
                }
                let at = 4 * k..4 * k + 4;
                for i in at.clone() {
                    codes[i] = code(id, xval[i]);
                }
                book.settle::<A>(&mut codes[at.clone()], &xval[at.clone()], &root[at], scale);
            }
            let (qx, q2) = sums::<A>(&codes, &xval, &weight);
            if q2 > 0.0 {
                scale = qx / q2;
            }
        }
        if scale < 0.0 {
            scale = -scale;
            for s in &mut signs {
                *s = !*s;
            }
        }
        for k in 0..8 {
            let index = book.index(&codes[4 * k..4 * k + 4]);
            b[2 + 8 * place + k] = (index & 255) as u8;
            if full {
                b[66 + ib] |= ((index >> 8) as u8) << k;
            }
        }
        for (k, s) in signs.iter().enumerate() {
            if full {
                b[74 + 4 * place + k] = *s;
            } else {
                words[ib] |= u32::from(*s & 127) << (7 * k);
            }
        }
        place += 1;
        scales[ib] = scale;
        if scale > max_scale {
            max_scale = scale;
        }
    }
    if max_scale == 0.0 {
        if !full {
            b.fill(0);
        }
        return;
    }
    let d = max_scale / 31.0;
    let stored = f16::from_f32(d * if full { 1.033 } else { 1.0125 });
    b[..2].copy_from_slice(&stored.to_le_bytes());
    let id = 1.0 / d;
    for ib in 0..8 {
        let l = nearest(0.5 * (id * scales[ib] - 1.0)).clamp(0, 15) as u32;
        if full {
            b[106 + ib / 2] |= (l as u8) << (4 * (ib % 2));
        } else {
            words[ib] |= l << 28;
            b[66 + 4 * ib..70 + 4 * ib].copy_from_slice(&words[ib].to_le_bytes());
        }
    }
}
