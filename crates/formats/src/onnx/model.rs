//! What the whole model comes to: its graph, its operators, its functions.

use std::collections::{BTreeMap, BTreeSet};

use modelward_schema::{Action, Code, Graph, Port, Term, Via};

use super::dtype;
use super::node::Parts;
use super::operators::{is_custom, runs_code};
use crate::wire::protobuf::{Message, signed};
use crate::{Input, Session, text};

/// Inputs or outputs kept.
const MAX_PORTS: usize = 1000;
/// Attributes kept of a custom operator.
const MAX_ATTRIBUTES: usize = 16;
/// Bytes kept of one attribute.
const MAX_ATTRIBUTE: usize = 1024;
/// Repeats or a shape of more elements than this fill any machine.
const MAX_EXPANSION: u128 = 1 << 36;

/// How often an operator stands, and where first.
#[derive(Debug, Clone, Copy)]
struct Use<'a> {
    count: u64,
    custom: bool,
    first: Message<'a>,
}

/// Collected on the way through a model.
#[derive(Debug)]
pub(super) struct Summary<'a> {
    pub(super) producer: Option<&'a str>,
    /// The node being visited calls a custom operator.
    pub(super) in_custom: bool,
    /// Entries of any list here.
    most: usize,
    main: Option<Message<'a>>,
    opsets: BTreeMap<String, i64>,
    nodes: u64,
    depth: u32,
    /// By domain and operator.
    operators: BTreeMap<(&'a [u8], &'a [u8]), Use<'a>>,
    /// By domain and name.
    functions: BTreeMap<(&'a [u8], &'a [u8]), Message<'a>>,
    node: Parts<'a>,
    /// Products of small integer constants, by the name they are used under.
    constants: BTreeMap<&'a [u8], u128>,
    /// Nodes that make their output as large as an input says.
    expanders: Vec<(&'a [u8], Message<'a>)>,
}

impl<'a> Summary<'a> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            producer: None,
            in_custom: false,
            most,
            main: None,
            opsets: BTreeMap::new(),
            nodes: 0,
            depth: 0,
            operators: BTreeMap::new(),
            functions: BTreeMap::new(),
            node: Parts::default(),
            constants: BTreeMap::new(),
            expanders: Vec::new(),
        }
    }

    /// `above` graphs are around it.
    pub(super) fn enter_graph(&mut self, message: Message<'a>, above: u32) {
        self.main.get_or_insert(message);
        self.depth = self.depth.max(above);
    }

    pub(super) fn add_opset(&mut self, message: Message<'a>) {
        let mut domain: &[u8] = b"";
        let mut version = 0;
        for field in message.fields().flatten() {
            match field.number {
                1 => domain = field.bytes().unwrap_or_default(),
                2 => version = signed(field.varint().unwrap_or(0)),
                _ => {}
            }
        }
        if self.opsets.len() < self.most {
            self.opsets.insert(domain_name(domain), version);
        }
    }

    pub(super) fn add_function(&mut self, message: Message<'a>) {
        let mut name: &[u8] = b"";
        let mut domain: &[u8] = b"";
        for field in message.fields().flatten() {
            match field.number {
                1 => name = field.bytes().unwrap_or_default(),
                10 => domain = field.bytes().unwrap_or_default(),
                _ => {}
            }
        }
        if domain == b"ai.onnx" {
            domain = b"";
        }
        if self.functions.len() < self.most {
            self.functions.entry((domain, name)).or_insert(message);
        }
    }

    pub(super) fn add_node(&mut self, parts: &Parts<'a>, message: Message<'a>) {
        self.nodes = self.nodes.saturating_add(1);
        self.node = *parts;
        let key = (parts.domain, parts.operator);
        self.in_custom = if let Some(found) = self.operators.get_mut(&key) {
            found.count = found.count.saturating_add(1);
            found.custom
        } else if self.operators.len() < self.most {
            let custom = is_custom(
                &String::from_utf8_lossy(parts.domain),
                &String::from_utf8_lossy(parts.operator),
            );
            let found = Use {
                count: 1,
                custom,
                first: message,
            };
            self.operators.insert(key, found);
            custom
        } else {
            true
        };
        let sized_by = match parts.operator {
            b"Tile" | b"Expand" => parts.second,
            b"ConstantOfShape" => parts.first,
            _ => None,
        };
        if let Some(name) = sized_by
            && self.expanders.len() < self.most
        {
            self.expanders.push((name, message));
        }
    }

    /// `inline`: the value of a `Constant` node, known by the node's output.
    pub(super) fn add_constant(&mut self, name: &'a [u8], inline: bool, product: u128) {
        let name = if inline {
            match (self.node.operator, self.node.output) {
                (b"Constant", Some(output)) => output,
                _ => return,
            }
        } else {
            name
        };
        if self.constants.len() < self.most {
            self.constants.insert(name, product);
        }
    }

    pub(super) fn node_label(&self) -> String {
        let operator = text::escape(self.node.operator, 64);
        if self.node.name.is_empty() {
            operator
        } else {
            format!("{operator} {}", text::escape(self.node.name, 128))
        }
    }
}

