//! Rows of weights against the stored blocks of their quantization.

use super::arith::{Arithmetic, nearest};
use super::block::Kind;
use super::grid::{self, Grid};
use super::iq4::nearest_iq4;
use super::quantizer::quantize_row;
use super::search::TINY;
use super::{codebook, decode, interval};

/// An element that is not as it must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) index: u64,
    pub(super) value: f32,
    pub(super) expected: f32,
    pub(super) bound: f32,
}

impl Seen {
    fn deviation(&self) -> f32 {
        (self.value - self.expected).abs()
    }
}

/// What the blocks of a tensor showed.
#[derive(Debug, Clone, Default)]
pub(super) struct Report {
    pub(super) blocks: u64,
    /// Blocks whose bytes are not the replayed ones.
    pub(super) differing: u64,
    /// Elements whose code is not the nearest on the block's own grid.
    pub(super) off: u64,
    /// Groups whose grid does not suit their weights.
    pub(super) implausible: u64,
    /// Codes that say nothing, since their scale is zero, and are not zero.
    pub(super) free: u64,
    /// Elements beyond the ends of their grid.
    pub(super) clipped: u64,
    pub(super) error: f64,
    pub(super) square: f64,
    /// Worst element of a differing block, and of one that is off.
    pub(super) differs_at: Option<Seen>,
    pub(super) off_at: Option<Seen>,
    pub(super) implausible_at: Option<Seen>,
    /// Of the codebook kinds: the largest share of their bound.
    pub(super) farthest: f32,
    /// Residuals by tenths of a step.
    pub(super) residuals: [u64; 10],
}

impl Report {
    pub(super) fn merge(mut self, other: &Self) -> Self {
        self.blocks += other.blocks;
        self.differing += other.differing;
        self.off += other.off;
        self.implausible += other.implausible;
        self.free += other.free;
        self.clipped += other.clipped;
        self.farthest = self.farthest.max(other.farthest);
        self.error += other.error;
        self.square += other.square;
        for (a, b) in self.residuals.iter_mut().zip(other.residuals) {
            *a += b;
        }
        self.differs_at = worse(self.differs_at, other.differs_at);
        self.off_at = worse(self.off_at, other.off_at);
        self.implausible_at = worse(self.implausible_at, other.implausible_at);
        self
    }

    pub(super) fn see_off(&mut self, index: u64, value: f32, expected: f32, bound: f32) {
        self.off += 1;
        self.off_at = worse(
            self.off_at,
            Some(Seen {
                index,
                value,
                expected,
                bound,
            }),
        );
    }

    /// Root mean square of the error over that of the weights.
    pub(super) fn relative(&self) -> f64 {
        if self.square > 0.0 {
            (self.error / self.square).sqrt()
        } else {
            0.0
        }
    }
}

fn worse(a: Option<Seen>, b: Option<Seen>) -> Option<Seen> {
    match (a, b) {
        (Some(a), Some(b)) => {
            let (da, db) = (a.deviation(), b.deviation());
            // The same answer in whatever order chunks end.
            let second =
                db > da || (db == da && b.index < a.index) || (da.is_nan() && !db.is_nan());
            Some(if second { b } else { a })
        }
        (a, b) => a.or(b),
    }
}

/// Checks whole rows; `first` is the index of their first element.
pub(super) fn check_rows<A: Arithmetic>(
    kind: Kind,
    x: &[f32],
    columns: usize,
    importance: Option<&dyn Fn(u64) -> Option<Vec<f32>>>,
    stored: &[u8],
    first: u64,
) -> Report {
    let (n, size) = (kind.elements(), kind.bytes());
    let mut report = Report::default();
    let row_bytes = columns / n * size;
    let mut replay = vec![0u8; row_bytes];
    for (r, (x, stored)) in x
        .chunks_exact(columns)
        .zip(stored.chunks_exact(row_bytes))
        .enumerate()
    {
        let at = first + (r * columns) as u64;
        let weights = importance.and_then(|f| f(at / columns as u64));
        let replayed = quantize_row::<A>(kind, x, weights.as_deref(), &mut replay);
        let same = replayed && replay == stored;
        for (i, b) in stored.chunks_exact(size).enumerate() {
            // Errors of what was replayed are measured on every eighth block.
            if same && i % 8 != 0 {
                report.blocks += 1;
                continue;
            }
            let x = &x[i * n..(i + 1) * n];
            let at = at + (i * n) as u64;
            let want = replayed.then(|| &replay[i * size..(i + 1) * size]);
            check_block(kind, x, b, want, at, &mut report);
        }
    }
    report
}

fn check_block(kind: Kind, x: &[f32], b: &[u8], want: Option<&[u8]>, at: u64, report: &mut Report) {
    let mut values = [0f32; 256];
    let values = &mut values[..x.len()];
    report.blocks += 1;
    if !decode::decode_block(kind, b, values) {
        return;
    }
    for (&x, &v) in x.iter().zip(values.iter()) {
        let e = f64::from(x) - f64::from(v);
        report.error += e * e;
        report.square += f64::from(x) * f64::from(x);
    }
    let same = want == Some(b);
    let grid = grid::unpack(kind, b);
    if same {
        if let Some(g) = &grid {
            clip_and_residuals(g, x, report);
        }
        return;
    }
    report.differing += 1;
    if let Some(want) = want {
        let mut expected = [0f32; 256];
        let expected = &mut expected[..x.len()];
        decode::decode_block(kind, want, expected);
        let seen = values
            .iter()
            .zip(expected.iter())
            .enumerate()
            .map(|(i, (&value, &expected))| Seen {
                index: at + i as u64,
                value,
                expected,
                bound: 0.0,
            })
            .fold(None, |worst, seen| worse(worst, Some(seen)));
        report.differs_at = worse(report.differs_at, seen);
    }
    let Some(g) = grid else {
        codebook::check(kind, x, b, values, at, report);
        return;
    };
    nearest_codes(kind, &g, x, at, report);
    clip_and_residuals(&g, x, report);
    if let Some(w) = want.and_then(|w| grid::unpack(kind, w)) {
        plausible(&g, &w, x, at, report);
    }
}

