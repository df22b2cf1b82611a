//! What llama.cpp's converter calls the tensors of a Hugging Face model.
//!
//! Follows `gguf-py/gguf/tensor_mapping.py` and `conversion/*.py` of llama.cpp.
//! `{}` is the number of a block, `*` that of an expert.

/// Architectures whose names and reorderings are known; for others a name that
/// is not found is a gap, not a refutation.
pub(super) static KNOWN: &[&str] = &[
    "bert",
    "bloom",
    "command-r",
    "deepseek2",
    "falcon",
    "gemma",
    "gemma2",
    "gemma3",
    "glm4",
    "gpt2",
    "gptneox",
    "granite",
    "llama",
    "mamba",
    "mistral3",
    "nomic-bert",
    "olmo",
    "olmo2",
    "phi2",
    "phi3",
    "qwen2",
    "qwen2moe",
    "qwen3",
    "qwen3moe",
    "stablelm",
    "starcoder",
    "starcoder2",
    "t5",
];

/// Architectures whose query and key rows are reordered for llama.cpp's rotary
/// embedding.
pub(super) static ROTARY: &[&str] = &["llama", "granite", "mistral3", "olmo"];

static NAMES: &[(&str, &str)] = &[
    ("embed_tokens", "token_embd"),
    ("wte", "token_embd"),
    ("embed_in", "token_embd"),
    ("word_embeddings", "token_embd"),
    ("embeddings.word_embeddings", "token_embd"),
    ("embeddings", "token_embd"),
    ("embedding", "token_embd"),
    ("tok_embeddings", "token_embd"),
    ("shared", "token_embd"),
    ("wpe", "position_embd"),
    ("embeddings.position_embeddings", "position_embd"),
    ("embeddings.token_type_embeddings", "token_types"),
    ("embeddings.LayerNorm", "token_embd_norm"),
    ("emb_ln", "token_embd_norm"),
    ("word_embeddings_layernorm", "token_embd_norm"),
    ("norm", "output_norm"),
    ("ln_f", "output_norm"),
    ("final_layer_norm", "output_norm"),
    ("final_layernorm", "output_norm"),
    ("norm_f", "output_norm"),
    ("lm_head", "output"),
    ("embed_out", "output"),
    ("output", "output"),
    // One block of a decoder.
    ("layers.{}.input_layernorm", "blk.{}.attn_norm"),
    ("layers.{}.attention_norm", "blk.{}.attn_norm"),
    ("layers.{}.norm", "blk.{}.attn_norm"),
    ("layers.{}.post_attention_layernorm", "blk.{}.ffn_norm"),
    ("layers.{}.pre_feedforward_layernorm", "blk.{}.ffn_norm"),
    (
        "layers.{}.post_feedforward_layernorm",
        "blk.{}.post_ffw_norm",
    ),
    (
        "layers.{}.post_self_attn_layernorm",
        "blk.{}.post_attention_norm",
    ),
    ("layers.{}.post_mlp_layernorm", "blk.{}.post_ffw_norm"),
    ("layers.{}.self_attn.q_proj", "blk.{}.attn_q"),
    ("layers.{}.self_attn.k_proj", "blk.{}.attn_k"),
    ("layers.{}.self_attn.v_proj", "blk.{}.attn_v"),
    ("layers.{}.self_attn.o_proj", "blk.{}.attn_output"),
    ("layers.{}.self_attn.dense", "blk.{}.attn_output"),
    ("layers.{}.attention.dense", "blk.{}.attn_output"),
    ("layers.{}.self_attn.qkv_proj", "blk.{}.attn_qkv"),
    ("layers.{}.attention.query_key_value", "blk.{}.attn_qkv"),
    ("layers.{}.self_attn.q_norm", "blk.{}.attn_q_norm"),
    ("layers.{}.self_attn.k_norm", "blk.{}.attn_k_norm"),
    ("layers.{}.self_attn.q_layernorm", "blk.{}.attn_q_norm"),
    ("layers.{}.self_attn.k_layernorm", "blk.{}.attn_k_norm"),
    ("layers.{}.self_attn.sinks", "blk.{}.attn_sinks"),
    ("layers.{}.self_attn.q_a_proj", "blk.{}.attn_q_a"),
    ("layers.{}.self_attn.q_b_proj", "blk.{}.attn_q_b"),
    ("layers.{}.self_attn.q_a_layernorm", "blk.{}.attn_q_a_norm"),
    (
        "layers.{}.self_attn.kv_a_proj_with_mqa",
        "blk.{}.attn_kv_a_mqa",
    ),
    (
        "layers.{}.self_attn.kv_a_layernorm",
        "blk.{}.attn_kv_a_norm",
    ),
    ("layers.{}.self_attn.kv_b_proj", "blk.{}.attn_kv_b"),
    ("layers.{}.mlp.gate_proj", "blk.{}.ffn_gate"),
    ("layers.{}.mlp.up_proj", "blk.{}.ffn_up"),
    ("layers.{}.mlp.gate_up_proj", "blk.{}.ffn_up"),
    ("layers.{}.mlp.down_proj", "blk.{}.ffn_down"),
    ("layers.{}.mlp.fc1", "blk.{}.ffn_up"),
    ("layers.{}.mlp.fc2", "blk.{}.ffn_down"),
    ("layers.{}.mlp.c_fc", "blk.{}.ffn_up"),
    ("layers.{}.mlp.c_proj", "blk.{}.ffn_down"),
    ("layers.{}.mlp.dense_h_to_4h", "blk.{}.ffn_up"),
    ("layers.{}.mlp.dense_4h_to_h", "blk.{}.ffn_down"),
    // Experts.
    ("layers.{}.block_sparse_moe.gate", "blk.{}.ffn_gate_inp"),
    ("layers.{}.mlp.gate", "blk.{}.ffn_gate_inp"),
    (
        "layers.{}.mlp.shared_expert_gate",
        "blk.{}.ffn_gate_inp_shexp",
    ),
    (
        "layers.{}.mlp.gate.e_score_correction_bias",
        "blk.{}.exp_probs_b.bias",
    ),
    (
        "layers.{}.block_sparse_moe.experts.*.w1",
        "blk.{}.ffn_gate_exps",
    ),
    (
        "layers.{}.block_sparse_moe.experts.*.w2",
        "blk.{}.ffn_down_exps",
    ),
    (
        "layers.{}.block_sparse_moe.experts.*.w3",
        "blk.{}.ffn_up_exps",
    ),
    ("layers.{}.mlp.experts.*.gate_proj", "blk.{}.ffn_gate_exps"),
    ("layers.{}.mlp.experts.*.down_proj", "blk.{}.ffn_down_exps"),
    ("layers.{}.mlp.experts.*.up_proj", "blk.{}.ffn_up_exps"),
    ("layers.{}.mlp.experts.down_proj", "blk.{}.ffn_down_exps"),
    (
        "layers.{}.mlp.experts.gate_up_proj",
        "blk.{}.ffn_gate_up_exps",
    ),
    (
        "layers.{}.mlp.shared_expert.gate_proj",
        "blk.{}.ffn_gate_shexp",
    ),
    ("layers.{}.mlp.shared_expert.up_proj", "blk.{}.ffn_up_shexp"),
    (
        "layers.{}.mlp.shared_expert.down_proj",
        "blk.{}.ffn_down_shexp",
    ),
    (
        "layers.{}.mlp.shared_experts.gate_proj",
        "blk.{}.ffn_gate_shexp",
    ),
    (
        "layers.{}.mlp.shared_experts.up_proj",
        "blk.{}.ffn_up_shexp",
    ),
    (
        "layers.{}.mlp.shared_experts.down_proj",
        "blk.{}.ffn_down_shexp",
    ),
    // State space.
    ("layers.{}.mixer.A_log", "blk.{}.ssm_a"),
    ("layers.{}.mixer.D", "blk.{}.ssm_d"),
    ("layers.{}.mixer.conv1d", "blk.{}.ssm_conv1d"),
    ("layers.{}.mixer.dt_proj", "blk.{}.ssm_dt"),
    ("layers.{}.mixer.in_proj", "blk.{}.ssm_in"),
    ("layers.{}.mixer.out_proj", "blk.{}.ssm_out"),
    ("layers.{}.mixer.x_proj", "blk.{}.ssm_x"),
    // The older style, `h.N`.
    ("h.{}.ln_1", "blk.{}.attn_norm"),
    ("h.{}.ln_2", "blk.{}.ffn_norm"),
    ("h.{}.ln_mlp", "blk.{}.attn_norm"),
    ("h.{}.ln_attn", "blk.{}.attn_norm_2"),
    ("h.{}.input_layernorm", "blk.{}.attn_norm"),
    ("h.{}.post_attention_layernorm", "blk.{}.ffn_norm"),
    ("h.{}.attn.c_attn", "blk.{}.attn_qkv"),
    ("h.{}.attn.c_proj", "blk.{}.attn_output"),
    ("h.{}.self_attention.query_key_value", "blk.{}.attn_qkv"),
    ("h.{}.self_attention.dense", "blk.{}.attn_output"),
    ("h.{}.mlp.c_fc", "blk.{}.ffn_up"),
    ("h.{}.mlp.c_proj", "blk.{}.ffn_down"),
    ("h.{}.mlp.dense_h_to_4h", "blk.{}.ffn_up"),
    ("h.{}.mlp.dense_4h_to_h", "blk.{}.ffn_down"),
    // Encoders.
    ("encoder.layer.{}.attention.self.query", "blk.{}.attn_q"),
    ("encoder.layer.{}.attention.self.key", "blk.{}.attn_k"),
    ("encoder.layer.{}.attention.self.value", "blk.{}.attn_v"),
    (
        "encoder.layer.{}.attention.output.dense",
        "blk.{}.attn_output",
    ),
    (
        "encoder.layer.{}.attention.output.LayerNorm",
        "blk.{}.attn_output_norm",
    ),
    ("encoder.layer.{}.intermediate.dense", "blk.{}.ffn_up"),
    ("encoder.layer.{}.output.dense", "blk.{}.ffn_down"),
    (
        "encoder.layer.{}.output.LayerNorm",
        "blk.{}.layer_output_norm",
    ),
    ("encoder.layers.{}.attn.Wqkv", "blk.{}.attn_qkv"),
    ("encoder.layers.{}.attn.out_proj", "blk.{}.attn_output"),
    ("encoder.layers.{}.norm1", "blk.{}.attn_output_norm"),
    ("encoder.layers.{}.norm2", "blk.{}.layer_output_norm"),
    ("encoder.layers.{}.mlp.fc11", "blk.{}.ffn_up"),
    ("encoder.layers.{}.mlp.fc12", "blk.{}.ffn_gate"),
    ("encoder.layers.{}.mlp.fc2", "blk.{}.ffn_down"),
    // Encoder and decoder of T5.
    ("encoder.final_layer_norm", "enc.output_norm"),
    ("decoder.final_layer_norm", "dec.output_norm"),
    (
        "encoder.block.{}.layer.0.layer_norm",
        "enc.blk.{}.attn_norm",
    ),
    ("encoder.block.{}.layer.1.layer_norm", "enc.blk.{}.ffn_norm"),
    (
        "encoder.block.{}.layer.0.SelfAttention.q",
        "enc.blk.{}.attn_q",
    ),
    (
        "encoder.block.{}.layer.0.SelfAttention.k",
        "enc.blk.{}.attn_k",
    ),
    (
        "encoder.block.{}.layer.0.SelfAttention.v",
        "enc.blk.{}.attn_v",
    ),
    (
        "encoder.block.{}.layer.0.SelfAttention.o",
        "enc.blk.{}.attn_o",
    ),
    (
        "encoder.block.{}.layer.0.SelfAttention.relative_attention_bias",
        "enc.blk.{}.attn_rel_b",
    ),
    (
        "encoder.block.{}.layer.1.DenseReluDense.wi",
        "enc.blk.{}.ffn_up",
    ),
    (
        "encoder.block.{}.layer.1.DenseReluDense.wi_0",
        "enc.blk.{}.ffn_gate",
    ),
    (
        "encoder.block.{}.layer.1.DenseReluDense.wi_1",
        "enc.blk.{}.ffn_up",
    ),
    (
        "encoder.block.{}.layer.1.DenseReluDense.wo",
        "enc.blk.{}.ffn_down",
    ),
    (
        "decoder.block.{}.layer.0.layer_norm",
        "dec.blk.{}.attn_norm",
    ),
    (
        "decoder.block.{}.layer.1.layer_norm",
        "dec.blk.{}.cross_attn_norm",
    ),
    ("decoder.block.{}.layer.2.layer_norm", "dec.blk.{}.ffn_norm"),
    (
        "decoder.block.{}.layer.0.SelfAttention.q",
        "dec.blk.{}.attn_q",
    ),
    (
        "decoder.block.{}.layer.0.SelfAttention.k",
        "dec.blk.{}.attn_k",
    ),
    (
        "decoder.block.{}.layer.0.SelfAttention.v",
        "dec.blk.{}.attn_v",
    ),
    (
        "decoder.block.{}.layer.0.SelfAttention.o",
        "dec.blk.{}.attn_o",
    ),
    (
        "decoder.block.{}.layer.0.SelfAttention.relative_attention_bias",
        "dec.blk.{}.attn_rel_b",
    ),
    (
        "decoder.block.{}.layer.1.EncDecAttention.q",
        "dec.blk.{}.cross_attn_q",
    ),
    (
        "decoder.block.{}.layer.1.EncDecAttention.k",
        "dec.blk.{}.cross_attn_k",
    ),
    (
        "decoder.block.{}.layer.1.EncDecAttention.v",
        "dec.blk.{}.cross_attn_v",
    ),
    (
        "decoder.block.{}.layer.1.EncDecAttention.o",
        "dec.blk.{}.cross_attn_o",
    ),
    (
        "decoder.block.{}.layer.2.DenseReluDense.wi",
        "dec.blk.{}.ffn_up",
    ),
    (
        "decoder.block.{}.layer.2.DenseReluDense.wi_0",
        "dec.blk.{}.ffn_gate",
    ),
    (
        "decoder.block.{}.layer.2.DenseReluDense.wi_1",
        "dec.blk.{}.ffn_up",
    ),
    (
        "decoder.block.{}.layer.2.DenseReluDense.wo",
        "dec.blk.{}.ffn_down",
    ),
];

