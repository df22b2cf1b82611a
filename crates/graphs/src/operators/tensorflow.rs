//! TensorFlow's operators (`tensorflow/core/ops/*.cc`, 2.21), in the graph and
//! in its function library; also those that a TFLite model runs through Flex.
//!
//! Data are laid out with channels last unless `data_format` says otherwise,
//! and what ONNX writes as an attribute (an axis, sizes, paddings) is often an
//! operand here: it is read where it is a constant, and stays an operand where
//! it is computed. `Switch` keeps its data by a condition, `Merge` takes either
//! operand, and carries a value through a loop of version 1.

mod words;

use modelward_schema::Setting;

use self::words::{ORDERED, PLAIN};
use super::strided::strided;
use super::{Control, Given, Meaning, Std, Then, Translated};

/// `operator` is the node's own word, or what it runs through Flex.
pub(super) fn find(given: &Given<'_>, operator: &str) -> Option<Meaning> {
    if let Some(control) = control(operator) {
        return Some(control);
    }
    if let Some((_, std)) = PLAIN.iter().find(|(name, _)| *name == operator) {
        let mut out = Translated::from(*std);
        match operator {
            "LogSoftmax" => out.set.push(("axis", Setting::Int(-1))),
            "TensorScatterAdd" | "TensorScatterSub" => {
                out.set.push(("reduction", Setting::Text("add".to_owned())));
            }
            "ApproximateEqual" | "Bucketize" => {}
            _ => {}
        }
        return Some(Meaning::Operator(out));
    }
    if let Some((_, std, order)) = ORDERED.iter().find(|(name, _, _)| *name == operator) {
        return Some(Meaning::Operator(ordered(*std, order)));
    }
    special(given, operator).map(Meaning::Operator)
}

fn control(operator: &str) -> Option<Meaning> {
    let control = match operator {
        "Const" | "HostConst" | "VarHandleOp" | "Variable" | "VariableV2" | "ImmutableConst" => {
            return Some(Meaning::Literal);
        }
        "If" | "StatelessIf" | "_If" => Control::Branch {
            bodies: &["then_branch", "else_branch"],
            arguments: 1,
        },
        "Case" | "StatelessCase" => Control::Branch {
            bodies: &["branches"],
            arguments: 1,
        },
        "While" | "StatelessWhile" | "_While" => Control::While {
            condition: "cond",
            body: "body",
        },
        "PartitionedCall" | "StatefulPartitionedCall" => Control::Call { body: "f" },
        _ => return None,
    };
    Some(Meaning::Control(control))
}

pub(super) fn ordered(std: Std, order: &[usize]) -> Translated {
    Translated {
        operands: Some(order.iter().map(|index| Some(*index)).collect()),
        ..std.into()
    }
}

pub(super) fn then(std: Std, then: Std) -> Translated {
    Translated {
        then: Some(Then {
            std: then,
            set: Vec::new(),
        }),
        ..std.into()
    }
}

