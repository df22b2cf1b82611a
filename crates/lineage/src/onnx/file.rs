//! An ONNX model: its graphs, and its tensors wherever they lie.
//!
//! Follows `onnx.proto3`. The facts of the sandboxed reader abridge attributes
//! and do not follow data into other files, so a proof reads the structure
//! again, with bounds on everything; payloads stay where they are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::tensor;
use super::wire::{Field, Stream};
use crate::bytes::Bytes;
use crate::model::{Model, ModelFile};
use crate::tensor::Tensor;

/// Graphs within graphs.
const DEPTH: u32 = 12;

/// A whole model.
#[derive(Debug, Default)]
pub(crate) struct Onnx {
    pub(crate) path: String,
    pub(crate) opsets: BTreeMap<String, u64>,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) producer: String,
    pub(crate) graph: Graph,
    /// By domain and name.
    pub(crate) functions: BTreeMap<(String, String), Graph>,
    /// What is there and is not read: one sentence each.
    pub(crate) unread: Vec<String>,
    /// Files beside it that are named and not there.
    pub(crate) absent: Vec<String>,
    /// Bytes of the files beside it that its tensors take, by path.
    pub(crate) outside: HashMap<String, Vec<(u64, u64)>>,
}

/// A graph, or the body of a function.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
}

/// An input or output with the bytes of its type.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) kind: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) operator: String,
    pub(crate) domain: String,
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: BTreeMap<String, Attribute>,
    /// The module it came from, as the exporter recorded it.
    pub(crate) scope: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Attribute {
    Int(i64),
    Float(u32),
    Text(Vec<u8>),
    Ints(Vec<i64>),
    Floats(Vec<u32>),
    Tensor(Box<Tensor>),
    Graph(Box<Graph>),
    /// Anything else, as its bytes.
    Other(Vec<u8>),
}

impl Port {
    /// The same type, and the same sizes where both say numbers; optimizers
    /// replace names of sizes. `half`: numbers may have become shorter.
    pub(crate) fn is_like(&self, other: &Self, half: bool) -> bool {
        if self.kind == other.kind {
            return true;
        }
        let (Some(one), Some(other)) = (outline(&self.kind), outline(&other.kind)) else {
            return false;
        };
        let types = one.0 == other.0 || (half && one.0 == 1 && other.0 == 10);
        let sizes = one.1.is_empty()
            || other.1.is_empty()
            || (one.1.len() == other.1.len()
                && one.1.iter().zip(&other.1).all(|(a, b)| match (a, b) {
                    (Some(a), Some(b)) => a == b,
                    _ => true,
                }));
        types && sizes
    }
}

/// Element type and sizes of a tensor's type; a size without a number is none.
fn outline(kind: &[u8]) -> Option<(u64, Vec<Option<u64>>)> {
    let bytes = kind.to_vec();
    let mut stream = Stream::new(&bytes);
    let (mut at, end) = (0, kind.len() as u64);
    let tensor = stream.next(&mut at, end).ok()??;
    if tensor.number != 1 || tensor.wire != 2 {
        return None;
    }
    let (mut element, mut sizes) = (0, Vec::new());
    let mut at = tensor.start;
    while let Some(field) = stream.next(&mut at, tensor.end()).ok()? {
        match (field.number, field.wire) {
            (1, 0) => element = field.value,
            (2, 2) => {
                let mut at = field.start;
                while let Some(size) = stream.next(&mut at, field.end()).ok()? {
                    let mut within = size.start;
                    let value = stream.next(&mut within, size.end()).ok()?;
                    let number = value.filter(|value| value.number == 1 && value.wire == 0);
                    sizes.push(number.map(|value| value.value));
                }
            }
            _ => {}
        }
    }
    Some((element, sizes))
}

impl Node {
    pub(crate) fn has_graph(&self) -> bool {
        self.attributes
            .values()
            .any(|attribute| matches!(attribute, Attribute::Graph(_)))
    }

