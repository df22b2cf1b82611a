//! A small model, written by `benches/graphs/tflite_small.py`, and what can be
//! done to it.

use modelward_schema::{Facts, Setting, Why};

use crate::{Limits, read};

const SMALL: &[u8] = include_bytes!("small.tflite");

fn facts(bytes: &[u8]) -> Facts {
    read("m.tflite", bytes, &Limits::default())
}

#[test]
fn a_model_has_its_operators_constants_and_sub_graphs() {
    let facts = facts(SMALL);
    assert_eq!(facts.files[0].format, "tflite");
    assert!(facts.coverage.complete, "{:?}", facts.coverage);
    assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
    let wiring = &facts.wirings[0];
    let ops: Vec<_> = wiring
        .nodes
        .iter()
        .map(|node| (node.domain.as_str(), node.op.as_str()))
        .collect();
    assert_eq!(
        ops,
        [
            ("", "FULLY_CONNECTED"),
            ("", "IF"),
            ("custom", "Vendor"),
            ("flex", "ReadFile"),
            ("", "RELU"),
        ]
    );
    let first = &wiring.nodes[0];
    assert_eq!(first.inputs[2], None);
    let weights = &wiring.values[first.inputs[1].unwrap() as usize];
    let weights = &wiring.constants[weights.constant.unwrap() as usize];
    assert_eq!(
        (weights.dtype.as_str(), weights.shape.as_slice()),
        ("f32", &[2, 2][..])
    );
    assert_eq!(weights.bytes.as_deref(), Some(&[0; 16][..]));
    let set = |node: usize, name: &str| {
        let found = wiring.nodes[node]
            .attributes
            .iter()
            .find(|one| one.name == name);
        found.map(|one| one.value.clone())
    };
    assert_eq!(set(0, "fused_activation_function"), Some(Setting::Int(1)));
    assert_eq!(
        set(0, "input_zero_points"),
        Some(Setting::Ints(vec![3, 0, 0]))
    );
    assert_eq!(set(1, "else_subgraph_index"), Some(Setting::Body(1)));
    assert_eq!(wiring.bodies[1].name, "branch");
    assert_eq!(wiring.bodies[1].nodes, [4]);
}

#[test]
fn operators_of_other_libraries_are_told() {
    let facts = facts(SMALL);
    let targets: Vec<_> = facts.code.iter().map(|code| code.target.as_str()).collect();
    assert_eq!(targets, ["custom::Vendor", "tf::ReadFile"]);
    assert_eq!(
        facts.graphs[0].custom_operators,
        ["custom::Vendor", "tf::ReadFile"]
    );
}

#[test]
fn bytes_behind_the_end_are_told_and_looked_into() {
    let mut bytes = SMALL.to_vec();
    bytes.extend(b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.");
    let facts = facts(&bytes);
    assert_eq!(facts.anomalies[0].id, "tflite-trailing-bytes");
    assert!(
        facts
            .code
            .iter()
            .any(|code| code.target.ends_with("system"))
    );
}

#[test]
fn a_model_that_is_cut_or_lies_is_never_whole() {
    for len in (8..SMALL.len()).step_by(7) {
        let facts = facts(&SMALL[..len]);
        let told = !facts.coverage.complete || !facts.anomalies.is_empty();
        assert!(told, "cut at {len}");
    }
    let mut lie = SMALL.to_vec();
    let place = lie.windows(4).position(|four| four == b"main").unwrap();
    lie[place - 4..place].copy_from_slice(&[0xff; 4]);
    let facts = facts(&lie);
    assert_eq!(facts.anomalies[0].id, "tflite-broken");
    assert!(
        facts
            .coverage
            .gaps
            .iter()
            .any(|gap| gap.why == Why::Malformed)
    );
}