pub(super) fn conclude(input: &Input<'_>, summary: Summary<'_>, session: &mut Session<'_>) {
    for ((domain, name), message) in &summary.functions {
        if domain.is_empty() {
            session.anomaly(
                "onnx-function-shadows-operator",
                format!(
                    "a local function takes the place of the standard operator {}",
                    text::escape(name, 64)
                ),
                input.at(message.base, message.len()),
            );
        }
    }
    for (name, message) in &summary.expanders {
        if let Some(product) = summary.constants.get(name)
            && *product > MAX_EXPANSION
        {
            session.anomaly(
                "onnx-expands-enormously",
                format!("a node makes {product} elements out of a few bytes"),
                input.at(message.base, message.len()),
            );
        }
    }
    let mut custom = BTreeSet::new();
    for ((domain, operator), found) in &summary.operators {
        if summary.functions.contains_key(&(*domain, *operator)) {
            continue;
        }
        if found.custom {
            custom.insert(full_name(domain, operator));
        }
        if found.custom || runs_code(&String::from_utf8_lossy(operator)) {
            session.code(Code {
                via: Via::Onnx,
                action: Action::Call,
                target: full_name(domain, operator),
                written: None,
                args: Vec::new(),
                kwargs: attributes(found.first),
                computed: false,
                reached: true,
                count: found.count,
                at: input.at(found.first.base, found.first.len()),
            });
        }
    }
    let Some(main) = summary.main else { return };
    let (name, inputs, outputs) = signature(main);
    session.graph(Graph {
        name: text::escape(name, 256),
        framework: "onnx".to_owned(),
        producer: summary.producer.map(|producer| text::cap(producer, 256)),
        opsets: summary.opsets,
        inputs,
        outputs,
        nodes: summary.nodes,
        operators: summary
            .operators
            .iter()
            .map(|((domain, operator), found)| (full_name(domain, operator), found.count))
            .collect(),
        custom_operators: custom.into_iter().collect(),
        functions: summary
            .functions
            .keys()
            .map(|(domain, name)| full_name(domain, name))
            .collect(),
        depth: summary.depth,
        analysis: None,
        fingerprint: None,
        at: input.at(main.base, main.len()),
    });
}

pub(super) fn domain_name(domain: &[u8]) -> String {
    if domain.is_empty() {
        "ai.onnx".to_owned()
    } else {
        text::escape(domain, 128)
    }
}

fn full_name(domain: &[u8], name: &[u8]) -> String {
    format!("{}::{}", domain_name(domain), text::escape(name, 128))
}

/// String attributes of a node.
fn attributes(node: Message<'_>) -> Vec<(String, Term)> {
    let mut out = Vec::new();
    for field in node.fields().flatten() {
        let Some(attribute) = field.message().filter(|_| field.number == 5) else {
            continue;
        };
        let mut name: &[u8] = b"";
        let mut value = None;
        for field in attribute.fields().flatten() {
            match field.number {
                1 => name = field.bytes().unwrap_or_default(),
                4 => value = field.bytes(),
                _ => {}
            }
        }
        if let Some(value) = value {
            let term = Term::Str {
                text: text::escape(value, MAX_ATTRIBUTE),
                len: u64::try_from(value.len()).unwrap_or(u64::MAX),
            };
            out.push((text::escape(name, 128), term));
        }
        if out.len() >= MAX_ATTRIBUTES {
            break;
        }
    }
    out
}

/// Name, inputs and outputs of a graph.
fn signature(graph: Message<'_>) -> (&[u8], Vec<Port>, Vec<Port>) {
    let mut name: &[u8] = b"";
    let mut inputs = Vec::new();
    let mut outputs = Vec::new();
    for field in graph.fields().flatten() {
        let ports = match field.number {
            2 => {
                name = field.bytes().unwrap_or_default();
                continue;
            }
            11 => &mut inputs,
            12 => &mut outputs,
            _ => continue,
        };
        if ports.len() < MAX_PORTS
            && let Some(message) = field.message()
        {
            ports.push(port(message));
        }
    }
    (name, inputs, outputs)
}

fn port(info: Message<'_>) -> Port {
    let mut port = Port {
        name: String::new(),
        dtype: "?".to_owned(),
        shape: Vec::new(),
    };
    for field in info.fields().flatten() {
        match field.number {
            1 => port.name = text::escape(field.bytes().unwrap_or_default(), 256),
            2 => {
                let kind = field
                    .message()
                    .and_then(|kind| kind.fields().flatten().next());
                let Some(kind) = kind else { continue };
                match kind.number {
                    1 => {
                        if let Some(tensor) = kind.message() {
                            describe(tensor, &mut port);
                        }
                    }
                    4 => "sequence".clone_into(&mut port.dtype),
                    5 => "map".clone_into(&mut port.dtype),
                    8 => "sparse".clone_into(&mut port.dtype),
                    9 => "optional".clone_into(&mut port.dtype),
                    _ => "opaque".clone_into(&mut port.dtype),
                }
            }
            _ => {}
        }
    }
    port
}

/// Element type and dimensions of a `TypeProto.Tensor`.
fn describe(tensor: Message<'_>, port: &mut Port) {
    for field in tensor.fields().flatten() {
        match field.number {
            1 => port.dtype = dtype::name(field.varint().unwrap_or(0)),
            2 => {
                let dimensions = field.message().into_iter().flat_map(|shape| shape.fields());
                for dimension in dimensions.flatten().take(64) {
                    let value = dimension
                        .message()
                        .and_then(|dimension| dimension.fields().flatten().next());
                    port.shape.push(match value {
                        Some(field) if field.number == 1 => {
                            signed(field.varint().unwrap_or(0)).to_string()
                        }
                        Some(field) if field.number == 2 => {
                            text::escape(field.bytes().unwrap_or_default(), 64)
                        }
                        _ => "?".to_owned(),
                    });
                }
            }
            _ => {}
        }
    }
}
