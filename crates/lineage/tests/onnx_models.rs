//! ONNX models written here, proven, and damaged.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test"
)]

use std::sync::Arc;

use modelward_lineage::{
    Case, Claim, Data, Grade, Model, ModelFile, Part, Proof, Tensor, onnx, prove,
};

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3, &mut out);
    varint(value, &mut out);
    out
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3 | 2, &mut out);
    varint(value.len() as u64, &mut out);
    out.extend(value);
    out
}

fn initializer(name: &str, kind: u64, shape: &[u64], raw: &[u8]) -> Vec<u8> {
    let mut tensor = Vec::new();
    for dim in shape {
        tensor.extend(number(1, *dim));
    }
    tensor.extend(number(2, kind));
    tensor.extend(bytes(8, name.as_bytes()));
    tensor.extend(bytes(9, raw));
    bytes(5, &tensor)
}

fn node(operator: &str, name: &str, inputs: &[&str], outputs: &[&str]) -> Vec<u8> {
    let mut node = Vec::new();
    for input in inputs {
        node.extend(bytes(1, input.as_bytes()));
    }
    for output in outputs {
        node.extend(bytes(2, output.as_bytes()));
    }
    node.extend(bytes(3, name.as_bytes()));
    node.extend(bytes(4, operator.as_bytes()));
    bytes(1, &node)
}

fn model(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut graph: Vec<u8> = parts.concat();
    graph.extend(bytes(11, &bytes(1, b"x")));
    graph.extend(bytes(12, &bytes(1, b"y")));
    let mut model = number(1, 8);
    model.extend(bytes(7, &graph));
    model.extend(bytes(8, &number(2, 17)));
    model
}