fn special(given: &Given<'_>, operator: &str) -> Option<Translated> {
    Some(match operator {
        "NotEqual" => then(Std::Equal, Std::Not),
        "IsFinite" => then(Std::IsInf, Std::Not),
        "Relu6" => clip(0.0, 6.0),
        "Softmax" => Translated {
            set: vec![("axis", Setting::Int(-1))],
            ..Std::Softmax.into()
        },
        "LeftShift" | "RightShift" => Translated {
            set: vec![(
                "direction",
                Setting::Text(operator.replace("Shift", "").to_uppercase()),
            )],
            ..Std::BitShift.into()
        },
        "Sum" => reduce(given, Std::ReduceSum, "keep_dims"),
        "Mean" => reduce(given, Std::ReduceMean, "keep_dims"),
        "Max" | "Any" => reduce(given, Std::ReduceMax, "keep_dims"),
        "Min" | "All" => reduce(given, Std::ReduceMin, "keep_dims"),
        "Prod" => reduce(given, Std::ReduceProd, "keep_dims"),
        "EuclideanNorm" => reduce(given, Std::ReduceL2, "keep_dims"),
        "ArgMax" => extreme(given, Std::ArgMax),
        "ArgMin" => extreme(given, Std::ArgMin),
        "MatMul" | "_FusedMatMul" => product(given, "transpose_a", "transpose_b"),
        "BatchMatMul" | "BatchMatMulV2" | "BatchMatMulV3" => product(given, "adj_x", "adj_y"),
        "ConcatV2" => concat(given, given.count().checked_sub(1)?, 0),
        "Concat" => concat(given, 0, 1),
        "Pack" => axis(Std::Stack, &[], given.int("axis")),
        "Unpack" => axis(Std::Unstack, &[], given.int("axis")),
        "Split" => axis(Std::Split, &[1], given.number(0)),
        "SplitV" => axis(Std::Split, &[0, 1], given.number(2)),
        "Gather" | "ResourceGather" => axis(Std::Gather, &[0, 1], Some(0)),
        "ResourceGatherNd" => ordered(Std::GatherND, &[0, 1]),
        "GatherV2" => axis(Std::Gather, &[0, 1], Some(given.number(2).unwrap_or(0))),
        "Reshape" => Translated {
            set: vec![("allowzero", Setting::Int(1))],
            ..ordered(Std::Reshape, &[0, 1])
        },
        "Squeeze" => squeeze(given),
        "Slice" => slice(given),
        "StridedSlice" => {
            strided(given).unwrap_or_else(|| ordered(Std::StridedSlice, &[0, 1, 2, 3]))
        }
        "Pad" => pad(given, &[0, 1], Std::Pad),
        "PadV2" => pad(given, &[0, 1, 2], Std::Pad),
        "MirrorPad" => pad(given, &[0, 1], Std::MirrorPad),
        "ScatterNd" => Translated {
            operands: Some(vec![None, Some(0), Some(1)]),
            ..Std::ScatterND.into()
        },
        "SparseToDense" => Translated {
            operands: Some(vec![None, Some(0), Some(2)]),
            ..Std::ScatterND.into()
        },
        "DepthToSpace" | "SpaceToDepth" => Translated {
            set: vec![
                (
                    "blocksize",
                    Setting::Int(given.int("block_size").unwrap_or(1)),
                ),
                ("channels_last", last(given)),
            ],
            ..Std::find(operator)?.into()
        },
        "Conv2D" | "Conv3D" | "_FusedConv2D" => conv(given, Std::Conv, &[0, 1, 2], "HWIO"),
        "DepthwiseConv2dNative" | "_FusedDepthwiseConv2dNative" => {
            conv(given, Std::Conv, &[0, 1, 2], "HWCM")
        }
        "Conv2DBackpropInput" | "Conv3DBackpropInputV2" => {
            conv(given, Std::ConvTranspose, &[2, 1], "HWOI")
        }
        "MaxPool" | "MaxPoolV2" | "MaxPool3D" | "MaxPoolWithArgmax" => {
            conv(given, Std::MaxPool, &[0], "")
        }
        "AvgPool" | "AvgPool3D" => conv(given, Std::AveragePool, &[0], ""),
        _ => return None,
    })
}

pub(super) fn clip(low: f64, high: f64) -> Translated {
    Translated {
        set: vec![("min", Setting::Float(low)), ("max", Setting::Float(high))],
        ..ordered(Std::Clip, &[0])
    }
}

/// Over the axes of the second operand, kept only when said so.
pub(super) fn reduce(given: &Given<'_>, std: Std, keep: &str) -> Translated {
    Translated {
        set: vec![("keepdims", Setting::Int(i64::from(given.flag(keep))))],
        ..ordered(std, &[0, 1])
    }
}

pub(super) fn extreme(given: &Given<'_>, std: Std) -> Translated {
    let mut out = axis(std, &[0], Some(given.number(1).unwrap_or(0)));
    out.set.push(("keepdims", Setting::Int(0)));
    out
}

/// With an axis; no order means all operands in theirs.
pub(super) fn axis(std: Std, order: &[usize], axis: Option<i64>) -> Translated {
    let mut out = if order.is_empty() {
        std.into()
    } else {
        ordered(std, order)
    };
    if let Some(axis) = axis {
        out.set.push(("axis", Setting::Int(axis)));
    }
    out
}

pub(super) fn product(given: &Given<'_>, left: &str, right: &str) -> Translated {
    let (left, right) = (given.flag(left), given.flag(right));
    if !left && !right {
        return Std::MatMul.into();
    }
    Translated {
        set: vec![
            ("transA", Setting::Int(i64::from(left))),
            ("transB", Setting::Int(i64::from(right))),
        ],
        ..Std::FusedMatMul.into()
    }
}

/// The axis is an operand: the first or the last.
fn concat(given: &Given<'_>, at: usize, first: usize) -> Translated {
    let count = given.count();
    let end = if first == 0 { at } else { count };
    let order: Vec<usize> = (first..end).collect();
    axis(Std::Concat, &order, given.number(at))
}

fn squeeze(given: &Given<'_>) -> Translated {
    let mut out = Translated::from(Std::Squeeze);
    if let Some(axes) = given.ints("squeeze_dims").filter(|axes| !axes.is_empty()) {
        out.set.push(("axes", Setting::Ints(axes.to_vec())));
    }
    out
}

/// Beginnings and sizes; -1 is all that is left.
pub(super) fn slice(given: &Given<'_>) -> Translated {
    let (Some(begins), Some(sizes)) = (given.operand(1), given.operand(2)) else {
        return ordered(Std::StridedSlice, &[0, 1, 2]);
    };
    let ends = begins.iter().zip(&sizes).map(|(begin, size)| {
        if *size < 0 {
            i64::MAX
        } else {
            begin.saturating_add(*size)
        }
    });
    Translated {
        set: vec![
            ("ends", Setting::Ints(ends.collect())),
            ("starts", Setting::Ints(begins)),
        ],
        ..ordered(Std::Slice, &[0])
    }
}

