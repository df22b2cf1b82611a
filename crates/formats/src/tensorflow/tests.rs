//! Graphs built field by field.
#![allow(clippy::cast_possible_truncation, reason = "the messages are small")]

use modelward_schema::{Dim, Facts, Setting, Wiring};

use crate::{Limits, read};

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = bytes.len();
    while len >= 0x80 {
        out.push((len & 0x7f) as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend(bytes);
    out
}

fn attribute(name: &str, value: &[u8]) -> Vec<u8> {
    let entry = [field(1, name.as_bytes()), field(2, value)].concat();
    field(5, &entry)
}

fn node(name: &str, op: &str, inputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut out = [field(1, name.as_bytes()), field(2, op.as_bytes())].concat();
    for input in inputs {
        out.extend(field(3, input.as_bytes()));
    }
    out.extend(attributes.concat());
    field(1, &out)
}

/// A type, as an attribute holds it.
fn kind(number: u8) -> Vec<u8> {
    vec![0x30, number]
}

/// A float constant with its shape and one number.
fn float(shape: &[u8], number: f32) -> Vec<u8> {
    let mut tensor = vec![0x08, 1];
    let dims: Vec<u8> = shape
        .iter()
        .flat_map(|size| field(2, &[0x08, *size]))
        .collect();
    tensor.extend(field(2, &dims));
    tensor.extend(field(5, &number.to_le_bytes()));
    field(8, &tensor)
}

fn text(value: &str) -> Vec<u8> {
    let tensor = [vec![0x08, 7], field(2, b""), field(8, value.as_bytes())].concat();
    field(8, &tensor)
}

fn small() -> Vec<u8> {
    [
        node("x", "Placeholder", &[], &[attribute("dtype", &kind(1))]),
        node(
            "w",
            "Const",
            &[],
            &[
                attribute("dtype", &kind(1)),
                attribute("value", &float(&[2, 3], 0.5)),
            ],
        ),
        node(
            "y",
            "MatMul",
            &["x", "w", "^w"],
            &[attribute("T", &kind(1))],
        ),
        node(
            "top",
            "TopKV2",
            &["y", "k"],
            &[attribute("T", &kind(1)), attribute("index_type", &kind(3))],
        ),
        node("k", "Const", &[], &[attribute("dtype", &kind(3))]),
        node("z", "Identity", &["top:1"], &[attribute("T", &kind(3))]),
    ]
    .concat()
}

fn facts(name: &str, bytes: &[u8]) -> Facts {
    read(name, bytes, &Limits::default())
}

fn name(wiring: &Wiring, value: Option<u32>) -> &str {
    &wiring.values[value.unwrap() as usize].name
}

#[test]
fn a_frozen_graph_has_its_nodes_constants_and_ends() {
    let facts = facts("g.pb", &small());
    assert_eq!(facts.files[0].format, "tensorflow-graph");
    assert!(
        facts.coverage.complete && facts.anomalies.is_empty(),
        "{:?}",
        facts.anomalies
    );
    let wiring = &facts.wirings[0];
    assert_eq!(wiring.nodes.len(), 5);
    let main = &wiring.bodies[0];
    assert_eq!(name(wiring, Some(main.inputs[0])), "x");
    assert_eq!(main.outputs.len(), 2);
    let product = &wiring.nodes[1];
    assert_eq!(name(wiring, product.inputs[0]), "x");
    assert_eq!(
        product.attributes[1].value,
        Setting::Texts(vec!["w".to_owned()])
    );
    let weights = &wiring.constants[0];
    assert_eq!(weights.shape, [2, 3]);
    assert_eq!(
        weights.bytes.as_deref(),
        Some(&0.5_f32.to_le_bytes().repeat(6)[..])
    );
    let indices = wiring.nodes[4].inputs[0].unwrap();
    assert_eq!(wiring.values[indices as usize].name, "top:1");
    assert_eq!(wiring.values[indices as usize].dtype, "i32");
}

#[test]
fn functions_are_bodies_that_calls_name() {
    let argument = |name: &str| [field(1, name.as_bytes()), vec![0x18, 1]].concat();
    let signature = [
        field(1, b"f"),
        field(2, &argument("a")),
        field(3, &argument("out")),
    ]
    .concat();
    let inner = node(
        "split",
        "Split",
        &["a", "a"],
        &[attribute("num_split", &[0x18, 2]), attribute("T", &kind(1))],
    );
    // In a function nodes are field 3.
    let inner = field(3, &inner[2..]);
    let ret = field(4, &[field(1, b"out"), field(2, b"split:output:1")].concat());
    let library = field(2, &field(1, &[field(1, &signature), inner, ret].concat()));
    let call = node(
        "c",
        "PartitionedCall",
        &["x"],
        &[
            attribute("f", &field(10, &field(1, b"f"))),
            attribute("Tout", &field(1, &field(6, &[1]))),
        ],
    );
    let bytes = [
        node(
            "x",
            "Placeholder",
            &[],
            &[attribute("shape", &field(7, &field(2, &[0x08, 4])))],
        ),
        call,
        library,
    ]
    .concat();
    let facts = facts("g.pb", &bytes);
    assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
    let wiring = &facts.wirings[0];
    let input = &wiring.values[wiring.bodies[0].inputs[0] as usize];
    assert_eq!(input.shape, Some(vec![Dim::Known(4)]));
    assert_eq!(wiring.nodes[0].attributes[1].value, Setting::Body(1));
    let body = &wiring.bodies[1];
    assert_eq!((body.name.as_str(), body.inputs.len()), ("f", 1));
    let split = &wiring.nodes[body.nodes[0] as usize];
    assert_eq!(split.outputs.len(), 2);
    assert_eq!(split.outputs[1], body.outputs[0]);
    assert_eq!(name(wiring, body.outputs[0]), "split:1");
}

#[test]
fn what_reaches_out_is_told_with_what_it_is_given() {
    let bytes = [
        small(),
        node(
            "p",
            "Const",
            &[],
            &[
                attribute("dtype", &kind(7)),
                attribute("value", &text("/etc/x")),
            ],
        ),
        node("r", "ReadFile", &["p"], &[]),
        node("e", "VendorOp", &["r"], &[]),
    ]
    .concat();
    let facts = facts("g.pb", &bytes);
    let targets: Vec<_> = facts.code.iter().map(|code| code.target.as_str()).collect();
    assert_eq!(targets, ["tf::ReadFile", "tf::VendorOp"]);
    assert_eq!(facts.code[0].args[0].as_str(), Some("/etc/x"));
    assert_eq!(facts.graphs[0].custom_operators, ["tf::VendorOp"]);
}

#[test]
fn a_saved_model_is_read_through_its_signatures() {
    let info = |tensor: &str| field(1, tensor.as_bytes());
    let port =
        |key: &str, tensor: &str| [field(1, key.as_bytes()), field(2, &info(tensor))].concat();
    let signature = [field(1, &port("in", "x:0")), field(2, &port("out", "y:0"))].concat();
    let asset = [field(1, &info("p:0")), field(2, b"../../secret")].concat();
    let meta = [
        field(1, &[field(4, b"serve"), field(5, b"2.21.0")].concat()),
        field(2, &small()),
        field(
            5,
            &[field(1, b"serving_default"), field(2, &signature)].concat(),
        ),
        field(6, &asset),
    ]
    .concat();
    let bytes = [vec![0x08, 1], field(2, &meta)].concat();
    let facts = facts("saved_model.pb", &bytes);
    assert_eq!(facts.files[0].format, "tensorflow-savedmodel");
    let graph = &facts.graphs[0];
    assert_eq!(graph.producer.as_deref(), Some("tensorflow 2.21.0"));
    assert_eq!(graph.outputs[0].name, "y");
    assert_eq!(facts.references[0].value, "assets/../../secret");
    let alone = super::super::read("x.meta", &meta, &Limits::default());
    assert_eq!(alone.files[0].format, "tensorflow-metagraph");
}

#[test]
fn lies_of_names_and_sizes_are_told() {
    let mut short = vec![0x08, 1];
    short.extend(field(2, &field(2, &[0x08, 9])));
    short.extend(field(4, &[0; 8]));
    let bytes = [
        small(),
        node("y", "Relu", &["nothing:3"], &[]),
        node("s", "Const", &[], &[attribute("value", &field(8, &short))]),
        field(
            1,
            &[field(1, b"q"), field(2, b"Relu"), field(9, b"?")].concat(),
        ),
        b"\x0a\x7fcut".to_vec(),
    ]
    .concat();
    let facts = facts("g.pb", &bytes);
    for id in [
        "tensorflow-name-repeats",
        "tensorflow-name-dangling",
        "tensorflow-tensor-size-differs",
        "tensorflow-unknown-field",
        "tensorflow-broken",
    ] {
        assert!(facts.anomalies.iter().any(|one| one.id == id), "{id}");
    }
    assert!(!facts.coverage.complete);
}

#[test]
fn the_text_form_is_a_gap() {
    let facts = facts("saved_model.pbtxt", b"saved_model_schema_version: 1\n");
    assert_eq!(facts.files[0].format, "tensorflow-text");
    assert!(!facts.coverage.complete);
}
