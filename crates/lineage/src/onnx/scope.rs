//! Names of values resolved: to an input, a tensor, or an output of a node.

use std::collections::HashMap;

use super::file::{Attribute, Graph, Node};
use crate::tensor::Tensor;

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    /// Of a graph, by place.
    Input(usize),
    Tensor(&'a Tensor),
    /// Scope, node, output.
    Node(usize, usize, usize),
    /// An input that is left out.
    Absent,
    Unknown,
}

/// A name in a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ref<'a> {
    pub(super) scope: usize,
    pub(super) name: &'a str,
}

/// One side of a comparison: its graphs, opened as they are reached.
#[derive(Debug)]
pub(super) struct Side<'a> {
    scopes: Vec<Scope<'a>>,
}

#[derive(Debug)]
struct Scope<'a> {
    graph: &'a Graph,
    outer: Option<usize>,
    values: HashMap<&'a str, Value<'a>>,
}

impl<'a> Side<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let mut side = Self { scopes: Vec::new() };
        side.open(graph, None);
        side
    }

    pub(super) fn open(&mut self, graph: &'a Graph, outer: Option<usize>) -> usize {
        let at = self.scopes.len();
        let mut values = HashMap::new();
        for (place, port) in graph.inputs.iter().enumerate() {
            values.insert(port.name.as_str(), Value::Input(place));
        }
        // An initializer of an input's name is its default.
        for tensor in &graph.tensors {
            values.insert(tensor.name.as_str(), Value::Tensor(tensor));
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            for (place, output) in node.outputs.iter().enumerate() {
                let value = match node.attributes.get("value") {
                    Some(Attribute::Tensor(tensor)) if node.operator == "Constant" => {
                        Value::Tensor(tensor)
                    }
                    _ => Value::Node(at, index, place),
                };
                values.insert(output.as_str(), value);
            }
        }
        self.scopes.push(Scope {
            graph,
            outer,
            values,
        });
        at
    }

    pub(super) fn graph(&self, scope: usize) -> Option<&'a Graph> {
        self.scopes.get(scope).map(|scope| scope.graph)
    }

    pub(super) fn node(&self, scope: usize, at: usize) -> Option<&'a Node> {
        self.graph(scope)?.nodes.get(at)
    }

    pub(super) fn find(&self, reference: Ref<'a>) -> Value<'a> {
        if reference.name.is_empty() {
            return Value::Absent;
        }
        let mut scope = Some(reference.scope);
        while let Some(held) = scope.and_then(|at| self.scopes.get(at)) {
            if let Some(value) = held.values.get(reference.name) {
                return *value;
            }
            scope = held.outer;
        }
        Value::Unknown
    }

    pub(super) fn tensor(&self, reference: Ref<'a>) -> Option<&'a Tensor> {
        match self.find(reference) {
            Value::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    pub(super) fn scopes(&self) -> usize {
        self.scopes.len()
    }
}
