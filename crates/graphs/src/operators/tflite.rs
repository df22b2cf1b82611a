//! TensorFlow Lite's builtin operators (`schema.fbs`, kernels under
//! `tensorflow/lite/kernels`).
//!
//! Channels are last; convolution kernels have their outputs first, depthwise
//! ones last. A fused activation is an operator of its own after the other.
//! Quantised operators mean what their unquantised twins mean.

use modelward_schema::Setting;

use super::strided::strided;
use super::tensorflow::{self, axis, clip, extreme, ordered, pad, product, reduce, slice, then};
use super::{Control, Given, Meaning, Std, Then, Translated};

const PLAIN: &[(&str, Std)] = &[
    ("ABS", Std::Abs),
    ("ADD", Std::Add),
    ("ADD_N", Std::Sum),
    ("ASSIGN_VARIABLE", Std::Variable),
    ("ATAN2", Std::Elementwise),
    ("BATCH_TO_SPACE_ND", Std::BatchToSpace),
    ("BITCAST", Std::BitCast),
    ("BITWISE_XOR", Std::BitwiseXor),
    ("BROADCAST_ARGS", Std::Max),
    ("BROADCAST_TO", Std::Expand),
    ("BUCKETIZE", Std::Greater),
    ("CALL_ONCE", Std::Assert),
    ("CAST", Std::Cast),
    ("CEIL", Std::Ceil),
    ("COMPLEX_ABS", Std::Abs),
    ("COS", Std::Cos),
    ("CUMSUM", Std::CumSum),
    ("DENSIFY", Std::Identity),
    ("DEQUANTIZE", Std::Identity),
    ("DIV", Std::Div),
    ("ELU", Std::Elu),
    ("EQUAL", Std::Equal),
    ("EXP", Std::Exp),
    ("EXPAND_DIMS", Std::ExpandDims),
    ("FLOOR", Std::Floor),
    ("FLOOR_DIV", Std::FloorDiv),
    ("FLOOR_MOD", Std::FloorMod),
    ("GATHER_ND", Std::GatherND),
    ("GELU", Std::Gelu),
    ("GREATER", Std::Greater),
    ("GREATER_EQUAL", Std::GreaterOrEqual),
    ("HARD_SWISH", Std::HardSwish),
    ("HASHTABLE", Std::HashTable),
    ("IMAG", Std::Identity),
    ("L2_NORMALIZATION", Std::LpNormalization),
    ("LEAKY_RELU", Std::LeakyRelu),
    ("LESS", Std::Less),
    ("LESS_EQUAL", Std::LessOrEqual),
    ("LOCAL_RESPONSE_NORMALIZATION", Std::LRN),
    ("LOG", Std::Log),
    ("LOGICAL_AND", Std::And),
    ("LOGICAL_NOT", Std::Not),
    ("LOGICAL_OR", Std::Or),
    ("LOGISTIC", Std::Sigmoid),
    ("MAXIMUM", Std::Max),
    ("MINIMUM", Std::Min),
    ("MUL", Std::Mul),
    ("MULTINOMIAL", Std::Multinomial),
    ("NEG", Std::Neg),
    ("NON_MAX_SUPPRESSION_V4", Std::NonMaxSuppression),
    ("NON_MAX_SUPPRESSION_V5", Std::NonMaxSuppression),
    ("POW", Std::Pow),
    ("PRELU", Std::PRelu),
    ("QUANTIZE", Std::Identity),
    ("RANDOM_STANDARD_NORMAL", Std::RandomNormal),
    ("RANDOM_UNIFORM", Std::RandomUniform),
    ("RANGE", Std::Range),
    ("RANK", Std::Size),
    ("READ_VARIABLE", Std::Variable),
    ("REAL", Std::Identity),
    ("RELU", Std::Relu),
    ("RFFT2D", Std::Rfft),
    ("ROUND", Std::Round),
    ("RSQRT", Std::Rsqrt),
    ("SELECT", Std::Where),
    ("SELECT_V2", Std::Where),
    ("SHAPE", Std::Shape),
    ("SIGN", Std::Sign),
    ("SIN", Std::Sin),
    ("SPACE_TO_BATCH_ND", Std::SpaceToBatch),
    ("SQRT", Std::Sqrt),
    ("SQUARE", Std::Square),
    ("SQUARED_DIFFERENCE", Std::SquaredDifference),
    ("SUB", Std::Sub),
    ("TANH", Std::Tanh),
    ("TILE", Std::Tile),
    ("TOPK_V2", Std::TopK),
    ("TRANSPOSE", Std::Transpose),
    ("UNIQUE", Std::Unique),
    ("VAR_HANDLE", Std::Variable),
    ("WHERE", Std::NonZero),
    ("ZEROS_LIKE", Std::EyeLike),
];

