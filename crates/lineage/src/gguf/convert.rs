//! A Hugging Face model as the tensors its conversion to GGUF must have.

use std::collections::BTreeMap;

use serde_json::Value;

use super::names::{self, KNOWN, ROTARY};
use super::rows::{Map, Order, Recipe, view};
use crate::model::Model;
use crate::tensor::Tensor;

/// What is known of the source beside its tensors.
#[derive(Debug, Clone)]
pub(super) struct Config {
    /// `config.json`; the text part of a multimodal one laid over it.
    pub(super) json: Value,
    /// The target's architecture.
    pub(super) arch: String,
}

impl Config {
    pub(super) fn read(model: &Model, arch: &str) -> Self {
        let mut json = model.json("config.json").unwrap_or(Value::Null);
        if let Some(Value::Object(text)) = json.get("text_config").cloned()
            && let Some(all) = json.as_object_mut()
        {
            all.extend(text);
        }
        Self {
            json,
            arch: arch.to_owned(),
        }
    }

    /// The first of the keys that is there and not null.
    pub(super) fn get(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter()
            .find_map(|key| self.json.get(*key).filter(|v| !v.is_null()))
    }

    pub(super) fn integer(&self, keys: &[&str]) -> Option<u64> {
        self.get(keys)?.as_u64()
    }

    pub(super) fn number(&self, keys: &[&str]) -> Option<f64> {
        self.get(keys)?.as_f64()
    }

    /// `rope_parameters` of newer files, `rope_scaling` of older ones; the part
    /// for full attention where there are two.
    pub(super) fn rope(&self, key: &str) -> Option<&Value> {
        let all = self.get(&["rope_parameters", "rope_scaling"])?;
        all.get("full_attention")
            .unwrap_or(all)
            .get(key)
            .filter(|v| !v.is_null())
    }

    pub(super) fn heads(&self) -> Option<u64> {
        self.integer(&["num_attention_heads", "n_head", "n_heads", "num_heads"])
    }

    pub(super) fn kv_heads(&self) -> Option<u64> {
        self.integer(&[
            "num_key_value_heads",
            "n_kv_heads",
            "num_kv_heads",
            "n_head_kv",
        ])
        .or_else(|| self.heads())
    }

    pub(super) fn hidden(&self) -> Option<u64> {
        self.integer(&["hidden_size", "n_embd", "dim", "d_model", "n_embed"])
    }

    pub(super) fn head_size(&self) -> Option<u64> {
        self.integer(&["head_dim"])
            .or_else(|| self.hidden()?.checked_div(self.heads()?))
    }

    pub(super) fn is_known(&self) -> bool {
        KNOWN.contains(&self.arch.as_str())
    }
}

/// Recipes by target name, and source tensors that no recipe uses.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) recipes: BTreeMap<String, Recipe>,
    pub(super) unused: Vec<String>,
    /// Names whose recipe could not be made, and why.
    pub(super) failed: BTreeMap<String, String>,
}

/// Plans the conversion of a model.
pub(super) fn plan(model: &Model, config: &Config) -> Plan {
    let arch = config.arch.as_str();
    let mut plan = Plan::default();
    let sandwich = model
        .tensors
        .iter()
        .any(|t| t.name.contains("post_feedforward_layernorm"));
    let mut experts: BTreeMap<String, BTreeMap<u64, &Tensor>> = BTreeMap::new();
    for tensor in &model.tensors {
        if names::is_left_out(arch, &tensor.name) {
            continue;
        }
        let Some(mapped) = names::target(&tensor.name, sandwich) else {
            plan.unused.push(tensor.name.clone());
            continue;
        };
        if let Some(expert) = mapped.expert {
            experts
                .entry(mapped.name)
                .or_default()
                .insert(expert, tensor);
            continue;
        }
        for (name, recipe) in single(tensor, &mapped.name, config) {
            match recipe {
                Ok(recipe) => {
                    if plan.recipes.insert(name.clone(), recipe).is_some() {
                        plan.failed
                            .insert(name, "two source tensors bear its name".to_owned());
                    }
                }
                Err(why) => {
                    plan.failed.insert(name, why);
                }
            }
        }
    }
    for (name, parts) in experts {
        match stack(&parts) {
            Ok(recipe) => {
                plan.recipes.insert(name, recipe);
            }
            Err(why) => {
                plan.failed.insert(name, why);
            }
        }
    }
    // The converter of Mamba leaves out a head that equals the embedding; that
    // of the others writes what is in the file.
    computed(config, &mut plan);
    plan
}

