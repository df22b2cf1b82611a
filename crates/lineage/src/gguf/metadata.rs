//! What a GGUF file says about the model, against what the source's
//! configuration says, value by value.
//!
//! Follows `set_gguf_parameters` in `conversion/*.py` of llama.cpp.

use serde_json::Value as Json;

use super::convert::Config;
use super::file::{Head, Value};
use crate::proof::{Difference, Proof};

/// What a key must be: any of these. Empty when the source does not tell.
type Wanted = Vec<f64>;

/// Architectures by the class that `config.json` names.
static ARCHITECTURES: &[(&str, &str)] = &[
    ("LlamaForCausalLM", "llama"),
    ("LLaMAForCausalLM", "llama"),
    ("MistralForCausalLM", "llama"),
    ("MixtralForCausalLM", "llama"),
    ("Qwen2ForCausalLM", "qwen2"),
    ("Qwen2Model", "qwen2"),
    ("Qwen2MoeForCausalLM", "qwen2moe"),
    ("Qwen3ForCausalLM", "qwen3"),
    ("Qwen3MoeForCausalLM", "qwen3moe"),
    ("GemmaForCausalLM", "gemma"),
    ("Gemma2ForCausalLM", "gemma2"),
    ("Gemma3ForCausalLM", "gemma3"),
    ("PhiForCausalLM", "phi2"),
    ("Phi3ForCausalLM", "phi3"),
    ("GPT2LMHeadModel", "gpt2"),
    ("FalconForCausalLM", "falcon"),
    ("GPTNeoXForCausalLM", "gptneox"),
    ("Starcoder2ForCausalLM", "starcoder2"),
    ("GPTBigCodeForCausalLM", "starcoder"),
    ("BertModel", "bert"),
    ("T5ForConditionalGeneration", "t5"),
    ("MambaForCausalLM", "mamba"),
    ("CohereForCausalLM", "command-r"),
    ("OlmoForCausalLM", "olmo"),
    ("Olmo2ForCausalLM", "olmo2"),
    ("GraniteForCausalLM", "granite"),
    ("Glm4ForCausalLM", "glm4"),
    ("StableLmForCausalLM", "stablelm"),
    ("BloomForCausalLM", "bloom"),
];

/// Compares everything but the tokenizer.
pub(super) fn compare(head: &Head, config: &Config, proof: &mut Proof) {
    if config.json.is_null() {
        proof.lower(
            crate::Grade::Claimed,
            "the source has no config.json, so the metadata cannot be compared",
        );
        return;
    }
    architecture(config, proof);
    let prefix = format!("{}.", config.arch);
    let mut loose = Vec::new();
    for (key, value) in &head.keys {
        if let Some(short) = key.strip_prefix(&prefix) {
            match wanted(short, config) {
                Some(wanted) if !wanted.is_empty() => {
                    if !wanted.iter().any(|w| is(value, *w)) {
                        let shown = wanted.iter().map(ToString::to_string).collect::<Vec<_>>();
                        differ(
                            proof,
                            key,
                            Some(shown.join(" or ")),
                            Some(value.to_string()),
                        );
                    }
                }
                Some(_) => loose.push(key.as_str()),
                None => match text(short, config) {
                    Some(wanted) if value.text() != Some(&wanted) => {
                        differ(proof, key, Some(wanted), Some(value.to_string()));
                    }
                    Some(_) => {}
                    None => loose.push(key.as_str()),
                },
            }
        } else if key == "general.quantization_version" {
            if value.integer() != Some(2) {
                differ(proof, key, Some("2".to_owned()), Some(value.to_string()));
            }
        } else if key == "general.type" {
            if value.text() != Some("model") {
                differ(
                    proof,
                    key,
                    Some("model".to_owned()),
                    Some(value.to_string()),
                );
            }
        } else if !key.starts_with("general.")
            && !key.starts_with("tokenizer.")
            && !key.starts_with("quantize.imatrix.")
            && !key.starts_with("split.")
        {
            loose.push(key.as_str());
        }
    }
    for short in ["block_count", "context_length", "embedding_length"] {
        let key = format!("{prefix}{short}");
        if head.get(&key).is_none() && config.is_known() {
            differ(proof, &key, Some("a value".to_owned()), None);
        }
    }
    for (short, key) in [
        ("attention.head_count", "num_attention_heads"),
        ("attention.layer_norm_rms_epsilon", "rms_norm_eps"),
    ] {
        let name = format!("{prefix}{short}");
        if head.get(&name).is_none() && config.is_known() && config.get(&[key]).is_some() {
            differ(
                proof,
                &name,
                config.get(&[key]).map(ToString::to_string),
                None,
            );
        }
    }
    if !loose.is_empty() {
        proof.note(format!(
            "metadata that the source does not tell: {}",
            loose.join(", ")
        ));
    }
    let general: Vec<&str> = head
        .keys
        .iter()
        .map(|(key, _)| key.as_str())
        .filter(|key| {
            key.starts_with("general.")
                && !matches!(
                    *key,
                    "general.architecture"
                        | "general.file_type"
                        | "general.quantization_version"
                        | "general.type"
                        | "general.alignment"
                )
        })
        .collect();
    if !general.is_empty() {
        proof.note(format!(
            "descriptions that are taken as they are: {}",
            general.join(", ")
        ));
    }
}

