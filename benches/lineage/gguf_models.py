"""Tiny models with random weights, converted by llama.cpp's own converter.

    python gguf_models.py LLAMA_CPP OUT [ARCH…]

LLAMA_CPP is the folder with convert_hf_to_gguf.py (the sdist of
llama-cpp-python carries it under vendor/llama.cpp). For each architecture it
writes OUT/ARCH/hf (config, weights, tokenizer), and OUT/ARCH/{f32,f16,bf16,q8_0}.gguf.
Needs torch, transformers, tokenizers, sentencepiece, safetensors, gguf.
"""

import contextlib
import io
import json
import shutil
import sys
from pathlib import Path

LLAMA, OUT = Path(sys.argv[1]), Path(sys.argv[2])
sys.path[:0] = [str(LLAMA), str(LLAMA / "gguf-py")]

import torch  # noqa: E402
import transformers as tf  # noqa: E402

TEXT = ["the quick brown fox jumps over the lazy dog %d times and then some" % i for i in range(400)]
TEMPLATE = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"


def sentencepiece(folder, n=300):
    import sentencepiece as spm

    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT), model_writer=model, vocab_size=n, model_type="bpe",
        byte_fallback=True, character_coverage=1.0, hard_vocab_limit=False, minloglevel=2)
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    sp = spm.SentencePieceProcessor(model_proto=model.getvalue())
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
        "add_bos_token": True, "add_eos_token": False, "chat_template": TEMPLATE}))
    return sp.vocab_size()