/// Experts one after the other.
fn stack(parts: &BTreeMap<u64, &Tensor>) -> Result<Recipe, String> {
    let count = parts.len() as u64;
    let (last, first) = (
        parts.keys().next_back().copied().unwrap_or(0),
        parts.values().next().ok_or("no expert is there")?,
    );
    if last + 1 != count {
        return Err(format!(
            "expert {last} is there but only {count} experts are"
        ));
    }
    if parts
        .values()
        .any(|t| t.shape != first.shape || t.dtype != first.dtype)
    {
        return Err("its experts differ in shape or type".to_owned());
    }
    let mut recipe = Recipe::of(first);
    recipe.parts = parts.values().map(|t| (*t).clone()).collect();
    recipe.shape.insert(0, count);
    Ok(recipe)
}

type Planned = Vec<(String, Result<Recipe, String>)>;

/// One source tensor as one target tensor, or two.
fn single(tensor: &Tensor, name: &str, config: &Config) -> Planned {
    let arch = config.arch.as_str();
    let recipe = Recipe::of(tensor);
    if let Some(block) = name.strip_suffix("attn_kv_b.weight")
        && arch == "deepseek2"
    {
        return split_kv(tensor, block, config);
    }
    if let Some(block) = name.strip_suffix("ffn_gate_up_exps.weight") {
        return split_gate_up(tensor, block);
    }
    let one = reorder(recipe, tensor, name, config);
    vec![(name.to_owned(), one)]
}

fn reorder(
    mut recipe: Recipe,
    tensor: &Tensor,
    name: &str,
    config: &Config,
) -> Result<Recipe, String> {
    let arch = config.arch.as_str();
    let last = name.rsplit_once("blk.").map_or(name, |(_, rest)| {
        rest.split_once('.').map_or(rest, |(_, rest)| rest)
    });
    let first_rows = tensor.shape.first().copied().unwrap_or(0);
    match (arch, last) {
        (
            "gpt2",
            "attn_qkv.weight" | "attn_output.weight" | "ffn_up.weight" | "ffn_down.weight",
        ) => {
            let [rows, columns] = tensor.shape.as_slice() else {
                return Err("it is no matrix".to_owned());
            };
            let turned = view(tensor, &[*columns, *rows], &[1, *columns])
                .ok_or("it is stored so that it cannot be read by columns")?;
            recipe = Recipe::of(&turned);
        }
        ("falcon", "attn_qkv.weight")
        | ("gptneox" | "bloom", "attn_qkv.weight" | "attn_qkv.bias") => {
            let heads = config
                .heads()
                .filter(|h| *h > 0)
                .ok_or("config.json has no number of heads")?;
            let groups = if arch == "falcon" {
                config.integer(&["num_kv_heads", "n_head_kv"]).unwrap_or(1)
            } else {
                heads
            };
            let head = config.hidden().ok_or("config.json has no hidden size")? / heads;
            if groups == 0 || head == 0 || first_rows != (heads + 2 * groups) * head {
                return Err("its rows do not fit the number of heads".to_owned());
            }
            recipe.order = Order::Grouped {
                groups,
                queries: heads / groups,
                head,
            };
        }
        (_, "attn_q.weight" | "attn_q.bias" | "attn_k.weight" | "attn_k.bias")
            if ROTARY.contains(&arch) =>
        {
            let heads = if last.starts_with("attn_q") {
                config.heads()
            } else {
                config.kv_heads()
            };
            let heads = heads
                .filter(|h| *h > 0)
                .ok_or("config.json has no number of heads")?;
            if !first_rows.is_multiple_of(2 * heads) || first_rows == 0 {
                return Err("its rows do not fit the number of heads".to_owned());
            }
            recipe.order = Order::Rotary {
                head: first_rows / heads,
            };
        }
        ("mamba", "ssm_conv1d.weight") => {
            recipe.shape.retain(|dim| *dim != 1);
        }
        ("mamba", "ssm_a") => recipe.map = Map::MinusExp,
        ("gemma3", "token_embd.weight") => {}
        _ => {}
    }
    if matches!(arch, "gemma" | "gemma2" | "gemma3") && tensor.name.ends_with("norm.weight") {
        recipe.map = Map::PlusOne;
    }
    Ok(recipe)
}

