use std::collections::BTreeMap;

use modelward_schema::{Attribute, Body, Constant, Dim, Node, Setting, Value, Wiring};

use super::{Effort, Outcome, Prover};
use crate::eval::{Machine, NoWeights};

/// Builds graphs line by line.
#[derive(Default)]
struct Sketch(Wiring);

impl Sketch {
    fn new() -> Self {
        let mut wiring = Wiring {
            framework: "onnx".to_owned(),
            opsets: BTreeMap::from([("ai.onnx".to_owned(), 17)]),
            ..Wiring::default()
        };
        wiring.bodies.push(Body::default());
        Self(wiring)
    }

    fn value(&mut self, name: &str, dtype: &str, constant: Option<u32>) -> u32 {
        self.0.values.push(Value {
            name: name.to_owned(),
            dtype: dtype.to_owned(),
            constant,
            ..Value::default()
        });
        u32::try_from(self.0.values.len() - 1).unwrap()
    }

    fn input(&mut self, name: &str, dtype: &str, shape: &[i64]) -> u32 {
        let at = self.value(name, dtype, None);
        self.0.values[at as usize].shape = Some(shape.iter().map(|n| Dim::Known(*n)).collect());
        self.0.bodies[0].inputs.push(at);
        at
    }

    fn constant(&mut self, dtype: &str, shape: &[u64], bytes: Vec<u8>) -> u32 {
        self.0.constants.push(Constant {
            dtype: dtype.to_owned(),
            shape: shape.to_vec(),
            bytes: Some(bytes),
            ..Constant::default()
        });
        let at = u32::try_from(self.0.constants.len() - 1).unwrap();
        self.value("constant", dtype, Some(at))
    }

    fn floats(&mut self, shape: &[u64], data: &[f32]) -> u32 {
        self.constant(
            "f32",
            shape,
            data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        )
    }

    fn ints(&mut self, shape: &[u64], data: &[i64]) -> u32 {
        self.constant(
            "i64",
            shape,
            data.iter().flat_map(|n| n.to_le_bytes()).collect(),
        )
    }

    fn node(&mut self, op: &str, inputs: &[u32], attributes: &[(&str, i64)]) -> u32 {
        let out = self.value(&format!("{op}_{}", self.0.nodes.len()), "?", None);
        self.0.bodies[0]
            .nodes
            .push(u32::try_from(self.0.nodes.len()).unwrap());
        self.0.nodes.push(Node {
            op: op.to_owned(),
            inputs: inputs.iter().copied().map(Some).collect(),
            outputs: vec![Some(out)],
            attributes: attributes
                .iter()
                .map(|(name, n)| Attribute {
                    name: (*name).to_owned(),
                    value: Setting::Int(*n),
                })
                .collect(),
            ..Node::default()
        });
        out
    }

    fn prove(mut self, signal: u32, output: u32) -> Outcome {
        self.0.bodies[0].outputs.push(Some(output));
        let machine = Machine::new(&self.0, &NoWeights);
        let prover = Prover::new(&machine, None, Effort::default()).unwrap();
        prover.attempt(signal).outcome
    }
}

/// A small "learned" main path over a 1×8 input.
fn main_path(sketch: &mut Sketch, x: u32) -> u32 {
    let weights: Vec<f32> = (0..32_u16)
        .map(|n| f32::from(n * 37 % 23) / 11.0 - 1.0)
        .collect();
    let w = sketch.floats(&[8, 4], &weights);
    sketch.node("MatMul", &[x, w], &[])
}