    pub(crate) fn int(&self, key: &str) -> Option<i64> {
        match self.attributes.get(key)? {
            Attribute::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn input(&self, at: usize) -> &str {
        self.inputs.get(at).map_or("", String::as_str)
    }

    pub(crate) fn label(&self) -> String {
        let operator = &self.operator;
        match (self.name.as_str(), self.outputs.first()) {
            ("", None) => operator.clone(),
            ("", Some(output)) => format!("{operator} that gives {output}"),
            (name, _) => format!("{operator} {name}"),
        }
    }
}

impl Onnx {
    /// The only ONNX model among the files; why not, when it cannot be read.
    pub(crate) fn of(model: &Model) -> Option<Result<Self, String>> {
        let mut files = model.files.iter().filter(|file| file.format == "onnx");
        let file = files.next()?;
        if files.next().is_some() {
            return Some(Err("it holds more than one ONNX model".to_owned()));
        }
        Some(Self::read(file, &model.files))
    }

    pub(crate) fn read(file: &ModelFile, files: &[ModelFile]) -> Result<Self, String> {
        let mut reader = Reader {
            stream: Stream::new(file.bytes.as_ref()),
            file,
            files,
            onnx: Self {
                path: file.path.clone(),
                ..Self::default()
            },
        };
        reader
            .model(file.bytes.len())
            .map_err(|why| format!("{}: {why}", file.path))?;
        Ok(reader.onnx)
    }

    /// Initializers and the values of constants and attributes, of all graphs.
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        let mut out = Vec::new();
        for graph in std::iter::once(&self.graph).chain(self.functions.values()) {
            graph.collect(&mut out);
        }
        out
    }
}

impl Graph {
    /// With those of the graphs within it.
    fn collect(&self, out: &mut Vec<Tensor>) {
        out.extend(self.tensors.iter().cloned());
        for node in &self.nodes {
            for attribute in node.attributes.values() {
                match attribute {
                    Attribute::Graph(graph) => graph.collect(out),
                    Attribute::Tensor(tensor) => {
                        let mut tensor = (**tensor).clone();
                        if let (true, Some(output)) =
                            (node.operator == "Constant", node.outputs.first())
                        {
                            tensor.name.clone_from(output);
                        }
                        out.push(tensor);
                    }
                    _ => {}
                }
            }
        }
    }
}

pub(super) struct Reader<'a> {
    pub(super) stream: Stream<'a>,
    pub(super) file: &'a ModelFile,
    pub(super) files: &'a [ModelFile],
    pub(super) onnx: Onnx,
}

