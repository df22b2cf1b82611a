//! The file type and the mixture of element types that it stands for.
//!
//! Follows `llama_tensor_get_type_impl` in `src/llama-quant.cpp` of llama.cpp,
//! which gives some tensors more bits than others, and `prepare_tensors` of its
//! converter, which does not. A mixture of one's own (`--tensor-type`) is said,
//! not refuted; a file type whose neighbour fits exactly is.

use std::cmp::Ordering;

use super::block::Kind;
use super::file::{Entry, Head, Value};
use super::metadata::differ;
use super::weigh::stays_f32;
use crate::claim::Claim;
use crate::proof::Proof;

/// Number in the file, name, and the type that most tensors get.
static FILE_TYPES: &[(i128, &str, Kind)] = &[
    (0, "F32", Kind::F32),
    (1, "F16", Kind::F16),
    (2, "Q4_0", Kind::Q4_0),
    (3, "Q4_1", Kind::Q4_1),
    (7, "Q8_0", Kind::Q8_0),
    (8, "Q5_0", Kind::Q5_0),
    (9, "Q5_1", Kind::Q5_1),
    (10, "Q2_K", Kind::Q2K),
    (11, "Q3_K_S", Kind::Q3K),
    (12, "Q3_K_M", Kind::Q3K),
    (13, "Q3_K_L", Kind::Q3K),
    (14, "Q4_K_S", Kind::Q4K),
    (15, "Q4_K_M", Kind::Q4K),
    (16, "Q5_K_S", Kind::Q5K),
    (17, "Q5_K_M", Kind::Q5K),
    (18, "Q6_K", Kind::Q6K),
    (19, "IQ2_XXS", Kind::Iq2Xxs),
    (20, "IQ2_XS", Kind::Iq2Xs),
    (21, "Q2_K_S", Kind::Q2K),
    (22, "IQ3_XS", Kind::Iq3S),
    (23, "IQ3_XXS", Kind::Iq3Xxs),
    (24, "IQ1_S", Kind::Iq1S),
    (25, "IQ4_NL", Kind::Iq4Nl),
    (26, "IQ3_S", Kind::Iq3S),
    (27, "IQ3_M", Kind::Iq3S),
    (28, "IQ2_S", Kind::Iq2Xs),
    (29, "IQ2_M", Kind::Iq2S),
    (30, "IQ4_XS", Kind::Iq4Xs),
    (31, "IQ1_M", Kind::Iq1M),
    (32, "BF16", Kind::Bf16),
    (36, "TQ1_0", Kind::Tq1_0),
    (37, "TQ2_0", Kind::Tq2_0),
    (38, "MXFP4_MOE", Kind::Mxfp4),
    (39, "NVFP4", Kind::Nvfp4),
    (40, "Q1_0", Kind::Q1_0),
    (41, "Q2_0", Kind::Q2_0),
];

/// How the types were given out.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// By the converter, in one type.
    converter: bool,
    pure: bool,
    imatrix: bool,
}

/// Compares the file type with the tensors' types.
pub(super) fn check(head: &Head, arch: &str, proof: &mut Proof) {
    let Some(told) = head.get("general.file_type") else {
        return;
    };
    let number = told.integer().unwrap_or(-1);
    let mut order: Vec<&Entry> = head.tensors.iter().collect();
    order.sort_by(|a, b| by_layer(&a.name, &b.name));
    let fits = |number: i128| {
        WAYS.iter()
            .any(|way| fits(number, *way, &order, head, arch))
    };
    if fits(number) {
        return;
    }
    if let Some((other, name, _)) = FILE_TYPES.iter().find(|t| t.0 != number && fits(t.0)) {
        differ(
            proof,
            "general.file_type",
            Some(format!("{other} ({name}), by the types of the tensors")),
            Some(told.to_string()),
        );
        return;
    }
    let Some((_, name, most)) = FILE_TYPES.iter().find(|t| t.0 == number) else {
        let said = Some("a known file type".to_owned());
        differ(proof, "general.file_type", said, Some(told.to_string()));
        return;
    };
    if order
        .iter()
        .any(|t| t.kind == *most || t.kind == fallback(*most))
    {
        proof.note(format!(
            "the types of the tensors are a mixture of their own, not that of {name}"
        ));
    } else {
        let said = Some("a file type that some tensor has".to_owned());
        differ(
            proof,
            "general.file_type",
            said,
            Some(format!("{told} ({name})")),
        );
    }
}

