//! What an adapter's files say: which tensors it changes, and by how much.

use std::collections::BTreeMap;

use serde_json::Value;

use super::delta::{Change, Low};
use crate::claim::Claim;
use crate::grade::Grade;
use crate::model::Model;
use crate::names::matches;
use crate::proof::Proof;
use crate::tensor::Tensor;

/// Every change, by the base's name.
#[derive(Debug, Default)]
pub(super) struct Adapter<'a> {
    changes: BTreeMap<String, Change<'a>>,
    pub(super) other_formula: Option<String>,
}

pub(super) fn is_adapter(model: &Model) -> bool {
    model
        .files
        .iter()
        .any(|file| file.name() == "adapter_config.json")
        || model.tensors.iter().any(|tensor| {
            tensor.name.contains("lora_A") || tensor.name.contains("lora_embedding_A")
        })
}

impl<'a> Adapter<'a> {
    pub(super) fn read(files: &'a Model, base: &Model, claim: &Claim, proof: &mut Proof) -> Self {
        let config = files
            .files
            .iter()
            .find(|file| file.name() == "adapter_config.json")
            .and_then(|file| serde_json::from_slice::<Value>(&file.content()?).ok())
            .unwrap_or(Value::Null);
        check_claim(&config, claim, proof);
        let mut adapter = Self {
            other_formula: other_formula(&config, files),
            ..Self::default()
        };
        let mut parts: BTreeMap<String, Low<'a>> = BTreeMap::new();
        for tensor in &files.tensors {
            let name = plain(&tensor.name);
            let Some((module, part)) = split(&name) else {
                if let Some(found) = find(base, &name) {
                    adapter
                        .changes
                        .insert(found.name.clone(), Change::Replaced(tensor));
                } else {
                    proof.refute(format!(
                        "the adapter replaces {name}, which the base does not have"
                    ));
                }
                continue;
            };
            let low = parts.entry(module.to_owned()).or_default();
            match part {
                "lora_A" | "lora_embedding_A" => low.a = Some(tensor),
                "lora_B" | "lora_embedding_B" => low.b = Some(tensor),
                "lora_bias" => low.bias = Some(tensor),
                _ => {}
            }
            low.embedding |= part.starts_with("lora_embedding");
        }
        for (module, mut low) in parts {
            let (Some(a), Some(_)) = (low.a, low.b) else {
                if adapter.other_formula.is_some() {
                    adapter.other(base, &module);
                } else {
                    proof.lower(
                        Grade::Refuted,
                        format!("the adapter has half of a pair for {module}"),
                    );
                }
                continue;
            };
            let rank = a.shape.first().copied().unwrap_or(1);
            low.rank = rank;
            low.transposed = config
                .get("fan_in_fan_out")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            low.scale = scale(&config, claim, &module, rank);
            if low.scale.is_none() {
                proof.lower(
                    Grade::Claimed,
                    "neither the adapter's configuration nor the claim tells alpha",
                );
                continue;
            }
            let Some(weight) =
                find(base, &format!("{module}.weight")).or_else(|| find(base, &module))
            else {
                proof.refute(format!(
                    "the adapter changes {module}, which the base does not have"
                ));
                continue;
            };
            if let Some(said) = expected_rank(&config, &module)
                && said != rank
            {
                proof.refute(format!("the adapter's configuration gives {module} the rank {said}, its tensors have {rank}"));
            }
            if adapter.other_formula.is_some() {
                adapter.other(base, &module);
                continue;
            }
            if let Some(bias) = low.bias
                && let Some(found) = find(base, &format!("{module}.bias"))
            {
                adapter.changes.insert(
                    found.name.clone(),
                    Change::Added(bias, low.scale.unwrap_or(1.0)),
                );
            }
            adapter
                .changes
                .insert(weight.name.clone(), Change::Low(low));
        }
        if adapter.changes.is_empty() && adapter.other_formula.is_none() {
            proof.refute("the adapter changes nothing");
        }
        adapter
    }

    fn other(&mut self, base: &Model, module: &str) {
        if let Some(weight) = find(base, &format!("{module}.weight")) {
            self.changes.insert(weight.name.clone(), Change::Other);
        }
    }

    pub(super) fn change(&self, name: &str) -> Option<&Change<'a>> {
        self.changes.get(name)
    }
}

/// Without what peft puts around a module's name.
fn plain(name: &str) -> String {
    let name = name.strip_prefix("base_model.model.").unwrap_or(name);
    let mut name = name
        .replace(".modules_to_save.default", "")
        .replace(".base_layer", "")
        .replace(".original_module", "");
    for part in [
        "lora_A",
        "lora_B",
        "lora_embedding_A",
        "lora_embedding_B",
        "lora_magnitude_vector",
        "ia3_l",
    ] {
        name = name.replace(&format!(".{part}.default"), &format!(".{part}"));
    }
    name
}

