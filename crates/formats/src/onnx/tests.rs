use modelward_schema::{Facts, ReferenceKind, Span};

use crate::{Limits, read};

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
    out
}

/// A field with a number.
fn int(field: u64, number: u64) -> Vec<u8> {
    [varint(field << 3), varint(number)].concat()
}

/// A field with bytes, text or a message.
fn bytes(field: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let len = u64::try_from(content.len()).unwrap();
    [varint(field << 3 | 2), varint(len), content.to_vec()].concat()
}

fn node(operator: &str, domain: &str, attributes: &[u8]) -> Vec<u8> {
    let parts = [bytes(4, operator), bytes(7, domain), attributes.to_vec()];
    bytes(1, parts.concat())
}

/// A model around the fields of a graph.
fn model(graph: &[u8]) -> Vec<u8> {
    let graph = [graph.to_vec(), bytes(2, "g")].concat();
    [
        int(1, 8),
        bytes(2, "tests"),
        bytes(7, graph),
        bytes(8, int(2, 17)),
    ]
    .concat()
}

/// A model with one honest node and one initializer.
fn with_tensor(tensor: &[u8]) -> Vec<u8> {
    model(&[node("Relu", "", b""), bytes(5, tensor)].concat())
}

fn facts(model: &[u8]) -> Facts {
    read("m.onnx", model, &Limits::default())
}

fn ids(facts: &Facts) -> Vec<&str> {
    facts.anomalies.iter().map(|a| a.id.as_str()).collect()
}

fn tensor(dims: &[u64], number: u64, payload: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|dim| int(1, *dim)).collect();
    [dims, int(2, number), bytes(8, "w"), payload.to_vec()].concat()
}

#[test]
fn an_honest_model_is_facts_without_anomaly() {
    let dims = bytes(2, [bytes(1, int(1, 4)), bytes(1, bytes(2, "n"))].concat());
    let input = [
        bytes(1, "x"),
        bytes(2, bytes(1, [int(1, 1), dims].concat())),
    ]
    .concat();
    let facts = facts(&model(
        &[
            node("Relu", "", b""),
            node("Normalizer", "ai.onnx.ml", b""),
            bytes(5, tensor(&[2, 2], 1, &bytes(9, [0; 16]))),
            bytes(11, input),
        ]
        .concat(),
    ));
    assert_eq!(ids(&facts), [""; 0]);
    assert!(facts.coverage.complete && facts.code.is_empty());
    assert_eq!(facts.files[0].format, "onnx");
    let graph = &facts.graphs[0];
    assert_eq!((graph.nodes, graph.depth), (2, 0));
    assert_eq!(graph.operators["ai.onnx::Relu"], 1);
    assert_eq!(graph.opsets["ai.onnx"], 17);
    assert_eq!(graph.inputs[0].dtype, "f32");
    assert_eq!(graph.inputs[0].shape, ["4", "n"]);
    assert_eq!(facts.tensors[0].shape, [2, 2]);
    assert_eq!(facts.tensors[0].at.span.unwrap().len, 16);
}

#[test]
fn every_lie_of_a_tensor_is_told() {
    for (id, tensor) in [
        (
            "onnx-tensor-size-differs",
            tensor(&[3], 1, &bytes(9, [0; 8])),
        ),
        (
            "onnx-tensor-size-differs",
            tensor(&[3], 7, &bytes(7, [1, 2])),
        ),
        ("onnx-tensor-without-data", tensor(&[3], 1, b"")),
        (
            "onnx-tensor-two-payloads",
            tensor(&[2], 7, &[bytes(7, [1, 2]), bytes(9, [0; 16])].concat()),
        ),
        (
            "onnx-tensor-field-differs",
            tensor(&[2], 1, &bytes(7, [1, 2])),
        ),
        (
            "onnx-dims-overflow",
            tensor(&[1 << 40, 1 << 40], 1, &bytes(9, [0; 8])),
        ),
        (
            "onnx-dims-negative",
            tensor(&[u64::MAX], 1, &bytes(9, [0; 8])),
        ),
        ("onnx-dtype-unknown", tensor(&[1], 99, &bytes(9, [0; 8]))),
        (
            "onnx-unknown-field",
            tensor(&[1], 1, &[bytes(9, [0; 4]), bytes(77, "x")].concat()),
        ),
        (
            "onnx-repeats-field",
            tensor(&[1], 1, &[bytes(9, [0; 4]), int(2, 1)].concat()),
        ),
        (
            "onnx-wire-type",
            tensor(&[1], 1, &[bytes(9, [0; 4]), int(8, 1)].concat()),
        ),
        (
            "onnx-text-odd",
            tensor(&[1], 1, &[bytes(9, [0; 4]), bytes(12, [0xff])].concat()),
        ),
        (
            "onnx-external-location-missing",
            tensor(&[1], 1, &int(14, 1)),
        ),
    ] {
        let facts = facts(&with_tensor(&tensor));
        assert!(ids(&facts).contains(&id), "{id}: {:?}", ids(&facts));
        assert_eq!(facts.tensors.len(), 1, "{id}");
    }
}

