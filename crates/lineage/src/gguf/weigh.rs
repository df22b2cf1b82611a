//! Every target tensor against its recipe, on all cores, a few rows at a time.

use std::collections::HashMap;

use half::{bf16, f16};
use rayon::prelude::*;

use super::arith::{Fused, Plain};
use super::block::Kind;
use super::check::{Report, check_rows};
use super::rows::{Map, Recipe, read_values};
use crate::model::Model;
use crate::proof::Worst;
use crate::sweep::{CHUNK, Tally, Tell};
use crate::tensor::{Tensor, Unread};

/// A target tensor and what it must hold.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) target: &'a Tensor,
    pub(super) kind: Kind,
    pub(super) recipe: Recipe,
}

/// What the weights went through before they were quantized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    Direct,
    F16,
    Bf16,
}

/// How the quantizer is thought to have worked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) path: Path,
    pub(super) fused: bool,
}

/// Column weights by tensor, from an importance matrix.
#[derive(Debug, Default)]
pub(super) struct Importance {
    columns: HashMap<String, Vec<f32>>,
}

impl Importance {
    /// Whether a model is an importance matrix.
    pub(super) fn is(model: &Model) -> bool {
        !model.tensors.is_empty()
            && model
                .tensors
                .iter()
                .all(|t| t.name.ends_with(".in_sum2") || t.name.ends_with(".counts"))
    }

    /// Sums of squares over counts, as `common/imatrix-loader` of llama.cpp has it.
    pub(super) fn read(model: &Model) -> Result<Self, Unread> {
        let mut columns = HashMap::new();
        for sums in &model.tensors {
            let Some(name) = sums.name.strip_suffix(".in_sum2") else {
                continue;
            };
            let Some(counts) = model.tensor(&format!("{name}.counts")) else {
                continue;
            };
            if sums.elements() > 1 << 26 || counts.elements() > 1 << 16 || counts.elements() == 0 {
                return Err(format!(
                    "{name} has an importance matrix of an unlikely size"
                ));
            }
            let (mut s, mut c) = (Vec::new(), Vec::new());
            read_values(sums, 0, sums.elements(), &mut s)?;
            read_values(counts, 0, counts.elements(), &mut c)?;
            let width = (s.len() / c.len()).max(1);
            for (part, &count) in s.chunks_mut(width).zip(&c) {
                for v in part {
                    *v = if count > 0.0 { *v / count } else { 1.0 };
                }
            }
            columns.insert(name.to_owned(), s);
        }
        Ok(Self { columns })
    }

    fn of(&self, job: &Job<'_>) -> Option<&[f32]> {
        self.columns.get(&job.target.name).map(Vec::as_slice)
    }
}

/// Norms and vectors are kept as they are on every path.
pub(super) fn is_narrowed(recipe: &Recipe, name: &str) -> bool {
    recipe.shape.len() > 1 && !stays_f32(name)
}

/// Tensors that the converter writes in single precision whatever is asked.
pub(super) fn stays_f32(name: &str) -> bool {
    !name.ends_with(".weight")
        || name.ends_with("_norm.weight")
        || [
            "ffn_gate_inp.weight",
            "ffn_gate_inp_shexp.weight",
            "ssm_conv1d.weight",
        ]
        .iter()
        .any(|end| name.ends_with(end))
        || matches!(name, "position_embd.weight" | "token_types.weight")
}

fn narrow(x: &mut [f32], path: Path) {
    match path {
        Path::Direct => {}
        Path::F16 => {
            for v in x {
                *v = f16::from_f32(*v).to_f32();
            }
        }
        Path::Bf16 => {
            for v in x {
                *v = bf16::from_f32(*v).to_f32();
            }
        }
    }
}