/// A claim that names another type than the file has is false.
pub(super) fn check_claim(head: &Head, claim: &Claim, proof: &mut Proof) {
    let told = head.get("general.file_type").and_then(Value::integer);
    for key in ["ftype", "kind", "dtype", "type", "outtype", "method"] {
        let Some(said) = claim.text(key) else {
            continue;
        };
        let bare = said
            .to_uppercase()
            .replace("MOSTLY_", "")
            .replace("ALL_", "");
        let name = match bare.as_str() {
            "Q3_K" | "Q4_K" | "Q5_K" => format!("{bare}_M"),
            "FLOAT32" | "FP32" => "F32".to_owned(),
            "FLOAT16" | "FP16" => "F16".to_owned(),
            "BFLOAT16" => "BF16".to_owned(),
            "MXFP4" => "MXFP4_MOE".to_owned(),
            _ => bare,
        };
        let Some(found) = FILE_TYPES.iter().find(|t| t.1 == name) else {
            continue;
        };
        // A bare element type also fits the files of which it is the bulk.
        let bulk = FILE_TYPES
            .iter()
            .any(|t| Some(t.0) == told && t.2 == found.2 && (said.len() == 4 || t.1 == name));
        if told.is_some() && !bulk {
            let is = FILE_TYPES
                .iter()
                .find(|t| Some(t.0) == told)
                .map_or("unknown", |t| t.1);
            proof.refute(format!(
                "the claim says {key} {said}, but the file type is {is}"
            ));
        }
    }
}

static WAYS: &[Way] = &[
    Way {
        converter: true,
        pure: false,
        imatrix: false,
    },
    Way {
        converter: false,
        pure: false,
        imatrix: false,
    },
    Way {
        converter: false,
        pure: false,
        imatrix: true,
    },
    Way {
        converter: false,
        pure: true,
        imatrix: false,
    },
];

fn layer(name: &str) -> Option<i64> {
    name.strip_prefix("blk.")?.split('.').next()?.parse().ok()
}

fn by_layer(a: &str, b: &str) -> Ordering {
    (layer(a).unwrap_or(-1), a).cmp(&(layer(b).unwrap_or(-1), b))
}

/// For rows that are no multiple of 256.
fn fallback(kind: Kind) -> Kind {
    match kind {
        Kind::Iq1S
        | Kind::Iq1M
        | Kind::Iq2Xxs
        | Kind::Iq2Xs
        | Kind::Iq2S
        | Kind::Iq3Xxs
        | Kind::Iq3S
        | Kind::Iq4Xs => Kind::Iq4Nl,
        Kind::Q2_0 | Kind::Q2K | Kind::Q3K | Kind::Tq1_0 | Kind::Tq2_0 => Kind::Q4_0,
        Kind::Q4K => Kind::Q5_0,
        Kind::Q5K => Kind::Q5_1,
        Kind::Q6K => Kind::Q8_0,
        other => other,
    }
}

fn fits(number: i128, way: Way, order: &[&Entry], head: &Head, arch: &str) -> bool {
    let Some((_, _, most)) = FILE_TYPES.iter().find(|t| t.0 == number) else {
        return false;
    };
    let whole = |key: &str| -> i64 {
        let value = head.get(&format!("{arch}.{key}"));
        let value = match value.and_then(|v| v.array()) {
            Some(list) => list.first(),
            None => value,
        };
        value
            .and_then(Value::integer)
            .and_then(|v| i64::try_from(v).ok())
            .unwrap_or(0)
    };
    let mut state = Counters {
        layers: whole("block_count"),
        experts: whole("expert_count"),
        gqa: whole("attention.head_count")
            .checked_div(whole("attention.head_count_kv"))
            .unwrap_or(0),
        falcon: arch == "falcon",
        seventy: arch == "llama" && whole("block_count") == 80,
        imatrix: way.imatrix,
        tied: !order.iter().any(|t| t.name == "output.weight"),
        values: order.iter().filter(|t| is_value(&t.name)).count() as i64,
        seen_values: 0,
        seen_down: 0,
        seen_gate: 0,
        seen_up: 0,
    };
    order.iter().all(|tensor| {
        if tensor.dims.len() < 2 || stays_f32(&tensor.name) || tensor.name.contains("attn_rel_b") {
            return true;
        }
        let columns = tensor.dims.first().copied().unwrap_or(0);
        let mut kind = *most;
        if !way.converter && most.is_quantized() && !way.pure {
            kind = state.kind(number, *most, tensor);
        }
        if !columns.is_multiple_of(kind.elements() as u64) {
            kind = if way.converter {
                Kind::F16
            } else {
                fallback(kind)
            };
            if !columns.is_multiple_of(kind.elements() as u64) {
                kind = Kind::F16;
            }
        }
        // The converter keeps embeddings of ternary files in half precision.
        let kept = way.converter
            && matches!(most, Kind::Tq1_0 | Kind::Tq2_0)
            && matches!(tensor.name.as_str(), "token_embd.weight" | "output.weight");
        tensor.kind == if kept { Kind::F16 } else { kind }
    })
}

