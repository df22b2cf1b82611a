//! The structure of a checkpoint, from the names and shapes of its tensors.
//!
//! Files of weights have no graph, but their names tell the modules, so that
//! two checkpoints can be held against each other: which modules one has and
//! the other does not, and which have other shapes. One node per module; its
//! operator is the module's name without its numbers, its parameters are
//! attributes. What flows where is not known, so there are no edges. Names of
//! llama.cpp's files are turned into those of the models they come from
//! (`gguf-py/gguf/tensor_mapping.py`).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use modelward_schema::{Attribute, Body, Constant, Location, Node, Setting, Tensor, Wiring};

/// Modules listed.
const MAX_NODES: usize = 1 << 20;

/// Words of llama.cpp and what they are called elsewhere. A word stands
/// between dots.
static RENAMED: &[(&str, &str)] = &[
    ("attn_k", "self_attn.k_proj"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("attn_norm", "input_layernorm"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_qkv", "self_attn.qkv_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("blk", "layers"),
    ("ffn_down", "mlp.down_proj"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_gate_inp", "mlp.gate"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_up", "mlp.up_proj"),
    ("output", "lm_head"),
    ("output_norm", "norm"),
    ("token_embd", "embed_tokens"),
];

/// Prefixes under which the same modules stand in one checkpoint and not in
/// another.
const WRAPPERS: &[&str] = &[
    "model.",
    "module.",
    "_orig_mod.",
    "base_model.model.",
    "transformer.",
];

/// None when there are no tensors. The order of `tensors` does not matter.
pub fn structure(tensors: &[Tensor]) -> Option<Wiring> {
    let first = tensors.first()?;
    let mut modules: BTreeMap<Path, Vec<(&str, &Tensor)>> = BTreeMap::new();
    let mut cut = false;
    for tensor in tensors {
        let (path, parameter) = split(&tensor.name);
        let path = Path(plain(path));
        if modules.len() >= MAX_NODES && !modules.contains_key(&path) {
            cut = true;
            continue;
        }
        modules.entry(path).or_default().push((parameter, tensor));
    }
    let mut wiring = Wiring {
        framework: "names".to_owned(),
        bodies: vec![Body::default()],
        at: Location::file(first.at.path.clone()),
        cut,
        ..Wiring::default()
    };
    for (path, mut parameters) in modules {
        parameters.sort_by(|a, b| (a.0, &a.1.at).cmp(&(b.0, &b.1.at)));
        let mut attributes = Vec::new();
        for (parameter, tensor) in &parameters {
            let Ok(constant) = u32::try_from(wiring.constants.len()) else {
                break;
            };
            wiring.constants.push(Constant {
                dtype: tensor.dtype.clone(),
                shape: tensor.shape.clone(),
                at: Some(tensor.at.clone()),
                ..Constant::default()
            });
            attributes.push(Attribute {
                name: (*parameter).to_owned(),
                value: Setting::Constant(constant),
            });
        }
        let Ok(index) = u32::try_from(wiring.nodes.len()) else {
            break;
        };
        if let Some(body) = wiring.bodies.first_mut() {
            body.nodes.push(index);
        }
        wiring.nodes.push(Node {
            op: without_numbers(&path.0),
            name: path.0,
            attributes,
            span: parameters.first().and_then(|(_, tensor)| tensor.at.span),
            ..Node::default()
        });
    }
    Some(wiring)
}

/// A module and the parameter's own name.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// The module's path, in the words that most checkpoints have.
fn plain(path: &str) -> String {
    let mut path = path;
    while let Some(rest) = WRAPPERS.iter().find_map(|one| path.strip_prefix(one)) {
        path = rest;
    }
    let words = path.split('.').map(|word| {
        let found = RENAMED.iter().find(|(own, _)| *own == word);
        found.map_or(word, |(_, other)| *other)
    });
    let words: Vec<&str> = words.collect();
    words.join(".")
}

/// `layers.12.mlp.up_proj` → `layers.mlp.up_proj`.
fn without_numbers(path: &str) -> String {
    let words = path
        .split('.')
        .filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit()));
    let words: Vec<&str> = words.collect();
    words.join(".")
}

/// Sorts as people count: `layers.2` before `layers.10`.
#[derive(Debug, PartialEq, Eq)]
struct Path(String);

impl Ord for Path {
    fn cmp(&self, other: &Self) -> Ordering {
        let number = |word: &str| word.parse::<u64>().ok();
        let mut a = self.0.split('.');
        let mut b = other.0.split('.');
        loop {
            let order = match (a.next(), b.next()) {
                (None, None) => return self.0.cmp(&other.0),
                (None, Some(_)) => Ordering::Less,
                (Some(_), None) => Ordering::Greater,
                (Some(a), Some(b)) => match (number(a), number(b)) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (None, None) => a.cmp(b),
                },
            };
            if order != Ordering::Equal {
                return order;
            }
        }
    }
}

impl PartialOrd for Path {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(names: &[&str]) -> Vec<Tensor> {
        names
            .iter()
            .map(|name| Tensor {
                name: (*name).to_owned(),
                dtype: "f16".to_owned(),
                shape: vec![4, 4],
                ..Tensor::default()
            })
            .collect()
    }

    #[test]
    fn a_module_is_a_node_and_blocks_are_counted() {
        let wiring = structure(&tensors(&[
            "model.layers.10.mlp.up_proj.weight",
            "model.layers.2.mlp.up_proj.bias",
            "model.layers.2.mlp.up_proj.weight",
            "lm_head.weight",
        ]))
        .unwrap();
        let names: Vec<_> = wiring.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(
            names,
            ["layers.2.mlp.up_proj", "layers.10.mlp.up_proj", "lm_head"]
        );
        assert_eq!(wiring.nodes[0].op, wiring.nodes[1].op);
        assert_eq!(wiring.nodes[0].attributes.len(), 2);
        assert_eq!(wiring.constants[0].shape, [4, 4]);
    }

    #[test]
    fn a_converted_checkpoint_has_the_modules_that_it_came_from() {
        let names = |list: &[&str]| -> Vec<String> {
            let wiring = structure(&tensors(list)).unwrap();
            wiring.nodes.into_iter().map(|node| node.name).collect()
        };
        assert_eq!(
            names(&[
                "blk.0.attn_q.weight",
                "blk.0.ffn_down.weight",
                "output.weight",
                "token_embd.weight"
            ]),
            names(&[
                "model.embed_tokens.weight",
                "model.layers.0.self_attn.q_proj.weight",
                "model.layers.0.mlp.down_proj.weight",
                "lm_head.weight",
            ]),
        );
        assert!(structure(&[]).is_none());
    }
}