def bytelevel(folder, n=320, cls="PreTrainedTokenizerFast"):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(TEXT, trainers.BpeTrainer(
        vocab_size=n, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    fast = tf.PreTrainedTokenizerFast(tokenizer_object=tok, bos_token="<|endoftext|>", eos_token="<|im_end|>",
                                      pad_token="<|endoftext|>", chat_template=TEMPLATE)
    fast.save_pretrained(folder)
    return len(fast)


def wordpiece(folder):
    from tokenizers import BertWordPieceTokenizer

    tok = BertWordPieceTokenizer()
    tok.train_from_iterator(TEXT, vocab_size=200)
    tok.save_model(str(folder))
    fast = tf.BertTokenizerFast(vocab_file=str(folder / "vocab.txt"))
    fast.save_pretrained(folder)
    return len(fast)


BASE = dict(hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=512)
MOE = dict(num_experts=4, num_local_experts=4, num_experts_per_tok=2, moe_intermediate_size=256,
           shared_expert_intermediate_size=256, decoder_sparse_step=1)
ARCHS = {
    "llama": (tf.LlamaConfig, tf.LlamaForCausalLM, BASE | dict(tie_word_embeddings=False), sentencepiece),
    "llama3": (tf.LlamaConfig, tf.LlamaForCausalLM, BASE | dict(tie_word_embeddings=True, rope_parameters=dict(
        rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=256)), bytelevel),
    "llama64": (tf.LlamaConfig, tf.LlamaForCausalLM, BASE | dict(hidden_size=64, intermediate_size=160), sentencepiece),
    "mistral": (tf.MistralConfig, tf.MistralForCausalLM, BASE, sentencepiece),
    "mixtral": (tf.MixtralConfig, tf.MixtralForCausalLM, BASE | MOE, sentencepiece),
    "qwen2": (tf.Qwen2Config, tf.Qwen2ForCausalLM, BASE | dict(tie_word_embeddings=True), bytelevel),
    "qwen2moe": (tf.Qwen2MoeConfig, tf.Qwen2MoeForCausalLM, BASE | MOE, bytelevel),
    "qwen3": (tf.Qwen3Config, tf.Qwen3ForCausalLM, BASE | dict(head_dim=64), bytelevel),
    "qwen3moe": (tf.Qwen3MoeConfig, tf.Qwen3MoeForCausalLM, BASE | MOE | dict(head_dim=64), bytelevel),
    "gemma": (tf.GemmaConfig, tf.GemmaForCausalLM, BASE | dict(head_dim=64), sentencepiece),
    "gemma2": (tf.Gemma2Config, tf.Gemma2ForCausalLM, BASE | dict(head_dim=64), sentencepiece),
    "gemma3": (tf.Gemma3TextConfig, tf.Gemma3ForCausalLM, BASE | dict(head_dim=64), sentencepiece),
    "phi2": (tf.PhiConfig, tf.PhiForCausalLM, BASE | dict(num_key_value_heads=4), bytelevel),
    "phi3": (tf.Phi3Config, tf.Phi3ForCausalLM, BASE | dict(pad_token_id=0), sentencepiece),
    "phi3long": (tf.Phi3Config, tf.Phi3ForCausalLM, BASE | dict(
        pad_token_id=0, original_max_position_embeddings=256, rope_parameters=dict(
            rope_type="longrope", rope_theta=10000.0, short_factor=[1.0 + i / 32 for i in range(32)],
            long_factor=[1.0 + i / 4 for i in range(32)], original_max_position_embeddings=256)), sentencepiece),
    "gpt2": (tf.GPT2Config, tf.GPT2LMHeadModel, dict(n_embd=256, n_layer=2, n_head=4, n_positions=512, n_ctx=512), bytelevel),
    "falcon": (tf.FalconConfig, tf.FalconForCausalLM, dict(
        hidden_size=256, num_hidden_layers=2, num_attention_heads=4, num_kv_heads=2, new_decoder_architecture=True), bytelevel),
    "falcon7": (tf.FalconConfig, tf.FalconForCausalLM, dict(
        hidden_size=256, num_hidden_layers=2, num_attention_heads=4, multi_query=True, parallel_attn=True), bytelevel),
    "gptneox": (tf.GPTNeoXConfig, tf.GPTNeoXForCausalLM, BASE | dict(num_key_value_heads=4), bytelevel),
    "starcoder2": (tf.Starcoder2Config, tf.Starcoder2ForCausalLM, BASE, bytelevel),
    "starcoder": (tf.GPTBigCodeConfig, tf.GPTBigCodeForCausalLM, dict(n_embd=256, n_layer=2, n_head=4, n_positions=512), bytelevel),
    "bert": (tf.BertConfig, tf.BertModel, BASE, wordpiece),
    "t5": (tf.T5Config, tf.T5ForConditionalGeneration, dict(
        d_model=256, d_ff=512, num_layers=2, num_heads=4, d_kv=64, n_positions=512, decoder_start_token_id=0), sentencepiece),
    "mamba": (tf.MambaConfig, tf.MambaForCausalLM, dict(hidden_size=256, num_hidden_layers=2, state_size=16), bytelevel),
    "command-r": (tf.CohereConfig, tf.CohereForCausalLM, BASE, bytelevel),
    "olmo2": (tf.Olmo2Config, tf.Olmo2ForCausalLM, BASE, bytelevel),
    "olmo": (tf.OlmoConfig, tf.OlmoForCausalLM, BASE, bytelevel),
    "granite": (tf.GraniteConfig, tf.GraniteForCausalLM, BASE, bytelevel),
    "glm4": (tf.Glm4Config, tf.Glm4ForCausalLM, BASE | dict(head_dim=64, pad_token_id=0), bytelevel),
    "deepseek2": (tf.DeepseekV2Config, tf.DeepseekV2ForCausalLM, BASE | dict(
        num_key_value_heads=4, n_routed_experts=4, n_shared_experts=1, num_experts_per_tok=2, first_k_dense_replace=1,
        moe_intermediate_size=256, kv_lora_rank=64, q_lora_rank=96, qk_rope_head_dim=32, qk_nope_head_dim=32,
        v_head_dim=32, n_group=1, topk_group=1, topk_method="greedy", norm_topk_prob=False, scoring_func="softmax"), bytelevel),
    "stablelm": (tf.StableLmConfig, tf.StableLmForCausalLM, BASE, bytelevel),
    "bloom": (tf.BloomConfig, tf.BloomForCausalLM, dict(hidden_size=256, n_layer=2, n_head=4), bytelevel),
}


def randomize(model):
    """No constant tensor: a swap or a zero would hide in it."""
    gen = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=gen) * 0.02
            p.copy_(p + noise if "norm" in name.lower() or "ln_" in name else noise if p.dim() > 1 else p + noise)


def make(name, dtype):
    config, cls, args, tokenizer = ARCHS[name]
    folder = OUT / name / "hf"
    shutil.rmtree(OUT / name, ignore_errors=True)
    folder.mkdir(parents=True)
    vocab = tokenizer(folder)
    config = config(**(args | dict(vocab_size=vocab, bos_token_id=1, eos_token_id=2)))
    model = cls(config)
    randomize(model)
    model.to(dtype).save_pretrained(folder)


def convert(name):
    import convert_hf_to_gguf as converter
    from conversion import base

    base.TextModel.get_vocab_base_pre = lambda self, tokenizer: "gpt-2"
    for outtype in ["f32", "f16", "bf16", "q8_0"]:
        sys.argv = ["convert", str(OUT / name / "hf"), "--outfile", str(OUT / name / f"{outtype}.gguf"), "--outtype", outtype]
        converter.main()


if __name__ == "__main__":
    names = sys.argv[3:] or list(ARCHS)
    for i, name in enumerate(names):
        log = io.StringIO()
        try:
            with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
                make(name, [torch.float32, torch.bfloat16, torch.float16][i % 3])
                convert(name)
            print(f"{name}: made", flush=True)
        except BaseException as error:  # noqa: BLE001 - a missing architecture is reported, not fatal
            print(f"{name}: {type(error).__name__}: {str(error)[:300]}", flush=True)
