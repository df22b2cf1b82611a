//! The graph in full, for `modelward-graphs`: names resolved, sub-graphs and
//! local functions as bodies, small constants inline.
//!
//! A second visit of the same bytes: names may be used before their values
//! stand in the file, so all names of a graph are declared before any is
//! resolved. Nothing is copied but names and small constants, and nesting goes
//! on a stack of its own. What protobuf would merge (a graph that stands twice)
//! is merged.

mod attribute;
mod constant;
mod shape;

use std::collections::{BTreeMap, HashMap};

use modelward_schema::{
    Attribute, Body, BodyKind, Constant, Node, Setting, Span, Value, Why, Wiring,
};

use super::model::domain_name;
use crate::wire::protobuf::{Message, signed};
use crate::{Input, Session, text};

/// Nodes kept, over all bodies.
const MAX_NODES: usize = 1 << 20;
/// Values kept.
const MAX_VALUES: usize = 1 << 22;
/// Graphs within graphs.
const MAX_SCOPES: usize = 700;
/// Bytes of constants longer than [`SMALL`] that are kept, all together.
const CONSTANT_BYTES: usize = 24 << 20;
/// Constants of so many bytes are always kept.
const SMALL: usize = 256;
const NAME: usize = 256;

/// A value, and the body that declared its name.
type Meant = (u32, u32);

/// A graph being read.
struct Frame<'a> {
    body: u32,
    nodes: std::vec::IntoIter<Message<'a>>,
    /// Values of the nodes' named outputs, in their order.
    made: std::vec::IntoIter<u32>,
    outputs: Vec<&'a [u8]>,
    /// What the names meant outside.
    outer: Vec<(&'a [u8], Option<Meant>)>,
    pending: Vec<(u32, Message<'a>)>,
}

/// What the fields of a graph or function say.
#[derive(Default)]
struct Parts<'a> {
    name: &'a [u8],
    domain: &'a [u8],
    inputs: Vec<(&'a [u8], Option<Message<'a>>)>,
    outputs: Vec<(&'a [u8], Option<Message<'a>>)>,
    infos: HashMap<&'a [u8], Message<'a>>,
    tensors: Vec<Message<'a>>,
    sparse: Vec<Message<'a>>,
    nodes: Vec<Message<'a>>,
    attributes: Vec<&'a [u8]>,
    defaults: Vec<Message<'a>>,
}

struct Builder<'a, 'i, 's, 'l> {
    input: &'a Input<'i>,
    session: &'s mut Session<'l>,
    out: Wiring,
    /// What each name means where the builder stands.
    scope: HashMap<&'a [u8], Meant>,
    stack: Vec<Frame<'a>>,
    kept: usize,
}

pub(super) fn read<'a>(input: &'a Input<'_>, session: &mut Session<'_>, model: Message<'a>) {
    let mut main = Vec::new();
    let mut functions = Vec::new();
    let mut opsets = BTreeMap::new();
    for field in model.fields().flatten() {
        let Some(message) = field.message() else {
            continue;
        };
        match field.number {
            7 => main.push(message),
            8 => {
                let (domain, version) = opset(message);
                if opsets.len() < 1000 {
                    opsets.insert(domain, version);
                }
            }
            25 => functions.push(message),
            _ => {}
        }
    }
    if main.is_empty() {
        return;
    }
    let mut builder = Builder {
        input,
        session,
        out: Wiring {
            framework: "onnx".to_owned(),
            opsets,
            at: input.whole(),
            ..Wiring::default()
        },
        scope: HashMap::new(),
        stack: Vec::new(),
        kept: 0,
    };
    let body = builder.add_body();
    let parts = graph_parts(&main);
    builder.begin(body, parts, BodyKind::Main);
    builder.run();
    for function in functions {
        builder.scope.clear();
        let parts = function_parts(function);
        let domain = match parts.domain {
            b"ai.onnx" => String::new(),
            domain => text::escape(domain, NAME),
        };
        let body = builder.add_body();
        let attributes = builder.declared(&parts);
        builder.begin(body, parts, BodyKind::Function { domain, attributes });
        builder.run();
    }
    let wiring = builder.out;
    session.wiring(wiring);
}

