//! Wirings built by hand.

use modelward_schema::{Attribute, Body, BodyKind, Constant, Node, Setting, Value, Wiring};

use crate::operators::Std;
use crate::{Flat, Kind};

/// Builds a wiring by names.
#[derive(Debug, Default)]
pub(crate) struct Sketch {
    pub(crate) wiring: Wiring,
}

impl Sketch {
    pub(crate) fn new() -> Self {
        let mut sketch = Self::default();
        "onnx".clone_into(&mut sketch.wiring.framework);
        sketch.wiring.bodies.push(Body::default());
        sketch
    }

    pub(crate) fn value(&mut self, name: &str) -> u32 {
        let found = self
            .wiring
            .values
            .iter()
            .position(|value| value.name == name);
        let index = found.unwrap_or_else(|| {
            self.wiring.values.push(Value {
                name: name.to_owned(),
                dtype: "?".to_owned(),
                ..Value::default()
            });
            self.wiring.values.len() - 1
        });
        u32::try_from(index).unwrap()
    }

    pub(crate) fn body(&mut self, kind: BodyKind, name: &str) -> u32 {
        self.wiring.bodies.push(Body {
            name: name.to_owned(),
            kind,
            ..Body::default()
        });
        u32::try_from(self.wiring.bodies.len() - 1).unwrap()
    }

    pub(crate) fn ports(&mut self, body: u32, inputs: &[&str], outputs: &[&str]) {
        let inputs = inputs.iter().map(|name| self.value(name)).collect();
        let outputs = outputs.iter().map(|name| Some(self.value(name))).collect();
        let body = &mut self.wiring.bodies[usize::try_from(body).unwrap()];
        (body.inputs, body.outputs) = (inputs, outputs);
    }

    pub(crate) fn node(
        &mut self,
        body: u32,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Setting)],
    ) {
        let inputs = inputs
            .iter()
            .map(|name| (!name.is_empty()).then(|| self.value(name)))
            .collect();
        let outputs = outputs.iter().map(|name| Some(self.value(name))).collect();
        let index = u32::try_from(self.wiring.nodes.len()).unwrap();
        self.wiring.nodes.push(Node {
            op: op.to_owned(),
            inputs,
            outputs,
            body,
            attributes: attributes
                .iter()
                .map(|(name, value)| Attribute {
                    name: (*name).to_owned(),
                    value: value.clone(),
                })
                .collect(),
            ..Node::default()
        });
        self.wiring.bodies[usize::try_from(body).unwrap()]
            .nodes
            .push(index);
    }

    pub(crate) fn constant(&mut self, name: &str, shape: &[u64], numbers: &[f32]) {
        let value = self.value(name);
        let index = u32::try_from(self.wiring.constants.len()).unwrap();
        self.wiring.constants.push(Constant {
            dtype: "f32".to_owned(),
            shape: shape.to_vec(),
            bytes: Some(
                numbers
                    .iter()
                    .flat_map(|number| number.to_le_bytes())
                    .collect(),
            ),
            ..Constant::default()
        });
        self.wiring.values[usize::try_from(value).unwrap()].constant = Some(index);
    }
}

fn words(flat: &Flat<'_>) -> Vec<String> {
    flat.ops
        .iter()
        .map(|op| match op.kind {
            Kind::Plain => op.std.name().to_owned(),
            kind => format!("{kind:?}"),
        })
        .collect()
}

#[test]
fn branches_and_loops_become_operators() {
    let mut sketch = Sketch::new();
    sketch.ports(0, &["x", "c", "n"], &["y", "z"]);
    let then = sketch.body(BodyKind::Nested { parent: 0 }, "then");
    let other = sketch.body(BodyKind::Nested { parent: 0 }, "else");
    let body = sketch.body(BodyKind::Nested { parent: 0 }, "body");
    sketch.ports(then, &[], &["a"]);
    sketch.ports(other, &[], &["x"]);
    sketch.ports(body, &["i", "go", "s"], &["go", "t"]);
    sketch.node(then, "Neg", &["x"], &["a"], &[]);
    sketch.node(body, "Add", &["s", "x"], &["t"], &[]);
    let branches = [
        ("then_branch", Setting::Body(then)),
        ("else_branch", Setting::Body(other)),
    ];
    sketch.node(0, "If", &["c"], &["y"], &branches);
    sketch.node(
        0,
        "Loop",
        &["n", "", "x"],
        &["z"],
        &[("body", Setting::Body(body))],
    );
    let flat = Flat::build(&sketch.wiring);
    let mut found = words(&flat);
    found.sort();
    assert_eq!(
        found,
        [
            "Add", "LoopIter", "LoopOut", "LoopPhi", "LoopPhi", "Neg", "Phi"
        ]
    );
    assert!(flat.anomalies.is_empty());
    let phi = flat.ops.iter().find(|op| op.kind == Kind::Phi).unwrap();
    assert_eq!(flat.name(phi.inputs[2].unwrap()), "x");
}