pub(super) fn differ(proof: &mut Proof, key: &str, source: Option<String>, target: Option<String>) {
    proof.differs(Difference {
        key: key.to_owned(),
        source,
        target,
        refutes: true,
    });
}

fn architecture(config: &Config, proof: &mut Proof) {
    let classes = config.json.get("architectures").and_then(Json::as_array);
    let class = classes.and_then(|c| c.first()).and_then(Json::as_str);
    let known = class.and_then(|c| ARCHITECTURES.iter().find(|(name, _)| *name == c));
    if let Some((class, arch)) = known
        && *arch != config.arch
    {
        differ(
            proof,
            "general.architecture",
            Some(format!("{arch} ({class})")),
            Some(config.arch.clone()),
        );
    }
}

/// Equal in the type that is stored.
fn is(value: &Value, wanted: f64) -> bool {
    match value {
        Value::F32(bits) => *bits == (wanted as f32).to_bits(),
        Value::F64(bits) => *bits == wanted.to_bits(),
        Value::Bool(v) => wanted == f64::from(u8::from(*v)),
        Value::Array(items) => !items.is_empty() && items.iter().all(|item| is(item, wanted)),
        _ => value.number() == Some(wanted),
    }
}

fn text(key: &str, config: &Config) -> Option<String> {
    match key {
        "tensor_data_layout" => Some(
            if config.arch == "falcon" {
                "jploski"
            } else {
                "Meta AI original pth"
            }
            .to_owned(),
        ),
        "rope.scaling.type" => {
            if config.arch == "command-r" {
                return Some("none".to_owned());
            }
            let kind = config
                .rope("rope_type")
                .or_else(|| config.rope("type"))?
                .as_str()?;
            Some(match kind {
                "su" => "longrope".to_owned(),
                other => other.to_owned(),
            })
        }
        _ => None,
    }
}