#[test]
fn tensors_are_seen_wherever_they_live() {
    let lie = tensor(&[3], 1, &bytes(9, [0; 8]));
    let in_attribute = |field: u64| node("Constant", "", &bytes(5, bytes(field, &lie)));
    let graph = in_attribute(5);
    for model in [
        model(&in_attribute(5)),
        model(&in_attribute(10)),
        model(&node("If", "", &bytes(5, bytes(6, &graph)))),
        model(&node("If", "", &bytes(5, bytes(11, &graph)))),
        model(&[node("Relu", "", b""), bytes(15, bytes(1, &lie))].concat()),
        [model(&node("Relu", "", b"")), bytes(20, bytes(1, &graph))].concat(),
        [
            model(&node("Relu", "", b"")),
            bytes(
                25,
                [bytes(10, "f"), bytes(7, bytes(5, bytes(5, &lie)))].concat(),
            ),
        ]
        .concat(),
    ] {
        let facts = facts(&model);
        assert_eq!(ids(&facts), ["onnx-tensor-size-differs"]);
    }
}

#[test]
fn external_data_are_named_with_their_part() {
    let entry = |key: &str, value: &str| bytes(13, [bytes(1, key), bytes(2, value)].concat());
    let external = [
        entry("location", "../w.bin"),
        entry("offset", "4096"),
        entry("length", "12"),
        int(14, 1),
    ]
    .concat();
    let facts = facts(&with_tensor(&tensor(&[3], 1, &external)));
    assert_eq!(ids(&facts), [""; 0]);
    let reference = &facts.references[0];
    assert_eq!(reference.kind, ReferenceKind::ExternalData);
    assert_eq!(reference.value, "../w.bin");
    assert_eq!(reference.span, Some(Span::new(4096, 12)));
    assert!(facts.tensors[0].at.span.is_none());
    for (id, extra) in [
        ("onnx-external-number-odd", entry("offset", "-1")),
        ("onnx-external-size-differs", entry("length", "13")),
        ("onnx-external-repeats", entry("location", "x")),
        ("onnx-external-key-unknown", entry("__class__", "x")),
    ] {
        let facts = self::facts(&with_tensor(&tensor(
            &[3],
            1,
            &[external.clone(), extra].concat(),
        )));
        assert_eq!(ids(&facts), [id]);
    }
}

#[test]
fn custom_operators_are_seen_in_every_graph_and_functions_excuse_theirs() {
    let evil = node(
        "PyOp",
        "com.evil",
        &bytes(5, [bytes(1, "code"), bytes(4, "x()")].concat()),
    );
    let facts = facts(&model(&node("If", "", &bytes(5, bytes(6, &evil)))));
    assert_eq!(facts.graphs[0].custom_operators, ["com.evil::PyOp"]);
    assert_eq!(facts.graphs[0].depth, 1);
    assert_eq!(facts.code[0].target, "com.evil::PyOp");
    assert_eq!(facts.code[0].kwargs[0].0, "code");
    let function = bytes(
        25,
        [bytes(1, "F"), bytes(10, "my"), node_in_function()].concat(),
    );
    let facts = self::facts(&[model(&node("F", "my", b"")), function].concat());
    assert!(facts.graphs[0].custom_operators.is_empty() && facts.code.is_empty());
    let shadow = bytes(25, [bytes(1, "Relu"), node_in_function()].concat());
    let facts = self::facts(&[model(&node("Relu", "", b"")), shadow].concat());
    assert_eq!(ids(&facts), ["onnx-function-shadows-operator"]);
}

fn node_in_function() -> Vec<u8> {
    bytes(7, [bytes(4, "Relu")].concat())
}

#[test]
fn a_second_graph_is_an_anomaly_and_is_read_too() {
    let second = bytes(7, node("PyOp", "com.evil", b""));
    let facts = facts(&[model(&node("Relu", "", b"")), second].concat());
    assert_eq!(ids(&facts), ["onnx-repeats-field"]);
    assert_eq!(facts.code.len(), 1);
}

#[test]
fn a_few_bytes_that_expand_without_end_are_told() {
    let repeats = [
        int(2, 7),
        int(1, 2),
        bytes(8, "r"),
        bytes(7, [varint(1 << 30), varint(1 << 30)].concat()),
    ];
    let tile = [
        bytes(1, "x"),
        bytes(1, "r"),
        bytes(2, "y"),
        bytes(4, "Tile"),
    ]
    .concat();
    let facts = facts(&model(
        &[
            bytes(1, tile),
            bytes(5, repeats.concat()),
            bytes(11, bytes(1, "x")),
        ]
        .concat(),
    ));
    assert_eq!(ids(&facts), ["onnx-expands-enormously"]);
}

#[test]
fn broken_and_deep_models_are_anomalies_with_a_gap() {
    let whole = with_tensor(&tensor(&[2, 2], 1, &bytes(9, [0; 16])));
    for len in [whole.len() - 1, whole.len() - 12] {
        let facts = facts(&whole[..len]);
        assert_eq!(facts.files[0].format, "onnx");
        assert!(ids(&facts).contains(&"onnx-broken"));
        assert!(!facts.coverage.complete);
    }
    let mut graph = node("Relu", "", b"");
    for _ in 0..500 {
        graph = node("If", "", &bytes(5, bytes(6, &graph)));
    }
    assert_eq!(ids(&facts(&model(&graph))), ["onnx-nested-deep"]);
}