/// The compressed keys and values of DeepSeek-V2, taken apart per head; the
/// keys are turned.
fn split_kv(tensor: &Tensor, block: &str, config: &Config) -> Planned {
    let made = (|| {
        let heads = config
            .kv_heads()
            .ok_or("config.json has no number of heads")?;
        let nope = config
            .integer(&["qk_nope_head_dim"])
            .ok_or("config.json has no qk_nope_head_dim")?;
        let value = config
            .integer(&["v_head_dim"])
            .ok_or("config.json has no v_head_dim")?;
        let [rows, rank] = tensor.shape.as_slice() else {
            return Err("it is no matrix".to_owned());
        };
        if *rows != heads * (nope + value) {
            return Err("its rows do not fit the number of heads".to_owned());
        }
        let keys = view(
            tensor,
            &[heads, *rank, nope],
            &[(nope + value) * rank, 1, *rank],
        )
        .ok_or("it is stored so that it cannot be read by columns")?;
        let mut values = Recipe::of(tensor);
        values.shape = vec![heads, value, *rank];
        values.order = Order::Window {
            stride: nope + value,
            from: nope,
            take: value,
        };
        Ok((Recipe::of(&keys), values))
    })();
    let (k, v) = match made {
        Ok((k, v)) => (Ok(k), Ok(v)),
        Err(why) => (Err(why.clone()), Err(why)),
    };
    vec![
        (format!("{block}attn_k_b.weight"), k),
        (format!("{block}attn_v_b.weight"), v),
    ]
}

/// Gate and up projections of all experts, stored as one.
fn split_gate_up(tensor: &Tensor, block: &str) -> Planned {
    let half = |from: u64| {
        let [experts, both, columns] = tensor.shape.as_slice() else {
            return Err("it does not hold experts".to_owned());
        };
        if !both.is_multiple_of(2) || *both == 0 {
            return Err("it cannot be halved".to_owned());
        }
        let take = both / 2;
        let mut recipe = Recipe::of(tensor);
        recipe.shape = vec![*experts, take, *columns];
        recipe.order = Order::Window {
            stride: *both,
            from: from * take,
            take,
        };
        Ok(recipe)
    };
    vec![
        (format!("{block}ffn_gate_exps.weight"), half(0)),
        (format!("{block}ffn_up_exps.weight"), half(1)),
    ]
}

/// Tensors that the converter computes from the configuration.
fn computed(config: &Config, plan: &mut Plan) {
    let mut add = |name: &str, values: Vec<f32>| {
        plan.recipes.insert(
            name.to_owned(),
            Recipe {
                parts: Vec::new(),
                shape: vec![values.len() as u64],
                order: Order::Straight,
                map: Map::Same,
                given: Some(values),
            },
        );
    };
    let list = |key: &str| -> Option<Vec<f32>> {
        let values = config.rope(key)?.as_array()?;
        Some(
            values
                .iter()
                .map(|v| v.as_f64().unwrap_or(f64::NAN) as f32)
                .collect(),
        )
    };
    if config.arch == "phi3"
        && let (Some(long), Some(short)) = (list("long_factor"), list("short_factor"))
    {
        add("rope_factors_long.weight", long);
        add("rope_factors_short.weight", short);
    }
    let kind = config.rope("rope_type").or_else(|| config.rope("type"));
    if kind.and_then(Value::as_str) == Some("llama3")
        && let Some(values) = llama3_factors(config)
    {
        add("rope_freqs.weight", values);
    }
}

/// The factors of Llama 3's stretched rotary embedding.
fn llama3_factors(config: &Config) -> Option<Vec<f32>> {
    let of = |key: &str, default: f64| config.rope(key).and_then(Value::as_f64).unwrap_or(default);
    let base = config
        .rope("rope_theta")
        .and_then(Value::as_f64)
        .or_else(|| config.number(&["rope_theta"]))
        .unwrap_or(10000.0);
    let size = config.head_size()?.min(1 << 16);
    let (factor, low, high) = (
        of("factor", 8.0),
        of("low_freq_factor", 1.0),
        of("high_freq_factor", 4.0),
    );
    let old = of("original_max_position_embeddings", 8192.0);
    Some(
        (0..size)
            .step_by(2)
            .map(|i| {
                // Frequencies are computed in single precision.
                let exponent = i as f32 / size as f32;
                let frequency = 1.0 / (base as f32).powf(exponent);
                let length = 2.0 * std::f64::consts::PI / f64::from(frequency);
                if length < old / high {
                    1.0
                } else if length > old / low {
                    factor as f32
                } else {
                    let smooth = (old / length - low) / (high - low);
                    (1.0 / ((1.0 - smooth) / factor + smooth)) as f32
                }
            })
            .collect(),
    )
}
