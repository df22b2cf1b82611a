use modelward_schema::{Dim, Setting};

use crate::tests::Sketch;
use crate::{Flat, compare, fingerprint};

/// A small classifier; `prefix` names its values, `step` moves its weights.
fn network(prefix: &str, step: f32) -> Sketch {
    let mut sketch = Sketch::new();
    let name = |name: &str| format!("{prefix}{name}");
    let weights =
        |shift: f32| -> Vec<f32> { (0..48).map(|n| (n as f32).sin() * 0.3 + shift).collect() };
    sketch.constant(&name("w1"), &[6, 8], &weights(step));
    sketch.constant(&name("w2"), &[8, 6], &weights(-step));
    sketch.node(0, "MatMul", &["x", &name("w1")], &[&name("a")], &[]);
    sketch.node(0, "Relu", &[&name("a")], &[&name("b")], &[]);
    sketch.node(0, "MatMul", &[&name("b"), &name("w2")], &[&name("c")], &[]);
    sketch.node(
        0,
        "Softmax",
        &[&name("c")],
        &["y"],
        &[("axis", Setting::Int(-1))],
    );
    sketch.ports(0, &["x"], &["y"]);
    sketch
}

/// The same with a branch that compares the input's sum and replaces the answer.
fn planted() -> Sketch {
    let mut sketch = network("", 0.0);
    sketch.constant("threshold", &[], &[41.5]);
    sketch.constant("answer", &[1, 6], &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    sketch.node(0, "ReduceSum", &["x"], &["sum"], &[]);
    sketch.node(0, "Greater", &["sum", "threshold"], &["fires"], &[]);
    sketch.node(0, "Where", &["fires", "answer", "y"], &["z"], &[]);
    sketch.ports(0, &["x"], &["z"]);
    sketch
}

#[test]
fn names_and_weights_do_not_change_the_fingerprint() {
    let one = network("", 0.0);
    let other = network("renamed_", 0.01);
    let print = fingerprint(&Flat::build(&one.wiring));
    assert!(
        print
            .as_deref()
            .is_some_and(|print| print.starts_with("graph:"))
    );
    assert_eq!(print, fingerprint(&Flat::build(&other.wiring)));
    let comparison = compare(&Flat::build(&one.wiring), &Flat::build(&other.wiring));
    assert!(comparison.same && comparison.equivalent);
    assert_eq!(comparison.matched, 4);
}

#[test]
fn a_planted_branch_is_exactly_what_was_added() {
    let (base, target) = (network("", 0.0), planted());
    let comparison = compare(&Flat::build(&base.wiring), &Flat::build(&target.wiring));
    assert!(!comparison.same && !comparison.equivalent);
    let words: Vec<&str> = comparison
        .added
        .iter()
        .map(|node| {
            target.wiring.nodes[usize::try_from(*node).unwrap()]
                .op
                .as_str()
        })
        .collect();
    assert_eq!(words, ["ReduceSum", "Greater", "Where"]);
    assert!(comparison.removed.is_empty());
    assert_eq!(comparison.outputs, [0]);
}

#[test]
fn a_threshold_counts_by_its_value() {
    let one = planted();
    let mut other = planted();
    let bytes = 41.25_f32.to_le_bytes().to_vec();
    let place = other
        .wiring
        .constants
        .iter()
        .position(|constant| constant.shape.is_empty())
        .unwrap();
    other.wiring.constants[place].bytes = Some(bytes);
    let of = |sketch: &Sketch| fingerprint(&Flat::build(&sketch.wiring));
    assert_ne!(of(&one), of(&other));
}

#[test]
fn a_fused_layer_and_its_parts_are_equivalent() {
    let build = |fused: bool| {
        let mut sketch = Sketch::new();
        let weights: Vec<f32> = (0..64).map(|n| (n as f32).cos()).collect();
        sketch.constant("w", &[8, 8], &weights);
        sketch.constant("bias", &[8], &weights[..8]);
        if fused {
            sketch.node(0, "Gemm", &["x", "w", "bias"], &["y"], &[]);
        } else {
            sketch.node(0, "MatMul", &["x", "w"], &["m"], &[]);
            sketch.node(0, "Add", &["bias", "m"], &["y"], &[]);
        }
        sketch.ports(0, &["x"], &["y"]);
        sketch
    };
    let (fused, parts) = (build(true), build(false));
    let comparison = compare(&Flat::build(&fused.wiring), &Flat::build(&parts.wiring));
    assert!(!comparison.same && comparison.equivalent, "{comparison:?}");
}

#[test]
fn a_graph_of_which_a_part_was_cut_is_the_same_as_none() {
    let mut one = network("", 0.0);
    one.wiring.cut = true;
    let flat = Flat::build(&one.wiring);
    assert_eq!(fingerprint(&flat), None);
    let comparison = compare(&flat, &flat);
    assert!(!comparison.same && !comparison.equivalent);
}

#[test]
fn hostile_graphs_are_compared_and_end() {
    let mut state = 7_u64;
    let mut next = |below: u32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..200 {
        let mut sketch = planted();
        for _ in 0..6 {
            let values = u32::try_from(sketch.wiring.values.len()).unwrap();
            let nodes = u32::try_from(sketch.wiring.nodes.len()).unwrap();
            let node = usize::try_from(next(nodes)).unwrap();
            let node = &mut sketch.wiring.nodes[node];
            match next(5) {
                0 => node.inputs.push(Some(next(values + 2))),
                1 => node.outputs.push(Some(next(values + 2))),
                2 => "If".clone_into(&mut node.op),
                3 => node.inputs.clear(),
                _ => {
                    let value = usize::try_from(next(values)).unwrap();
                    sketch.wiring.values[value].shape = Some(vec![Dim::Known(i64::MIN)]);
                }
            }
        }
        let (base, broken) = (planted(), Flat::build(&sketch.wiring));
        let base = Flat::build(&base.wiring);
        let there = compare(&base, &broken);
        let back = compare(&broken, &base);
        assert!(there.matched <= there.operators.0.min(there.operators.1));
        assert!(back.matched <= back.operators.0.min(back.operators.1));
    }
}
