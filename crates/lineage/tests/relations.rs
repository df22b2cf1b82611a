//! Every relation on a model of a few numbers: honest is proven, and what is
//! wrong in one place is refuted and named.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a test may fail loudly"
)]

use std::sync::Arc;

use modelward_lineage::{Case, Claim, Data, Grade, Model, ModelFile, Part, Proof, Tensor, prove};
use modelward_schema::{Facts, FileFact};

/// Small numbers that are not regular.
fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
        })
        .collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn tensor(name: &str, dtype: &str, shape: &[u64], data: Vec<u8>) -> Tensor {
    let len = data.len() as u64;
    Tensor {
        name: name.to_owned(),
        dtype: dtype.to_owned(),
        shape: shape.to_vec(),
        big_endian: false,
        data: Data::Dense(vec![Part {
            bytes: Arc::new(data),
            start: 0,
            len,
        }]),
        file: "m.safetensors".to_owned(),
    }
}

fn floats(name: &str, shape: &[u64], values: &[f32]) -> Tensor {
    tensor(name, "f32", shape, bytes(values))
}

fn model(given: &str, tensors: Vec<Tensor>, small: &[(&str, &str)]) -> Model {
    let mut files = vec![ModelFile {
        path: "m.safetensors".to_owned(),
        format: "safetensors".to_owned(),
        size: 0,
        bytes: Arc::new(Vec::new()),
    }];
    for (path, content) in small {
        files.push(ModelFile {
            path: (*path).to_owned(),
            format: "json".to_owned(),
            size: content.len() as u64,
            bytes: Arc::new(content.as_bytes().to_vec()),
        });
    }
    let facts = Facts {
        files: files
            .iter()
            .map(|file| FileFact {
                path: file.path.clone(),
                format: file.format.clone(),
                ..FileFact::default()
            })
            .collect(),
        ..Facts::default()
    };
    Model::new(given.to_owned(), files, tensors, facts)
}

fn base() -> Vec<(String, Vec<f32>)> {
    (0..4)
        .map(|layer| (format!("layers.{layer}.weight"), numbers(layer, 96)))
        .collect()
}

fn of(tensors: &[(String, Vec<f32>)]) -> Model {
    let tensors = tensors
        .iter()
        .map(|(name, values)| floats(name, &[12, 8], values))
        .collect();
    model("m", tensors, &[])
}

fn ask(sources: &[Model], target: &Model, relation: Option<&str>, claim: &str) -> Proof {
    let claim = Claim::parse(claim.as_bytes()).unwrap();
    let case = Case {
        sources,
        target,
        claim: &claim,
        tell: &|_| {},
    };
    prove(&case, relation).unwrap()
}

fn next(value: f32) -> f32 {
    f32::from_bits(value.to_bits() + 1)
}

#[test]
fn the_same_numbers_are_exact_and_one_unit_is_named() {
    let source = of(&base());
    assert_eq!(ask(&[of(&base())], &source, None, "{}").grade, Grade::Exact);
    let mut wrong = base();
    wrong[2].1[37] = next(wrong[2].1[37]);
    let proof = ask(&[source], &of(&wrong), None, "{}");
    assert_eq!(proof.grade, Grade::Refuted);
    let first = &proof.tensors[0];
    assert_eq!((first.name.as_str(), first.wrong), ("layers.2.weight", 1));
    let worst = first.worst.as_ref().unwrap();
    assert_eq!((worst.index, worst.position.as_slice()), (37, &[4, 5][..]));
}

#[test]
fn swapped_missing_added_and_reshaped_tensors_are_refuted() {
    let mut swapped = base();
    let (left, right) = (swapped[0].1.clone(), swapped[1].1.clone());
    (swapped[0].1, swapped[1].1) = (right, left);
    let mut missing = base();
    missing.pop();
    let mut added = base();
    added.push(("more".to_owned(), numbers(9, 96)));
    for wrong in [swapped, missing, added] {
        let proof = ask(&[of(&base())], &of(&wrong), None, "{}");
        assert_eq!(proof.grade, Grade::Refuted, "{proof:?}");
    }
    let tensors = base()
        .iter()
        .map(|(name, values)| floats(name, &[8, 12], values))
        .collect();
    let proof = ask(&[of(&base())], &model("m", tensors, &[]), None, "{}");
    assert_eq!(proof.grade, Grade::Refuted);
}