fn split(name: &str) -> Option<(&str, &'static str)> {
    for part in [
        "lora_embedding_A",
        "lora_embedding_B",
        "lora_A",
        "lora_B",
        "lora_magnitude_vector",
        "ia3_l",
    ] {
        if let Some(at) = name.find(&format!(".{part}")) {
            let module = name.get(..at)?;
            let rest = name.get(at + part.len() + 1..)?;
            return match rest {
                "" | ".weight" => Some((module, part)),
                ".bias" if part == "lora_B" => Some((module, "lora_bias")),
                _ => None,
            };
        }
    }
    None
}

/// By the whole name, else by the only one that ends or begins so.
fn find<'m>(base: &'m Model, name: &str) -> Option<&'m Tensor> {
    if let Some(tensor) = base.tensor(name) {
        return Some(tensor);
    }
    let mut ends = base.tensors.iter().filter(|tensor| {
        tensor
            .name
            .strip_suffix(name)
            .is_some_and(|rest| rest.ends_with('.'))
            || name
                .strip_suffix(tensor.name.as_str())
                .is_some_and(|rest| rest.ends_with('.'))
    });
    match (ends.next(), ends.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn pattern<'c>(config: &'c Value, key: &str, module: &str) -> Option<&'c Value> {
    config
        .get(key)?
        .as_object()?
        .iter()
        .find(|(pattern, _)| {
            module == pattern.as_str()
                || module
                    .strip_suffix(pattern.as_str())
                    .is_some_and(|rest| rest.ends_with('.'))
                || (pattern.contains(['*', '\\', '^', '$']) && matches(module, pattern))
        })
        .map(|(_, value)| value)
}

fn expected_rank(config: &Value, module: &str) -> Option<u64> {
    pattern(config, "rank_pattern", module)
        .or_else(|| config.get("r"))?
        .as_u64()
}

fn scale(config: &Value, claim: &Claim, module: &str, rank: u64) -> Option<f64> {
    let alpha = pattern(config, "alpha_pattern", module)
        .or_else(|| config.get("lora_alpha"))
        .and_then(Value::as_f64)
        .or_else(|| claim.number("alpha"))?;
    let stable = config
        .get("use_rslora")
        .and_then(Value::as_bool)
        .or_else(|| claim.flag("rslora"))
        .unwrap_or(false);
    let rank = rank as f64;
    Some(if stable {
        alpha / rank.sqrt()
    } else {
        alpha / rank
    })
}

fn other_formula(config: &Value, files: &Model) -> Option<String> {
    let kind = config
        .get("peft_type")
        .and_then(Value::as_str)
        .unwrap_or("LORA");
    let dora = config
        .get("use_dora")
        .and_then(Value::as_bool)
        .unwrap_or(false)
        || files
            .tensors
            .iter()
            .any(|tensor| tensor.name.contains("lora_magnitude_vector"));
    if dora {
        Some("DoRA".to_owned())
    } else if kind.eq_ignore_ascii_case("LORA") {
        None
    } else {
        Some(kind.to_owned())
    }
}

fn check_claim(config: &Value, claim: &Claim, proof: &mut Proof) {
    let mut differs = |key: &str, said: String, is: String| {
        if said != is {
            proof.refute(format!(
                "the claim says {key} = {said}, the adapter's configuration {is}"
            ));
        }
    };
    for (key, own) in [("r", "r"), ("alpha", "lora_alpha")] {
        if let (Some(said), Some(is)) = (claim.number(key), config.get(own).and_then(Value::as_f64))
        {
            differs(key, said.to_string(), is.to_string());
        }
    }
    let stable = config
        .get("use_rslora")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let dora = config
        .get("use_dora")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if let Some(said) = claim.flag("rslora")
        && config.is_object()
    {
        differs("rslora", said.to_string(), stable.to_string());
    }
    if let Some(kind) = claim.text("kind")
        && config.is_object()
    {
        let own = config
            .get("peft_type")
            .and_then(Value::as_str)
            .unwrap_or("lora")
            .to_ascii_lowercase();
        let is = match (own.as_str(), dora, stable) {
            ("lora", true, _) => "dora",
            ("lora", false, true) => "rslora",
            (other, ..) => other,
        };
        let said = kind.to_ascii_lowercase().replace(['-', '_'], "");
        // rsLoRA is a LoRA with another scale.
        if !(said == "lora" && is == "rslora") {
            differs("kind", said, is.to_owned());
        }
    }
}
