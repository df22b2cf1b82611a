//! Graphs, nodes, types and tensors of a model.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use modelward_schema::{
    Action, Attribute, BodyKind, Code, Constant, Dim, Graph, Node, Setting, Span, Tensor, Via, Why,
};

use crate::onnx::{dtype_name, is_custom, runs_code};
use crate::wire::flatbuffer::Table;
use crate::wiring::{Draft, MAX_RANK, name, port, whole, width};
use crate::{Input, Session, embedded};

/// Graphs within graphs.
const MAX_SCOPES: usize = 64;
const MAX_PORTS: usize = 1000;
const MAX_LIST: usize = 4096;
/// Anomalies of one kind that are listed one by one.
const LISTED: u32 = 16;

/// What names mean in a graph.
struct Scope<'a> {
    names: HashMap<&'a [u8], u32>,
    /// The scope around it.
    outer: Option<usize>,
    depth: usize,
}

struct Model<'a, 'f, 'i, 's, 'l> {
    input: &'i Input<'i>,
    session: &'s mut Session<'l>,
    draft: Draft,
    scopes: Vec<Scope<'a>>,
    /// Graphs to be read, with their bodies and the scopes around them.
    queue: VecDeque<(Table<'a, 'f>, u32, Option<usize>)>,
    operators: BTreeMap<String, u64>,
    calls: BTreeMap<String, Code>,
    custom: BTreeSet<String>,
    depth: u32,
    odd: u32,
}

pub(super) fn read(input: &Input<'_>, session: &mut Session<'_>, model: &Table<'_, '_>) {
    let mut out = Model {
        input,
        session,
        draft: Draft::new("ort", input.whole()),
        scopes: Vec::new(),
        queue: VecDeque::new(),
        operators: BTreeMap::new(),
        calls: BTreeMap::new(),
        custom: BTreeSet::new(),
        depth: 0,
        odd: 0,
    };
    for opset in model.tables(6).flatten() {
        let domain = full_domain(&name(opset.text(4).unwrap_or_default())).to_owned();
        out.draft.opsets().insert(domain, opset.i64(6).unwrap_or(0));
    }
    let Some(main) = model.table(18) else {
        out.session.gap(
            Why::Malformed,
            "the model has no graph",
            input.at(model.at, model.size),
        );
        return;
    };
    out.queue.push_back((main, 0, None));
    while let Some((graph, body, outer)) = out.queue.pop_front() {
        out.graph(&graph, body, outer);
    }
    let producer = model.text(8).map(name);
    out.finish(producer, &main);
}

fn full_domain(domain: &str) -> &str {
    if domain.is_empty() { "ai.onnx" } else { domain }
}