fn floats(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn open(content: Vec<u8>) -> Model {
    let file = ModelFile {
        path: "model.onnx".to_owned(),
        format: "onnx".to_owned(),
        size: content.len() as u64,
        bytes: Arc::new(content),
    };
    let tensors = onnx::tensors(&file, &[]).unwrap_or_default();
    Model::new(
        "model".to_owned(),
        vec![file],
        tensors,
        modelward_schema::Facts::default(),
    )
}

fn weights(tensors: &[(&str, &[u64], &[f32])]) -> Model {
    let tensors = tensors
        .iter()
        .map(|(name, shape, values)| {
            let raw = floats(values);
            Tensor {
                name: (*name).to_owned(),
                dtype: "f32".to_owned(),
                shape: shape.to_vec(),
                big_endian: false,
                data: Data::Dense(vec![Part {
                    len: raw.len() as u64,
                    bytes: Arc::new(raw),
                    start: 0,
                }]),
                file: "model.safetensors".to_owned(),
            }
        })
        .collect();
    Model::new(
        "weights".to_owned(),
        Vec::new(),
        tensors,
        modelward_schema::Facts::default(),
    )
}

fn ask(source: Model, target: &Model, relation: &str) -> Proof {
    let claim = Claim::default();
    let case = Case {
        sources: &[source],
        target,
        claim: &claim,
        tell: &|_| {},
    };
    prove(&case, Some(relation)).unwrap()
}

const ROWS: usize = 6;
const COLUMNS: usize = 4;

fn matrix() -> Vec<f32> {
    (0..ROWS * COLUMNS)
        .map(|at| ((at * 37 % 23) as f32 - 11.0) * 0.173)
        .collect()
}

fn turned(values: &[f32]) -> Vec<f32> {
    (0..COLUMNS)
        .flat_map(|column| (0..ROWS).map(move |row| row * COLUMNS + column))
        .map(|at| values[at])
        .collect()
}

fn exported(weight: &[f32], extra: &[Vec<u8>]) -> Model {
    let mut parts = vec![
        initializer("onnx::MatMul_7", 1, &[4, 6], &floats(weight)),
        node("MatMul", "/fc/MatMul", &["x", "onnx::MatMul_7"], &["y"]),
    ];
    parts.extend_from_slice(extra);
    open(model(&parts))
}

fn source() -> Model {
    weights(&[("fc.weight", &[6, 4], &matrix())])
}

#[test]
fn a_transposed_weight_is_found_by_its_value() {
    let proof = ask(source(), &exported(&turned(&matrix()), &[]), "onnx-export");
    assert_eq!(proof.grade, Grade::Exact, "{:?}", proof.reasons);
    assert_eq!(proof.tensors[0].source.as_deref(), Some("fc.weight"));
}

#[test]
fn one_other_number_is_named_with_its_place() {
    let mut values = turned(&matrix());
    values[9] += 0.25;
    let proof = ask(source(), &exported(&values, &[]), "onnx-export");
    assert_eq!(proof.grade, Grade::Refuted);
    assert_eq!(proof.tensors[0].worst.as_ref().unwrap().position, [1, 3]);
}

#[test]
fn a_tensor_that_nothing_uses_is_unexplained() {
    let hidden = initializer("hidden", 1, &[3], &floats(&[0.1, 0.7, 0.2]));
    let proof = ask(
        source(),
        &exported(&turned(&matrix()), &[hidden]),
        "onnx-export",
    );
    assert_eq!(proof.grade, Grade::Refuted);
    assert_eq!(proof.unexplained.len(), 1);
}

/// Quantized as ONNX Runtime does dynamically, with one byte changed.
fn quantized(change: Option<usize>, scale: f32) -> Model {
    let mut codes: Vec<u8> = turned(&matrix())
        .iter()
        .map(|value| ((value / scale).round_ties_even() as i8).cast_unsigned())
        .collect();
    if let Some(at) = change {
        codes[at] = codes[at].wrapping_add(1);
    }
    open(model(&[
        initializer("w_quantized", 3, &[4, 6], &codes),
        initializer("w_scale", 1, &[], &floats(&[scale])),
        initializer("w_zero_point", 3, &[], &[0]),
        node("DynamicQuantizeLinear", "q", &["x"], &["xq", "xs", "xz"]),
        node(
            "MatMulInteger",
            "m",
            &["xq", "w_quantized", "xz", "w_zero_point"],
            &["i"],
        ),
        {
            let mut cast = Vec::new();
            cast.extend(bytes(1, b"i"));
            cast.extend(bytes(2, b"c"));
            cast.extend(bytes(4, b"Cast"));
            let mut to = bytes(1, b"to");
            to.extend(number(3, 1));
            to.extend(number(20, 2));
            cast.extend(bytes(5, &to));
            bytes(1, &cast)
        },
        node("Mul", "s", &["xs", "w_scale"], &["p"]),
        node("Mul", "o", &["c", "p"], &["y"]),
    ]))
}

fn scale() -> f32 {
    let most = matrix()
        .iter()
        .fold(0.0_f32, |most, value| most.max(value.abs()));
    (f64::from(most) * 2.0 / 254.0) as f32
}

#[test]
fn a_dynamic_quantization_is_replayed() {
    let before = exported(&turned(&matrix()), &[]);
    let proof = ask(before, &quantized(None, scale()), "onnx-quantize");
    assert_eq!(proof.grade, Grade::Exact, "{:?}", proof.reasons);
}

#[test]
fn one_code_or_scale_that_is_off_is_refuted() {
    let before = || exported(&turned(&matrix()), &[]);
    let proof = ask(before(), &quantized(Some(5), scale()), "onnx-quantize");
    assert_eq!(proof.grade, Grade::Refuted);
    let next = f32::from_bits(scale().to_bits() + 1);
    let proof = ask(before(), &quantized(None, next), "onnx-quantize");
    assert_eq!(proof.grade, Grade::Refuted);
    assert!(proof.reasons[0].contains("scale"), "{:?}", proof.reasons);
}

#[test]
fn an_added_node_is_refuted() {
    let before = exported(&turned(&matrix()), &[]);
    let after = open(model(&[
        initializer("onnx::MatMul_7", 1, &[4, 6], &floats(&turned(&matrix()))),
        node("MatMul", "/fc/MatMul", &["x", "onnx::MatMul_7"], &["z"]),
        node("Neg", "", &["z"], &["y"]),
    ]));
    let proof = ask(before, &after, "onnx-quantize");
    assert_eq!(proof.grade, Grade::Refuted);
}

#[test]
fn damaged_models_are_answered() {
    let whole = {
        let model = quantized(None, scale());
        model.files[0].content().unwrap()
    };
    let mut state = 7_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize
    };
    for _ in 0..400 {
        let mut damaged = whole.clone();
        for _ in 0..=next() % 4 {
            let at = next() % damaged.len();
            damaged[at] = next() as u8;
        }
        if next() % 3 == 0 {
            damaged.truncate(next() % whole.len());
        }
        let before = exported(&turned(&matrix()), &[]);
        let _ = ask(before, &open(damaged.clone()), "onnx-quantize");
        let _ = ask(source(), &open(damaged), "onnx-export");
    }
}