/// Paddings are pairs by axis; the meaning has all beginnings first.
pub(super) fn pad(given: &Given<'_>, order: &[usize], std: Std) -> Translated {
    let mut out = ordered(std, order);
    if let Some(paddings) = given.operand(1) {
        let pairs = paddings.as_chunks::<2>().0;
        let before = pairs.iter().map(|[before, _]| *before);
        let after = pairs.iter().map(|[_, after]| *after);
        let pads: Vec<i64> = before.chain(after).collect();
        out.set.push(("pads", Setting::Ints(pads)));
    }
    out
}

fn last(given: &Given<'_>) -> Setting {
    let first = given
        .text("data_format")
        .is_some_and(|format| format.starts_with("NC"));
    Setting::Int(i64::from(!first))
}

/// Convolutions and pools. `layout` says what the axes of the kernel are.
fn conv(given: &Given<'_>, std: Std, order: &[usize], layout: &str) -> Translated {
    let mut out = ordered(std, order);
    let channels_last = last(given);
    let is_last = channels_last == Setting::Int(1);
    let spatial = |numbers: &[i64]| -> Vec<i64> {
        let skipped = if is_last { 1 } else { 2 };
        let count = numbers.len().saturating_sub(2);
        numbers.iter().skip(skipped).take(count).copied().collect()
    };
    out.set.push(("channels_last", channels_last));
    for (from, to) in [
        ("strides", "strides"),
        ("dilations", "dilations"),
        ("ksize", "kernel_shape"),
    ] {
        if let Some(numbers) = given.ints(from) {
            out.set.push((to, Setting::Ints(spatial(numbers))));
        }
    }
    match given.text("padding") {
        Some("EXPLICIT") => {
            let paddings = given.ints("explicit_paddings").unwrap_or_default();
            let pairs = paddings.as_chunks::<2>().0;
            let before: Vec<i64> = pairs.iter().map(|[before, _]| *before).collect();
            let after: Vec<i64> = pairs.iter().map(|[_, after]| *after).collect();
            let mut pads = spatial(&before);
            pads.extend(spatial(&after));
            out.set.push(("pads", Setting::Ints(pads)));
        }
        Some("SAME") => out
            .set
            .push(("auto_pad", Setting::Text("SAME_UPPER".to_owned()))),
        _ => out
            .set
            .push(("auto_pad", Setting::Text("VALID".to_owned()))),
    }
    if !layout.is_empty() {
        out.set
            .push(("kernel_layout", Setting::Text(layout.to_owned())));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeMap;

    use modelward_schema::{Attribute, Constant, Node};

    fn meaning(op: &str, inputs: usize, axis: i32, attributes: &[(&str, Setting)]) -> Translated {
        let node = Node {
            op: op.to_owned(),
            inputs: (0..inputs).map(|index| u32::try_from(index).ok()).collect(),
            attributes: attributes
                .iter()
                .map(|(name, value)| Attribute {
                    name: (*name).to_owned(),
                    value: value.clone(),
                })
                .collect(),
            ..Node::default()
        };
        // Every operand is a constant of one number.
        let constants = [Constant {
            dtype: "i32".to_owned(),
            bytes: Some(axis.to_le_bytes().to_vec()),
            ..Constant::default()
        }];
        let given = Given {
            framework: "tensorflow",
            node: &node,
            opsets: &BTreeMap::new(),
            constants: &constants,
            literals: &vec![0; inputs],
        };
        match find(&given, op) {
            Some(Meaning::Operator(out)) => out,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_axis_that_is_an_operand_becomes_an_attribute() {
        let concat = meaning("ConcatV2", 3, -1, &[]);
        assert_eq!(concat.operands, Some(vec![Some(0), Some(1)]));
        assert_eq!(concat.set, [("axis", Setting::Int(-1))]);
        let split = meaning("Split", 2, 1, &[]);
        assert_eq!(split.operands, Some(vec![Some(1)]));
        assert_eq!(split.set, [("axis", Setting::Int(1))]);
    }

    #[test]
    fn strides_are_those_of_space_and_channels_are_last() {
        let set = [
            ("strides", Setting::Ints(vec![1, 2, 3, 1])),
            ("padding", Setting::Text("SAME".to_owned())),
        ];
        let conv = meaning("Conv2D", 2, 0, &set);
        assert!(conv.set.contains(&("strides", Setting::Ints(vec![2, 3]))));
        assert!(conv.set.contains(&("channels_last", Setting::Int(1))));
        assert!(
            conv.set
                .contains(&("auto_pad", Setting::Text("SAME_UPPER".to_owned())))
        );
    }

    #[test]
    fn what_has_no_word_of_its_own_is_two_operators() {
        let odd = meaning("NotEqual", 2, 0, &[]);
        assert_eq!((odd.std, odd.then.unwrap().std), (Std::Equal, Std::Not));
    }
}