fn opset(message: Message<'_>) -> (String, i64) {
    let mut domain: &[u8] = b"";
    let mut version = 0;
    for field in message.fields().flatten() {
        match field.number {
            1 => domain = field.bytes().unwrap_or_default(),
            2 => version = signed(field.varint().unwrap_or(0)),
            _ => {}
        }
    }
    (domain_name(domain), version)
}

fn named(message: Message<'_>) -> (&[u8], Option<Message<'_>>) {
    let name = message
        .fields()
        .flatten()
        .find(|field| field.number == 1)
        .and_then(|field| field.bytes());
    (name.unwrap_or_default(), Some(message))
}

fn graph_parts<'a>(messages: &[Message<'a>]) -> Parts<'a> {
    let mut parts = Parts::default();
    for field in messages
        .iter()
        .flat_map(|message| message.fields().flatten())
    {
        let Some(message) = field.message() else {
            continue;
        };
        match field.number {
            1 => parts.nodes.push(message),
            2 => parts.name = message.bytes,
            5 => parts.tensors.push(message),
            11 => parts.inputs.push(named(message)),
            12 => parts.outputs.push(named(message)),
            13 => {
                let (name, _) = named(message);
                parts.infos.entry(name).or_insert(message);
            }
            15 => parts.sparse.push(message),
            _ => {}
        }
    }
    parts
}