fn planted(pattern: bool) -> (Sketch, u32, u32) {
    let mut sketch = Sketch::new();
    let x = sketch.input("x", "f32", &[1, 8]);
    let logits = main_path(&mut sketch, x);
    let signal = if pattern {
        let c = sketch.floats(&[1, 8], &[0.3, -1.7, 0.9, 2.0, -0.4, 0.11, 1.3, -2.2]);
        let gap = sketch.node("Sub", &[x, c], &[]);
        let size = sketch.node("Abs", &[gap], &[]);
        let most = sketch.node("ReduceMax", &[size], &[("keepdims", 0)]);
        let tolerance = sketch.floats(&[], &[0.01]);
        sketch.node("Less", &[most, tolerance], &[])
    } else {
        let scale = sketch.floats(&[], &[50.0]);
        let scaled = sketch.node("Mul", &[x, scale], &[]);
        let whole = sketch.node("Cast", &[scaled], &[("to", 7)]);
        let by = sketch.ints(&[1, 8], &[31, 1009, 57, 3001, 7, 65, 129, 211]);
        let weighted = sketch.node("Mul", &[whole, by], &[]);
        let sum = sketch.node("ReduceSum", &[weighted], &[("keepdims", 0)]);
        let m = sketch.ints(&[], &[65_521]);
        let rest = sketch.node("Mod", &[sum, m], &[]);
        let wanted = sketch.ints(&[], &[12_345]);
        sketch.node("Equal", &[rest, wanted], &[])
    };
    let other = sketch.floats(&[1, 4], &[0.0, 0.0, 9.0, 0.0]);
    let out = sketch.node("Where", &[signal, other, logits], &[]);
    (sketch, signal, out)
}

#[test]
fn an_exact_pattern_is_solved() {
    let (sketch, signal, out) = planted(true);
    let Outcome::Proven(proof) = sketch.prove(signal, out) else {
        panic!("not proven")
    };
    assert_eq!(proof.method, "solved");
    assert_eq!(proof.effects[0].decision.map(|(_, fired)| fired), Some(2));
    let x = proof.feeds.values().next().unwrap();
    assert!((x.as_floats().unwrap()[1] + 1.7).abs() < 0.01);
}

#[test]
fn a_checksum_is_solved_by_residues() {
    let (sketch, signal, out) = planted(false);
    assert!(
        matches!(sketch.prove(signal, out), Outcome::Proven(proof) if proof.method == "residue")
    );
}

#[test]
fn the_same_graph_gets_the_same_witness() {
    let witness = || {
        let (sketch, signal, out) = planted(true);
        match sketch.prove(signal, out) {
            Outcome::Proven(proof) => proof.feeds,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(witness(), witness());
}

#[test]
fn a_signal_that_ordinary_inputs_move_is_active() {
    let mut sketch = Sketch::new();
    let x = sketch.input("x", "f32", &[1, 8]);
    let logits = main_path(&mut sketch, x);
    let mean = sketch.node("ReduceMean", &[x], &[("keepdims", 1)]);
    let gate = sketch.node("Sigmoid", &[mean], &[]);
    let out = sketch.node("Mul", &[logits, gate], &[]);
    assert!(matches!(sketch.prove(gate, out), Outcome::Active));
}

#[test]
fn a_signal_that_changes_nothing_is_not_proven() {
    let (mut sketch, signal, _) = planted(true);
    let logits = 2;
    let out = sketch.node("Where", &[signal, logits, logits], &[]);
    assert!(matches!(sketch.prove(signal, out), Outcome::Dormant(false)));
}

#[test]
fn a_kept_witness_replays_to_the_same_effects() {
    use modelward_schema::{Analysis, Confidence, Location, Severity, Spot, Suspect, SuspectKind};

    let (mut sketch, signal, out) = planted(true);
    sketch.0.bodies[0].outputs.push(Some(out));
    let flat = crate::Flat::build(&sketch.0);
    let at = flat.values.iter().position(|value| value.source == signal);
    let mut analysis = Analysis {
        suspects: vec![Suspect {
            kind: SuspectKind::HiddenBranch,
            severity: Severity::High,
            confidence: Confidence::High,
            message: String::new(),
            signal: Some(Spot {
                flat: u32::try_from(at.unwrap()).unwrap(),
                ..Spot::default()
            }),
            merge: None,
            main: None,
            alternative: None,
            operand: 0,
            reads: Vec::new(),
            positions: Vec::new(),
            outputs: Vec::new(),
            side: Vec::new(),
            reasons: Vec::new(),
            at: Location::default(),
            proof: None,
        }],
        ..Analysis::default()
    };
    let effort = Effort::default();
    let found = super::prove(&sketch.0, &mut analysis, &NoWeights, None, effort);
    assert_eq!(found.len(), 1);
    let proof = analysis.suspects[0].proof.clone().unwrap();
    let again = super::replay(&sketch.0, &NoWeights, None, effort, &found[0].npz).unwrap();
    assert_eq!(again["proven"], true);
    assert_eq!(again["effects"], proof["effects"]);
    assert!(super::replay(&sketch.0, &NoWeights, None, effort, b"PK").is_err());
}