const ORDERED: &[(&str, Std, &[usize])] = &[
    ("EMBEDDING_LOOKUP", Std::Gather, &[1, 0]),
    ("FAKE_QUANT", Std::Clip, &[0]),
    ("FILL", Std::Expand, &[1, 0]),
    ("HASHTABLE_FIND", Std::Lookup, &[1, 2]),
    ("HASHTABLE_SIZE", Std::Size, &[]),
    ("ONE_HOT", Std::OneHot, &[0, 1]),
    ("RESIZE_BILINEAR", Std::CropAndResize, &[0, 1]),
    ("RESIZE_NEAREST_NEIGHBOR", Std::CropAndResize, &[0, 1]),
    ("REVERSE_SEQUENCE", Std::ReverseSequence, &[0, 1]),
    ("REVERSE_V2", Std::ReverseSequence, &[0]),
    ("SEGMENT_SUM", Std::SegmentSum, &[0, 1]),
    ("UNSORTED_SEGMENT_MAX", Std::SegmentSum, &[0, 1]),
    ("UNSORTED_SEGMENT_MIN", Std::SegmentSum, &[0, 1]),
    ("UNSORTED_SEGMENT_PROD", Std::SegmentSum, &[0, 1]),
    ("UNSORTED_SEGMENT_SUM", Std::SegmentSum, &[0, 1]),
];

pub(super) fn find(given: &Given<'_>) -> Option<Meaning> {
    let operator = given.node.op.as_str();
    match given.node.domain.as_str() {
        "" => {}
        "flex" => return tensorflow::find(given, operator),
        // The detectors' own post-processing, which the runtime brings along.
        "custom" if operator == "TFLite_Detection_PostProcess" => {
            return Some(Meaning::Operator(Std::NonMaxSuppression.into()));
        }
        _ => return None,
    }
    if let Some(control) = control(operator) {
        return Some(Meaning::Control(control));
    }
    let plain = PLAIN.iter().find(|(name, _)| *name == operator);
    let order = ORDERED.iter().find(|(name, _, _)| *name == operator);
    let mut out = match (plain, order) {
        (Some((_, std)), _) => Translated::from(*std),
        (_, Some((_, std, order))) => ordered(*std, order),
        _ => special(given, operator)?,
    };
    if out.then.is_none() {
        out.then = activation(given);
    }
    Some(Meaning::Operator(out))
}

fn control(operator: &str) -> Option<Control> {
    Some(match operator {
        "IF" => Control::Branch {
            bodies: &["then_subgraph_index", "else_subgraph_index"],
            arguments: 1,
        },
        "STABLEHLO_CASE" => Control::Branch {
            bodies: &["branch_subgraph_indices"],
            arguments: 1,
        },
        "WHILE" | "STABLEHLO_WHILE" => Control::While {
            condition: "cond_subgraph_index",
            body: "body_subgraph_index",
        },
        "CALL" => Control::Call { body: "subgraph" },
        "STABLEHLO_COMPOSITE" => Control::Call {
            body: "decomposition_subgraph_index",
        },
        _ => return None,
    })
}

