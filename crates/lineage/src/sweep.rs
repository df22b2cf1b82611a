//! Goes through tensors chunk by chunk on all cores.

use rayon::prelude::*;

use crate::proof::Worst;
use crate::tensor::{Tensor, Unread};

/// Elements of one chunk: what every thread holds, times the tensors compared.
pub const CHUNK: u64 = 1 << 17;

/// What chunks add up to.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub wrong: u64,
    pub changed: u64,
    pub worst: Option<Worst>,
    /// Sums that a relation needs: of squares, products, extremes.
    pub sums: [f64; 6],
}

impl Tally {
    /// Notes an element that is not as it must be (or, with `wrong` false, one
    /// that is the farthest so far).
    pub fn see(&mut self, wrong: bool, worst: Worst) {
        self.wrong += u64::from(wrong);
        let excess = |worst: &Worst| {
            let over = worst.deviation / worst.bound.max(f64::MIN_POSITIVE);
            if over.is_nan() { f64::INFINITY } else { over }
        };
        let replaces = self
            .worst
            .as_ref()
            .is_none_or(|held| excess(&worst) > excess(held));
        if replaces {
            self.worst = Some(worst);
        }
    }

    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        let changed = self.changed + other.changed;
        let wrong = self.wrong + other.wrong;
        if let Some(worst) = other.worst {
            self.see(false, worst);
        }
        for (sum, more) in self.sums.iter_mut().zip(other.sums) {
            *sum += more;
        }
        Self {
            wrong,
            changed,
            ..self
        }
    }
}

/// Tells how many bytes were read.
pub type Tell<'a> = &'a (dyn Fn(u64) + Sync);

/// Reads the same stretch of every tensor and hands it to `check` with the
/// index of its first element. All have the same number of elements.
pub fn sweep(
    tensors: &[&Tensor],
    tell: Tell<'_>,
    check: &(dyn Fn(u64, &[Vec<u8>]) -> Tally + Sync),
) -> Result<Tally, Unread> {
    sweep_by(tensors, CHUNK, tell, check)
}

/// [`sweep`] in chunks of whole multiples of `unit` elements.
pub fn sweep_rows(
    tensors: &[&Tensor],
    unit: u64,
    tell: Tell<'_>,
    check: &(dyn Fn(u64, &[Vec<u8>]) -> Tally + Sync),
) -> Result<Tally, Unread> {
    let unit = unit.max(1);
    sweep_by(tensors, (CHUNK / unit).max(1) * unit, tell, check)
}

fn sweep_by(
    tensors: &[&Tensor],
    chunk: u64,
    tell: Tell<'_>,
    check: &(dyn Fn(u64, &[Vec<u8>]) -> Tally + Sync),
) -> Result<Tally, Unread> {
    let elements = tensors.first().map_or(0, |tensor| tensor.elements());
    if tensors.iter().any(|tensor| tensor.elements() != elements) {
        return Err("tensors of different sizes cannot be compared".to_owned());
    }
    let one = |start: u64, buffers: &mut Vec<Vec<u8>>| -> Result<Tally, Unread> {
        let count = chunk.min(elements - start);
        buffers.resize_with(tensors.len(), Vec::new);
        let mut read = 0;
        for (tensor, buffer) in tensors.iter().zip(buffers.iter_mut()) {
            tensor.read(start, count, buffer)?;
            read += buffer.len() as u64;
        }
        tell(read);
        Ok(check(start, buffers))
    };
    let chunks = elements.div_ceil(chunk);
    if chunks <= 1 || tensors.iter().any(|tensor| tensor.is_sequential()) {
        let mut buffers = Vec::new();
        let mut all = Tally::default();
        for at in 0..chunks {
            all = all.merge(one(at * chunk, &mut buffers)?);
        }
        return Ok(all);
    }
    (0..chunks)
        .into_par_iter()
        .map_init(Vec::new, |buffers, at| one(at * chunk, buffers))
        .try_reduce(Tally::default, |a, b| Ok(a.merge(b)))
}