impl<'a, 'f> Model<'a, 'f, '_, '_, '_> {
    fn report(&mut self, id: &str, message: String, place: &Table<'_, '_>) {
        self.odd = self.odd.saturating_add(1);
        if self.odd <= LISTED {
            self.session
                .anomaly(id, message, self.input.at(place.at, place.size));
        }
    }

    fn graph(&mut self, graph: &Table<'a, 'f>, body: u32, outer: Option<usize>) {
        let depth = outer
            .and_then(|outer| self.scopes.get(outer))
            .map_or(0, |outer| outer.depth.saturating_add(1));
        if depth > MAX_SCOPES {
            self.draft.cut();
            return;
        }
        self.depth = self.depth.max(u32::try_from(depth).unwrap_or(u32::MAX));
        let mut scope = Scope {
            names: HashMap::new(),
            outer,
            depth,
        };
        let mut types: HashMap<&'a [u8], (String, Option<Vec<Dim>>)> = HashMap::new();
        for info in graph.tables(6).flatten() {
            let known = info
                .table(8)
                .map(|kind| described(&kind))
                .unwrap_or_default();
            types.insert(info.text(4).unwrap_or_default(), known);
        }
        let mut inputs = Vec::new();
        for text in graph.texts(14).flatten() {
            inputs.extend(self.declare(&mut scope, &types, text));
        }
        for tensor in graph.tables(4).flatten() {
            self.initializer(&mut scope, &types, &tensor);
        }
        for sparse in graph.tables(18).flatten() {
            if let Some(values) = sparse.table(4) {
                self.initializer(&mut scope, &types, &values);
            }
        }
        let nodes: Vec<Table<'a, 'f>> = graph.tables(8).flatten().collect();
        let mut made: Vec<Vec<Option<u32>>> = Vec::new();
        for node in &nodes {
            let mut outputs = Vec::new();
            for text in node.texts(22) {
                let text = text.unwrap_or_default();
                if text.is_empty() {
                    outputs.push(None);
                    continue;
                }
                if scope.names.contains_key(text) {
                    self.report(
                        "ort-name-repeats",
                        format!("two things of one graph are named {:?}", name(text)),
                        node,
                    );
                }
                outputs.push(self.declare(&mut scope, &types, text));
            }
            made.push(outputs);
        }
        self.scopes.push(scope);
        let here = self.scopes.len().saturating_sub(1);
        for (node, outputs) in nodes.iter().zip(made) {
            if !self.session.spend(1) {
                self.draft.cut();
                return;
            }
            self.node(node, outputs, body, here, &types);
        }
        let outputs: Vec<Option<u32>> =
            graph.texts(16).map(|text| self.find(here, text?)).collect();
        if outputs.iter().any(Option::is_none) {
            self.report(
                "ort-output-missing",
                "nothing makes an output of a graph".to_owned(),
                graph,
            );
        }
        if let Some(body) = self.draft.body_mut(body) {
            body.inputs = inputs;
            body.outputs = outputs;
        }
    }

    fn declare(
        &mut self,
        scope: &mut Scope<'a>,
        types: &HashMap<&'a [u8], (String, Option<Vec<Dim>>)>,
        text: &'a [u8],
    ) -> Option<u32> {
        let (dtype, shape) = types.get(text).cloned().unwrap_or_default();
        let dtype = if dtype.is_empty() { "?" } else { &dtype };
        let value = self.draft.value(&name(text), dtype, shape)?;
        scope.names.insert(text, value);
        Some(value)
    }

    fn find(&self, scope: usize, text: &[u8]) -> Option<u32> {
        let mut at = Some(scope);
        while let Some(scope) = at.and_then(|at| self.scopes.get(at)) {
            if let Some(value) = scope.names.get(text) {
                return Some(*value);
            }
            at = scope.outer;
        }
        None
    }

    fn initializer(
        &mut self,
        scope: &mut Scope<'a>,
        types: &HashMap<&'a [u8], (String, Option<Vec<Dim>>)>,
        tensor: &Table<'a, 'f>,
    ) {
        let text = tensor.text(4).unwrap_or_default();
        let constant = self.tensor(tensor, &name(text));
        let value = match scope.names.get(text) {
            Some(value) => Some(*value),
            None => self.declare(scope, types, text),
        };
        if let Some(value) = value.and_then(|value| self.draft.value_mut(value)) {
            value.constant = constant;
        }
    }

    fn tensor(&mut self, tensor: &Table<'a, 'f>, own: &str) -> Option<u32> {
        let number = tensor.i32(10).unwrap_or(0);
        let dtype = dtype_name(u64::try_from(number).unwrap_or(u64::MAX));
        let dims = tensor.i64s(8);
        if dims.iter().any(|size| *size < 0) {
            self.report(
                "ort-shape-absurd",
                format!("the tensor {own:?} has a negative size"),
                tensor,
            );
        }
        let shape: Vec<u64> = dims
            .iter()
            .take(MAX_RANK)
            .map(|size| u64::try_from(*size).unwrap_or(0))
            .collect();
        if tensor.i64(16).is_some_and(|offset| offset >= 0) {
            self.session.gap_once(
                Why::Unsupported,
                "its tensors lie in another file, which is not followed",
                &self.input.whole(),
            );
        }
        if dtype == "string" {
            let texts = tensor.texts(14).flatten().take(MAX_LIST);
            return self.draft.constant(Constant {
                dtype,
                shape,
                texts: Some(texts.map(|text| crate::text::escape(text, 1024)).collect()),
                ..Constant::default()
            });
        }
        let Some(raw) = tensor.vector(12, 1) else {
            return self.draft.constant(Constant {
                dtype,
                shape,
                ..Constant::default()
            });
        };
        let place = self.input.at(raw.at, raw.len());
        embedded::look_into(
            self.session,
            self.input,
            &format!("tensor {own}"),
            raw.bytes,
            raw.at,
        );
        let asked =
            width(&dtype).and_then(|width| whole(&shape)?.checked_mul(u64::try_from(width).ok()?));
        if asked.is_some_and(|asked| asked != raw.len()) {
            self.session.differs(
                "ort-tensor-size-differs",
                format!("the tensor {own:?} does not have the data that its shape asks for"),
                place.clone(),
                [
                    ("shape", asked.unwrap_or(0).to_string()),
                    ("data", raw.len().to_string()),
                ],
            );
        }
        self.session.tensor(Tensor {
            name: own.to_owned(),
            dtype: dtype.clone(),
            shape: shape.clone(),
            at: place.clone(),
            ..Tensor::default()
        });
        self.draft.bytes(&dtype, shape, raw.bytes, Some(place))
    }

    fn node(
        &mut self,
        node: &Table<'a, 'f>,
        outputs: Vec<Option<u32>>,
        body: u32,
        scope: usize,
        types: &HashMap<&'a [u8], (String, Option<Vec<Dim>>)>,
    ) {
        let op = name(node.text(14).unwrap_or_default());
        let mut domain = name(node.text(8).unwrap_or_default());
        if domain == "ai.onnx" {
            domain.clear();
        }
        self.count(&domain, &op, node);
        let mut inputs = Vec::new();
        for text in node.texts(20) {
            let text = text.unwrap_or_default();
            if text.is_empty() {
                inputs.push(None);
                continue;
            }
            if let Some(value) = self.find(scope, text) {
                inputs.push(Some(value));
                continue;
            }
            self.report(
                "ort-name-dangling",
                format!("a node reads {:?}, which nothing makes", name(text)),
                node,
            );
            let (dtype, shape) = types.get(text).cloned().unwrap_or_default();
            let value = self.draft.value(&name(text), &dtype, shape);
            if let (Some(value), Some(scope)) = (value, self.scopes.get_mut(scope)) {
                scope.names.insert(text, value);
            }
            inputs.push(value);
        }
        let mut attributes = Vec::new();
        for attribute in node.tables(24).flatten() {
            if let Some(value) = self.setting(&attribute, body, scope) {
                attributes.push(Attribute {
                    name: name(attribute.text(4).unwrap_or_default()),
                    value,
                });
            }
        }
        self.draft.node(Node {
            op,
            domain,
            name: name(node.text(4).unwrap_or_default()),
            inputs,
            outputs,
            attributes,
            body,
            span: Some(Span::new(node.at, node.size)),
        });
    }

    fn setting(&mut self, attribute: &Table<'a, 'f>, body: u32, scope: usize) -> Option<Setting> {
        Some(match attribute.i32(8).unwrap_or(0) {
            1 => Setting::Float(f64::from(attribute.f32(10).unwrap_or(0.0))),
            2 => Setting::Int(attribute.i64(12).unwrap_or(0)),
            3 => {
                let bytes = attribute.text(14).unwrap_or_default();
                embedded::look_into(self.session, self.input, "attribute", bytes, attribute.at);
                Setting::Text(crate::text::escape(bytes, 1024))
            }
            4 => {
                let tensor = attribute.table(16)?;
                Setting::Constant(self.tensor(&tensor, "attribute")?)
            }
            5 => Setting::Body(self.nested(attribute.table(18)?, body, scope)?),
            6 => {
                let numbers = attribute.f32s(20).into_iter().take(MAX_LIST).map(f64::from);
                Setting::Floats(numbers.collect())
            }
            7 => {
                let mut numbers = attribute.i64s(22);
                numbers.truncate(MAX_LIST);
                Setting::Ints(numbers)
            }
            8 => {
                let texts = attribute.texts(24).flatten().take(MAX_LIST);
                Setting::Texts(texts.map(|text| crate::text::escape(text, 1024)).collect())
            }
            10 => {
                let mut bodies = Vec::new();
                for graph in attribute.tables(28).flatten() {
                    bodies.extend(self.nested(graph, body, scope));
                }
                Setting::Bodies(bodies)
            }
            other => Setting::Other(format!("type {other}")),
        })
    }

    fn nested(&mut self, graph: Table<'a, 'f>, parent: u32, scope: usize) -> Option<u32> {
        let body = self
            .draft
            .body(String::new(), BodyKind::Nested { parent })?;
        self.queue.push_back((graph, body, Some(scope)));
        Some(body)
    }

    fn count(&mut self, domain: &str, op: &str, node: &Table<'_, '_>) {
        let full = format!("{}::{op}", full_domain(domain));
        let count = self.operators.entry(full.clone()).or_insert(0);
        *count = count.saturating_add(1);
        // Layout transforms are the runtime's own.
        let custom = is_custom(domain, op) && domain != "com.ms.internal.nhwc";
        if custom {
            self.custom.insert(full.clone());
        }
        if !custom && !runs_code(op) {
            return;
        }
        let at = self.input.at(node.at, node.size);
        let code = self.calls.entry(full).or_insert_with_key(|target| Code {
            via: Via::Onnx,
            action: Action::Call,
            target: target.clone(),
            written: None,
            args: Vec::new(),
            kwargs: Vec::new(),
            computed: false,
            reached: true,
            count: 0,
            at,
        });
        code.count = code.count.saturating_add(1);
    }

    fn finish(self, producer: Option<String>, graph: &Table<'_, '_>) {
        for code in self.calls.into_values() {
            self.session.code(code);
        }
        let wiring = self.draft.wiring();
        let main = wiring.bodies.first();
        let named = |values: Vec<u32>| {
            let values = values.into_iter().take(MAX_PORTS);
            values
                .filter_map(|at| wiring.values.get(usize::try_from(at).ok()?))
                .map(port)
                .collect()
        };
        let inputs = main.map(|main| main.inputs.clone()).unwrap_or_default();
        let outputs = main.map(|main| main.outputs.clone()).unwrap_or_default();
        let summary = Graph {
            framework: "ort".to_owned(),
            producer,
            opsets: wiring.opsets.clone(),
            inputs: named(inputs),
            outputs: named(outputs.into_iter().flatten().collect()),
            nodes: u64::try_from(wiring.nodes.len()).unwrap_or(u64::MAX),
            operators: self.operators,
            custom_operators: self.custom.into_iter().collect(),
            depth: self.depth,
            at: self.input.at(graph.at, graph.size),
            ..Graph::default()
        };
        self.session.graph(summary);
        self.draft.finish(self.input, self.session);
    }
}

/// Element type and shape of a `TypeInfo`.
fn described(kind: &Table<'_, '_>) -> (String, Option<Vec<Dim>>) {
    match kind.u8(6).unwrap_or(0) {
        1 => {}
        2 => return ("sequence".to_owned(), None),
        3 => return ("map".to_owned(), None),
        _ => return ("?".to_owned(), None),
    }
    let Some(tensor) = kind.table(8) else {
        return ("?".to_owned(), None);
    };
    let number = tensor.i32(4).unwrap_or(0);
    let dtype = dtype_name(u64::try_from(number).unwrap_or(u64::MAX));
    let shape = tensor.table(6).map(|shape| {
        let sizes = shape.tables(4).take(MAX_RANK);
        sizes
            .map(|size| {
                let value = size.and_then(|size| size.table(4));
                match value.map(|value| (value.i8(4).unwrap_or(0), value)) {
                    Some((1, value)) => Dim::Known(value.i64(6).unwrap_or(0)),
                    Some((2, value)) => Dim::Symbol(name(value.text(8).unwrap_or_default())),
                    _ => Dim::Unknown(()),
                }
            })
            .collect()
    });
    (dtype, shape)
}
