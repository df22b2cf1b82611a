//! Whole layers that are gone: those that follow move up.

use super::super::same::compare;
use crate::beside::{self, Rules};
use crate::case::Case;
use crate::grade::Grade;
use crate::model::Model;
use crate::pairs;
use crate::proof::Proof;

/// Fewer layers, without anybody having said so: the configuration counts fewer
/// too, or, where there is none, a layer is more than one tensor that is
/// missing.
pub(super) fn loses_layers(source: &Model, target: &Model) -> bool {
    if layers(source) <= layers(target) {
        return false;
    }
    let counts = |model: &Model| {
        let config = model.json("config.json")?;
        ["num_hidden_layers", "n_layer", "num_layers", "n_layers"]
            .iter()
            .find_map(|key| config.get(key)?.as_u64())
    };
    match (counts(source), counts(target)) {
        (Some(before), Some(after)) => after < before,
        _ => {
            let last = layers(source).saturating_sub(1);
            let parts = source
                .tensors
                .iter()
                .filter(|tensor| layer(&tensor.name).is_some_and(|(_, number, _)| number == last));
            parts.count() > 1
        }
    }
}

/// One more than the largest number of a layer.
fn layers(model: &Model) -> u64 {
    model
        .tensors
        .iter()
        .filter_map(|tensor| layer(&tensor.name))
        .map(|(_, number, _)| number + 1)
        .max()
        .unwrap_or(0)
}

/// `model.layers.3.mlp` → `model.layers`, 3, `mlp`.
fn layer(name: &str) -> Option<(&str, u64, &str)> {
    let mut from = 0;
    loop {
        let dot = name.get(from..)?.find('.')? + from;
        let rest = name.get(dot + 1..)?;
        let (number, tail) = rest.split_once('.')?;
        if let Ok(number) = number.parse() {
            return Some((name.get(..dot)?, number, tail));
        }
        from = dot + 1;
    }
}

/// Layers that are gone: those that follow move up, all else is the same.
pub(super) fn without_layers(
    case: &Case<'_>,
    source: &Model,
    dropped: Option<Vec<u64>>,
    mut proof: Proof,
) -> Proof {
    let (before, after) = (layers(source), layers(case.target));
    let dropped = dropped.unwrap_or_else(|| find_dropped(case, source, before, after));
    if before.saturating_sub(dropped.len() as u64) != after {
        proof.refute(format!(
            "the source has {before} layers and the target {after}, so {} were not removed",
            dropped.len()
        ));
    }
    let kept: Vec<u64> = (0..before)
        .filter(|number| !dropped.contains(number))
        .collect();
    proof.note(format!("layers {dropped:?} of {before} were removed"));
    let mut seen: Vec<&str> = Vec::new();
    let mut tensors = Vec::new();
    for target in &case.target.tensors {
        let name = match layer(&target.name) {
            Some((path, number, rest)) => {
                let from = usize::try_from(number)
                    .ok()
                    .and_then(|number| kept.get(number));
                format!("{path}.{}.{rest}", from.copied().unwrap_or(number))
            }
            None => target.name.clone(),
        };
        match source.tensor(&name) {
            Some(from) => {
                seen.push(&from.name);
                tensors.push(compare(target, from, case.tell));
            }
            None => proof.unexplained(format!("the tensor {}", target.name)),
        }
    }
    proof.take(tensors);
    for tensor in &source.tensors {
        let gone = layer(&tensor.name).is_some_and(|(_, number, _)| dropped.contains(&number));
        let tied = || {
            source.tensors.iter().any(|other| {
                seen.contains(&other.name.as_str()) && pairs::tie(source, tensor, other).is_some()
            })
        };
        if !gone && !seen.contains(&tensor.name.as_str()) && !tied() {
            proof.refute(format!("{} is missing in the target", tensor.name));
        }
    }
    beside::compare(
        &mut proof,
        source,
        case.target,
        &Rules {
            config: true,
            ..Rules::SAME
        },
    );
    proof
}

/// Layer by layer, the first of the source that is the same.
fn find_dropped(case: &Case<'_>, source: &Model, before: u64, after: u64) -> Vec<u64> {
    let mut dropped = Vec::new();
    let mut from = 0;
    for number in 0..after {
        let sample = case
            .target
            .tensors
            .iter()
            .filter(|t| layer(&t.name).is_some_and(|(_, n, _)| n == number))
            .max_by_key(|t| t.elements());
        let Some(sample) = sample else { continue };
        let Some((path, _, rest)) = layer(&sample.name) else {
            continue;
        };
        while from < before {
            let like = source.tensor(&format!("{path}.{from}.{rest}"));
            from += 1;
            if like.is_some_and(|like| compare(sample, like, case.tell).grade == Grade::Exact) {
                break;
            }
            dropped.push(from - 1);
        }
    }
    dropped.extend(from..before);
    dropped
}
