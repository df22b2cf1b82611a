//! What an operator is told, apart from what it works on: attributes, and
//! operands that are small constants where another operator set has an
//! attribute. What equals the default is left out.
//!
//! Defaults and the change from attributes to operands follow the changelog of
//! the ONNX operators (<https://onnx.ai/onnx/operators/>).

use std::collections::BTreeMap;

use modelward_schema::Setting;

use super::Form;
use super::constants::{real, setting, whole};
use super::label::{Label, Labeler};
use crate::ir::{Flat, Kind, Op};
use crate::operators::Std;

/// Operands that say what to do: `(operator, index, name)`.
const TOLD: [(Std, usize, &str); 16] = [
    (Std::Slice, 1, "starts"),
    (Std::Slice, 2, "ends"),
    (Std::Slice, 3, "axes"),
    (Std::Slice, 4, "steps"),
    (Std::Squeeze, 1, "axes"),
    (Std::Unsqueeze, 1, "axes"),
    (Std::Clip, 1, "min"),
    (Std::Clip, 2, "max"),
    (Std::Pad, 1, "pads"),
    (Std::Pad, 2, "value"),
    (Std::TopK, 1, "k"),
    (Std::Split, 1, "split"),
    (Std::Tile, 1, "repeats"),
    (Std::Reshape, 1, "shape"),
    (Std::Expand, 1, "shape"),
    (Std::ConstantOfShape, 0, "shape"),
];

/// Whole-number attributes and what they are when they are not there.
const DEFAULTS: [(&str, i64); 24] = [
    ("group", 1),
    ("keepdims", 1),
    ("ceil_mode", 0),
    ("storage_order", 0),
    ("count_include_pad", 0),
    ("noop_with_empty_axes", 0),
    ("training_mode", 0),
    ("spatial", 1),
    ("batch_dims", 0),
    ("saturate", 1),
    ("stash_type", 1),
    ("select_last_index", 0),
    ("exclusive", 0),
    ("reverse", 0),
    ("fmod", 0),
    ("layout", 0),
    ("input_forget", 0),
    ("linear_before_reset", 0),
    ("allowzero", 0),
    ("largest", 1),
    ("sorted", 1),
    ("transA", 0),
    ("transB", 0),
    ("exclude_outside", 0),
];

/// Attributes that do not change what comes out when a trained graph runs.
const IDLE: [&str; 6] = [
    "momentum",
    "num_outputs",
    "kernel_shape",
    "seed",
    "is_test",
    "consumed_inputs",
];

fn reduces(std: Std) -> bool {
    matches!(
        std,
        Std::ReduceL1
            | Std::ReduceL2
            | Std::ReduceLogSum
            | Std::ReduceLogSumExp
            | Std::ReduceMax
            | Std::ReduceMean
            | Std::ReduceMin
            | Std::ReduceProd
            | Std::ReduceSum
            | Std::ReduceSumSquare
    )
}

/// Whether the operand is told rather than worked on.
pub(super) fn told(std: Std, index: usize) -> Option<&'static str> {
    if index == 1 && reduces(std) {
        return Some("axes");
    }
    let mut known = TOLD.iter();
    known.find_map(|(of, at, name)| (*of == std && *at == index).then_some(*name))
}

/// One label over everything an operator is told.
pub(super) fn label(flat: &Flat<'_>, op: &Op, form: Form) -> Label {
    let mut all: BTreeMap<&str, Label> = BTreeMap::new();
    if op.kind == Kind::Plain {
        let own = flat.node(op).map_or(&[][..], |node| &node.attributes);
        for attribute in own {
            let value = flat
                .attribute(op, &attribute.name)
                .unwrap_or(&attribute.value);
            add(&mut all, op.std, &attribute.name, value, flat, form);
        }
        for (name, value) in &op.set {
            add(&mut all, op.std, name, value, flat, form);
        }
        for (index, id) in op.inputs.iter().enumerate() {
            let constant = id.and_then(|id| flat.constant(id));
            if let (Some(name), Some(constant)) = (told(op.std, index), constant) {
                let value = if matches!(name, "min" | "max" | "value") {
                    real(constant).map(Setting::Float)
                } else {
                    whole(constant).map(Setting::Ints)
                };
                if let Some(value) = value {
                    add(&mut all, op.std, name, &value, flat, form);
                }
            }
        }
    }
    let mut out = Labeler::new("told");
    for (name, label) in all {
        out.text(name);
        out.label(label);
    }
    out.done()
}

fn add<'n>(
    all: &mut BTreeMap<&'n str, Label>,
    std: Std,
    name: &'n str,
    value: &Setting,
    flat: &Flat<'_>,
    form: Form,
) {
    // In parts, a fused activation is a piece of its own.
    let fused = form == Form::Loose && name.starts_with("activation");
    if fused || IDLE.contains(&name) || is_default(std, name, value) {
        return;
    }
    let mut out = Labeler::default();
    setting(&mut out, value, &flat.wiring.constants, form);
    all.insert(name, out.done());
}

fn is_default(std: Std, name: &str, value: &Setting) -> bool {
    match value {
        Setting::Int(number) => {
            let default = match (std, name) {
                (
                    Std::Gather
                    | Std::GatherElements
                    | Std::ScatterElements
                    | Std::ArgMax
                    | Std::ArgMin
                    | Std::Split,
                    "axis",
                ) => Some(0),
                (Std::Flatten | Std::QuantizeLinear | Std::DequantizeLinear, "axis") => Some(1),
                (
                    Std::Softmax
                    | Std::LogSoftmax
                    | Std::TopK
                    | Std::LayerNormalization
                    | Std::OneHot,
                    "axis",
                ) => Some(-1),
                (Std::Trilu, "upper") => Some(1),
                (Std::Shape, "start") => Some(0),
                _ => DEFAULTS
                    .iter()
                    .find_map(|(known, default)| (*known == name).then_some(*default)),
            };
            default == Some(*number)
        }
        Setting::Float(number) => {
            let default = match (std, name) {
                (Std::Gemm | Std::FusedMatMul, "alpha" | "beta") | (Std::Elu, "alpha") => 1.0,
                (Std::LeakyRelu, "alpha") => 0.01,
                (_, "epsilon") => 1e-5,
                (Std::Pad, "value") => 0.0,
                _ => return false,
            };
            (default - number).abs() <= 1e-9
        }
        Setting::Text(text) => matches!(
            (name, text.as_str()),
            ("auto_pad", "NOTSET")
                | ("mode", "constant" | "DCR")
                | ("direction", "forward")
                | ("reduction" | "approximate", "none")
        ),
        Setting::Ints(numbers) => match name {
            "pads" => numbers.iter().all(|number| *number == 0),
            "strides" | "dilations" | "steps" => numbers.iter().all(|number| *number == 1),
            _ => false,
        },
        _ => false,
    }
}
