//! Walks a source graph and a target graph from their outputs, side by side,
//! through what quantizers and converters to half precision put in between.
//!
//! Names and the order of nodes do not matter: what matters is what flows
//! where. Whatever the target computes that the source does not is told; each
//! tensor of the source comes out paired with what stands for it.

use std::collections::HashSet;

use super::file::{Attribute, Graph, Node};
use super::scope::{Ref, Side, Value};
use super::view::values;
use crate::tensor::Tensor;

/// How numbers were scaled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scaled<'a> {
    pub(super) scale: &'a Tensor,
    pub(super) zero: Option<&'a Tensor>,
    pub(super) axis: i64,
    pub(super) block: i64,
}

/// What stands for a source tensor in the target.
#[derive(Debug, Clone)]
pub(super) struct Job<'a> {
    pub(super) source: &'a Tensor,
    /// Rows and columns exchanged.
    pub(super) turned: bool,
    pub(super) target: &'a Tensor,
    pub(super) scaled: Option<Scaled<'a>>,
    /// The two scales whose product a bias must have.
    pub(super) product: Option<(&'a Tensor, &'a Tensor)>,
    /// Bits and block size of packed blocks (`MatMulNBits`).
    pub(super) packed: Option<(i64, i64)>,
}

/// What the walk found.
#[derive(Debug, Default)]
pub(super) struct Walked<'a> {
    pub(super) jobs: Vec<Job<'a>>,
    /// Where the graphs are not the same: one sentence each.
    pub(super) wrong: Vec<String>,
    /// Scales of activations.
    pub(super) activations: Vec<Scaled<'a>>,
    /// Converted to half precision.
    pub(super) half: bool,
    /// Computed shapes that are constants in the target.
    pub(super) shapes: u64,
    /// Operators that quantize were met.
    pub(super) quantized: bool,
    seen: HashSet<(Ref<'a>, Ref<'a>, bool)>,
    pub(super) used: HashSet<(usize, usize)>,
}

/// What of the source is to be what of the target, read with which scale.
pub(super) type Work<'a> = (Ref<'a>, Ref<'a>, Option<Scaled<'a>>);

pub(super) struct Walk<'a> {
    pub(super) source: Side<'a>,
    pub(super) target: Side<'a>,
    pub(super) open: Vec<Work<'a>>,
    pub(super) out: Walked<'a>,
}

/// Operators that only move numbers, so quantized ones go through.
const MOVERS: [&str; 19] = [
    "Gather",
    "GatherElements",
    "GatherND",
    "Reshape",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Flatten",
    "MaxPool",
    "Slice",
    "Split",
    "Concat",
    "Expand",
    "Tile",
    "DepthToSpace",
    "SpaceToDepth",
    "Pad",
    "Resize",
    "Relu",
];

/// Compares two graphs. `half` tells that numbers may have become shorter.
pub(super) fn walk<'a>(source: &'a Graph, target: &'a Graph, half: bool) -> Walked<'a> {
    let mut walk = Walk {
        source: Side::new(source),
        target: Side::new(target),
        open: Vec::new(),
        out: Walked {
            half,
            ..Walked::default()
        },
    };
    walk.ports(source, target);
    walk.outputs((source, 0), (target, 0));
    while let Some((from, to, scaled)) = walk.open.pop() {
        if walk.out.wrong.len() > 32 {
            break;
        }
        if walk.out.seen.insert((from, to, scaled.is_some())) {
            walk.step(from, to, scaled);
        }
    }
    if walk.out.wrong.is_empty() {
        walk.leftovers();
    }
    walk.out
}

impl<'a> Walk<'a> {
    pub(super) fn wrong(&mut self, what: String) {
        if !self.out.wrong.contains(&what) {
            self.out.wrong.push(what);
        }
    }