#[test]
fn a_configuration_value_refutes_and_bookkeeping_does_not() {
    let with = |config| {
        let tensors = base().iter().map(|(n, v)| floats(n, &[12, 8], v)).collect();
        model("m", tensors, &[("config.json", config)])
    };
    let source = [with(
        r#"{"rope_theta": 10000.0, "transformers_version": "4"}"#,
    )];
    let same = with(r#"{"rope_theta": 10000.0, "transformers_version": "5"}"#);
    assert_eq!(ask(&source, &same, None, "{}").grade, Grade::Exact);
    let other = with(r#"{"rope_theta": 10001.0, "transformers_version": "4"}"#);
    let proof = ask(&source, &other, Some("repackage"), "{}");
    assert_eq!(proof.grade, Grade::Refuted);
    assert_eq!(proof.differences[0].key, "config.json: rope_theta");
}

#[test]
fn casts_round_to_nearest_and_nothing_else() {
    let short = |round: fn(f32) -> u16| {
        let tensors = base()
            .iter()
            .map(|(name, values)| {
                let data = values
                    .iter()
                    .flat_map(|v| round(*v).to_le_bytes())
                    .collect();
                tensor(name, "bf16", &[12, 8], data)
            })
            .collect();
        model("m", tensors, &[])
    };
    let nearest = short(|value| half::bf16::from_f32(value).to_bits());
    assert_eq!(ask(&[of(&base())], &nearest, None, "{}").relation, "cast");
    assert_eq!(
        ask(&[of(&base())], &nearest, None, "{}").grade,
        Grade::Exact
    );
    let cut = short(|value| (value.to_bits() >> 16) as u16);
    assert_eq!(ask(&[of(&base())], &cut, None, "{}").grade, Grade::Refuted);
    let claim = r#"{"relation": "cast", "dtype": "bf16", "rounding": "toward-zero"}"#;
    assert_eq!(ask(&[of(&base())], &cut, None, claim).grade, Grade::Exact);
    assert_eq!(
        ask(&[of(&base())], &nearest, None, claim).grade,
        Grade::Refuted
    );
}

#[test]
fn a_merged_adapter_is_bounded_and_its_rank_is_its_own() {
    let (rank, rows, columns) = (2, 12, 8);
    let (a, b) = (numbers(70, rank * columns), numbers(71, rows * rank));
    let adapter = || {
        let tensors = vec![
            floats("base_model.model.layers.1.lora_A.weight", &[2, 8], &a),
            floats("base_model.model.layers.1.lora_B.weight", &[12, 2], &b),
        ];
        let config = r#"{"peft_type": "LORA", "r": 2, "lora_alpha": 3}"#;
        model("adapter", tensors, &[("adapter_config.json", config)])
    };
    let mut merged = base();
    for row in 0..rows {
        for column in 0..columns {
            let product: f32 = (0..rank)
                .map(|k| b[row * rank + k] * a[k * columns + column])
                .sum();
            merged[1].1[row * columns + column] += product * 1.5;
        }
    }
    let proof = ask(&[of(&base()), adapter()], &of(&merged), None, "{}");
    assert_eq!(
        (proof.relation.as_str(), proof.grade),
        ("adapter-merge", Grade::Bounded)
    );
    let claim = r#"{"relation": "adapter-merge", "r": 4}"#;
    assert_eq!(
        ask(&[of(&base()), adapter()], &of(&merged), None, claim).grade,
        Grade::Refuted
    );
    let mut touched = merged.clone();
    touched[3].1[0] = next(touched[3].1[0]);
    let mut off = merged;
    off[1].1[5] += 1e-4;
    for wrong in [touched, off] {
        let proof = ask(&[of(&base()), adapter()], &of(&wrong), None, "{}");
        assert_eq!(proof.grade, Grade::Refuted);
    }
}

#[test]
fn weighted_sums_are_bounded_and_false_weights_are_refuted() {
    let other: Vec<_> = (0..4)
        .map(|l| (format!("layers.{l}.weight"), numbers(l + 40, 96)))
        .collect();
    let mut sum = base();
    for ((_, into), (_, from)) in sum.iter_mut().zip(&other) {
        for (value, other) in into.iter_mut().zip(from) {
            *value = 0.3 * *value + 0.7 * other;
        }
    }
    let sources = || [of(&base()), of(&other)];
    let claim = r#"{"relation": "merge-linear", "weights": [0.3, 0.7]}"#;
    assert_eq!(
        ask(&sources(), &of(&sum), None, claim).grade,
        Grade::Bounded
    );
    assert_eq!(ask(&sources(), &of(&sum), None, "{}").grade, Grade::Bounded);
    let claim = r#"{"relation": "merge-linear", "weights": [0.7, 0.3]}"#;
    assert_eq!(
        ask(&sources(), &of(&sum), None, claim).grade,
        Grade::Refuted
    );
}

#[test]
fn survivors_of_pruning_are_the_same() {
    let mut pruned = base();
    for (_, values) in &mut pruned {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*a].abs().total_cmp(&values[*b].abs()));
        for index in &order[..48] {
            values[*index] = 0.0;
        }
    }
    let claim =
        r#"{"relation": "prune", "fraction": 0.5, "criterion": "magnitude", "scope": "local"}"#;
    assert_eq!(
        ask(&[of(&base())], &of(&pruned), None, claim).grade,
        Grade::Exact
    );
    let found = ask(&[of(&base())], &of(&pruned), None, "{}");
    assert_eq!(
        (found.relation.as_str(), found.grade),
        ("prune", Grade::Exact)
    );
    let mut wrong = pruned.clone();
    let kept = wrong[0].1.iter().position(|value| *value != 0.0).unwrap();
    wrong[0].1[kept] = next(wrong[0].1[kept]);
    for (target, claim) in [
        (&wrong, claim),
        (&wrong, "{}"),
        (&pruned, r#"{"relation": "prune", "fraction": 0.25}"#),
    ] {
        assert_eq!(
            ask(&[of(&base())], &of(target), None, claim).grade,
            Grade::Refuted
        );
    }
}

#[test]
fn a_fine_tune_is_structural_and_does_not_explain_one_number() {
    let mut tuned = base();
    for (_, values) in tuned.iter_mut().skip(1) {
        for value in values {
            *value *= 1.01;
        }
    }
    let claim = r#"{"relation": "finetune", "frozen": ["layers.0"]}"#;
    assert_eq!(
        ask(&[of(&base())], &of(&tuned), None, claim).grade,
        Grade::Structural
    );
    let found = ask(&[of(&base())], &of(&tuned), None, "{}");
    assert_eq!(
        (found.relation.as_str(), found.grade),
        ("finetune", Grade::Structural)
    );
    let claim = r#"{"relation": "finetune", "frozen": ["layers.1"]}"#;
    assert_eq!(
        ask(&[of(&base())], &of(&tuned), None, claim).grade,
        Grade::Refuted
    );
    let mut one = base();
    one[1].1[1] = next(one[1].1[1]);
    for relation in [None, Some("finetune")] {
        assert_eq!(
            ask(&[of(&base())], &of(&one), relation, "{}").grade,
            Grade::Refuted
        );
    }
}

#[test]
fn what_cannot_be_read_is_never_better_than_claimed() {
    let mut tensors: Vec<Tensor> = base().iter().map(|(n, v)| floats(n, &[12, 8], v)).collect();
    tensors[0].data = Data::Missing("it is elsewhere".to_owned());
    let target = model("m", tensors, &[]);
    assert_eq!(
        ask(&[of(&base())], &target, Some("format"), "{}").grade,
        Grade::Claimed
    );
    // A part that ends too early is an error, not a panic.
    let mut tensors: Vec<Tensor> = base().iter().map(|(n, v)| floats(n, &[12, 8], v)).collect();
    if let Data::Dense(parts) = &mut tensors[0].data {
        parts[0].len = 8;
    }
    let target = model("m", tensors, &[]);
    assert!(ask(&[of(&base())], &target, Some("format"), "{}").grade >= Grade::Claimed);
}

#[test]
fn strided_and_plain_numbers_are_the_same() {
    let values = numbers(5, 96);
    let flipped: Vec<f32> = (0..8)
        .flat_map(|c| (0..12).map(move |r| (r, c)))
        .map(|(r, c)| values[r * 8 + c])
        .collect();
    let mut view = floats("w", &[12, 8], &flipped);
    if let Data::Dense(parts) = view.data {
        view.data = Data::Strided {
            part: parts[0].clone(),
            strides: vec![1, 12],
        };
    }
    let plain = model("m", vec![floats("w", &[12, 8], &values)], &[]);
    let proof = ask(&[model("m", vec![view], &[])], &plain, None, "{}");
    assert_eq!(proof.grade, Grade::Exact);
}

#[test]
fn any_damage_to_a_claim_is_a_sentence_or_an_answer() {
    let claim = br#"{"relation":"prune","fraction":0.5,"pattern":"2:4","removed_layers":[1],"scope":"global"}"#;
    let source = [of(&base())];
    let target = of(&base());
    for at in 0..claim.len() {
        for byte in [b'0', b'"', b'{', b'-', 0xff] {
            let mut damaged = claim.to_vec();
            damaged[at] = byte;
            if let Ok(claim) = Claim::parse(&damaged) {
                let case = Case {
                    sources: &source,
                    target: &target,
                    claim: &claim,
                    tell: &|_| {},
                };
                let _ = prove(&case, None);
            }
        }
    }
}