/// `ActivationFunctionType`.
fn activation(given: &Given<'_>) -> Option<Then> {
    let bounds =
        |low: f64, high: f64| vec![("min", Setting::Float(low)), ("max", Setting::Float(high))];
    let (std, set) = match given.int("fused_activation_function")? {
        1 => (Std::Relu, Vec::new()),
        2 => (Std::Clip, bounds(-1.0, 1.0)),
        3 => (Std::Clip, bounds(0.0, 6.0)),
        4 => (Std::Tanh, Vec::new()),
        5 => (Std::Sign, Vec::new()),
        _ => return None,
    };
    Some(Then { std, set })
}

fn special(given: &Given<'_>, operator: &str) -> Option<Translated> {
    let set_axis = given.int("axis").unwrap_or(0);
    Some(match operator {
        "NOT_EQUAL" => then(Std::Equal, Std::Not),
        "RELU6" => clip(0.0, 6.0),
        "RELU_N1_TO_1" => clip(-1.0, 1.0),
        "RELU_0_TO_1" => clip(0.0, 1.0),
        "SOFTMAX" => axis(Std::Softmax, &[0], Some(-1)),
        "LOG_SOFTMAX" => axis(Std::LogSoftmax, &[0], Some(-1)),
        "RIGHT_SHIFT" => Translated {
            set: vec![("direction", Setting::Text("RIGHT".to_owned()))],
            ..Std::BitShift.into()
        },
        "SUM" => reduce(given, Std::ReduceSum, "keep_dims"),
        "MEAN" => reduce(given, Std::ReduceMean, "keep_dims"),
        "REDUCE_MAX" | "REDUCE_ANY" => reduce(given, Std::ReduceMax, "keep_dims"),
        "REDUCE_MIN" | "REDUCE_ALL" => reduce(given, Std::ReduceMin, "keep_dims"),
        "REDUCE_PROD" => reduce(given, Std::ReduceProd, "keep_dims"),
        "ARG_MAX" => extreme(given, Std::ArgMax),
        "ARG_MIN" => extreme(given, Std::ArgMin),
        "BATCH_MATMUL" => product(given, "adj_x", "adj_y"),
        "FULLY_CONNECTED" => Translated {
            set: vec![("transB", Setting::Int(1))],
            ..Std::Gemm.into()
        },
        "CONCATENATION" => axis(Std::Concat, &[], Some(set_axis)),
        "PACK" => axis(Std::Stack, &[], Some(set_axis)),
        "UNPACK" => axis(Std::Unstack, &[], Some(set_axis)),
        "GATHER" => axis(Std::Gather, &[0, 1], Some(set_axis)),
        "SPLIT" => axis(Std::Split, &[1], given.number(0)),
        "SPLIT_V" => axis(Std::Split, &[0, 1], given.number(2)),
        "RESHAPE" => reshape(given),
        "SQUEEZE" => {
            let mut out = Translated::from(Std::Squeeze);
            if let Some(axes) = given.ints("squeeze_dims").filter(|axes| !axes.is_empty()) {
                out.set.push(("axes", Setting::Ints(axes.to_vec())));
            }
            out
        }
        "SLICE" => slice(given),
        "STRIDED_SLICE" => {
            strided(given).unwrap_or_else(|| ordered(Std::StridedSlice, &[0, 1, 2, 3]))
        }
        "PAD" => pad(given, &[0, 1], Std::Pad),
        "PADV2" => pad(given, &[0, 1, 2], Std::Pad),
        "MIRROR_PAD" => pad(given, &[0, 1], Std::MirrorPad),
        "SCATTER_ND" => Translated {
            operands: Some(vec![None, Some(0), Some(1)]),
            ..Std::ScatterND.into()
        },
        "SPARSE_TO_DENSE" => Translated {
            operands: Some(vec![None, Some(0), Some(2)]),
            ..Std::ScatterND.into()
        },
        "DYNAMIC_UPDATE_SLICE" => ordered(Std::ScatterND, &[0, 2, 1]),
        "DEPTH_TO_SPACE" => blocks(given, Std::DepthToSpace),
        "SPACE_TO_DEPTH" => blocks(given, Std::SpaceToDepth),
        "CONV_2D" | "CONV_3D" => conv(given, Std::Conv, &[0, 1, 2], "OHWI"),
        "DEPTHWISE_CONV_2D" => conv(given, Std::Conv, &[0, 1, 2], "1HWC"),
        "TRANSPOSE_CONV" | "CONV_3D_TRANSPOSE" => {
            conv(given, Std::ConvTranspose, &[2, 1, 3], "OHWI")
        }
        "AVERAGE_POOL_2D" => conv(given, Std::AveragePool, &[0], ""),
        "MAX_POOL_2D" => conv(given, Std::MaxPool, &[0], ""),
        "L2_POOL_2D" => conv(given, Std::LpPool, &[0], ""),
        // Recurrent layers: products of the input, the state and weights.
        "LSTM"
        | "RNN"
        | "SVDF"
        | "UNIDIRECTIONAL_SEQUENCE_LSTM"
        | "UNIDIRECTIONAL_SEQUENCE_RNN"
        | "BIDIRECTIONAL_SEQUENCE_LSTM"
        | "BIDIRECTIONAL_SEQUENCE_RNN" => Translated {
            operands: Some((0..given.count()).map(Some).collect()),
            ..Std::Einsum.into()
        },
        _ => return None,
    })
}

