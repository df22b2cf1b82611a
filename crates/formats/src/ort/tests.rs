//! A small model, written by `benches/graphs/ort_small.py`.

use modelward_schema::{BodyKind, Dim, Facts, Setting};

use crate::{Limits, read};

const SMALL: &[u8] = include_bytes!("small.ort");

fn facts(bytes: &[u8]) -> Facts {
    read("m.ort", bytes, &Limits::default())
}

#[test]
fn a_model_has_its_operators_constants_and_branches() {
    let facts = facts(SMALL);
    assert_eq!(facts.files[0].format, "ort");
    assert!(facts.coverage.complete, "{:?}", facts.coverage);
    assert!(facts.anomalies.is_empty(), "{:?}", facts.anomalies);
    assert_eq!(facts.graphs[0].opsets["ai.onnx"], 17);
    let wiring = &facts.wirings[0];
    let ops: Vec<_> = wiring.nodes.iter().map(|node| node.op.as_str()).collect();
    assert_eq!(ops, ["MatMul", "If", "Relu", "Neg"]);
    let product = &wiring.nodes[0];
    let weights = &wiring.values[product.inputs[1].unwrap() as usize];
    let weights = &wiring.constants[weights.constant.unwrap() as usize];
    assert_eq!(
        (weights.dtype.as_str(), weights.shape.as_slice()),
        ("f32", &[2, 2][..])
    );
    let input = &wiring.values[wiring.bodies[0].inputs[0] as usize];
    assert_eq!(
        input.shape,
        Some(vec![Dim::Symbol("n".to_owned()), Dim::Known(2)])
    );
    let mut branches = wiring.nodes[1].attributes.iter();
    assert!(branches.all(|set| matches!(set.value, Setting::Body(_))));
    // A branch sees the values around it.
    assert_eq!(wiring.bodies[1].kind, BodyKind::Nested { parent: 0 });
    assert_eq!(wiring.nodes[2].inputs[0], product.outputs[0]);
}

#[test]
fn a_model_that_is_cut_is_never_whole() {
    for len in (8..SMALL.len()).step_by(11) {
        let facts = facts(&SMALL[..len]);
        let told = !facts.coverage.complete || !facts.anomalies.is_empty();
        assert!(told, "cut at {len}");
    }
}
