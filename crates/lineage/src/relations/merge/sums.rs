//! Sums of products over whole tensors: the angle between two, and the
//! coefficients that a third was made with.

use crate::sweep::{Tally, Tell, sweep};
use crate::tensor::Tensor;

/// Sums of products over two sources and the target.
pub(super) struct Sums([f64; 6]);

impl Sums {
    pub(super) fn of(
        target: &Tensor,
        a: &Tensor,
        b: &Tensor,
        tell: Tell<'_>,
    ) -> Result<Self, String> {
        let (Some(kind), Some(left), Some(right)) = (target.kind(), a.kind(), b.kind()) else {
            return Err("its type has no numbers".to_owned());
        };
        let tally = sweep(&[target, a, b], tell, &|_, buffers| {
            let mut tally = Tally::default();
            let [m, a, b] = buffers else { return tally };
            let (mut z, mut x, mut y) = (Vec::new(), Vec::new(), Vec::new());
            kind.decode(m, &mut z);
            left.decode(a, &mut x);
            right.decode(b, &mut y);
            for ((z, x), y) in z.iter().zip(&x).zip(&y) {
                let more = [x * x, y * y, x * y, x * z, y * z];
                for (sum, value) in tally.sums.iter_mut().zip(more) {
                    *sum += value;
                }
            }
            tally
        })?;
        Ok(Self(tally.sums))
    }

    pub(super) fn cosine(&self) -> f64 {
        let [a, b, both, ..] = self.0;
        if a > 0.0 && b > 0.0 {
            both / (a * b).sqrt()
        } else {
            1.0
        }
    }

    /// The two coefficients of least squares.
    pub(super) fn fitted(&self) -> Option<(f64, f64)> {
        let [a, b, both, left, right, _] = self.0;
        let determinant = a * b - both * both;
        (determinant > 1e-9 * a * b).then(|| {
            (
                (left * b - right * both) / determinant,
                (right * a - left * both) / determinant,
            )
        })
    }
}
