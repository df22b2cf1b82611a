//! Where each tensor of a model is used, and which source tensor belongs there.

use std::collections::{HashMap, HashSet};

use super::file::{Attribute, Graph, Onnx};
use crate::model::Model;
use crate::tensor::Tensor;

/// A tensor of the target and its first use.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    pub(super) tensor: &'a Tensor,
    /// Its name, or that of the value that holds it.
    pub(super) name: &'a str,
    pub(super) operator: &'a str,
    pub(super) input: usize,
    /// The module of the node that uses it.
    pub(super) scope: Option<String>,
    pub(super) used: bool,
    /// The weight of the node whose bias this is.
    pub(super) sibling: Option<&'a Tensor>,
}

pub(super) fn slots(onnx: &Onnx) -> Vec<Slot<'_>> {
    let mut out = Vec::new();
    for graph in std::iter::once(&onnx.graph).chain(onnx.functions.values()) {
        of_graph(graph, &mut out);
    }
    out
}

fn of_graph<'a>(graph: &'a Graph, out: &mut Vec<Slot<'a>>) {
    let mut uses: HashMap<&str, (&str, usize, Option<String>, &str)> = HashMap::new();
    let mut named: HashSet<&str> = graph
        .outputs
        .iter()
        .map(|port| port.name.as_str())
        .collect();
    let mut graphs: Vec<&Graph> = vec![graph];
    while let Some(inner) = graphs.pop() {
        for node in &inner.nodes {
            for (at, input) in node.inputs.iter().enumerate() {
                named.insert(input);
                let scope = node.scope.clone().or_else(|| {
                    let mut path: Vec<&str> = node.name.strip_prefix('/')?.split('/').collect();
                    path.pop();
                    Some(path.join("."))
                });
                uses.entry(input)
                    .or_insert((node.operator.as_str(), at, scope, node.input(1)));
            }
            for attribute in node.attributes.values() {
                if let Attribute::Graph(within) = attribute {
                    graphs.push(within);
                }
            }
        }
        named.extend(inner.outputs.iter().map(|port| port.name.as_str()));
    }
    let mut push = |tensor: &'a Tensor, name: &'a str| {
        let (operator, input, scope, weight) = uses.get(name).cloned().unwrap_or(("", 0, None, ""));
        let sibling = graph
            .tensors
            .iter()
            .filter(|_| input == 2)
            .find(|other| other.name == weight);
        out.push(Slot {
            tensor,
            name,
            operator,
            input,
            scope: scope.filter(|scope| !scope.is_empty()),
            used: named.contains(name),
            sibling,
        });
    };
    for tensor in &graph.tensors {
        push(tensor, &tensor.name);
    }
    for node in &graph.nodes {
        for attribute in node.attributes.values() {
            if let Attribute::Tensor(tensor) = attribute {
                let name = node.outputs.first().map_or("", String::as_str);
                push(tensor, name);
            }
        }
    }
    for node in &graph.nodes {
        for attribute in node.attributes.values() {
            if let Attribute::Graph(within) = attribute {
                of_graph(within, out);
            }
        }
    }
}

/// Source tensors by name, with what prefixes may come before.
#[derive(Debug)]
pub(super) struct Names<'a> {
    source: &'a Model,
    /// Every ending of a name at a dot; none when several have it.
    endings: HashMap<&'a str, Option<&'a Tensor>>,
}

impl<'a> Names<'a> {
    pub(super) fn of(source: &'a Model) -> Self {
        let mut endings: HashMap<&str, Option<&Tensor>> = HashMap::new();
        for tensor in &source.tensors {
            let mut rest = tensor.name.as_str();
            while let Some((_, after)) = rest.split_once('.') {
                rest = after;
                endings
                    .entry(rest)
                    .and_modify(|held| {
                        if held.is_some_and(|held| held.name != tensor.name) {
                            *held = None;
                        }
                    })
                    .or_insert(Some(tensor));
            }
        }
        Self { source, endings }
    }

    pub(super) fn find(&self, name: &str) -> Option<&'a Tensor> {
        if let Some(tensor) = self.source.tensor(name) {
            return Some(tensor);
        }
        if !name.contains('.') {
            return None;
        }
        let mut rest = name;
        while let Some((_, after)) = rest.split_once('.') {
            rest = after;
            if !rest.contains('.') {
                break;
            }
            if let Some(tensor) = self.source.tensor(rest) {
                return Some(tensor);
            }
        }
        self.endings.get(name).copied().flatten()
    }
}

/// The source tensor that belongs where a tensor is used, and whether another
/// there would be wrong.
pub(super) fn expected<'a>(slot: &Slot<'_>, names: &Names<'a>) -> Option<(&'a Tensor, bool)> {
    if !slot.name.is_empty()
        && let Some(tensor) = names.find(slot.name)
    {
        return Some((tensor, true));
    }
    let scope = slot.scope.as_deref()?;
    let (ending, firm) = match (slot.operator, slot.input) {
        ("MatMul" | "Gemm" | "Conv" | "ConvTranspose", 1) => ("weight", true),
        ("Gather", 0) => ("weight", true),
        ("Gemm" | "Conv" | "ConvTranspose", 2) => ("bias", true),
        ("LayerNormalization" | "GroupNormalization" | "InstanceNormalization", 1) => {
            ("weight", true)
        }
        ("LayerNormalization" | "GroupNormalization" | "InstanceNormalization", 2) => {
            ("bias", true)
        }
        ("Add", _) => ("bias", false),
        ("Mul" | "Transpose" | "Identity" | "Cast", _) => ("weight", false),
        _ => return None,
    };
    let tensor = names.find(&format!("{scope}.{ending}"))?;
    (tensor.elements() == slot.tensor.elements()).then_some((tensor, firm))
}