/// Every code must be the nearest on the block's own grid.
fn nearest_codes(kind: Kind, g: &Grid, x: &[f32], at: u64, report: &mut Report) {
    for group in 0..g.len / g.group {
        let range = group * g.group..(group + 1) * g.group;
        let (scale, offset) = (g.scale[group], g.offset[group]);
        if scale == 0.0 {
            let zero = zero_code(kind, g);
            let set = range.clone().filter(|i| g.codes[*i] != zero).count() as u64;
            report.free += set;
            // Where all weights are zero the search leaves zero codes.
            if set > 0 && x[range.clone()].iter().all(|v| v.abs() < TINY) {
                report.off += set;
            }
            continue;
        }
        let honest = match kind {
            Kind::Q4_0 | Kind::Q5_0 => Some(interval::is_symmetric_candidate(g, x)),
            Kind::Q4_1 | Kind::Q5_1 => Some(interval::fits_some_grid(g, x)),
            Kind::Iq4Nl | Kind::Iq4Xs => {
                let ulp = f16_ulp(g.base);
                Some(
                    interval::fits_iq4(&g.codes[range.clone()], &x[range.clone()], scale, ulp)
                        .is_none(),
                )
            }
            _ => None,
        };
        if honest == Some(true) {
            continue;
        }
        let before = report.off;
        for i in range.clone() {
            let (best, slack) = match kind {
                Kind::Iq4Nl | Kind::Iq4Xs => (nearest_iq4(x[i] / scale) as i16, false),
                Kind::Mxfp4 | Kind::Nvfp4 => (super::fp4::nearest_fp4(x[i], scale) as i16, false),
                Kind::Q2K | Kind::Q3K | Kind::Q4K | Kind::Q5K | Kind::Q6K => {
                    let code = nearest((x[i] - offset) / scale);
                    (
                        code.clamp(i32::from(g.low), i32::from(g.high)) as i16,
                        false,
                    )
                }
                _ => {
                    let code = ((x[i] - offset) / scale).round();
                    (
                        code.clamp(f32::from(g.low), f32::from(g.high)) as i16,
                        honest.is_none(),
                    )
                }
            };
            let code = g.codes[i];
            let value = g.value(i);
            let expected = g.value_of(i, best);
            // One code off is honest near a tie, where the scale that chose it
            // was not yet rounded.
            let wrong = code != best
                && value != expected
                && (!slack || (i32::from(code) - i32::from(best)).abs() > 1);
            if wrong {
                report.off += 1;
                let seen = Seen {
                    index: at + i as u64,
                    value,
                    expected,
                    bound: 0.0,
                };
                report.off_at = worse(report.off_at, Some(seen));
            }
        }
        if honest == Some(false) && report.off == before {
            let i = range.start;
            report.see_off(at + i as u64, g.value(i), x[i], 0.0);
        }
    }
}

/// Half the distance of two neighbours in half precision, relative.
fn f16_ulp(d: f32) -> f64 {
    let magnitude = f64::from(d.abs());
    if magnitude < 6.2e-5 {
        if magnitude == 0.0 {
            1.0
        } else {
            (2f64.powi(-25) / magnitude).min(0.9)
        }
    } else {
        2f64.powi(-11)
    }
}

/// The stored code that means nothing was stored.
fn zero_code(kind: Kind, g: &Grid) -> i16 {
    match kind {
        Kind::Q3K | Kind::Q6K => g.low,
        Kind::Q2_0 | Kind::Tq1_0 | Kind::Tq2_0 | Kind::Q1_0 => 0,
        Kind::Iq4Nl | Kind::Iq4Xs => 8,
        _ => 0,
    }
}

/// The grid must suit the weights: its scale near the one that a search finds.
fn plausible(g: &Grid, want: &Grid, x: &[f32], at: u64, report: &mut Report) {
    for group in 0..g.len / g.group {
        let range = group * g.group..(group + 1) * g.group;
        let (is, must) = (g.scale[group].abs(), want.scale[group].abs());
        let largest = x[range.clone()].iter().fold(0f32, |m, v| m.max(v.abs()));
        let top = f32::from(g.high.max(-g.low)) * must;
        if largest < TINY || must == 0.0 || top == 0.0 {
            continue;
        }
        let ratio = is / must;
        if !(0.3..=3.0).contains(&ratio) {
            report.implausible += 1;
            let seen = Seen {
                index: at + range.start as u64,
                value: is,
                expected: must,
                bound: 0.0,
            };
            report.implausible_at = worse(report.implausible_at, Some(seen));
        }
    }
}

fn clip_and_residuals(g: &Grid, x: &[f32], report: &mut Report) {
    if g.table.is_some() {
        return;
    }
    for (i, &v) in x.iter().enumerate() {
        let scale = g.scale[i / g.group];
        if scale == 0.0 {
            continue;
        }
        let exact = (v - g.offset[i / g.group]) / scale;
        let rest = exact - f32::from(g.codes[i]);
        if rest.abs() > 0.5 {
            report.clipped += 1;
        } else {
            let tenth = ((rest + 0.5) * 10.0) as usize;
            report.residuals[tenth.min(9)] += 1;
        }
    }
}
