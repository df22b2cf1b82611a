use std::collections::BTreeMap;

use modelward_schema::{Attribute, Body, Constant, Node, Setting, Value, Wiring};

use super::{Array, Kind, Machine, NoWeights, Refusal, Run};

fn value(name: &str) -> Value {
    Value {
        name: name.to_owned(),
        dtype: "f32".to_owned(),
        ..Value::default()
    }
}

/// A graph of one node over `inputs` values.
fn single(op: &str, inputs: usize, outputs: usize, attributes: Vec<Attribute>) -> Wiring {
    let total = u32::try_from(inputs + outputs).unwrap();
    let first = u32::try_from(inputs).unwrap();
    Wiring {
        framework: "onnx".to_owned(),
        opsets: BTreeMap::from([("ai.onnx".to_owned(), 17)]),
        values: (0..total).map(|n| value(&format!("v{n}"))).collect(),
        nodes: vec![Node {
            op: op.to_owned(),
            inputs: (0..first).map(Some).collect(),
            outputs: (first..total).map(Some).collect(),
            attributes,
            ..Node::default()
        }],
        bodies: vec![Body {
            inputs: (0..first).collect(),
            outputs: (first..total).map(Some).collect(),
            nodes: vec![0],
            ..Body::default()
        }],
        ..Wiring::default()
    }
}

fn run(op: &str, inputs: Vec<Array>, attributes: Vec<Attribute>) -> Result<Array, Refusal> {
    let wiring = single(op, inputs.len(), 1, attributes);
    let machine = Machine::new(&wiring, &NoWeights);
    let mut run = Run {
        feeds: (0..).zip(inputs).collect(),
        ..Run::default()
    };
    Ok(machine.run(&mut run, &machine.outputs())?.remove(0))
}

fn floats(shape: &[usize], data: &[f64]) -> Array {
    Array::floats(Kind::F32, shape.to_vec(), data.to_vec()).unwrap()
}

fn ints(kind: Kind, shape: &[usize], data: &[i64]) -> Array {
    Array::ints(kind, shape.to_vec(), data.to_vec()).unwrap()
}

fn int(name: &str, n: i64) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: Setting::Int(n),
    }
}

#[test]
fn integers_wrap_around_at_their_own_width() {
    let a = ints(Kind::I32, &[2], &[i64::from(i32::MAX), -7]);
    let b = ints(Kind::I32, &[2], &[1, 3]);
    let sum = run("Add", vec![a.clone(), b.clone()], vec![]).unwrap();
    assert_eq!(sum.as_ints().unwrap(), [i64::from(i32::MIN), -4]);
    let rest = run("Mod", vec![a.clone(), b.clone()], vec![]).unwrap();
    assert_eq!(rest.as_ints().unwrap(), [0, 2]);
    let rest = run("Mod", vec![a, b], vec![int("fmod", 1)]).unwrap();
    assert_eq!(rest.as_ints().unwrap(), [0, -1]);
}

#[test]
fn singles_round_like_singles() {
    let third = run(
        "Div",
        vec![floats(&[], &[1.0]), floats(&[], &[3.0])],
        vec![],
    )
    .unwrap();
    assert_eq!(third.first().unwrap(), f64::from(1.0_f32 / 3.0_f32));
}

#[test]
fn half_precision_overflows_to_infinity() {
    let a = Array::floats(Kind::F16, vec![2], vec![65_504.0, 1e-8]).unwrap();
    let sum = run("Add", vec![a.clone(), a], vec![]).unwrap();
    assert_eq!(sum.as_floats().unwrap()[0], f64::INFINITY);
}

#[test]
fn nan_is_unequal_and_passes_through_a_rectifier() {
    let a = floats(&[1], &[f64::NAN]);
    let equal = run("Equal", vec![a.clone(), a.clone()], vec![]).unwrap();
    assert_eq!(equal.as_ints().unwrap(), [0]);
    assert!(
        run("Relu", vec![a], vec![])
            .unwrap()
            .first()
            .unwrap()
            .is_nan()
    );
}

#[test]
fn a_slice_may_run_backwards() {
    let data = floats(&[5], &[0.0, 1.0, 2.0, 3.0, 4.0]);
    let at = |n: i64| ints(Kind::I64, &[1], &[n]);
    let out = run(
        "Slice",
        vec![data, at(-1), at(i64::MIN), at(0), at(-2)],
        vec![],
    )
    .unwrap();
    assert_eq!(out.as_floats().unwrap(), [4.0, 2.0, 0.0]);
}

#[test]
fn shapes_whose_product_overflows_are_refused() {
    let huge = ints(Kind::I64, &[3], &[1 << 40, 1 << 40, 1 << 40]);
    for shape in [
        huge,
        ints(Kind::I64, &[1], &[-3]),
        ints(Kind::I64, &[1], &[i64::MAX]),
    ] {
        let made = run("ConstantOfShape", vec![shape.clone()], vec![]);
        assert!(made.is_err(), "{made:?}");
        assert!(run("Expand", vec![floats(&[1], &[1.0]), shape], vec![]).is_err());
    }
    let range = [0, i64::MAX, 1]
        .map(|n| ints(Kind::I64, &[], &[n]))
        .to_vec();
    assert_eq!(run("Range", range, vec![]), Err(Refusal::Budget));
}

#[test]
fn an_unknown_operator_is_refused_by_name() {
    let made = run("Teleport", vec![floats(&[], &[1.0])], vec![]);
    assert_eq!(made, Err(Refusal::Operator("Teleport".to_owned())));
}

