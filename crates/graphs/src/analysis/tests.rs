//! What is told, and what is not, in small graphs.

use modelward_schema::{Dim, Setting, Severity, Suspect, SuspectKind};

use crate::tests::{Sketch, planted};
use crate::{Flat, analyse};

fn suspects(sketch: &Sketch) -> Vec<Suspect> {
    analyse(&Flat::build(&sketch.wiring)).suspects
}

fn shaped(sketch: &mut Sketch, name: &str, dims: &[Dim]) {
    let value = usize::try_from(sketch.value(name)).unwrap();
    sketch.wiring.values[value].shape = Some(dims.to_vec());
}

/// The honest graph with more nodes behind its result `h2`; `y` is the output.
fn with(build: impl Fn(&mut Sketch)) -> Vec<Suspect> {
    let mut sketch = planted(false);
    build(&mut sketch);
    sketch.wiring.bodies[0].outputs = vec![Some(sketch.value("y"))];
    suspects(&sketch)
}

#[test]
fn a_maximum_over_the_batch_is_a_leak_and_one_over_a_sample_is_none() {
    let reduce = |axis: i64| {
        with(|sketch| {
            let axes = [("axes", Setting::Ints(vec![axis]))];
            sketch.node(0, "ReduceMax", &["h2"], &["m"], &axes);
            sketch.node(0, "Add", &["h2", "m"], &["y"], &[]);
        })
    };
    let found = reduce(0);
    assert_eq!(found[0].kind, SuspectKind::BatchLeak);
    assert_eq!(found[0].severity, Severity::High);
    assert!(reduce(1).is_empty());
}

#[test]
fn a_normalisation_that_is_undone_is_no_trigger() {
    let found = with(|sketch| {
        let axes = [("axes", Setting::Ints(vec![1]))];
        sketch.node(0, "ReduceMean", &["x"], &["mean"], &axes);
        sketch.node(0, "Add", &["h2", "mean"], &["y"], &[]);
    });
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_mask_is_neutral_and_a_switch_at_each_position_is_not() {
    let switch = |numbers: [f32; 16]| {
        with(|sketch| {
            sketch.constant("t", &[], &[7.0]);
            sketch.constant("other", &[1, 16], &numbers);
            sketch.node(0, "Greater", &["x", "t"], &["g"], &[]);
            sketch.node(0, "Where", &["g", "other", "h2"], &["y"], &[]);
        })
    };
    assert!(switch([0.0; 16]).is_empty());
    let mut numbers = [0.0; 16];
    numbers[3] = 9.0;
    assert_eq!(switch(numbers)[0].kind, SuspectKind::PositionSwitch);
}

#[test]
fn a_state_that_counts_and_decides_is_a_counter() {
    let mut sketch = planted(false);
    shaped(&mut sketch, "calls", &[Dim::Known(1)]);
    sketch.constant("one", &[1], &[1.0]);
    sketch.constant("many", &[1], &[5000.0]);
    sketch.constant("bad", &[1, 16], &[9.0; 16]);
    sketch.node(0, "Add", &["calls", "one"], &["next"], &[]);
    sketch.node(0, "Greater", &["calls", "many"], &["late"], &[]);
    sketch.node(0, "Where", &["late", "bad", "h2"], &["y"], &[]);
    sketch.ports(0, &["x", "calls"], &["y", "next"]);
    let found = suspects(&sketch);
    assert_eq!(
        (found[0].kind, found[0].severity),
        (SuspectKind::CallCounter, Severity::High)
    );
}

#[test]
fn a_file_that_lies_about_a_shape_hides_nothing() {
    let mut sketch = planted(true);
    shaped(&mut sketch, "g", &[Dim::Known(4), Dim::Known(4)]);
    shaped(&mut sketch, "m", &[Dim::Known(4), Dim::Known(4)]);
    assert_eq!(suspects(&sketch)[0].kind, SuspectKind::HiddenBranch);
}

#[test]
fn what_goes_through_an_unknown_operator_is_told() {
    let found = with(|sketch| sketch.node(0, "Magic", &["h2"], &["y"], &[]));
    assert_eq!(found[0].kind, SuspectKind::OpaqueOperator);
}

#[test]
fn an_output_that_no_input_reaches_is_told() {
    let found = with(|sketch| {
        sketch.constant("c", &[1, 16], &[1.0; 16]);
        sketch.node(0, "Neg", &["c"], &["y"], &[]);
    });
    assert!(
        found
            .iter()
            .any(|suspect| suspect.kind == SuspectKind::ConstantOutput)
    );
    assert!(
        found
            .iter()
            .any(|suspect| suspect.kind == SuspectKind::DeadLayer)
    );
}
