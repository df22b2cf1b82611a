//! ONNX: `ai.onnx` and `ai.onnx.ml` of every operator set, and the operators of
//! `com.microsoft` (onnxruntime `ContribOperators.md`). Their names are the
//! vocabulary's; here are only the exceptions.

use modelward_schema::Setting;

use super::{Control, Given, Meaning, Std, Translated};

pub(super) fn find(given: &Given<'_>) -> Option<Meaning> {
    let node = given.node;
    match (node.domain.as_str(), node.op.as_str()) {
        ("", "Constant") => Some(Meaning::Literal),
        ("", "If") => Some(Meaning::Control(Control::Branch {
            bodies: &["then_branch", "else_branch"],
            arguments: usize::MAX,
        })),
        ("", "Loop") => Some(Meaning::Control(Control::Loop)),
        ("", "Scan") => Some(Meaning::Control(Control::Scan)),
        ("" | "ai.onnx.ml" | "ai.onnx.training" | "ai.onnx.preview.training", name) => {
            Std::find(name).map(operator)
        }
        (domain, name)
            if domain.starts_with("com.microsoft") || domain == "com.ms.internal.nhwc" =>
        {
            vendor(name)
        }
        // Older exporters of PyTorch leave quantised operators in this domain.
        ("pkg.onnxscript.torch_lib" | "org.pytorch.aten", _) => None,
        _ => None,
    }
}

fn operator(std: Std) -> Meaning {
    Meaning::Operator(std.into())
}

fn vendor(name: &str) -> Option<Meaning> {
    let std = match name {
        "Gelu" => Std::Gelu,
        "Conv" => {
            return Some(Meaning::Operator(Translated {
                std: Std::Conv,
                operands: None,
                set: vec![("channels_last", Setting::Int(1))],
                then: None,
            }));
        }
        "TransposeMatMul" => Std::FusedMatMul,
        "GridSample" => Std::GridSample,
        "Unique" => Std::Unique,
        name => Std::find(name)?,
    };
    Some(operator(std))
}