#[test]
fn a_division_of_integers_by_zero_is_refused() {
    let zero = ints(Kind::I64, &[], &[0]);
    assert!(run("Div", vec![zero.clone(), zero.clone()], vec![]).is_err());
    assert!(run("Mod", vec![zero.clone(), zero], vec![]).is_err());
}

#[test]
fn a_cycle_is_refused() {
    let mut wiring = single("Neg", 1, 1, vec![]);
    wiring.nodes[0].inputs = vec![Some(1)];
    let machine = Machine::new(&wiring, &NoWeights);
    let made = machine.run(&mut Run::default(), &machine.outputs());
    assert!(matches!(made, Err(Refusal::Nonsense(_))), "{made:?}");
}

#[test]
fn a_body_inside_itself_is_refused() {
    let mut wiring = single("If", 1, 1, vec![]);
    wiring.nodes[0].attributes = ["then_branch", "else_branch"]
        .map(|name| Attribute {
            name: name.to_owned(),
            value: Setting::Body(0),
        })
        .to_vec();
    let machine = Machine::new(&wiring, &NoWeights);
    let mut run = Run {
        feeds: BTreeMap::from([(0, Array::bools(vec![], [true]).unwrap())]),
        ..Run::default()
    };
    assert!(machine.run(&mut run, &machine.outputs()).is_err());
}

#[test]
fn a_held_value_replaces_what_is_computed() {
    let wiring = single("Neg", 1, 1, vec![]);
    let machine = Machine::new(&wiring, &NoWeights);
    let mut run = Run {
        feeds: BTreeMap::from([(0, floats(&[], &[2.0]))]),
        held: BTreeMap::from([(1, floats(&[], &[5.0]))]),
        ..Run::default()
    };
    assert_eq!(
        machine.run(&mut run, &[1]).unwrap()[0].first().unwrap(),
        5.0
    );
}

/// Every operator, on every number of operands of every kind and shape here:
/// an answer or a refusal, never a panic.
#[test]
fn no_operator_panics_on_operands_that_do_not_fit() {
    const OPS: &str = "Abs Add And ArgMax ArgMin ArrayFeatureExtractor AveragePool BatchNormalization \
        BitShift BitwiseAnd BitwiseNot Cast CastLike Ceil Clip Compress Concat Constant ConstantOfShape \
        Conv ConvInteger ConvTranspose Cos CumSum DepthToSpace DequantizeLinear Div Dropout \
        DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten GRU Gather GatherElements \
        GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GroupNormalization \
        HardSigmoid Hardmax Identity If InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization \
        Less Log LogSoftmax Loop LpNormalization LpPool MatMul MatMulInteger Max MaxPool Mean \
        MeanVarianceNormalization Min Mod Mul Neg NonMaxSuppression NonZero Not OneHot Or PRelu Pad Pow \
        QLinearConv QLinearMatMul QuantizeLinear RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum \
        ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape \
        Resize ReverseSequence Round Scan ScatterElements ScatterND Shape Sigmoid Sign Size Slice Softmax \
        SpaceToDepth Split Sqrt Squeeze Sub Sum Tile TopK Transpose Trilu Unique Unsqueeze Where Xor";
    let arrays = [
        floats(&[], &[0.5]),
        floats(&[0], &[]),
        floats(&[2, 3], &[f64::NAN, -1.0, 0.0, 1.0, f64::INFINITY, 9.0]),
        floats(&[1, 2, 2, 2], &[1.0; 8]),
        floats(&[1, 0, 3], &[]),
        ints(Kind::I64, &[], &[i64::MIN]),
        ints(Kind::I64, &[3], &[-1, 0, i64::MAX]),
        ints(Kind::I64, &[2, 2], &[0, 1, 1, 0]),
        ints(Kind::U8, &[2], &[3, 200]),
        Array::bools(vec![2], [true, false]).unwrap(),
        Array::texts(vec![1], vec!["x".to_owned()]).unwrap(),
    ];
    let settings = [
        vec![],
        vec![
            int("axis", -9),
            int("k", i64::MAX),
            int("blocksize", 0),
            int("group", 0),
            int("hidden_size", -1),
        ],
        vec![
            int("axis", 0),
            Attribute {
                name: "kernel_shape".to_owned(),
                value: Setting::Ints(vec![2, 2]),
            },
            Attribute {
                name: "pads".to_owned(),
                value: Setting::Ints(vec![i64::MAX, -5, i64::MIN, 1]),
            },
            Attribute {
                name: "strides".to_owned(),
                value: Setting::Ints(vec![0, i64::MAX]),
            },
        ],
    ];
    let mut answered = 0;
    for op in OPS.split_whitespace() {
        for attributes in &settings {
            for a in &arrays {
                for b in &arrays {
                    for count in [1, 2, 3, 5] {
                        let inputs = [a, b, b, a, b].into_iter().take(count).cloned().collect();
                        answered += u32::from(run(op, inputs, attributes.clone()).is_ok());
                    }
                }
            }
        }
    }
    assert!(answered > 1000, "{answered}");
}

#[test]
fn a_constant_shorter_than_its_shape_is_refused() {
    let mut wiring = single("Neg", 1, 1, vec![]);
    wiring.bodies[0].inputs.clear();
    wiring.values[0].constant = Some(0);
    wiring.constants = vec![Constant {
        dtype: "f32".to_owned(),
        shape: vec![4, u64::MAX],
        bytes: Some(vec![0; 4]),
        ..Constant::default()
    }];
    let machine = Machine::new(&wiring, &NoWeights);
    assert!(machine.run(&mut Run::default(), &[1]).is_err());
}
