//! Attributes of two nodes, and what nothing leads to.

use std::collections::HashSet;

use super::file::{Attribute, Node};
use super::view::values;
use super::walk::Walk;
use crate::tensor::Tensor;

impl<'a> Walk<'a> {
    pub(super) fn attributes(&mut self, one: &'a Node, s: usize, other: &'a Node, t: usize) {
        let keys: HashSet<&String> = one
            .attributes
            .keys()
            .chain(other.attributes.keys())
            .collect();
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort();
        for key in keys {
            let pair = (one.attributes.get(key), other.attributes.get(key));
            if let (Some(Attribute::Graph(from)), Some(Attribute::Graph(to))) = pair {
                let at = self.source.open(from, Some(s));
                let at_to = self.target.open(to, Some(t));
                self.outputs((from, at), (to, at_to));
                continue;
            }
            let same = match pair {
                (Some(one), Some(other)) => self.same_attribute(key, one, other),
                // Optimizers write defaults out.
                (Some(value), None) | (None, Some(value)) => is_default(&one.operator, key, value),
                (None, None) => true,
            };
            if !same {
                self.wrong(format!(
                    "the attribute {key} of {} is {}, in the source {}",
                    other.label(),
                    shown(pair.1),
                    shown(pair.0)
                ));
            }
        }
    }

    pub(super) fn same_attribute(&self, key: &str, one: &Attribute, other: &Attribute) -> bool {
        match (one, other) {
            // A cast to single precision becomes one to half.
            (Attribute::Int(1), Attribute::Int(10)) => {
                self.out.half && matches!(key, "to" | "dtype")
            }
            (Attribute::Int(a), Attribute::Int(b)) => a == b,
            (Attribute::Float(a), Attribute::Float(b)) => a == b,
            (Attribute::Text(a), Attribute::Text(b))
            | (Attribute::Other(a), Attribute::Other(b)) => a == b,
            (Attribute::Ints(a), Attribute::Ints(b)) => a == b,
            (Attribute::Floats(a), Attribute::Floats(b)) => a == b,
            (Attribute::Tensor(a), Attribute::Tensor(b)) => {
                let bits = |tensor: &Tensor| -> Option<Vec<u64>> {
                    let found = values(tensor, 1 << 20)?;
                    Some(found.iter().map(|v| v.to_bits()).collect())
                };
                a.shape == b.shape
                    && (a.dtype == b.dtype || self.out.half)
                    && bits(a).is_some()
                    && bits(a) == bits(b)
            }
            _ => false,
        }
    }

    /// Nodes and tensors of the target that nothing leads to.
    pub(super) fn leftovers(&mut self) {
        for scope in 0..self.target.scopes() {
            let Some(graph) = self.target.graph(scope) else {
                continue;
            };
            let twin = self.source.graph(scope);
            let mut named: HashSet<&str> = graph
                .outputs
                .iter()
                .map(|port| port.name.as_str())
                .collect();
            named.extend(graph.inputs.iter().map(|port| port.name.as_str()));
            for (at, node) in graph.nodes.iter().enumerate() {
                named.extend(node.inputs.iter().map(String::as_str));
                let constant = node.operator == "Constant";
                let known = twin.is_some_and(|twin| {
                    twin.nodes.iter().any(|other| {
                        other.operator == node.operator && other.outputs == node.outputs
                    })
                });
                if !constant && !known && !self.out.used.contains(&(scope, at)) {
                    self.wrong(format!("{} is added, and nothing uses it", node.label()));
                }
            }
            for tensor in &graph.tensors {
                let inner = self.target.scopes() > 1;
                let known = twin
                    .is_some_and(|twin| twin.tensors.iter().any(|other| other.name == tensor.name));
                if !named.contains(tensor.name.as_str()) && !known && !inner {
                    self.wrong(format!(
                        "the tensor {} is added, and nothing uses it",
                        tensor.name
                    ));
                }
            }
        }
    }
}

/// The value that an attribute has when it is absent.
fn is_default(operator: &str, key: &str, value: &Attribute) -> bool {
    let float = |bits: u32, must: f32| f32::from_bits(bits).to_bits() == must.to_bits();
    match (operator, key, value) {
        (
            "Gather" | "GatherElements" | "ArgMax" | "ArgMin" | "ScatterElements",
            "axis",
            Attribute::Int(value),
        ) => *value == 0,
        (
            "Softmax" | "LogSoftmax" | "LayerNormalization" | "TopK",
            "axis",
            Attribute::Int(value),
        ) => *value == -1,
        ("Flatten", "axis", Attribute::Int(value)) => *value == 1,
        (
            _,
            "start"
            | "allowzero"
            | "transA"
            | "transB"
            | "ceil_mode"
            | "storage_order"
            | "training_mode"
            | "layout"
            | "input_forget"
            | "count_include_pad"
            | "noop_with_empty_axes"
            | "batch_dims"
            | "select_last_index"
            | "linear_before_reset",
            Attribute::Int(value),
        ) => *value == 0,
        (_, "group" | "stash_type" | "keepdims" | "saturate", Attribute::Int(value)) => *value == 1,
        ("Gemm", "alpha" | "beta", Attribute::Float(bits)) => float(*bits, 1.0),
        (
            "LayerNormalization" | "BatchNormalization" | "InstanceNormalization",
            "epsilon",
            Attribute::Float(bits),
        ) => float(*bits, 1e-5),
        ("BatchNormalization", "momentum", Attribute::Float(bits)) => float(*bits, 0.9),
        (_, "auto_pad", Attribute::Text(text)) => text == b"NOTSET",
        ("LSTM" | "GRU" | "RNN", "direction", Attribute::Text(text)) => text == b"forward",
        ("Gelu", "approximate", Attribute::Text(text)) => text == b"none",
        (_, "dilations" | "strides", Attribute::Ints(values)) => values.iter().all(|v| *v == 1),
        (_, "pads", Attribute::Ints(values)) => values.iter().all(|v| *v == 0),
        _ => false,
    }
}

pub(super) fn shown(attribute: Option<&Attribute>) -> String {
    match attribute {
        None => "absent".to_owned(),
        Some(Attribute::Int(value)) => value.to_string(),
        Some(Attribute::Float(bits)) => f32::from_bits(*bits).to_string(),
        Some(Attribute::Text(text)) => format!("{:?}", String::from_utf8_lossy(text)),
        Some(Attribute::Ints(values)) => format!("{values:?}"),
        Some(Attribute::Floats(values)) => {
            let values: Vec<f32> = values.iter().map(|bits| f32::from_bits(*bits)).collect();
            format!("{values:?}")
        }
        Some(_) => "another".to_owned(),
    }
}
