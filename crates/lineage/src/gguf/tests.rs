//! Small models built here: a LLaMA-like folder and its conversion, and what
//! must happen when one thing in it is wrong.

use std::sync::Arc;

use super::arith::Plain;
use super::block::Kind;
use super::check::check_rows;
use super::decode::decode;
use super::file::Head;
use super::quantizer::{quantize_row, replays};
use crate::{Bytes, Case, Claim, Data, Grade, Model, ModelFile, Part, Proof, Tensor, prove};

/// Numbers that look like weights; the same on every run.
fn weights(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..count)
        .map(|_| (uniform() + uniform() + uniform() + uniform()) * 0.04)
        .collect()
}

fn stored(kind: Kind, x: &[f32]) -> Vec<u8> {
    match kind {
        Kind::F32 => x.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Kind::F16 => x
            .iter()
            .flat_map(|v| half::f16::from_f32(*v).to_le_bytes())
            .collect(),
        _ => {
            let mut out = vec![0; x.len() / kind.elements() * kind.bytes()];
            assert!(quantize_row::<Plain>(kind, x, None, &mut out));
            out
        }
    }
}

#[test]
fn every_bit_of_a_replayed_block_matters() {
    let x = weights(1, 256);
    for kind in Kind::all().filter(|kind| replays(*kind)) {
        let good = stored(kind, &x);
        let clean = check_rows::<Plain>(kind, &x, 256, None, &good, 0);
        assert_eq!((clean.differing, clean.off), (0, 0), "{}", kind.name());
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let found = check_rows::<Plain>(kind, &x, 256, None, &bad, 0);
            assert_eq!(found.differing, 1, "{} bit {bit}", kind.name());
        }
    }
}

#[test]
fn any_bytes_decode_to_something() {
    for kind in Kind::all() {
        for seed in 0..20u8 {
            let bytes: Vec<u8> = (0..kind.bytes())
                .map(|i| {
                    (i as u8)
                        .wrapping_mul(37)
                        .wrapping_add(seed.wrapping_mul(91))
                        ^ (seed << 3)
                })
                .collect();
            let mut out = vec![0.0; kind.elements()];
            let number = matches!(
                kind,
                Kind::F64 | Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64
            );
            assert_eq!(decode(kind, &bytes, &mut out), !number, "{}", kind.name());
            assert!(!decode(kind, &bytes[1..], &mut out));
        }
    }
}

#[test]
fn quantized_values_lie_near_their_weights() {
    let x = weights(2, 512);
    for (kind, most) in [
        (Kind::Q8_0, 0.01),
        (Kind::Q6K, 0.03),
        (Kind::Q4K, 0.1),
        (Kind::Iq4Nl, 0.11),
        (Kind::Iq3S, 0.25),
        (Kind::Q2K, 0.4),
    ] {
        let report = check_rows::<Plain>(kind, &x, 512, None, &stored(kind, &x), 0);
        assert!(
            report.relative() < most,
            "{} {}",
            kind.name(),
            report.relative()
        );
    }
}

/// A GGUF file: keys as already encoded values, tensors innermost first.
struct File {
    keys: Vec<(&'static str, u32, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, Kind, Vec<u8>)>,
}

fn text(v: &str) -> Vec<u8> {
    let mut out = (v.len() as u64).to_le_bytes().to_vec();
    out.extend(v.as_bytes());
    out
}

impl File {
    fn write(&self) -> Vec<u8> {
        let mut out = b"GGUF\x03\0\0\0".to_vec();
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.keys.len() as u64).to_le_bytes());
        for (key, kind, value) in &self.keys {
            out.extend(text(key));
            out.extend(kind.to_le_bytes());
            out.extend(value);
        }
        let mut offset = 0u64;
        for (name, dims, kind, data) in &self.tensors {
            out.extend(text(name));
            out.extend((dims.len() as u32).to_le_bytes());
            for d in dims {
                out.extend(d.to_le_bytes());
            }
            out.extend(kind.id().to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset = (offset + data.len() as u64).next_multiple_of(32);
        }
        for (_, _, _, data) in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(data);
        }
        out.resize(out.len().next_multiple_of(32), 0);
        out
    }
}