impl Job<'_> {
    fn values(&self, first: u64, count: u64, path: Path) -> Result<Vec<f32>, Unread> {
        let mut x = Vec::new();
        self.recipe.read(first, count, &mut x)?;
        if is_narrowed(&self.recipe, &self.target.name) {
            narrow(&mut x, path);
        }
        Ok(x)
    }

    fn report(
        &self,
        first: u64,
        count: u64,
        setting: Setting,
        importance: &Importance,
    ) -> Result<(Report, u64), Unread> {
        let columns = self.recipe.columns();
        let x = self.values(first, count, setting.path)?;
        let (n, size) = (self.kind.elements() as u64, self.kind.bytes() as u64);
        let mut stored = Vec::new();
        self.target.read_raw(
            first * columns / n * size,
            count * columns / n * size,
            &mut stored,
        )?;
        let rows_per_expert = self
            .recipe
            .shape
            .iter()
            .rev()
            .nth(1)
            .copied()
            .unwrap_or(1)
            .max(1);
        let wide = usize::try_from(columns).map_err(|error| error.to_string())?;
        let held = importance.of(self);
        let weights = move |row: u64| -> Option<Vec<f32>> {
            let at = usize::try_from(row / rows_per_expert)
                .ok()?
                .checked_mul(wide)?;
            held?.get(at..at.checked_add(wide)?).map(<[f32]>::to_vec)
        };
        let importance: Option<&dyn Fn(u64) -> Option<Vec<f32>>> =
            if held.is_some() { Some(&weights) } else { None };
        let at = first * columns;
        let report = if setting.fused {
            check_rows::<Fused>(self.kind, &x, wide, importance, &stored, at)
        } else {
            check_rows::<Plain>(self.kind, &x, wide, importance, &stored, at)
        };
        Ok((report, stored.len() as u64))
    }

    /// All blocks of a quantized tensor.
    pub(super) fn blocks(
        &self,
        setting: Setting,
        importance: &Importance,
        tell: Tell<'_>,
    ) -> Result<Report, Unread> {
        let rows = self.recipe.rows();
        let chunk = self.recipe.chunk(CHUNK / 2);
        (0..rows.div_ceil(chunk))
            .into_par_iter()
            .map(|i| {
                let first = i * chunk;
                let (report, read) =
                    self.report(first, chunk.min(rows - first), setting, importance)?;
                tell(read);
                Ok(report)
            })
            .try_reduce(Report::default, |a, b| Ok(a.merge(&b)))
    }

    /// A few rows, to find out how the file was made.
    fn sample(&self, setting: Setting, importance: &Importance) -> Report {
        let rows = self.recipe.rows();
        let chunk = self.recipe.chunk(1 << 13).min(rows);
        let middle = (rows / 2 / chunk.max(1) * chunk).min(rows.saturating_sub(chunk));
        let mut report = Report::default();
        for first in if middle > 0 { vec![0, middle] } else { vec![0] } {
            if let Ok((part, _)) = self.report(first, chunk, setting, importance) {
                report = report.merge(&part);
            }
        }
        report
    }

    /// All elements of a tensor of plain numbers.
    pub(super) fn numbers(&self, path: Path, tell: Tell<'_>) -> Result<Tally, Unread> {
        let rows = self.recipe.rows();
        let columns = self.recipe.columns();
        let chunk = self.recipe.chunk(CHUNK);
        let tolerance = match (self.recipe.map, &self.recipe.given) {
            (Map::MinusExp, _) => 1.3e-7,
            (_, Some(_)) if self.target.name == "rope_freqs.weight" => 2e-6,
            _ => 0.0,
        };
        (0..rows.div_ceil(chunk))
            .into_par_iter()
            .map(|i| {
                let first = i * chunk;
                let count = chunk.min(rows - first);
                let x = self.values(first, count, path)?;
                let mut bytes = Vec::new();
                self.target.read_raw(
                    first * columns * self.kind.bytes() as u64,
                    count * columns * self.kind.bytes() as u64,
                    &mut bytes,
                )?;
                tell(bytes.len() as u64);
                Ok(compare_numbers(
                    self.kind,
                    &x,
                    &bytes,
                    first * columns,
                    tolerance,
                ))
            })
            .try_reduce(Tally::default, |a, b| Ok(a.merge(b)))
    }
}