/// Wrappers that the converter ignores.
static PREFIXES: &[&str] = &[
    "model.",
    "language_model.",
    "text_model.",
    "transformer.",
    "bert.",
    "roberta.",
    "backbone.",
    "gpt_neox.",
];

/// A name in the target, and which expert of it this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapped {
    pub(super) name: String,
    pub(super) expert: Option<u64>,
}

/// The target's name for a source tensor.
pub(super) fn target(name: &str, sandwich_norms: bool) -> Option<Mapped> {
    let mut bare = name;
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| bare.strip_prefix(prefix)) {
        bare = rest;
    }
    let (base, suffix) = match bare.rsplit_once('.') {
        Some((base, end @ ("weight" | "bias"))) => (base, format!(".{end}")),
        _ => (bare, String::new()),
    };
    // Only the first number is a block; T5 has a second that is a name.
    let mut block = None;
    let mut expert = None;
    let mut experts_follow = false;
    let template = base
        .split('.')
        .map(|part| {
            if part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() {
                if block.is_none() {
                    block = Some(part);
                    return "{}";
                }
                if experts_follow {
                    expert = part.parse().ok();
                    return "*";
                }
            }
            experts_follow = part == "experts";
            part
        })
        .collect::<Vec<_>>()
        .join(".");
    let found = NAMES.iter().find(|(hf, _)| *hf == template)?.1;
    // Gemma 2 and OLMo 2 have norms on both sides of a block.
    let found = if sandwich_norms && template.ends_with("post_attention_layernorm") {
        "blk.{}.post_attention_norm"
    } else {
        found
    };
    let named = found.replace("{}", block.unwrap_or("0"));
    // Stacked experts carry no suffix in newer files.
    let suffix = if suffix.is_empty() && found.ends_with("_exps") {
        ".weight".to_owned()
    } else {
        suffix
    };
    Some(Mapped {
        name: format!("{named}{suffix}"),
        expert,
    })
}

/// Tensors of the source that the converter leaves out.
pub(super) fn is_left_out(arch: &str, name: &str) -> bool {
    name.ends_with(".attention.masked_bias")
        || name.ends_with(".attention.bias")
        || name.ends_with(".attn.bias")
        || name.ends_with(".attn.masked_bias")
        || name.ends_with(".rotary_emb.inv_freq")
        || name.contains("pooler.")
        || (arch.starts_with("gemma") && name == "lm_head.weight")
        || (arch == "bert"
            && (name.starts_with("cls.") || name.ends_with("embeddings.position_ids")))
        || (matches!(arch, "t5") && name.ends_with("embed_tokens.weight"))
        || [
            "visual.",
            "vision.",
            "vision_",
            "audio_",
            "audio.",
            "multi_modal_projector.",
        ]
        .iter()
        .any(|part| name.contains(part))
}
