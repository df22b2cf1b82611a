//! The shapes of what plain operators make.

use super::windows::turn;
use super::{Shape, Shapes, wrap};
use crate::analysis::size::product;
use crate::ir::{Flat, Op};
use crate::operators::Std;

impl Shapes {
    pub(super) fn plain(&mut self, flat: &Flat<'_>, op: &Op) -> Vec<Option<Shape>> {
        #[allow(clippy::enum_glob_use, reason = "a table of operators")]
        use Std::*;
        let first = self.input(op, 0);
        let one = |shape: Option<Vec<crate::analysis::size::Size>>| vec![shape];
        match op.std {
            Add | Sub | Mul | Div | Max | Min | Pow | Mod | Sum | Mean | Equal | Greater | Less
            | GreaterOrEqual | LessOrEqual | And | Or | Xor | BitShift | BitwiseAnd | BitwiseOr
            | BitwiseXor | Where | BiasAdd | FloorDiv | FloorMod | SquaredDifference => {
                let shape = self.operands_broadcast(op);
                one(shape)
            }
            Shape => {
                let rank = first.map(|shape| i64::try_from(shape.len()).unwrap_or(0));
                let start = flat.int(op, "start").unwrap_or(0);
                let end = flat.int(op, "end").unwrap_or(i64::MAX);
                one(rank.map(|rank| {
                    let clamp = |edge: i64| {
                        let edge = if edge < 0 {
                            edge.saturating_add(rank)
                        } else {
                            edge
                        };
                        edge.clamp(0, rank)
                    };
                    let len = clamp(end).saturating_sub(clamp(start)).max(0);
                    vec![crate::analysis::size::Size::known(len)]
                }))
            }
            Size | SequenceLength => one(Some(Vec::new())),
            ReduceSum | ReduceMean | ReduceMax | ReduceMin | ReduceProd | ReduceL1 | ReduceL2
            | ReduceSumSquare | ReduceLogSum | ReduceLogSumExp | QLinearReduceMean => {
                one(self.reduce(flat, op, first))
            }
            ArgMax | ArgMin => {
                let keep = flat.int(op, "keepdims").unwrap_or(1) != 0;
                let axis = flat.int(op, "axis").unwrap_or(0);
                one(first.and_then(|mut shape| {
                    let axis = wrap(axis, shape.len())?;
                    if keep {
                        *shape.get_mut(axis)? = crate::analysis::size::Size::ONE;
                    } else {
                        shape.remove(axis);
                    }
                    Some(shape)
                }))
            }
            Reshape => one(self.reshape(flat, op, first.as_ref())),
            Flatten => {
                let axis = flat.int(op, "axis").unwrap_or(1);
                one(first.and_then(|shape| {
                    let axis = if axis < 0 {
                        wrap(axis, shape.len())?
                    } else {
                        usize::try_from(axis).ok()?
                    };
                    let head = product(shape.get(..axis)?);
                    let tail = product(shape.get(axis..)?);
                    Some(vec![
                        head.unwrap_or_else(|| self.fresh()),
                        tail.unwrap_or_else(|| self.fresh()),
                    ])
                }))
            }
            Squeeze => {
                let axes = self.list(flat, op, "axes", 1);
                one(first.map(|shape| match axes {
                    Some(axes) => {
                        let axes: Vec<_> = axes
                            .iter()
                            .filter_map(|axis| wrap(*axis, shape.len()))
                            .collect();
                        let kept = shape.iter().enumerate();
                        kept.filter(|(axis, _)| !axes.contains(axis))
                            .map(|(_, size)| *size)
                            .collect()
                    }
                    None => shape
                        .into_iter()
                        .filter(|size| *size != crate::analysis::size::Size::ONE)
                        .collect(),
                }))
            }
            Unsqueeze | ExpandDims => {
                let axes = self.list(flat, op, "axes", 1);
                one(first.zip(axes).and_then(|(mut shape, axes)| {
                    let rank = shape.len().saturating_add(axes.len());
                    let mut axes: Vec<_> =
                        axes.iter().filter_map(|axis| wrap(*axis, rank)).collect();
                    axes.sort_unstable();
                    for axis in axes {
                        if axis > shape.len() {
                            return None;
                        }
                        shape.insert(axis, crate::analysis::size::Size::ONE);
                    }
                    Some(shape)
                }))
            }
            Transpose => {
                let perm = flat.ints(op, "perm").map(<[i64]>::to_vec);
                let perm =
                    perm.or_else(|| self.ints(op, 1)?.iter().map(|size| size.number()).collect());
                one(first.and_then(|shape| match perm {
                    None => Some(shape.into_iter().rev().collect()),
                    Some(perm) => perm
                        .iter()
                        .map(|axis| shape.get(wrap(*axis, shape.len())?).copied())
                        .collect(),
                }))
            }
            Concat | QLinearConcat => one(self.concat(flat, op)),
            Split => self.split(flat, op, first.as_ref()),
            Stack => {
                let axis = flat.int(op, "axis").unwrap_or(0);
                let count = i64::try_from(op.inputs.len()).unwrap_or(i64::MAX);
                one(first.and_then(|mut shape| {
                    let axis = wrap(axis, shape.len().checked_add(1)?)?;
                    shape.insert(axis, crate::analysis::size::Size::known(count));
                    Some(shape)
                }))
            }
            Unstack => {
                let axis = flat.int(op, "axis").unwrap_or(0);
                let rest = first.and_then(|mut shape| {
                    shape.remove(wrap(axis, shape.len())?);
                    Some(shape)
                });
                vec![rest; op.outputs.len()]
            }
            Slice => one(self.slice(flat, op, first)),
            Gather | GatherBlockQuantized => {
                let axis = flat.int(op, "axis").unwrap_or(0);
                let index = self.input(op, 1);
                one(first.zip(index).and_then(|(mut shape, index)| {
                    let axis = wrap(axis, shape.len())?;
                    shape.splice(axis..=axis, index);
                    Some(shape)
                }))
            }
            GatherElements => one(self.input(op, 1)),
            GatherND => {
                let batch = usize::try_from(flat.int(op, "batch_dims").unwrap_or(0)).unwrap_or(0);
                let index = self.input(op, 1);
                one(first.zip(index).and_then(|(shape, mut index)| {
                    let depth = usize::try_from(index.pop()?.number()?).ok()?;
                    index.extend(shape.get(batch.checked_add(depth)?..)?);
                    Some(index)
                }))
            }
            Expand | Fill => {
                let target = self.ints(op, 1).cloned();
                one(match (first, target) {
                    (Some(shape), Some(target)) => {
                        self.broadcast_all([Some(&shape), Some(&target)].into_iter())
                    }
                    (_, Some(target)) => Some(target),
                    _ => None,
                })
            }
            ConstantOfShape => {
                let target = self.ints(op, 0).cloned();
                one(target)
            }
            Tile => {
                let repeats = self.ints(op, 1).cloned();
                one(first.zip(repeats).map(|(shape, repeats)| {
                    let pairs = shape.iter().zip(&repeats);
                    pairs
                        .map(|(size, times)| size.times(*times).unwrap_or_else(|| self.fresh()))
                        .collect()
                }))
            }
            Pad | MirrorPad => {
                let pads = self
                    .list(flat, op, "pads", 1)
                    .or_else(|| flat.ints(op, "paddings").map(<[i64]>::to_vec));
                let whole = op.input(3).is_none();
                one(first.map(|shape| {
                    let rank = shape.len();
                    let sizes = shape.iter().enumerate();
                    sizes
                        .map(|(axis, size)| {
                            let pads = pads.as_ref().filter(|_| whole);
                            let added = pads.and_then(|pads| {
                                let end = axis.checked_add(rank)?;
                                pads.get(axis)?.checked_add(*pads.get(end)?)
                            });
                            match (size.number(), added) {
                                (_, Some(0)) => *size,
                                (Some(size), Some(added)) => crate::analysis::size::Size::known(
                                    size.saturating_add(added).max(0),
                                ),
                                _ => self.fresh(),
                            }
                        })
                        .collect()
                }))
            }
            GlobalAveragePool | GlobalMaxPool | GlobalLpPool | QLinearGlobalAveragePool => {
                one(first.map(|mut shape| {
                    for size in shape.iter_mut().skip(2) {
                        *size = crate::analysis::size::Size::ONE;
                    }
                    shape
                }))
            }
            Conv | ConvInteger | QLinearConv | FusedConv | NhwcFusedConv | NhwcConv => {
                let weight = if op.std == QLinearConv { 3 } else { 1 };
                one(self.conv(flat, op, first, weight))
            }
            MaxPool | AveragePool | LpPool | QLinearAveragePool => {
                let shape = self.pool(flat, op, first);
                vec![shape.clone(), shape]
            }
            MatMul | MatMulInteger | FusedMatMul | MatMulIntegerToFloat | DynamicQuantizeMatMul => {
                let second = self.input(op, 1);
                let turned = |name| flat.int(op, name).unwrap_or(0) != 0;
                one(self.matmul(
                    turn(first, turned("transA")),
                    turn(second, turned("transB")),
                ))
            }
            QLinearMatMul => {
                let second = self.input(op, 3);
                one(self.matmul(first, second))
            }
            MatMulNBits | MatMulBnb4 => {
                let columns = flat.int(op, "N");
                one(first.zip(columns).and_then(|(mut shape, columns)| {
                    *shape.last_mut()? = crate::analysis::size::Size::known(columns);
                    Some(shape)
                }))
            }
            Gemm | FusedGemm | QGemm => {
                let second = self.input(op, if op.std == QGemm { 3 } else { 1 });
                let turned = |name| flat.int(op, name).unwrap_or(0) != 0;
                one(self.matmul(
                    turn(first, turned("transA")),
                    turn(second, turned("transB")),
                ))
            }
            Einsum => one(self.einsum(flat, op)),
            NonZero => {
                let count = self.fresh();
                one(first.map(|shape| {
                    let rank = i64::try_from(shape.len()).unwrap_or(0);
                    vec![crate::analysis::size::Size::known(rank), count]
                }))
            }
            Compress => {
                let count = self.fresh();
                let axis = flat.int(op, "axis");
                one(first.and_then(|mut shape| match axis {
                    None => Some(vec![count]),
                    Some(axis) => {
                        let axis = wrap(axis, shape.len())?;
                        *shape.get_mut(axis)? = count;
                        Some(shape)
                    }
                }))
            }
            Range => {
                let count = self.range_len(op).unwrap_or_else(|| self.fresh());
                one(Some(vec![count]))
            }
            TopK => {
                let count = self.ints(op, 1).and_then(|data| data.first().copied());
                let count =
                    count.or_else(|| flat.int(op, "k").map(crate::analysis::size::Size::known));
                let count = count.unwrap_or_else(|| self.fresh());
                let axis = flat.int(op, "axis").unwrap_or(-1);
                let shape = first.and_then(|mut shape| {
                    let axis = wrap(axis, shape.len())?;
                    *shape.get_mut(axis)? = count;
                    Some(shape)
                });
                vec![shape.clone(), shape]
            }
            OneHot => {
                let depth = self.ints(op, 1).and_then(|data| data.first().copied());
                let depth = depth.unwrap_or_else(|| self.fresh());
                let axis = flat.int(op, "axis").unwrap_or(-1);
                one(first.and_then(|mut shape| {
                    let axis = wrap(axis, shape.len().saturating_add(1))?;
                    shape.insert(axis, depth);
                    Some(shape)
                }))
            }
            LSTM | GRU | RNN | DynamicQuantizeLSTM => Self::recurrent(flat, op, first),
            Dropout => vec![first.clone(), first],
            BatchNormalization
            | LayerNormalization
            | SkipLayerNormalization
            | SimplifiedLayerNormalization
            | SkipSimplifiedLayerNormalization => one(first),
            Attention | QAttention | MultiHeadAttention | GroupQueryAttention => one(first),
            DynamicQuantizeLinear => vec![first, Some(Vec::new()), Some(Vec::new())],
            DepthToSpace | SpaceToDepth => {
                let block = flat.int(op, "blocksize").unwrap_or(1);
                one(first.map(|shape| {
                    let number = |size: &crate::analysis::size::Size, by: i64, shrink: bool| {
                        let by = crate::analysis::size::Size::known(by);
                        if shrink {
                            size.over(by)
                        } else {
                            size.times(by)
                        }
                    };
                    let grows = op.std == DepthToSpace;
                    let sizes = shape.iter().enumerate();
                    sizes
                        .map(|(axis, size)| {
                            let made = match axis {
                                0 => Some(*size),
                                1 => number(size, block.saturating_mul(block), grows),
                                _ => number(size, block, !grows),
                            };
                            made.unwrap_or_else(|| self.fresh())
                        })
                        .collect()
                }))
            }
            Resize | Upsample | ConvTranspose | GridSample | CenterCropPad | Col2Im | MaxUnpool => {
                let scales = self.list(flat, op, "", usize::MAX);
                debug_assert!(scales.is_none());
                one(first.map(|shape| {
                    let kept = if matches!(op.std, Resize | Upsample | GridSample) {
                        2
                    } else {
                        1
                    };
                    let sizes = shape.iter().enumerate();
                    sizes
                        .map(|(axis, size)| if axis < kept { *size } else { self.fresh() })
                        .collect()
                }))
            }
            // Element by element, or over an axis that they keep.
            std if std.keeps_shape() => one(first),
            _ => Vec::new(),
        }
    }
}