fn function_parts(function: Message<'_>) -> Parts<'_> {
    let mut parts = Parts::default();
    for field in function.fields().flatten() {
        let Some(message) = field.message() else {
            continue;
        };
        match field.number {
            1 => parts.name = message.bytes,
            4 => parts.inputs.push((message.bytes, None)),
            5 => parts.outputs.push((message.bytes, None)),
            6 => parts.attributes.push(message.bytes),
            7 => parts.nodes.push(message),
            10 => parts.domain = message.bytes,
            11 => parts.defaults.push(message),
            12 => {
                let (name, _) = named(message);
                parts.infos.entry(name).or_insert(message);
            }
            _ => {}
        }
    }
    parts
}

impl<'a> Builder<'a, '_, '_, '_> {
    fn run(&mut self) {
        while let Some(frame) = self.stack.last_mut() {
            if let Some((body, message)) = frame.pending.pop() {
                let parent = frame.body;
                if self.stack.len() >= MAX_SCOPES {
                    self.cut("graphs are nested deeper than the limit");
                } else {
                    let parts = graph_parts(&[message]);
                    self.begin(body, parts, BodyKind::Nested { parent });
                }
            } else if let Some(message) = frame.nodes.next() {
                self.node(message);
            } else {
                self.end();
            }
        }
    }

    fn add_body(&mut self) -> u32 {
        let index = index(self.out.bodies.len());
        self.out.bodies.push(Body::default());
        index
    }

    fn cut(&mut self, why: &str) {
        self.out.cut = true;
        self.session.gap_once(Why::Limit, why, &self.input.whole());
    }

    /// Declares every name of a graph and puts it on the stack.
    fn begin(&mut self, body: u32, parts: Parts<'a>, kind: BodyKind) {
        let mut frame = Frame {
            body,
            nodes: Vec::new().into_iter(),
            made: Vec::new().into_iter(),
            outputs: parts.outputs.iter().map(|(name, _)| *name).collect(),
            outer: Vec::new(),
            pending: Vec::new(),
        };
        let mut infos = parts.infos;
        for (name, info) in &parts.outputs {
            if let Some(info) = info {
                infos.entry(name).or_insert(*info);
            }
        }
        let mut inputs = Vec::new();
        for (name, info) in parts.inputs {
            let info = info.or_else(|| infos.get(name).copied());
            let value = self.add_value(name, info);
            self.declare(&mut frame, name, value);
            inputs.push(value);
        }
        let tensors = parts.tensors.into_iter().map(|tensor| (tensor, false));
        let sparse = parts.sparse.into_iter().map(|tensor| (tensor, true));
        for (message, sparse) in tensors.chain(sparse) {
            let (name, constant) = constant::read(self, message, sparse);
            let value = self
                .own(&frame, name)
                .unwrap_or_else(|| self.add_value(name, infos.get(name).copied()));
            let dtype = constant.dtype.clone();
            let shape = constant
                .shape
                .iter()
                .map(|size| modelward_schema::Dim::Known(i64::try_from(*size).unwrap_or(i64::MAX)));
            let shape: Vec<_> = shape.collect();
            let constant = self.add_constant(constant);
            if let Some(slot) = self.slot(value) {
                if slot.constant.is_some() {
                    self.repeated(name, message);
                } else {
                    slot.constant = Some(constant);
                    if slot.shape.is_none() {
                        slot.shape = Some(shape);
                    }
                    if slot.dtype == "?" {
                        slot.dtype = dtype;
                    }
                }
            }
            self.declare(&mut frame, name, value);
        }
        let mut made = Vec::new();
        for node in &parts.nodes {
            for field in node.fields().flatten() {
                let Some(name) = field.bytes().filter(|_| field.number == 2) else {
                    continue;
                };
                if name.is_empty() {
                    continue;
                }
                if self.own(&frame, name).is_some() {
                    self.repeated(name, *node);
                }
                let value = self.add_value(name, infos.get(name).copied());
                self.declare(&mut frame, name, value);
                made.push(value);
            }
        }
        frame.nodes = parts.nodes.into_iter();
        frame.made = made.into_iter();
        if let Some(slot) = usize::try_from(body)
            .ok()
            .and_then(|body| self.out.bodies.get_mut(body))
        {
            slot.name = text::escape(parts.name, NAME);
            slot.kind = kind;
            slot.inputs = inputs;
        }
        self.stack.push(frame);
    }

    fn end(&mut self) {
        let Some(frame) = self.stack.pop() else {
            return;
        };
        let mut outputs = Vec::new();
        for name in &frame.outputs {
            if name.is_empty() {
                outputs.push(None);
                continue;
            }
            let found = self.scope.get(name).map(|(value, _)| *value);
            outputs.push(found.or_else(|| {
                self.session.anomaly(
                    "onnx-output-missing",
                    format!(
                        "nothing makes the output {:?} of a graph",
                        text::escape(name, 128)
                    ),
                    self.input.whole(),
                );
                None
            }));
        }
        if let Some(body) = self.body(frame.body) {
            body.outputs = outputs;
        }
        for (name, outer) in frame.outer.into_iter().rev() {
            match outer {
                Some(value) => self.scope.insert(name, value),
                None => self.scope.remove(name),
            };
        }
    }

    fn body(&mut self, body: u32) -> Option<&mut Body> {
        self.out.bodies.get_mut(usize::try_from(body).ok()?)
    }

    fn slot(&mut self, value: u32) -> Option<&mut Value> {
        self.out.values.get_mut(usize::try_from(value).ok()?)
    }

    fn declare(&mut self, frame: &mut Frame<'a>, name: &'a [u8], value: u32) {
        let before = self.scope.insert(name, (value, frame.body));
        frame.outer.push((name, before));
    }

    /// The value that a name has in this graph itself.
    fn own(&self, frame: &Frame<'a>, name: &[u8]) -> Option<u32> {
        let (value, body) = self.scope.get(name)?;
        (*body == frame.body).then_some(*value)
    }

    fn repeated(&mut self, name: &[u8], message: Message<'_>) {
        self.session.anomaly(
            "onnx-name-repeats",
            format!(
                "two things of one graph are named {:?}",
                text::escape(name, 128)
            ),
            self.input.at(message.base, message.len()),
        );
    }

    fn add_value(&mut self, name: &[u8], info: Option<Message<'_>>) -> u32 {
        if self.out.values.len() >= MAX_VALUES {
            self.cut("the graph has more values than the limit");
            return index(self.out.values.len().saturating_sub(1));
        }
        let (dtype, shape) = info.map_or_else(|| ("?".to_owned(), None), shape::read);
        if let (Some(shape), Some(info)) = (&shape, info)
            && shape::is_absurd(shape)
        {
            self.session.anomaly(
                "onnx-shape-absurd",
                format!(
                    "the shape of {:?} is one that nothing can have",
                    text::escape(name, 128)
                ),
                self.input.at(info.base, info.len()),
            );
        }
        let value = index(self.out.values.len());
        self.out.values.push(Value {
            name: text::escape(name, NAME),
            dtype,
            shape,
            constant: None,
        });
        value
    }

    fn add_constant(&mut self, constant: Constant) -> u32 {
        let index = index(self.out.constants.len());
        self.out.constants.push(constant);
        index
    }

    fn node(&mut self, message: Message<'a>) {
        if self.out.nodes.len() >= MAX_NODES || !self.session.spend(1) {
            self.cut("the graph has more nodes than the limit");
            return;
        }
        let mut node = Node {
            span: Some(Span::new(message.base, message.len())),
            ..Node::default()
        };
        let mut attributes = Vec::new();
        for field in message.fields().flatten() {
            let Some(bytes) = field.bytes() else { continue };
            match field.number {
                1 => {
                    let input = (!bytes.is_empty()).then(|| self.resolve(bytes, message));
                    node.inputs.push(input);
                }
                2 => {
                    let made = self
                        .stack
                        .last_mut()
                        .and_then(|frame| (!bytes.is_empty()).then(|| frame.made.next()).flatten());
                    node.outputs.push(made);
                }
                3 => node.name = text::escape(bytes, NAME),
                4 => node.op = text::escape(bytes, NAME),
                5 => attributes.extend(field.message()),
                7 if bytes == b"ai.onnx" => node.domain.clear(),
                7 => node.domain = text::escape(bytes, NAME),
                _ => {}
            }
        }
        for attribute in attributes {
            if let Some(attribute) = self.attribute(attribute) {
                node.attributes.push(attribute);
            }
        }
        let at = index(self.out.nodes.len());
        if let Some(frame) = self.stack.last_mut() {
            // The first graph is read first.
            frame.pending.reverse();
            node.body = frame.body;
            let body = frame.body;
            if let Some(body) = self.body(body) {
                body.nodes.push(at);
            }
        }
        self.out.nodes.push(node);
    }

    /// The value that a name means; a name that leads nowhere gets one.
    fn resolve(&mut self, name: &'a [u8], node: Message<'a>) -> u32 {
        if let Some((value, _)) = self.scope.get(name) {
            return *value;
        }
        self.session.anomaly(
            "onnx-name-dangling",
            format!(
                "a node reads {:?}, which nothing makes",
                text::escape(name, 128)
            ),
            self.input.at(node.base, node.len()),
        );
        let value = self.add_value(name, None);
        if let Some(mut frame) = self.stack.pop() {
            self.declare(&mut frame, name, value);
            self.stack.push(frame);
        }
        value
    }

    fn attribute(&mut self, message: Message<'a>) -> Option<Attribute> {
        let raw = attribute::read(message);
        if let Some(odd) = raw.odd {
            self.session.anomaly(
                "onnx-attribute-type",
                format!(
                    "the attribute {:?} is not of the type that it says: {odd}",
                    text::escape(raw.name, 128)
                ),
                self.input.at(message.base, message.len()),
            );
        }
        let value = match raw.value? {
            attribute::Raw::Set(setting) => setting,
            attribute::Raw::Tensor(tensor, sparse) => {
                let (_, constant) = constant::read(self, tensor, sparse);
                Setting::Constant(self.add_constant(constant))
            }
            attribute::Raw::Graph(graph) => {
                let body = self.add_body();
                if let Some(frame) = self.stack.last_mut() {
                    frame.pending.push((body, graph));
                }
                Setting::Body(body)
            }
            attribute::Raw::Graphs(graphs) => {
                let mut bodies = Vec::new();
                for graph in graphs {
                    let body = self.add_body();
                    if let Some(frame) = self.stack.last_mut() {
                        frame.pending.push((body, graph));
                    }
                    bodies.push(body);
                }
                Setting::Bodies(bodies)
            }
        };
        Some(Attribute {
            name: text::escape(raw.name, NAME),
            value,
        })
    }

    /// The attributes that a function may be given.
    fn declared(&mut self, parts: &Parts<'a>) -> Vec<(String, Option<Setting>)> {
        let mut out: Vec<(String, Option<Setting>)> = parts
            .attributes
            .iter()
            .map(|name| (text::escape(name, NAME), None))
            .collect();
        for message in &parts.defaults {
            if let Some(attribute) = self.attribute(*message) {
                out.push((attribute.name, Some(attribute.value)));
            }
        }
        out
    }
}

fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