#[test]
fn a_tensor_alone_is_a_format_of_its_own() {
    let alone = tensor(&[2, 2], 1, &bytes(9, [0; 16]));
    let facts = read("input_0.pb", &alone, &Limits::default());
    assert_eq!(facts.files[0].format, "onnx-tensor");
    assert_eq!(facts.tensors[0].name, "w");
    assert!(facts.coverage.complete);
}

#[test]
fn other_protobufs_are_not_taken_for_models() {
    // A SavedModel: a version and a graph with its own fields.
    let saved = [int(1, 1), bytes(2, bytes(2, bytes(1, bytes(2, "NoOp"))))].concat();
    // A frozen TensorFlow graph.
    let frozen = bytes(1, [bytes(1, "x"), bytes(2, "Placeholder")].concat());
    for other in [saved, frozen] {
        let facts = read("saved_model.pb", &other, &Limits::default());
        let formats: Vec<_> = facts.graphs.iter().map(|graph| &graph.framework).collect();
        assert_eq!(formats, ["tensorflow"], "{:?}", facts.files);
    }
}

/// A node with the given inputs and outputs.
fn wired(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[u8]) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|name| bytes(1, name)).collect();
    let outputs: Vec<u8> = outputs.iter().flat_map(|name| bytes(2, name)).collect();
    let parts = [inputs, outputs, bytes(4, operator), attributes.to_vec()];
    bytes(1, parts.concat())
}

#[test]
fn a_graph_is_wired_by_name_through_its_sub_graphs() {
    let branch = [
        wired("Add", &["x", "late"], &["z"], b""),
        bytes(12, bytes(1, "z")),
    ]
    .concat();
    let attribute = |name: &str| {
        let parts = [bytes(1, name), bytes(6, &branch), int(20, 5)];
        bytes(5, parts.concat())
    };
    let both = [attribute("then_branch"), attribute("else_branch")].concat();
    let graph = [
        wired("If", &["c"], &["y"], &both),
        wired("Relu", &["x"], &["late"], b""),
        bytes(11, bytes(1, "x")),
        bytes(11, bytes(1, "c")),
        bytes(12, bytes(1, "y")),
        bytes(5, tensor(&[2, 2], 1, &bytes(9, [0; 16]))),
    ]
    .concat();
    let facts = facts(&model(&graph));
    assert_eq!(ids(&facts), [""; 0]);
    let wiring = &facts.wirings[0];
    assert_eq!((wiring.nodes.len(), wiring.bodies.len()), (4, 3));
    let named = |value: u32| wiring.values[usize::try_from(value).unwrap()].name.as_str();
    for add in wiring.nodes.iter().filter(|node| node.op == "Add") {
        let inputs: Vec<_> = add.inputs.iter().flatten().map(|id| named(*id)).collect();
        assert_eq!(inputs, ["x", "late"]);
    }
    let relu = wiring.nodes.iter().find(|node| node.op == "Relu").unwrap();
    let add = wiring.nodes.iter().find(|node| node.op == "Add").unwrap();
    assert_eq!(add.inputs[1], relu.outputs[0]);
    let constant = &wiring.constants[0];
    assert_eq!(
        (constant.dtype.as_str(), constant.shape.as_slice()),
        ("f32", &[2, 2][..])
    );
    assert_eq!(constant.bytes.as_ref().unwrap().len(), 16);
}

#[test]
fn lies_of_the_wiring_are_told() {
    let x = bytes(11, bytes(1, "x"));
    for (id, graph) in [
        (
            "onnx-name-dangling",
            wired("Relu", &["nowhere"], &["y"], b""),
        ),
        (
            "onnx-name-repeats",
            [
                wired("Relu", &["x"], &["y"], b""),
                wired("Neg", &["x"], &["y"], b""),
            ]
            .concat(),
        ),
        ("onnx-output-missing", bytes(12, bytes(1, "y"))),
        (
            "onnx-attribute-type",
            wired(
                "Relu",
                &["x"],
                &["y"],
                &bytes(5, [bytes(1, "a"), int(20, 6), int(3, 1)].concat()),
            ),
        ),
    ] {
        let facts = facts(&model(&[x.clone(), graph].concat()));
        assert_eq!(ids(&facts), [id]);
        assert_eq!(facts.wirings.len(), 1);
    }
}

#[test]
fn graphs_nested_without_end_are_cut() {
    let mut graph = wired("Relu", &["x"], &["y"], b"");
    for _ in 0..3_000 {
        let attribute = [bytes(1, "body"), bytes(6, &graph)].concat();
        graph = wired("Loop", &["x"], &["y"], &bytes(5, attribute));
    }
    let facts = facts(&model(&[bytes(11, bytes(1, "x")), graph].concat()));
    assert!(facts.wirings[0].cut && !facts.coverage.gaps.is_empty());
}