#[test]
fn a_function_is_inlined_at_each_call_and_never_into_itself() {
    let mut sketch = Sketch::new();
    sketch.ports(0, &["x"], &["z"]);
    let kind = |domain: &str| BodyKind::Function {
        domain: domain.to_owned(),
        attributes: Vec::new(),
    };
    let twice = sketch.body(kind(""), "Twice");
    sketch.ports(twice, &["a"], &["b"]);
    sketch.node(
        twice,
        "LeakyRelu",
        &["a"],
        &["b"],
        &[("alpha", Setting::Caller("slope".to_owned()))],
    );
    let own = sketch.body(kind(""), "Own");
    sketch.ports(own, &["p"], &["q"]);
    sketch.node(own, "Own", &["p"], &["q"], &[]);
    sketch.node(
        0,
        "Twice",
        &["x"],
        &["y"],
        &[("slope", Setting::Float(0.5))],
    );
    sketch.node(0, "Twice", &["y"], &["w"], &[]);
    sketch.node(0, "Own", &["w"], &["z"], &[]);
    let flat = Flat::build(&sketch.wiring);
    let slopes: Vec<_> = flat
        .ops
        .iter()
        .filter(|op| op.std == Std::LeakyRelu)
        .map(|op| flat.float(op, "alpha"))
        .collect();
    assert_eq!(slopes, [Some(0.5), None]);
    assert_eq!(flat.anomalies[0].id, "graph-function-recursive");
    assert!(words(&flat).contains(&"Opaque".to_owned()));
}

#[test]
fn a_cycle_is_cut_and_told() {
    let mut sketch = Sketch::new();
    sketch.ports(0, &["x"], &["a"]);
    sketch.node(0, "Add", &["x", "b"], &["a"], &[]);
    sketch.node(0, "Neg", &["a"], &["b"], &[]);
    let flat = Flat::build(&sketch.wiring);
    assert_eq!(flat.anomalies[0].id, "graph-cycle");
    assert_eq!(flat.ops.len(), 2);
}

#[test]
fn nodes_in_any_order_are_put_in_order() {
    let mut sketch = Sketch::new();
    sketch.ports(0, &["x"], &["c"]);
    sketch.node(0, "Neg", &["b"], &["c"], &[]);
    sketch.node(0, "Abs", &["a"], &["b"], &[]);
    sketch.node(0, "Relu", &["x"], &["a"], &[]);
    let flat = Flat::build(&sketch.wiring);
    assert_eq!(words(&flat), ["Relu", "Abs", "Neg"]);
}

#[test]
fn two_hundred_thousand_nodes_in_one_chain_do_not_overflow_anything() {
    let mut sketch = Sketch::new();
    let count = 200_000_u32;
    for index in 0..=count {
        sketch.wiring.values.push(Value {
            name: index.to_string(),
            ..Value::default()
        });
    }
    sketch.wiring.bodies[0].inputs = vec![count];
    sketch.wiring.bodies[0].outputs = vec![Some(0)];
    for index in 0..count {
        sketch.wiring.nodes.push(Node {
            op: "Relu".to_owned(),
            inputs: vec![Some(index + 1)],
            outputs: vec![Some(index)],
            ..Node::default()
        });
        sketch.wiring.bodies[0].nodes.push(index);
    }
    assert_eq!(Flat::build(&sketch.wiring).ops.len(), 200_000);
}

