//! How long flattening and analysis take, and how that grows.
//!
//! `cargo run --release -p modelward-graphs --example speed`
#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement"
)]

use std::time::Instant;

use modelward_graphs::{Flat, analyse};
use modelward_schema::{Body, Constant, Dim, Node, Value, Wiring};

/// Layers of a matrix, a bias, a rectifier and a residual, with a predicate on
/// the input at every hundredth.
fn graph(nodes: usize) -> Wiring {
    let mut wiring = Wiring {
        framework: "onnx".to_owned(),
        bodies: vec![Body::default()],
        ..Wiring::default()
    };
    let value = |wiring: &mut Wiring, shape: Option<Vec<Dim>>, constant: Option<u32>| {
        wiring.values.push(Value {
            name: format!("v{}", wiring.values.len()),
            dtype: "f32".to_owned(),
            shape,
            constant,
        });
        u32::try_from(wiring.values.len() - 1).unwrap_or(0)
    };
    let weights: Vec<u8> = (0..256_u16)
        .flat_map(|i| (f32::from(i) * 0.37 % 1.0).to_le_bytes())
        .collect();
    wiring.constants.push(Constant {
        dtype: "f32".to_owned(),
        shape: vec![16, 16],
        bytes: Some(weights),
        ..Constant::default()
    });
    let shape = vec![Dim::Symbol("batch".to_owned()), Dim::Known(16)];
    let input = value(&mut wiring, Some(shape), None);
    let weight = value(&mut wiring, None, Some(0));
    wiring.bodies[0].inputs = vec![input];
    let mut from = input;
    while wiring.nodes.len() < nodes {
        let step = wiring.nodes.len();
        let (op, inputs) = match step % 4 {
            0 => ("MatMul", vec![from, weight]),
            1 => ("Add", vec![from, input]),
            2 => ("Relu", vec![from]),
            _ if step % 100 == 99 => ("Where", vec![input, from, input]),
            _ => ("Mul", vec![from, input]),
        };
        let made = value(&mut wiring, None, None);
        wiring.nodes.push(Node {
            op: op.to_owned(),
            inputs: inputs.into_iter().map(Some).collect(),
            outputs: vec![Some(made)],
            ..Node::default()
        });
        let index = u32::try_from(step).unwrap_or(0);
        wiring.bodies[0].nodes.push(index);
        from = made;
    }
    wiring.bodies[0].outputs = vec![Some(from)];
    wiring
}

fn main() {
    let mut last = None::<(f64, f64)>;
    for nodes in [1_000, 10_000, 100_000, 1_000_000] {
        let wiring = graph(nodes);
        let mut best = f64::INFINITY;
        for _ in 0..if nodes > 100_000 { 1 } else { 5 } {
            let started = Instant::now();
            let flat = Flat::build(&wiring);
            let analysis = analyse(&flat);
            assert!(analysis.operators > 0);
            best = best.min(started.elapsed().as_secs_f64());
        }
        let slope = last.map_or(String::new(), |(size, time)| {
            let slope = (best / time).ln() / (nodes as f64 / size).ln();
            format!(", grows with the power {slope:.2}")
        });
        println!("{nodes:>9} nodes: {:.2} ms{slope}", best * 1000.0);
        last = Some((nodes as f64, best));
    }
}