fn compare_numbers(kind: Kind, x: &[f32], bytes: &[u8], first: u64, tolerance: f32) -> Tally {
    let mut tally = Tally::default();
    for (i, (&v, b)) in x.iter().zip(bytes.chunks_exact(kind.bytes())).enumerate() {
        let (same, value, expected, is, must) = match (kind, b) {
            (Kind::F32, &[a, b, c, d]) => {
                let is = u32::from_le_bytes([a, b, c, d]);
                let value = f32::from_bits(is);
                let near = tolerance > 0.0 && (value - v).abs() <= tolerance * v.abs();
                (is == v.to_bits() || near, value, v, is, v.to_bits())
            }
            (Kind::F16, &[a, b]) => {
                let (is, must) = (u16::from_le_bytes([a, b]), f16::from_f32(v));
                let value = f16::from_bits(is).to_f32();
                (
                    is == must.to_bits(),
                    value,
                    must.to_f32(),
                    u32::from(is),
                    u32::from(must.to_bits()),
                )
            }
            (Kind::Bf16, &[a, b]) => {
                let (is, must) = (u16::from_le_bytes([a, b]), bf16::from_f32(v));
                let value = bf16::from_bits(is).to_f32();
                (
                    is == must.to_bits(),
                    value,
                    must.to_f32(),
                    u32::from(is),
                    u32::from(must.to_bits()),
                )
            }
            _ => (false, f32::NAN, v, 0, 0),
        };
        if same || (value.is_nan() && expected.is_nan()) {
            continue;
        }
        let deviation = f64::from(value) - f64::from(expected);
        tally.see(
            true,
            Worst {
                index: first + i as u64,
                value: f64::from(value),
                expected: f64::from(expected),
                deviation: deviation.abs(),
                bound: f64::from(tolerance * v.abs()),
                bits: Some((format!("{is:#x}"), format!("{must:#x}"))),
                ..Worst::default()
            },
        );
    }
    tally
}

/// Which setting explains a sample of the file best.
pub(super) fn choose(jobs: &[Job<'_>], importance: &Importance) -> Setting {
    let score = |setting: Setting| -> (u64, u64) {
        jobs.par_iter()
            .filter(|job| is_narrowed(&job.recipe, &job.target.name))
            .map(|job| {
                if job.kind.is_quantized() {
                    let report = job.sample(setting, importance);
                    (report.off, report.differing)
                } else {
                    let rows = job.recipe.chunk(1 << 13).min(job.recipe.rows());
                    let sampled = Job {
                        target: job.target,
                        kind: job.kind,
                        recipe: job.recipe.clone(),
                    };
                    let wrong = sampled.first_rows(rows, setting.path);
                    (wrong, wrong)
                }
            })
            .reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    };
    let mut best = Setting {
        path: Path::Direct,
        fused: false,
    };
    let mut least = score(best);
    for path in [Path::F16, Path::Bf16] {
        if least == (0, 0) {
            return best;
        }
        let setting = Setting { path, fused: false };
        let found = score(setting);
        if found < least {
            (best, least) = (setting, found);
        }
    }
    if least.1 > 0 {
        let setting = Setting {
            path: best.path,
            fused: true,
        };
        if score(setting) < least {
            best = setting;
        }
    }
    best
}

impl Job<'_> {
    /// Wrong numbers among the first rows.
    fn first_rows(&self, rows: u64, path: Path) -> u64 {
        let columns = self.recipe.columns();
        let mut bytes = Vec::new();
        let Ok(x) = self.values(0, rows, path) else {
            return 0;
        };
        let len = rows * columns * self.kind.bytes() as u64;
        if self.target.read_raw(0, len, &mut bytes).is_err() {
            return 0;
        }
        compare_numbers(self.kind, &x, &bytes, 0, 0.0).wrong
    }
}