    /// Inputs and outputs have the same names and types.
    fn ports(&mut self, source: &Graph, target: &Graph) {
        let fed = |graph: &Graph| -> Vec<_> {
            graph
                .inputs
                .iter()
                .filter(|port| !graph.tensors.iter().any(|tensor| tensor.name == port.name))
                .cloned()
                .collect()
        };
        for (what, from, to) in [
            ("inputs", fed(source), fed(target)),
            ("outputs", source.outputs.clone(), target.outputs.clone()),
        ] {
            let names = |ports: &[super::file::Port]| -> Vec<String> {
                ports.iter().map(|port| port.name.clone()).collect()
            };
            if names(&from) != names(&to) {
                self.wrong(format!(
                    "its {what} are {:?}, those of the source {:?}",
                    names(&to),
                    names(&from)
                ));
                continue;
            }
            for (from, to) in from.iter().zip(&to) {
                if !from.is_like(to, self.out.half) {
                    self.wrong(format!("{} has another type or shape", to.name));
                }
            }
        }
    }

    pub(super) fn outputs(
        &mut self,
        (from, at): (&'a Graph, usize),
        (to, at_to): (&'a Graph, usize),
    ) {
        if from.outputs.len() != to.outputs.len() {
            self.wrong("it gives another number of outputs".to_owned());
        }
        for (from, to) in from.outputs.iter().zip(&to.outputs) {
            let from = Ref {
                scope: at,
                name: &from.name,
            };
            let to = Ref {
                scope: at_to,
                name: &to.name,
            };
            self.open.push((from, to, None));
        }
    }

    fn of(&self, value: Value<'a>) -> Option<(&'a Node, usize)> {
        match value {
            Value::Node(scope, at, _) => Some((self.target.node(scope, at)?, scope)),
            _ => None,
        }
    }

    /// The node of the target that gives a value, with its scope; it is used.
    pub(super) fn giver(&mut self, reference: Ref<'a>) -> Option<(&'a Node, usize)> {
        let value = self.target.find(reference);
        let found = self.of(value)?;
        Some(found)
    }

    pub(super) fn mark(&mut self, reference: Ref<'a>) {
        if let Value::Node(scope, at, _) = self.target.find(reference) {
            self.out.used.insert((scope, at));
        }
    }

    pub(super) fn scaled(&mut self, node: &'a Node, scope: usize) -> Option<Scaled<'a>> {
        let at = |place: usize| Ref {
            scope,
            name: node.input(place),
        };
        let scale = self.target.tensor(at(1))?;
        let zero = match self.target.find(at(2)) {
            Value::Tensor(tensor) => Some(tensor),
            Value::Absent => None,
            _ => return None,
        };
        Some(Scaled {
            scale,
            zero,
            axis: node.int("axis").unwrap_or(1),
            block: node.int("block_size").unwrap_or(0),
        })
    }

    pub(super) fn scaled_by(
        &mut self,
        node: &'a Node,
        scope: usize,
        scale: usize,
    ) -> Option<Scaled<'a>> {
        let at = |place: usize| Ref {
            scope,
            name: node.input(place),
        };
        Some(Scaled {
            scale: self.target.tensor(at(scale))?,
            zero: self.target.tensor(at(scale + 1)),
            axis: 1,
            block: 0,
        })
    }

    #[allow(clippy::too_many_lines, reason = "one step, case by case")]
    fn step(&mut self, from: Ref<'a>, to: Ref<'a>, scaled: Option<Scaled<'a>>) {
        let (mut from, mut to, mut scaled) = (from, to, scaled);
        let mut last: Option<Scaled<'a>> = None;
        // Peel what the converter put around the target's value.
        for _ in 0..64 {
            let Some((node, scope)) = self.giver(to) else {
                break;
            };
            let twin = match self.source.find(from) {
                Value::Node(scope, at, _) => self.source.node(scope, at),
                _ => None,
            };
            if twin.is_some_and(|twin| twin.operator == node.operator) {
                break;
            }
            let inner = Ref {
                scope,
                name: node.input(0),
            };
            match node.operator.as_str() {
                "DequantizeLinear" => {
                    let Some(found) = self.scaled(node, scope) else {
                        break;
                    };
                    if scaled.is_some() {
                        return self.wrong(format!("{} scales twice", node.label()));
                    }
                    scaled = Some(found);
                    self.out.quantized = true;
                }
                "QuantizeLinear" => {
                    let Some(found) = self.scaled(node, scope) else {
                        break;
                    };
                    self.out.quantized = true;
                    if let Some(held) = scaled.take()
                        && !same_scale(&held, &found)
                    {
                        return self.wrong(format!(
                            "{} quantizes with {} and what follows reads it with {}",
                            node.label(),
                            found.scale.name,
                            held.scale.name
                        ));
                    }
                    self.out.activations.push(found);
                    last = Some(found);
                }
                "Identity" => {}
                "Cast" if self.out.half && is_between_floats(node) => {}
                _ => break,
            }
            self.mark(to);
            to = inner;
        }
        while let Value::Node(scope, at, _) = self.source.find(from) {
            let Some(node) = self.source.node(scope, at) else {
                break;
            };
            let same = self
                .giver(to)
                .is_some_and(|(other, _)| other.operator == node.operator);
            let skip = match node.operator.as_str() {
                "Identity" => !same,
                // A lower end of zero does what these do.
                "Relu" | "Clip" => !same && last.or(scaled).is_some_and(|held| cuts(&held, node)),
                _ => false,
            };
            if !skip {
                break;
            }
            from = Ref {
                scope,
                name: node.input(0),
            };
        }
        match (self.source.find(from), self.target.find(to)) {
            (Value::Absent, Value::Absent) => {}
            (Value::Input(one), Value::Input(other)) if scaled.is_none() => {
                if one != other && from.name != to.name {
                    self.wrong(format!(
                        "the input {} is used where the source uses {}",
                        to.name, from.name
                    ));
                }
            }
            (Value::Tensor(source), Value::Tensor(target)) => self.out.jobs.push(Job {
                source,
                turned: false,
                target,
                scaled,
                product: None,
                packed: None,
            }),
            (Value::Node(s, at, place), Value::Node(t, at_to, place_to)) => {
                let (Some(one), Some(other)) =
                    (self.source.node(s, at), self.target.node(t, at_to))
                else {
                    return;
                };
                self.out.used.insert((t, at_to));
                self.nodes((one, s, place), (other, t, place_to), scaled);
            }
            (_, Value::Node(t, at_to, _)) => {
                let label = self
                    .target
                    .node(t, at_to)
                    .map_or_else(String::new, Node::label);
                self.wrong(format!(
                    "{label} is added between {} and what uses it",
                    from.name
                ));
            }
            (Value::Node(s, at, _), Value::Tensor(tensor)) => {
                let node = self.source.node(s, at);
                if let Some((source, turned)) = node.and_then(|node| self.constant(node, s)) {
                    self.out.jobs.push(Job {
                        source,
                        turned,
                        target: tensor,
                        scaled,
                        product: None,
                        packed: None,
                    });
                    return;
                }
                if self.is_fixed(from) && super::constant::kind(tensor).is_some() {
                    self.out.shapes += 1;
                    return;
                }
                let label = node.map_or_else(String::new, Node::label);
                self.wrong(format!("{label} is replaced by the constant {}", to.name));
            }
            _ => self.wrong(format!("{} is not {} of the source", to.name, from.name)),
        }
    }

    /// No input reaches a value of the source, or only by its shape.
    fn is_fixed(&self, from: Ref<'a>) -> bool {
        let mut seen: HashSet<Ref<'a>> = HashSet::new();
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            if !seen.insert(next) || seen.len() > 4096 {
                continue;
            }
            match self.source.find(next) {
                Value::Tensor(_) | Value::Absent => {}
                Value::Input(_) | Value::Unknown => return false,
                Value::Node(scope, at, _) => {
                    let Some(node) = self.source.node(scope, at) else {
                        return false;
                    };
                    if node.operator == "Shape" {
                        continue;
                    }
                    if node.operator.starts_with("Random") || node.has_graph() {
                        return false;
                    }
                    let inputs = node.inputs.iter().map(|name| Ref { scope, name });
                    open.extend(inputs);
                }
            }
        }
        seen.len() <= 4096
    }

    /// A transposed tensor of the source.
    pub(super) fn constant(&self, node: &'a Node, scope: usize) -> Option<(&'a Tensor, bool)> {
        let tensor = self.source.tensor(Ref {
            scope,
            name: node.input(0),
        })?;
        match (node.operator.as_str(), node.attributes.get("perm")) {
            ("Transpose", Some(Attribute::Ints(perm))) if perm == &[1, 0] => Some((tensor, true)),
            ("Transpose", None) if tensor.shape.len() == 2 => Some((tensor, true)),
            ("Identity", _) => Some((tensor, false)),
            _ => None,
        }
    }

    fn nodes(
        &mut self,
        (one, s, place): (&'a Node, usize, usize),
        (other, t, place_to): (&'a Node, usize, usize),
        scaled: Option<Scaled<'a>>,
    ) {
        if place != place_to && one.operator == other.operator {
            return self.wrong(format!("{} is read at another output", other.label()));
        }
        if self.integer(one, s, other, t) || self.linear(one, s, other, t, scaled) {
            return;
        }
        if one.operator == "Gemm" && other.operator == "Add" && self.product(one, s, other, t) {
            return;
        }
        if one.operator == "Add" && other.operator == "Gemm" && self.sum(one, s, other, t) {
            return;
        }
        if one.operator != other.operator || one.domain != other.domain {
            return self.wrong(format!(
                "{} stands where the source has {}",
                other.label(),
                one.label()
            ));
        }
        self.attributes(one, s, other, t);
        let count = one.inputs.len().max(other.inputs.len());
        let moves = MOVERS.contains(&one.operator.as_str());
        if scaled.is_some() && !moves {
            return self.wrong(format!(
                "{} gives quantized numbers, and is no operator that does",
                other.label()
            ));
        }
        for at in 0..count {
            let carries = at == 0 || one.operator == "Concat";
            let carried = scaled.filter(|_| carries);
            self.push((one, s, at), (other, t, at), carried);
        }
        if matches!(one.operator.as_str(), "Conv" | "Gemm" | "ConvTranspose") {
            self.bias_product(one, s, other, t);
        }
    }

    pub(super) fn push(
        &mut self,
        (one, s, at): (&'a Node, usize, usize),
        (other, t, at_to): (&'a Node, usize, usize),
        scaled: Option<Scaled<'a>>,
    ) {
        let from = Ref {
            scope: s,
            name: one.input(at),
        };
        let to = Ref {
            scope: t,
            name: other.input(at_to),
        };
        self.open.push((from, to, scaled));
    }
}

fn is_between_floats(node: &Node) -> bool {
    matches!(node.int("to"), Some(1 | 10 | 16))
}

/// The same numbers, whatever they are called.
pub(super) fn same_scale(one: &Scaled<'_>, other: &Scaled<'_>) -> bool {
    let bits = |tensor: &Tensor| -> Option<Vec<u64>> {
        let found = values(tensor, 1 << 20)?;
        Some(found.iter().map(|v| v.to_bits()).collect())
    };
    let zero = |scaled: &Scaled<'_>| match scaled.zero {
        Some(tensor) => bits(tensor),
        None => Some(vec![0]),
    };
    bits(one.scale).is_some() && bits(one.scale) == bits(other.scale) && zero(one) == zero(other)
}

/// The lowest code means zero, so nothing below zero comes through; a `Clip`
/// must cut there too.
fn cuts(scaled: &Scaled<'_>, node: &Node) -> bool {
    if node.operator == "Clip" && node.attributes.contains_key("min") {
        return false;
    }
    let Some(zero) = scaled.zero else {
        return false;
    };
    let lowest = match zero.dtype.as_str() {
        "u8" | "u16" | "u4" => 0.0,
        "i8" => -128.0,
        "i16" => -32768.0,
        "i4" => -8.0,
        _ => return false,
    };
    // A range that was empty when it was calibrated: nothing came through.
    let empty = values(scaled.scale, 1).is_some_and(|scale| scale == [1.0])
        && values(zero, 1).is_some_and(|zero| zero == [0.0]);
    empty || values(zero, 1).is_some_and(|values| values == [lowest])
}