const CONFIG: &str = r#"{"architectures":["LlamaForCausalLM"],"num_hidden_layers":1,"hidden_size":256,
"num_attention_heads":4,"num_key_value_heads":2,"intermediate_size":256,"max_position_embeddings":64,
"rms_norm_eps":1e-5,"rope_theta":10000.0,"vocab_size":4,"bos_token_id":1,"eos_token_id":2}"#;
const TOKENIZER: &str = r#"{"model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2,"ab":3},"merges":["a b"]},"added_tokens":[]}"#;
const TOKENIZER_CONFIG: &str = r#"{"chat_template":"{{ messages }}"}"#;

/// Name, shape and values of each tensor.
type Made = Vec<(&'static str, Vec<u64>, Vec<f32>)>;

fn source() -> (Model, Made) {
    let list: Vec<(&str, Vec<u64>)> = vec![
        ("model.embed_tokens.weight", vec![4, 256]),
        ("lm_head.weight", vec![4, 256]),
        ("model.norm.weight", vec![256]),
        ("model.layers.0.input_layernorm.weight", vec![256]),
        ("model.layers.0.post_attention_layernorm.weight", vec![256]),
        ("model.layers.0.self_attn.q_proj.weight", vec![256, 256]),
        ("model.layers.0.self_attn.k_proj.weight", vec![128, 256]),
        ("model.layers.0.self_attn.v_proj.weight", vec![128, 256]),
        ("model.layers.0.self_attn.o_proj.weight", vec![256, 256]),
        ("model.layers.0.mlp.gate_proj.weight", vec![256, 256]),
        ("model.layers.0.mlp.up_proj.weight", vec![256, 256]),
        ("model.layers.0.mlp.down_proj.weight", vec![256, 256]),
    ];
    let made: Made = list
        .into_iter()
        .enumerate()
        .map(|(i, (name, shape))| {
            let values = weights(i as u64 + 10, shape.iter().product::<u64>() as usize);
            (name, shape, values)
        })
        .collect();
    let tensors = made
        .iter()
        .map(|(name, shape, values)| dense(name, "f32", shape.clone(), stored(Kind::F32, values)))
        .collect();
    let file = |path: &str, content: &str| ModelFile {
        path: path.to_owned(),
        format: "json".to_owned(),
        size: content.len() as u64,
        bytes: Arc::new(content.as_bytes().to_vec()),
    };
    let files = vec![
        file("config.json", CONFIG),
        file("tokenizer.json", TOKENIZER),
        file("tokenizer_config.json", TOKENIZER_CONFIG),
    ];
    (
        Model::new(
            "hf".to_owned(),
            files,
            tensors,
            modelward_schema::Facts::default(),
        ),
        made,
    )
}

fn dense(name: &str, dtype: &str, shape: Vec<u64>, bytes: Vec<u8>) -> Tensor {
    let len = bytes.len() as u64;
    Tensor {
        name: name.to_owned(),
        dtype: dtype.to_owned(),
        shape,
        big_endian: false,
        data: Data::Dense(vec![Part {
            bytes: Arc::new(bytes),
            start: 0,
            len,
        }]),
        file: "model.safetensors".to_owned(),
    }
}

/// The honest conversion, with matrices of `kind`.
fn converted(made: &Made, kind: Kind, file_type: u32) -> File {
    let number = |v: u32| (4u32, v.to_le_bytes().to_vec());
    let float = |v: f32| (6u32, v.to_le_bytes().to_vec());
    let word = |v: &str| (8u32, text(v));
    let list = |of: u32, items: Vec<Vec<u8>>| {
        let mut out = of.to_le_bytes().to_vec();
        out.extend((items.len() as u64).to_le_bytes());
        for item in items {
            out.extend(item);
        }
        (9u32, out)
    };
    let keys = [
        ("general.architecture", word("llama")),
        ("general.file_type", number(file_type)),
        ("general.quantization_version", number(2)),
        ("llama.block_count", number(1)),
        ("llama.context_length", number(64)),
        ("llama.embedding_length", number(256)),
        ("llama.feed_forward_length", number(256)),
        ("llama.attention.head_count", number(4)),
        ("llama.attention.head_count_kv", number(2)),
        ("llama.rope.freq_base", float(10000.0)),
        ("llama.attention.layer_norm_rms_epsilon", float(1e-5)),
        ("tokenizer.ggml.model", word("gpt2")),
        (
            "tokenizer.ggml.tokens",
            list(8, ["a", "b", "c", "ab"].map(text).to_vec()),
        ),
        (
            "tokenizer.ggml.token_type",
            list(5, vec![1i32.to_le_bytes().to_vec(); 4]),
        ),
        ("tokenizer.ggml.merges", list(8, vec![text("a b")])),
        ("tokenizer.ggml.bos_token_id", number(1)),
        ("tokenizer.ggml.eos_token_id", number(2)),
        ("tokenizer.chat_template", word("{{ messages }}")),
    ]
    .map(|(key, (kind, value))| (key, kind, value))
    .to_vec();
    let tensors = made
        .iter()
        .map(|(name, shape, values)| {
            let name = super::names::target(name, false).unwrap().name;
            let values = if name.contains("attn_q.") || name.contains("attn_k.") {
                permuted(values, 64)
            } else {
                values.clone()
            };
            let kind = if shape.len() == 1 { Kind::F32 } else { kind };
            let dims = shape.iter().rev().copied().collect();
            (name, dims, kind, stored(kind, &values))
        })
        .collect();
    File { keys, tensors }
}

/// What the converter's `permute` does, written the way it is there.
fn permuted(values: &[f32], head: usize) -> Vec<f32> {
    let rows = values.len() / 256;
    let mut out = Vec::new();
    for h in 0..rows / head {
        for i in 0..head / 2 {
            for half in 0..2 {
                let row = h * head + half * (head / 2) + i;
                out.extend(&values[row * 256..(row + 1) * 256]);
            }
        }
    }
    out
}

fn open(bytes: Vec<u8>) -> Model {
    let bytes: Arc<dyn Bytes> = Arc::new(bytes);
    let head = Head::read(bytes.as_ref()).unwrap();
    let tensors = head
        .tensors
        .iter()
        .map(|e| Tensor {
            name: e.name.clone(),
            dtype: e.kind.name().to_owned(),
            shape: e.dims.iter().rev().copied().collect(),
            big_endian: false,
            data: Data::Dense(vec![Part {
                bytes: bytes.clone(),
                start: head.data_start + e.offset,
                len: e.len,
            }]),
            file: "model.gguf".to_owned(),
        })
        .collect();
    let files = vec![ModelFile {
        path: "model.gguf".to_owned(),
        format: "gguf".to_owned(),
        size: bytes.len(),
        bytes,
    }];
    Model::new(
        "gguf".to_owned(),
        files,
        tensors,
        modelward_schema::Facts::default(),
    )
}

fn proof(source: &Model, target: Vec<u8>, relation: Option<&str>) -> Proof {
    let claim = Claim::default();
    let target = open(target);
    let case = Case {
        sources: std::slice::from_ref(source),
        target: &target,
        claim: &claim,
        tell: &|_| {},
    };
    prove(&case, relation).unwrap()
}

#[test]
fn an_honest_conversion_is_exact_and_found_without_asking() {
    let (source, made) = source();
    for (kind, number) in [(Kind::F32, 0), (Kind::F16, 1), (Kind::Q8_0, 7)] {
        let found = proof(&source, converted(&made, kind, number).write(), None);
        assert_eq!(
            found.grade,
            Grade::Exact,
            "{} {:?}",
            kind.name(),
            found.reasons
        );
        assert_eq!(found.relation, "hf2gguf");
    }
}

#[test]
fn one_changed_element_is_named() {
    let (source, made) = source();
    let mut file = converted(&made, Kind::F16, 1);
    let at = file
        .tensors
        .iter()
        .position(|t| t.0 == "blk.0.ffn_up.weight")
        .unwrap();
    file.tensors[at].3[2 * (3 * 256 + 7)] ^= 1;
    let found = proof(&source, file.write(), Some("hf2gguf"));
    assert_eq!(found.grade, Grade::Refuted);
    let tensor = found
        .tensors
        .iter()
        .find(|t| t.grade == Grade::Refuted)
        .unwrap();
    assert_eq!(tensor.name, "blk.0.ffn_up.weight");
    assert_eq!(tensor.worst.as_ref().unwrap().position, [3, 7]);
    assert_eq!(tensor.wrong, 1);
}

#[test]
fn rows_that_were_not_reordered_are_refuted() {
    let (source, made) = source();
    let mut file = converted(&made, Kind::F32, 0);
    let plain = made
        .iter()
        .find(|m| m.0.ends_with("q_proj.weight"))
        .unwrap();
    let at = file
        .tensors
        .iter()
        .position(|t| t.0 == "blk.0.attn_q.weight")
        .unwrap();
    file.tensors[at].3 = stored(Kind::F32, &plain.2);
    assert_eq!(
        proof(&source, file.write(), Some("hf2gguf")).grade,
        Grade::Refuted
    );
}

#[test]
fn every_changed_metadata_value_is_refuted() {
    let (source, made) = source();
    let honest = converted(&made, Kind::F16, 1);
    for i in 0..honest.keys.len() {
        let mut file = converted(&made, Kind::F16, 1);
        let key = file.keys[i].0;
        // The architecture decides how all else is read; it has its own test.
        if key == "general.architecture" {
            continue;
        }
        let kind = file.keys[i].1;
        let value = &mut file.keys[i].2;
        let at = match kind {
            4 => 0,
            6 => 1,
            _ => value.len() - 1,
        };
        value[at] ^= if kind == 9 { 2 } else { 1 };
        let found = proof(&source, file.write(), Some("hf2gguf"));
        assert_eq!(found.grade, Grade::Refuted, "{key}");
    }
}

#[test]
fn swapped_missing_and_extra_tensors_are_refuted() {
    let (source, made) = source();
    let mut file = converted(&made, Kind::F16, 1);
    let at = |f: &File, n: &str| f.tensors.iter().position(|t| t.0 == n).unwrap();
    let (a, b) = (
        at(&file, "blk.0.ffn_up.weight"),
        at(&file, "blk.0.ffn_gate.weight"),
    );
    let (x, y) = (file.tensors[a].3.clone(), file.tensors[b].3.clone());
    (file.tensors[a].3, file.tensors[b].3) = (y, x);
    assert_eq!(
        proof(&source, file.write(), Some("hf2gguf")).grade,
        Grade::Refuted
    );
    let mut file = converted(&made, Kind::F16, 1);
    let lost = file.tensors.remove(a);
    assert_eq!(
        proof(&source, file.write(), Some("hf2gguf")).grade,
        Grade::Refuted
    );
    let mut file = converted(&made, Kind::F16, 1);
    file.tensors
        .push(("blk.0.extra.weight".to_owned(), lost.1, lost.2, lost.3));
    let found = proof(&source, file.write(), Some("hf2gguf"));
    assert_eq!(found.grade, Grade::Refuted);
    assert!(found.unexplained[0].contains("blk.0.extra.weight"));
}

#[test]
fn hidden_bytes_are_refuted() {
    let (source, made) = source();
    let honest = converted(&made, Kind::F16, 1).write();
    let mut tail = honest.clone();
    tail.extend([0; 40]);
    assert_eq!(proof(&source, tail, Some("hf2gguf")).grade, Grade::Refuted);
    let head = Head::read(&honest).unwrap();
    let mut gap = honest.clone();
    let before = usize::try_from(head.data_start).unwrap() - 1;
    if gap[before] == 0 {
        gap[before] = 1;
        assert_eq!(proof(&source, gap, Some("hf2gguf")).grade, Grade::Refuted);
    }
}

#[test]
fn quantizing_in_one_step_or_two_is_found_out() {
    let (source, made) = source();
    let mut file = converted(&made, Kind::Q4_0, 2);
    // llama.cpp gives the head six bits.
    for tensor in &mut file.tensors {
        if tensor.0 == "output.weight" {
            let head = &made.iter().find(|m| m.0 == "lm_head.weight").unwrap().2;
            (tensor.2, tensor.3) = (Kind::Q6K, stored(Kind::Q6K, head));
        }
    }
    let found = proof(&source, file.write(), None);
    assert_eq!(
        (found.relation.as_str(), found.grade),
        ("quantize", Grade::Exact),
        "{:?}",
        found.reasons
    );
    let at = file
        .tensors
        .iter()
        .position(|t| t.0 == "blk.0.ffn_down.weight")
        .unwrap();
    file.tensors[at].3[18 * 5] ^= 1;
    let found = proof(&source, file.write(), Some("quantize"));
    assert_eq!(found.grade, Grade::Refuted);
    assert!(
        found.reasons[0].contains("blk.0.ffn_down.weight"),
        "{:?}",
        found.reasons
    );
}

#[test]
fn a_mutated_file_is_read_without_harm() {
    let (_, made) = source();
    let mut small = converted(&made, Kind::Q8_0, 7);
    small.tensors.truncate(2);
    let honest = small.write();
    let head = usize::try_from(Head::read(&honest).unwrap().data_start).unwrap();
    for at in 0..head {
        for change in [1u8, 0x80, 0xff] {
            let mut bytes = honest.clone();
            bytes[at] ^= change;
            let _ = Head::read(&bytes);
        }
    }
    for len in 0..head {
        assert!(Head::read(&honest[..len].to_vec()).is_err());
    }
}