/// `None` when the key is not known.
fn wanted(key: &str, c: &Config) -> Option<Wanted> {
    let arch = c.arch.as_str();
    let number = |keys: &[&str]| -> Wanted { c.number(keys).into_iter().collect() };
    let flag = |keys: &[&str]| -> Wanted {
        c.get(keys)
            .and_then(Json::as_bool)
            .map(|v| f64::from(u8::from(v)))
            .into_iter()
            .collect()
    };
    // The first of the keys that is there; the others are older spellings.
    let or = |found: Wanted, default: f64| {
        if found.is_empty() {
            vec![default]
        } else {
            found
        }
    };
    let hidden = c.hidden().map(|v| v as f64);
    let four = |h: Option<f64>| -> Wanted { h.map(|h| 4.0 * h).into_iter().collect() };
    let heads = c.heads().map(|v| v as f64);
    let head = c.head_size().map(|v| v as f64);
    let factor = c
        .rope("partial_rotary_factor")
        .and_then(Json::as_f64)
        .or_else(|| c.number(&["partial_rotary_factor", "rotary_pct", "rope_pct"]));
    Some(match key {
        "block_count" => number(&["num_hidden_layers", "n_layers", "n_layer", "num_layers"]),
        "context_length" => match arch {
            "falcon" => vec![2048.0],
            "mamba" => vec![1_048_576.0],
            "bloom" => or(number(&["seq_length"]), hidden?),
            "command-r" => number(&["model_max_length", "max_position_embeddings"]),
            "gpt2" => number(&["n_ctx", "n_positions"]),
            _ => number(&[
                "max_position_embeddings",
                "n_ctx",
                "n_positions",
                "max_length",
                "max_sequence_length",
                "model_max_length",
            ]),
        },
        "embedding_length" => hidden.into_iter().collect(),
        "feed_forward_length" => match arch {
            "gpt2" | "falcon" | "bloom" | "starcoder" | "phi2" => four(hidden),
            "mamba" => vec![0.0],
            "t5" => number(&["d_ff"]),
            _ => number(&[
                "prefix_dense_intermediate_size",
                "dense_intermediate_size",
                "intermediate_size",
                "n_inner",
                "hidden_dim",
            ]),
        },
        "attention.head_count" => {
            if arch == "mamba" {
                vec![0.0]
            } else {
                heads.into_iter().collect()
            }
        }
        "attention.head_count_kv" => match arch {
            "falcon" => or(number(&["num_kv_heads", "n_head_kv"]), 1.0),
            "starcoder" => vec![1.0],
            "deepseek2" => vec![1.0, c.kv_heads()? as f64],
            _ => c.kv_heads().map(|v| v as f64).into_iter().collect(),
        },
        "rope.freq_base" => {
            let told = c
                .rope("rope_theta")
                .and_then(Json::as_f64)
                .or_else(|| c.number(&["global_rope_theta", "rope_theta", "rotary_emb_base"]));
            match told {
                Some(v) => vec![v],
                None if arch == "gemma3" => vec![1_000_000.0],
                None => vec![],
            }
        }
        "rope.freq_base_swa" => c
            .get(&["rope_parameters"])
            .and_then(|r| r.get("sliding_attention"))
            .and_then(|r| r.get("rope_theta"))
            .and_then(Json::as_f64)
            .or_else(|| c.number(&["local_rope_theta", "rope_local_base_freq", "swa_rope_theta"]))
            .into_iter()
            .collect(),
        "rope.dimension_count" => match (arch, factor) {
            ("deepseek2", _) => number(&["qk_rope_head_dim"]),
            ("glm4", None) => vec![(head? * 0.5).floor()],
            (_, Some(f)) => vec![
                (head? * f).floor(),
                ((f * hidden?).floor() / heads?).floor(),
            ],
            (_, None) => head.into_iter().collect(),
        },
        "rope.scaling.factor" => c
            .rope("factor")
            .and_then(Json::as_f64)
            .into_iter()
            .collect(),
        "rope.scaling.original_context_length" => c
            .rope("original_max_position_embeddings")
            .and_then(Json::as_f64)
            .or_else(|| c.number(&["original_max_position_embeddings"]))
            .into_iter()
            .collect(),
        "rope.scaling.attn_factor" => attention_factor(c).into_iter().collect(),
        "rope.scaling.yarn_ext_factor" => c
            .rope("extrapolation_factor")
            .and_then(Json::as_f64)
            .into_iter()
            .collect(),
        "rope.scaling.yarn_beta_fast" => c
            .rope("beta_fast")
            .and_then(Json::as_f64)
            .into_iter()
            .collect(),
        "rope.scaling.yarn_beta_slow" => c
            .rope("beta_slow")
            .and_then(Json::as_f64)
            .into_iter()
            .collect(),
        "attention.layer_norm_rms_epsilon" => number(&[
            "rms_norm_eps",
            "norm_eps",
            "layer_norm_epsilon",
            "layer_norm_eps",
        ]),
        "attention.layer_norm_epsilon" => {
            if arch == "olmo" {
                vec![1e-5]
            } else {
                number(&[
                    "layer_norm_eps",
                    "layer_norm_epsilon",
                    "norm_epsilon",
                    "norm_eps",
                ])
            }
        }
        "attention.key_length" => match arch {
            "t5" => number(&["d_kv"]),
            "deepseek2" => vec![c.number(&["kv_lora_rank"])? + c.number(&["qk_rope_head_dim"])?],
            "gemma3" => or(number(&["head_dim"]), 256.0),
            _ => number(&["head_dim"]),
        },
        "attention.value_length" => match arch {
            "t5" => number(&["d_kv"]),
            "deepseek2" => number(&["kv_lora_rank"]),
            "gemma3" => or(number(&["head_dim"]), 256.0),
            _ => number(&["head_dim"]),
        },
        "attention.key_length_mla" => {
            vec![c.number(&["qk_nope_head_dim"])? + c.number(&["qk_rope_head_dim"])?]
        }
        "attention.value_length_mla" => number(&["v_head_dim"]),
        "attention.q_lora_rank" => number(&["q_lora_rank"]),
        "attention.kv_lora_rank" => number(&["kv_lora_rank"]),
        "attention.sliding_window" => match c.json.get("sliding_window") {
            Some(Json::Null) | None => {
                if arch == "phi3" {
                    vec![0.0]
                } else {
                    vec![]
                }
            }
            Some(v) => v.as_f64().into_iter().collect(),
        },
        "attention.causal" => {
            if arch == "bert" {
                vec![0.0]
            } else {
                flag(&["is_causal"])
            }
        }
        "attention.clamp_kqv" => number(&["clip_qkv"]),
        "attention.scale" => number(&["attention_multiplier"]),
        "attention.relative_buckets_count" => number(&["relative_attention_num_buckets"]),
        "embedding_scale" => number(&["embedding_multiplier"]),
        "residual_scale" => number(&["residual_multiplier"]),
        "logit_scale" => number(&["logit_scale", "logits_scaling"]),
        "vocab_size" => number(&["vocab_size"]),
        "attn_logit_softcapping" => number(&["attn_logit_softcapping"]),
        "final_logit_softcapping" => number(&["final_logit_softcapping"]),
        "use_parallel_residual" => or(flag(&["use_parallel_residual"]), 1.0),
        "expert_count" => number(&["num_local_experts", "num_experts", "n_routed_experts"]),
        "expert_used_count" => number(&[
            "num_experts_per_tok",
            "num_experts_per_token",
            "top_k_experts",
        ]),
        "expert_group_count" => number(&["n_group"]),
        "expert_group_used_count" => number(&["topk_group"]),
        "expert_gating_func" => match c
            .get(&["score_function", "scoring_func", "score_func"])?
            .as_str()?
        {
            "softmax" => vec![1.0],
            "sigmoid" => vec![2.0],
            _ => vec![],
        },
        "expert_feed_forward_length" => number(&["moe_intermediate_size"]),
        "expert_shared_feed_forward_length" => number(&["shared_expert_intermediate_size"]),
        "expert_shared_count" => number(&["n_shared_experts"]),
        "expert_weights_scale" => number(&["routed_scaling_factor"]),
        "expert_weights_norm" => flag(&["norm_topk_prob"]),
        "leading_dense_block_count" => number(&["first_k_dense_replace"]),
        "decoder_block_count" => number(&["num_decoder_layers"]),
        "decoder_start_token_id" => number(&["decoder_start_token_id"]),
        "ssm.conv_kernel" => number(&["conv_kernel", "d_conv"]),
        "ssm.inner_size" => match c.number(&["intermediate_size", "d_inner"]) {
            Some(v) => vec![v],
            None => vec![2.0 * hidden?],
        },
        "ssm.state_size" => number(&["state_size", "d_state"]),
        "ssm.time_step_rank" => match c.number(&["time_step_rank", "dt_rank"]) {
            Some(v) => vec![v],
            None => vec![(hidden? / 16.0).ceil()],
        },
        "ssm.dt_b_c_rms" => vec![0.0],
        _ => return None,
    })
}