fn reshape(given: &Given<'_>) -> Translated {
    let mut out = ordered(Std::Reshape, &[0, 1]);
    out.set.push(("allowzero", Setting::Int(1)));
    if let Some(shape) = given.ints("new_shape").filter(|_| given.count() < 2) {
        out.set.push(("shape", Setting::Ints(shape.to_vec())));
    }
    out
}

fn blocks(given: &Given<'_>, std: Std) -> Translated {
    Translated {
        set: vec![
            (
                "blocksize",
                Setting::Int(given.int("block_size").unwrap_or(1)),
            ),
            ("channels_last", Setting::Int(1)),
        ],
        ..std.into()
    }
}

fn conv(given: &Given<'_>, std: Std, order: &[usize], layout: &str) -> Translated {
    let mut out = ordered(std, order);
    let deep = given.node.op.contains("3D");
    let names = |of: [&str; 3]| -> Option<Vec<i64>> {
        let of = if deep { of.as_slice() } else { of.get(1..)? };
        let numbers: Vec<i64> = of.iter().map(|name| given.int(name).unwrap_or(0)).collect();
        numbers.iter().all(|number| *number > 0).then_some(numbers)
    };
    for (to, from) in [
        ("strides", ["stride_d", "stride_h", "stride_w"]),
        (
            "kernel_shape",
            ["filter_depth", "filter_height", "filter_width"],
        ),
    ] {
        if let Some(numbers) = names(from) {
            out.set.push((to, Setting::Ints(numbers)));
        }
    }
    // Written with no word between the letter and the rest.
    let dilations = ["dilation_dfactor", "dilation_hfactor", "dilation_wfactor"];
    if let Some(numbers) = names(dilations) {
        out.set.push(("dilations", Setting::Ints(numbers)));
    }
    let same = given.int("padding").unwrap_or(0) == 0;
    let pad = if same { "SAME_UPPER" } else { "VALID" };
    out.set.push(("auto_pad", Setting::Text(pad.to_owned())));
    out.set.push(("channels_last", Setting::Int(1)));
    if !layout.is_empty() {
        out.set
            .push(("kernel_layout", Setting::Text(layout.to_owned())));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operator_has_two_meanings() {
        let mut names: Vec<_> = PLAIN.iter().map(|(name, _)| *name).collect();
        names.extend(ORDERED.iter().map(|(name, _, _)| *name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
