//! Codes that a search chose on a grid which was then changed a little: is
//! there a grid on which every one of them was the nearest?

use super::grid::{Grid, IQ4};

/// Relative slack for the quantizer's own roundings.
const SLACK: f64 = 1e-5;

/// Code of an element as the interval in which its scaled value lay; open at
/// the clamped ends.
fn cell(code: i16, low: i16, high: i16) -> (f64, f64) {
    let c = f64::from(code);
    (
        if code == low {
            f64::NEG_INFINITY
        } else {
            c - 0.5
        },
        if code == high { f64::INFINITY } else { c + 0.5 },
    )
}

/// Whether some scale and offset round each of the values to its code.
pub(super) fn fits_some_grid(g: &Grid, x: &[f32]) -> bool {
    let (mut least, mut most) = (0.0f64, f64::INFINITY);
    for i in 0..x.len() {
        for j in 0..x.len() {
            // s·x[i] − t ≤ up(i) and s·x[j] − t ≥ down(j), so s·(x[i] − x[j]) ≤ up(i) − down(j).
            let (_, up) = cell(g.codes[i], g.low, g.high);
            let (down, _) = cell(g.codes[j], g.low, g.high);
            let room = up - down + SLACK * (1.0 + room_scale(g));
            let apart = f64::from(x[i]) - f64::from(x[j]);
            if room.is_infinite() {
                continue;
            }
            if apart > 0.0 {
                most = most.min(room / apart);
            } else if apart < 0.0 {
                least = least.max(room / apart);
            } else if room < 0.0 {
                return false;
            }
        }
    }
    least <= most
}

fn room_scale(g: &Grid) -> f64 {
    f64::from(g.high - g.low)
}

/// Whether one of the nineteen scales that the symmetric search tries gives
/// exactly these codes.
pub(super) fn is_symmetric_candidate(g: &Grid, x: &[f32]) -> bool {
    let (max, _) = super::search::extreme(x);
    let nmax = -i32::from(g.low);
    (-9i32..=9).any(|step| {
        let inverse = -(0.1 * step as f32 + nmax as f32) / max;
        x.iter().zip(&g.codes).all(|(&v, &code)| {
            let plain = super::arith::nearest(inverse * v).clamp(-nmax, nmax - 1);
            let fused = super::arith::nearest_product::<super::arith::Fused>(inverse, v)
                .clamp(-nmax, nmax - 1);
            i32::from(code) == plain || i32::from(code) == fused
        })
    })
}

/// Whether a scale that rounds to the stored one puts each value nearest to its
/// entry of the IQ4 table; `factor` is what the stored scale is multiplied by.
pub(super) fn fits_iq4(codes: &[i16], x: &[f32], scale: f32, ulp: f64) -> Option<usize> {
    // Of s = 1/(d·l), relative to the stored one.
    let (low, high) = (1.0 / (1.0 + ulp) - SLACK, 1.0 / (1.0 - ulp) + SLACK);
    let (mut least, mut most) = (low, high);
    for (i, (&v, &code)) in x.iter().zip(codes).enumerate() {
        let at = usize::from(code.unsigned_abs()) & 15;
        let middle = |a: usize, b: usize| f64::midpoint(f64::from(IQ4[a]), f64::from(IQ4[b]));
        let down = if at == 0 {
            f64::NEG_INFINITY
        } else {
            middle(at - 1, at)
        };
        let up = if at == 15 {
            f64::INFINITY
        } else {
            middle(at, at + 1)
        };
        let scaled = f64::from(v) / f64::from(scale);
        let slack = SLACK * 128.0;
        if scaled == 0.0 {
            if down > 0.0 || up < 0.0 {
                return Some(i);
            }
            continue;
        }
        let (a, b) = ((down - slack) / scaled, (up + slack) / scaled);
        least = least.max(a.min(b));
        most = most.min(a.max(b));
        if least > most {
            return Some(i);
        }
    }
    None
}