/// What the long-context models of Phi-3 scale attention by.
fn attention_factor(c: &Config) -> Option<f64> {
    let most = c.number(&["max_position_embeddings", "n_positions"])?;
    let first = c
        .rope("original_max_position_embeddings")
        .and_then(Json::as_f64)
        .or_else(|| c.number(&["original_max_position_embeddings"]))?;
    let scale = most / first;
    if scale <= 1.0 {
        return Some(1.0);
    }
    match c.rope("rope_type").or_else(|| c.rope("type"))?.as_str()? {
        "yarn" => Some(0.1 * scale.ln() + 1.0),
        _ => Some((1.0 + scale.ln() / first.ln()).sqrt()),
    }
}

/// A quantization copies all metadata but what says how it was quantized.
pub(super) fn compare_heads(source: &Head, target: &Head, proof: &mut Proof) {
    let may_change = |key: &str| {
        matches!(
            key,
            "general.file_type" | "general.quantization_version" | "general.alignment"
        ) || key.starts_with("quantize.imatrix.")
            || key.starts_with("split.")
    };
    for (key, value) in &source.keys {
        if may_change(key) {
            continue;
        }
        match target.get(key) {
            None => differ(proof, key, Some(value.to_string()), None),
            Some(found) if found != value => {
                let (was, is) = shown(value, found);
                differ(proof, key, Some(was), Some(is));
            }
            Some(_) => {}
        }
    }
    for (key, value) in &target.keys {
        if !may_change(key) && source.get(key).is_none() {
            differ(proof, key, None, Some(value.to_string()));
        }
    }
}

/// Two values so that the difference shows: of lists the first element that differs.
pub(super) fn shown(a: &Value, b: &Value) -> (String, String) {
    if let (Some(x), Some(y)) = (a.array(), b.array()) {
        if x.len() != y.len() {
            return (format!("{} values", x.len()), format!("{} values", y.len()));
        }
        if let Some(i) = x.iter().zip(y).position(|(x, y)| x != y) {
            return (format!("[{i}] {}", x[i]), format!("[{i}] {}", y[i]));
        }
    }
    (a.to_string(), b.to_string())
}