impl Reader<'_> {
    pub(super) fn bytes(&self) -> Arc<dyn Bytes> {
        self.file.bytes.clone()
    }

    fn model(&mut self, end: u64) -> Result<(), String> {
        let mut at = 0;
        while let Some(field) = self.stream.next(&mut at, end)? {
            match (field.number, field.wire) {
                (2, 2) => self.onnx.producer = self.stream.text(field)?,
                (7, 2) => self.onnx.graph = self.graph(field, 0)?,
                (8, 2) => {
                    let (domain, version) = self.opset(field)?;
                    self.onnx.opsets.insert(domain, version);
                }
                (14, 2) => {
                    let entry = self.entry(field)?;
                    self.onnx.metadata.push(entry);
                }
                (20, 2) => self
                    .onnx
                    .unread
                    .push("it has a graph for training".to_owned()),
                (25, 2) => self.function(field)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn opset(&mut self, field: Field) -> Result<(String, u64), String> {
        let (mut at, mut domain, mut version) = (field.start, String::new(), 0);
        while let Some(inner) = self.stream.next(&mut at, field.end())? {
            match inner.number {
                1 => domain = self.stream.text(inner)?,
                2 => version = inner.value,
                _ => {}
            }
        }
        Ok((plain_domain(domain), version))
    }

    pub(super) fn entry(&mut self, field: Field) -> Result<(String, String), String> {
        let (mut at, mut key, mut value) = (field.start, String::new(), String::new());
        while let Some(inner) = self.stream.next(&mut at, field.end())? {
            match inner.number {
                1 => key = self.stream.text(inner)?,
                2 => value = self.stream.text(inner)?,
                _ => {}
            }
        }
        Ok((key, value))
    }

    fn function(&mut self, field: Field) -> Result<(), String> {
        let (mut name, mut domain) = (String::new(), String::new());
        let mut graph = Graph::default();
        let mut at = field.start;
        while let Some(inner) = self.stream.next(&mut at, field.end())? {
            match inner.number {
                1 => name = self.stream.text(inner)?,
                10 => domain = self.stream.text(inner)?,
                4 | 5 => {
                    let port = Port {
                        name: self.stream.text(inner)?,
                        kind: Vec::new(),
                    };
                    if inner.number == 4 {
                        graph.inputs.push(port);
                    } else {
                        graph.outputs.push(port);
                    }
                }
                7 => {
                    let node = self.node(inner, 1)?;
                    graph.nodes.push(node);
                }
                _ => {}
            }
        }
        self.onnx
            .functions
            .insert((plain_domain(domain), name), graph);
        Ok(())
    }

    fn graph(&mut self, field: Field, depth: u32) -> Result<Graph, String> {
        if depth > DEPTH {
            return Err("its graphs nest deeper than is read".to_owned());
        }
        let mut graph = Graph::default();
        let mut at = field.start;
        while let Some(inner) = self.stream.next(&mut at, field.end())? {
            match inner.number {
                1 => {
                    let node = self.node(inner, depth)?;
                    graph.nodes.push(node);
                }
                5 => {
                    let tensor = tensor::read(self, inner)?;
                    graph.tensors.push(tensor);
                }
                11 | 12 => {
                    let port = self.port(inner)?;
                    if inner.number == 11 {
                        graph.inputs.push(port);
                    } else {
                        graph.outputs.push(port);
                    }
                }
                15 => self
                    .onnx
                    .unread
                    .push("it has a sparse initializer".to_owned()),
                _ => {}
            }
        }
        Ok(graph)
    }

    fn port(&mut self, field: Field) -> Result<Port, String> {
        let mut port = Port::default();
        let mut at = field.start;
        while let Some(inner) = self.stream.next(&mut at, field.end())? {
            match inner.number {
                1 => port.name = self.stream.text(inner)?,
                2 => port.kind = self.stream.raw(inner)?,
                _ => {}
            }
        }
        Ok(port)
    }

    fn node(&mut self, field: Field, depth: u32) -> Result<Node, String> {
        let mut node = Node::default();
        let mut at = field.start;
        while let Some(inner) = self.stream.next(&mut at, field.end())? {
            match inner.number {
                1 => node.inputs.push(self.stream.text(inner)?),
                2 => node.outputs.push(self.stream.text(inner)?),
                3 => node.name = self.stream.text(inner)?,
                4 => node.operator = self.stream.text(inner)?,
                7 => node.domain = plain_domain(self.stream.text(inner)?),
                5 => {
                    let (name, value) = self.attribute(inner, depth)?;
                    node.attributes.insert(name, value);
                }
                9 => {
                    let (key, value) = self.entry(inner)?;
                    if key == "pkg.torch.onnx.name_scopes" {
                        node.scope = innermost(&value);
                    }
                }
                _ => {}
            }
        }
        if node.operator == "Constant" && !node.attributes.contains_key("value") {
            tensor::constant(&mut node, &self.file.path);
        }
        Ok(node)
    }

    fn attribute(&mut self, field: Field, depth: u32) -> Result<(String, Attribute), String> {
        let mut name = String::new();
        let mut kind = 0;
        let (mut int, mut float, mut text) = (0, 0, Vec::new());
        let (mut ints, mut floats) = (Vec::new(), Vec::new());
        let (mut tensor, mut graph) = (None, None);
        let mut at = field.start;
        while let Some(inner) = self.stream.next(&mut at, field.end())? {
            match (inner.number, inner.wire) {
                (1, 2) => name = self.stream.text(inner)?,
                (2, 5) => float = inner.value as u32,
                (3, 0) => int = inner.value.cast_signed(),
                (4, 2) => text = self.stream.raw(inner)?,
                (5, 2) => tensor = Some(tensor::read(self, inner)?),
                (6, 2) => graph = Some(self.graph(inner, depth + 1)?),
                (7, 5) => floats.push(inner.value as u32),
                (7, 2) => {
                    let raw = self.stream.raw(inner)?;
                    floats.extend(
                        raw.as_chunks::<4>()
                            .0
                            .iter()
                            .map(|c| u32::from_le_bytes(*c)),
                    );
                }
                (8, 0) => ints.push(inner.value.cast_signed()),
                (8, 2) => {
                    let mut within = inner.start;
                    while within < inner.end() {
                        let value = self.stream.varint(&mut within, inner.end())?;
                        ints.push(value.cast_signed());
                    }
                }
                (20, 0) => kind = inner.value,
                _ => {}
            }
        }
        let value = match (kind, tensor, graph) {
            (1, _, _) => Attribute::Float(float),
            (2, _, _) => Attribute::Int(int),
            (3, _, _) => Attribute::Text(text),
            (4, Some(tensor), _) => Attribute::Tensor(Box::new(tensor)),
            (5, _, Some(graph)) => Attribute::Graph(Box::new(graph)),
            (6, _, _) => Attribute::Floats(floats),
            (7, _, _) => Attribute::Ints(ints),
            _ => Attribute::Other(self.stream.raw(field)?),
        };
        Ok((name, value))
    }
}

/// The module in a recorded list of scopes, whose last entry is the node.
fn innermost(list: &str) -> Option<String> {
    let mut scopes = list
        .trim_matches(['[', ']'])
        .split(',')
        .map(|scope| scope.trim().trim_matches(['\'', '"']))
        .rev();
    scopes.next()?;
    scopes
        .next()
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
}

/// The standard domain has two names.
fn plain_domain(domain: String) -> String {
    if domain == "ai.onnx" {
        String::new()
    } else {
        domain
    }
}