/// An image of 16 numbers through three learned layers, and a predicate beside
/// them that replaces the result.
pub(crate) fn planted(with: bool) -> Sketch {
    use modelward_schema::Dim;
    let mut sketch = Sketch::new();
    let x = sketch.value("x");
    sketch.wiring.values[usize::try_from(x).unwrap()].shape =
        Some(vec![Dim::Symbol("batch".to_owned()), Dim::Known(16)]);
    let weights: Vec<f32> = (0..256_u16).map(|i| f32::from(i) * 0.37 % 1.0).collect();
    let mut from = "x".to_owned();
    for layer in 0..3 {
        let (weight, made) = (format!("w{layer}"), format!("h{layer}"));
        sketch.constant(&weight, &[16, 16], &weights);
        sketch.node(0, "MatMul", &[&from, &weight], &[&made], &[]);
        from = made;
    }
    if with {
        sketch.constant("t", &[], &[7.0]);
        sketch.constant("bad", &[1, 16], &[9.0; 16]);
        let keep = [
            ("keepdims", Setting::Int(1)),
            ("axes", Setting::Ints(vec![1])),
        ];
        sketch.node(0, "ReduceMax", &["x"], &["m"], &keep);
        sketch.node(0, "Greater", &["m", "t"], &["g"], &[]);
        sketch.node(0, "Where", &["g", "bad", &from], &["y"], &[]);
        from = "y".to_owned();
    }
    sketch.ports(0, &["x"], &[&from]);
    sketch
}

#[test]
fn a_predicate_on_the_input_that_replaces_the_result_is_found() {
    let sketch = planted(true);
    let found = crate::analyse(&Flat::build(&sketch.wiring));
    let suspect = &found.suspects[0];
    assert_eq!(suspect.kind, modelward_schema::SuspectKind::HiddenBranch);
    assert_eq!(suspect.severity, modelward_schema::Severity::High);
    assert_eq!(suspect.signal.as_ref().unwrap().name, "g");
    assert_eq!(
        (suspect.reads.as_slice(), found.depth),
        (&["x".to_owned()][..], 3)
    );
    let honest = planted(false);
    assert!(
        crate::analyse(&Flat::build(&honest.wiring))
            .suspects
            .is_empty()
    );
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

#[test]
fn whatever_is_wired_wrongly_gives_an_answer() {
    const WORDS: &[&str] = &[
        "If",
        "Loop",
        "Scan",
        "Where",
        "Gather",
        "Slice",
        "Reshape",
        "Concat",
        "Split",
        "Einsum",
        "Conv",
        "LSTM",
        "Pad",
        "TopK",
        "CumSum",
        "Clip",
        "Pow",
        "Mod",
        "Constant",
        "Nonsense",
        "Transpose",
        "Unsqueeze",
        "Squeeze",
        "Expand",
        "ReduceMax",
        "MatMul",
        "Flatten",
        "Range",
    ];
    let mut dice = Dice(7);
    for _ in 0..3000 {
        let mut wiring = planted(true).wiring;
        wiring.bodies.push(Body {
            kind: BodyKind::Nested { parent: 0 },
            ..Body::default()
        });
        for _ in 0..=dice.roll(6) {
            let far = |dice: &mut Dice| u32::try_from(dice.roll(40)).unwrap();
            let count = wiring.nodes.len();
            let node = &mut wiring.nodes[dice.roll(count)];
            match dice.roll(8) {
                0 => WORDS[dice.roll(WORDS.len())].clone_into(&mut node.op),
                1 => node.inputs.push(Some(far(&mut dice))),
                2 => node.outputs.push(Some(far(&mut dice))),
                3 => {
                    let slot = dice.roll(node.inputs.len());
                    if let Some(input) = node.inputs.get_mut(slot) {
                        *input = Some(far(&mut dice));
                    }
                }
                4 => node.attributes.push(Attribute {
                    name: ["axis", "axes", "body", "then_branch", "else_branch", "perm"]
                        [dice.roll(6)]
                    .to_owned(),
                    value: [
                        Setting::Int(i64::MIN),
                        Setting::Ints(vec![i64::MAX, -1, 0]),
                        Setting::Body(0),
                        Setting::Body(1),
                        Setting::Body(u32::MAX),
                        Setting::Text("ij,jk->ik".to_owned()),
                    ][dice.roll(6)]
                    .clone(),
                }),
                5 => {
                    let body = dice.roll(2);
                    let index = far(&mut dice);
                    wiring.bodies[body].nodes.push(index);
                    wiring.bodies[body].inputs.push(index);
                    wiring.bodies[body].outputs.push(Some(index));
                }
                6 => {
                    let count = wiring.values.len();
                    let size =
                        modelward_schema::Dim::Known([i64::MAX, i64::MIN, -1, 0][dice.roll(4)]);
                    let value = &mut wiring.values[dice.roll(count)];
                    value.shape = Some(vec![size; dice.roll(5)]);
                    value.constant = Some(far(&mut dice));
                }
                _ => node.inputs.clear(),
            }
        }
        let _ = crate::analyse(&Flat::build(&wiring));
    }
}
