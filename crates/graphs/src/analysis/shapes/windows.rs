//! Convolutions, pools, products and recurrent layers.

use std::collections::HashMap;

use super::{Shape, Shapes};
use crate::analysis::size::{Size, product};
use crate::ir::{Flat, Op};
use crate::operators::Std;

impl Shapes {
    pub(super) fn conv(
        &mut self,
        flat: &Flat<'_>,
        op: &Op,
        first: Option<Shape>,
        weight: usize,
    ) -> Option<Shape> {
        let shape = first?;
        let kernel = self.input(op, weight)?;
        let last = flat.int(op, "channels_last").unwrap_or(0) != 0
            || matches!(op.std, Std::NhwcConv | Std::NhwcFusedConv);
        let spatial = if last { 1 } else { 2 };
        let sizes = flat.ints(op, "kernel_shape").map(<[i64]>::to_vec);
        // Where a kernel has its spatial axes and its outputs differs by
        // framework.
        let layout = flat.text(op, "kernel_layout").unwrap_or("");
        let rank = kernel.len();
        let sizes = sizes.or_else(|| {
            let rest = match layout {
                "HWIO" | "HWCM" | "HWOI" => kernel.get(..rank.checked_sub(2)?)?,
                _ if last => kernel.get(1..rank.saturating_sub(1))?,
                _ => kernel.get(2..)?,
            };
            rest.iter().map(|size| size.number()).collect()
        });
        let mut out = shape.clone();
        let channels = match layout {
            "HWIO" | "1HWC" => *kernel.last()?,
            "HWOI" => *kernel.get(rank.checked_sub(2)?)?,
            "HWCM" => product(kernel.get(rank.checked_sub(2)?..)?)?,
            _ => *kernel.first()?,
        };
        let slot = if last {
            out.last_mut()?
        } else {
            out.get_mut(1)?
        };
        *slot = channels;
        self.windows(flat, op, &shape, &mut out, spatial, sizes.as_deref());
        Some(out)
    }

    pub(super) fn pool(&mut self, flat: &Flat<'_>, op: &Op, first: Option<Shape>) -> Option<Shape> {
        let shape = first?;
        let mut out = shape.clone();
        let last = flat.int(op, "channels_last").unwrap_or(0) != 0;
        let sizes = flat.ints(op, "kernel_shape").map(<[i64]>::to_vec);
        let spatial = if last { 1 } else { 2 };
        self.windows(flat, op, &shape, &mut out, spatial, sizes.as_deref());
        Some(out)
    }

    /// The spatial sizes of a convolution or pool.
    pub(super) fn windows(
        &mut self,
        flat: &Flat<'_>,
        op: &Op,
        shape: &[Size],
        out: &mut [Size],
        spatial: usize,
        kernel: Option<&[i64]>,
    ) {
        let axes = if spatial == 1 {
            1..shape.len().saturating_sub(1)
        } else {
            2..shape.len()
        };
        let count = axes.len();
        let pads = flat.ints(op, "pads");
        let strides = flat.ints(op, "strides");
        let dilations = flat.ints(op, "dilations");
        let auto = flat.text(op, "auto_pad").unwrap_or("NOTSET");
        let ceil = flat.int(op, "ceil_mode").unwrap_or(0) != 0;
        for (index, axis) in axes.enumerate() {
            let size = shape.get(axis).and_then(|size| size.number());
            let kernel = kernel.and_then(|kernel| kernel.get(index).copied());
            let stride = strides.and_then(|all| all.get(index).copied()).unwrap_or(1);
            let dilation = dilations
                .and_then(|all| all.get(index).copied())
                .unwrap_or(1);
            let pad = pads.map_or(Some(0), |pads| {
                pads.get(index)?
                    .checked_add(*pads.get(index.checked_add(count)?)?)
            });
            let made = (|| {
                let (size, kernel) = (size?, kernel?);
                if auto.starts_with("SAME") {
                    return size
                        .checked_add(stride.checked_sub(1)?)?
                        .checked_div(stride);
                }
                let pad = if auto == "VALID" { 0 } else { pad? };
                let reach = dilation
                    .checked_mul(kernel.checked_sub(1)?)?
                    .checked_add(1)?;
                let room = size.checked_add(pad)?.checked_sub(reach)?;
                let room = if ceil {
                    room.checked_add(stride.checked_sub(1)?)?
                } else {
                    room
                };
                room.checked_div(stride)?.checked_add(1)
            })();
            let made = match made {
                Some(size) => Size::known(size.max(0)),
                None => self.fresh(),
            };
            if let Some(slot) = out.get_mut(axis) {
                *slot = made;
            }
        }
    }

    pub(super) fn matmul(&mut self, a: Option<Shape>, b: Option<Shape>) -> Option<Shape> {
        let (a, b) = (a?, b?);
        let (rows, columns) = (a.len() >= 2, b.len() >= 2);
        let head = |shape: &Shape| -> Shape {
            shape
                .get(..shape.len().saturating_sub(2))
                .unwrap_or_default()
                .to_vec()
        };
        let mut out = self.broadcast_all([Some(&head(&a)), Some(&head(&b))].into_iter())?;
        if rows {
            out.push(*a.get(a.len().checked_sub(2)?)?);
        }
        if columns {
            out.push(*b.last()?);
        }
        Some(out)
    }

    pub(super) fn einsum(&mut self, flat: &Flat<'_>, op: &Op) -> Option<Shape> {
        let equation: String = flat
            .text(op, "equation")?
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect();
        let (left, right) = equation.split_once("->")?;
        if left.contains('.') {
            return None;
        }
        let mut sizes = HashMap::new();
        for (index, term) in left.split(',').enumerate() {
            let shape = self.input(op, index)?;
            for (letter, size) in term.chars().zip(shape) {
                let slot = sizes.entry(letter).or_insert(size);
                if *slot == Size::ONE {
                    *slot = size;
                }
            }
        }
        right
            .chars()
            .map(|letter| sizes.get(&letter).copied())
            .collect()
    }

    pub(super) fn recurrent(flat: &Flat<'_>, op: &Op, first: Option<Shape>) -> Vec<Option<Shape>> {
        let hidden = flat.int(op, "hidden_size");
        let Some(((shape, hidden), _)) = first.zip(hidden).zip(op.input(1)) else {
            return Vec::new();
        };
        let both = flat.text(op, "direction") == Some("bidirectional");
        let directions = Size::known(if both { 2 } else { 1 });
        let (time, batch) = match flat.int(op, "layout").unwrap_or(0) {
            0 => (shape.first().copied(), shape.get(1).copied()),
            _ => (shape.get(1).copied(), shape.first().copied()),
        };
        let Some((time, batch)) = time.zip(batch) else {
            return Vec::new();
        };
        let hidden = Size::known(hidden);
        let (all, last) = if flat.int(op, "layout").unwrap_or(0) == 0 {
            (
                vec![time, directions, batch, hidden],
                vec![directions, batch, hidden],
            )
        } else {
            (
                vec![batch, time, directions, hidden],
                vec![batch, directions, hidden],
            )
        };
        vec![Some(all), Some(last.clone()), Some(last)]
    }
}

pub(super) fn turn(shape: Option<Shape>, turned: bool) -> Option<Shape> {
    let mut shape = shape?;
    let rank = shape.len();
    if turned && rank >= 2 {
        shape.swap(rank.checked_sub(1)?, rank.checked_sub(2)?);
    }
    Some(shape)
}