fn is_value(name: &str) -> bool {
    ["attn_qkv.weight", "attn_kv_b.weight", "attn_v.weight"]
        .iter()
        .any(|part| name.contains(part))
}

#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts about the model"
)]
struct Counters {
    layers: i64,
    experts: i64,
    gqa: i64,
    falcon: bool,
    seventy: bool,
    imatrix: bool,
    tied: bool,
    values: i64,
    seen_values: i64,
    seen_down: i64,
    seen_gate: i64,
    seen_up: i64,
}

fn more_bits(i: i64, n: i64) -> bool {
    i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2
}

impl Counters {
    /// The layer of a feed-forward tensor: counted, or read off its name where
    /// there are experts.
    fn at(&self, counted: i64, name: &str) -> i64 {
        if self.experts > 1 {
            layer(name).unwrap_or(counted)
        } else {
            counted
        }
    }

    fn kind(&mut self, file: i128, most: Kind, tensor: &Entry) -> Kind {
        let name = tensor.name.as_str();
        let columns = tensor.dims.first().copied().unwrap_or(0);
        let embedding = matches!(name, "token_embd.weight" | "per_layer_token_embd.weight");
        let low = matches!(file, 19 | 20 | 24 | 28 | 29 | 31);
        if name == "output.weight" || (self.tied && embedding) {
            return if file == 38 || self.falcon || !columns.is_multiple_of(most.elements() as u64) {
                Kind::Q8_0
            } else if low || file == 23 {
                Kind::Q5K
            } else if most == Kind::Q8_0 {
                Kind::Q8_0
            } else {
                Kind::Q6K
            };
        }
        if file == 38 {
            let experts = tensor.dims.get(2).copied().unwrap_or(1) > 1;
            return if experts { Kind::Mxfp4 } else { Kind::Q8_0 };
        }
        if embedding {
            return match file {
                19 | 20 | 24 | 31 => Kind::Q2K,
                28 | 29 | 23 => Kind::Iq3S,
                36 | 37 | 41 => Kind::Q4K,
                _ => most,
            };
        }
        if low {
            return self.low(file, most, name);
        }
        if is_value(name) {
            return self.value(file, most);
        }
        if name.contains("attn_k.weight") {
            return match file {
                _ if self.experts == 8 => Kind::Q8_0,
                22 => Kind::Iq3Xxs,
                23 => Kind::Iq2S,
                _ => most,
            };
        }
        if name.contains("attn_q.weight") {
            return match file {
                22 => Kind::Iq3Xxs,
                23 => Kind::Iq2S,
                _ => most,
            };
        }
        if name.contains("attn_output.weight") {
            return self.output(file, most);
        }
        if name.contains("ffn_down") {
            return self.down(file, most, name);
        }
        for (part, gate) in [("ffn_gate", true), ("ffn_up", false)] {
            if name.contains(part) {
                let i = self.at(if gate { self.seen_gate } else { self.seen_up }, name);
                if gate {
                    self.seen_gate += 1;
                } else {
                    self.seen_up += 1;
                }
                let middle = i >= self.layers / 8 && i < 7 * self.layers / 8;
                return if file == 22 && middle {
                    Kind::Iq3Xxs
                } else {
                    most
                };
            }
        }
        most
    }

    /// The file types of two bits and less.
    fn low(&mut self, file: i128, most: Kind, name: &str) -> Kind {
        let wider = matches!(file, 28 | 29);
        if is_value(name) {
            self.seen_values += 1;
            return if self.gqa >= 4 || self.experts >= 4 {
                Kind::Q4K
            } else if wider {
                Kind::Iq3S
            } else {
                Kind::Q2K
            };
        }
        if self.experts == 8 && name.contains("attn_k.weight") {
            return Kind::Q4K;
        }
        if name.contains("ffn_down") {
            let first = self.seen_down < self.layers / 8;
            self.seen_down += 1;
            return match (first, wider) {
                (true, true) => Kind::Iq3S,
                (true, false) => Kind::Q2K,
                _ => most,
            };
        }
        if name.contains("attn_output.weight") {
            return match file {
                _ if self.experts == 8 => Kind::Q5K,
                24 | 31 => Kind::Iq2Xxs,
                28 | 29 => Kind::Iq3S,
                _ => most,
            };
        }
        most
    }

    fn value(&mut self, file: i128, most: Kind) -> Kind {
        let i = self.seen_values;
        self.seen_values += 1;
        let wide = self.gqa >= 4;
        let mut kind = match file {
            10 => {
                if wide {
                    Kind::Q4K
                } else {
                    Kind::Q3K
                }
            }
            21 if wide => Kind::Q4K,
            23 if wide => Kind::Q4K,
            23 if !self.imatrix => Kind::Iq3S,
            22 | 26 if wide => Kind::Q4K,
            27 => Kind::Q4K,
            12 => {
                if i < 2 {
                    Kind::Q5K
                } else {
                    Kind::Q4K
                }
            }
            13 => Kind::Q5K,
            25 | 30 if wide => Kind::Q5K,
            15 | 17 if more_bits(i, self.values) => Kind::Q6K,
            14 if i < 4 => Kind::Q5K,
            _ => most,
        };
        if self.seventy && matches!(kind, Kind::Q3K | Kind::Q4K) {
            kind = Kind::Q5K;
        }
        if self.experts == 8 { Kind::Q8_0 } else { kind }
    }

    fn output(&self, file: i128, most: Kind) -> Kind {
        if self.falcon {
            return if file == 13 { Kind::Q4K } else { most };
        }
        if self.experts == 8 {
            let raised = matches!(file, 10 | 22 | 23 | 11 | 12 | 25 | 14 | 15 | 26 | 27 | 30);
            return if raised { Kind::Q5K } else { most };
        }
        match file {
            10 => Kind::Q3K,
            23 => Kind::Iq3S,
            12 | 27 => Kind::Q4K,
            13 => Kind::Q5K,
            _ => most,
        }
    }

    fn down(&mut self, file: i128, most: Kind, name: &str) -> Kind {
        let (i, n) = (self.at(self.seen_down, name), self.layers);
        self.seen_down += 1;
        match file {
            10 => Kind::Q3K,
            21 if i < n / 8 => Kind::Q4K,
            23 if !self.imatrix => {
                if i < n / 8 {
                    Kind::Q4K
                } else {
                    Kind::Q3K
                }
            }
            12 if i < n / 16 => Kind::Q5K,
            12 if !self.falcon || more_bits(i, n) => Kind::Q4K,
            27 if i < n / 8 || (self.experts == 8 && more_bits(i, n)) => Kind::Q4K,
            13 => {
                if self.falcon {
                    Kind::Q4K
                } else {
                    Kind::Q5K
                }
            }
            15 if self.falcon && i < n / 16 => Kind::Q6K,
            15 if self.falcon => {
                if more_bits(i, n) {
                    Kind::Q5K
                } else {
                    most
                }
            }
            15 if more_bits(i, n) => Kind::Q6K,
            25 | 30 if i < n / 8 && !self.imatrix => Kind::Q5K,
            17 if more_bits(i, n) => Kind::Q6K,
            14 if !self.falcon && i < n / 8 => Kind::Q5K,
            2 if self.imatrix && i < n / 8 => Kind::Q4_1,
            8 if self.imatrix && i < n / 8 => Kind::Q5_1,
            _ => most,
        }
    }
}
