//! Sub-graphs, tensors, buffers and operators of a model.

use std::collections::{BTreeMap, BTreeSet};

use modelward_schema::{Action, Attribute, BodyKind, Code, Graph, Node, Setting, Span, Via, Why};

use super::tensor::data;
use super::{options, schema};
use crate::wire::flatbuffer::Table;
use crate::wiring::{Draft, name, port};
use crate::{Input, Session, embedded};

const CUSTOM: i64 = 32;
/// Fields of `Operator` whose tensors need not be there.
const ABSENT: i32 = -1;
const MAX_PORTS: usize = 1000;
/// Anomalies of one kind that are listed one by one.
const LISTED: u32 = 16;

/// An operator code: what an operator calls.
struct Called {
    domain: &'static str,
    op: String,
}

pub(super) struct Model<'a, 'f, 'i, 's, 'l> {
    pub(super) input: &'i Input<'i>,
    pub(super) session: &'s mut Session<'l>,
    pub(super) buffers: Vec<Option<Table<'a, 'f>>>,
    codes: Vec<Called>,
    /// The body of each sub-graph.
    bodies: Vec<u32>,
    pub(super) draft: Draft,
    operators: BTreeMap<String, u64>,
    custom: BTreeSet<String>,
    told: BTreeMap<String, usize>,
    calls: Vec<Code>,
    odd: u32,
}

pub(super) fn read(input: &Input<'_>, session: &mut Session<'_>, model: &Table<'_, '_>) {
    let mut out = Model {
        input,
        session,
        buffers: model.tables(12).collect(),
        codes: model.tables(6).map(called).collect(),
        bodies: Vec::new(),
        draft: Draft::new("tflite", input.whole()),
        operators: BTreeMap::new(),
        custom: BTreeSet::new(),
        told: BTreeMap::new(),
        calls: Vec::new(),
        odd: 0,
    };
    let graphs: Vec<_> = model.tables(8).collect();
    for (index, graph) in graphs.iter().enumerate() {
        if index == 0 {
            out.bodies.push(0);
            continue;
        }
        let called = graph.and_then(|graph| graph.text(12)).unwrap_or_default();
        // No operator is called by a sub-graph's name.
        let kind = BodyKind::Function {
            domain: "subgraph".to_owned(),
            attributes: Vec::new(),
        };
        match out.draft.body(name(called), kind) {
            Some(body) => out.bodies.push(body),
            None => break,
        }
    }
    for (body, graph) in out.bodies.clone().into_iter().zip(graphs) {
        match graph {
            Some(graph) => out.graph(body, &graph),
            None => out.report("tflite-subgraph-missing", "a sub-graph is not there", model),
        }
    }
    out.read_unused();
    out.call_signatures(model);
    out.finish(model);
}

/// What an `OperatorCode` stands for.
fn called(code: Option<Table<'_, '_>>) -> Called {
    let number = code.map_or(0, |code| {
        // The first schema had one byte for it; the larger of the two is meant.
        let old = code.i8(4).map_or(0, i64::from);
        old.max(code.i32(10).map_or(0, i64::from))
    });
    if number != CUSTOM {
        return match schema::operator(number) {
            Some(op) => Called {
                domain: "",
                op: op.to_owned(),
            },
            None => Called {
                domain: "custom",
                op: format!("builtin {number}"),
            },
        };
    }
    let text = name(code.and_then(|code| code.text(6)).unwrap_or_default());
    match text.strip_prefix("Flex") {
        Some(op) if !op.is_empty() => Called {
            domain: "flex",
            op: op.to_owned(),
        },
        _ => Called {
            domain: "custom",
            op: text,
        },
    }
}

impl<'a> Model<'a, '_, '_, '_, '_> {
    pub(super) fn report(&mut self, id: &str, message: impl Into<String>, place: &Table<'_, '_>) {
        self.odd = self.odd.saturating_add(1);
        if self.odd <= LISTED {
            self.session
                .anomaly(id, message, self.input.at(place.at, place.size));
        }
    }

    fn graph(&mut self, body: u32, graph: &Table<'a, '_>) {
        if body == 0
            && let Some(text) = graph.text(12)
            && let Some(main) = self.draft.body_mut(0)
        {
            main.name = name(text);
        }
        let mut values: Vec<Option<u32>> = Vec::new();
        let mut scales: Vec<Option<(f32, i64)>> = Vec::new();
        for tensor in graph.tables(4) {
            let Some(tensor) = tensor else {
                values.push(None);
                scales.push(None);
                continue;
            };
            values.push(self.tensor(&tensor));
            scales.push(self.quantization(&tensor));
        }
        let resolve = |numbers: Vec<i32>| -> Vec<Option<Option<u32>>> {
            let found = numbers.into_iter().map(|number| match number {
                ABSENT => Some(None),
                number => usize::try_from(number)
                    .ok()
                    .and_then(|at| values.get(at).copied()),
            });
            found.collect()
        };
        let inputs = resolve(graph.i32s(6));
        let outputs = resolve(graph.i32s(8));
        if inputs.iter().chain(&outputs).any(Option::is_none) {
            self.report(
                "tflite-index",
                "a sub-graph names a tensor that is not there",
                graph,
            );
        }
        if let Some(body) = self.draft.body_mut(body) {
            body.inputs = inputs.into_iter().flatten().flatten().collect();
            body.outputs = outputs.into_iter().map(Option::flatten).collect();
        }
        for operator in graph.tables(10) {
            let Some(operator) = operator else { continue };
            if !self.session.spend(1) {
                self.draft.cut();
                return;
            }
            let (taken, given) = (operator.i32s(6), operator.i32s(8));
            let mut attributes = options::read(&operator, &self.bodies);
            add_scales(&mut attributes, &taken, &given, &scales);
            let (inputs, outputs) = (resolve(taken), resolve(given));
            if inputs.iter().chain(&outputs).any(Option::is_none) {
                self.report(
                    "tflite-index",
                    "an operator names a tensor that is not there",
                    &operator,
                );
            }
            let code = operator.u32(4).unwrap_or(0);
            let called = usize::try_from(code).ok().and_then(|at| self.codes.get(at));
            let (domain, op) = match called {
                Some(called) => (called.domain, called.op.clone()),
                None => ("custom", "?".to_owned()),
            };
            if called.is_none() {
                self.report(
                    "tflite-index",
                    "an operator names a code that is not there",
                    &operator,
                );
            }
            self.count(domain, &op, &operator);
            self.draft.node(Node {
                op,
                domain: domain.to_owned(),
                name: String::new(),
                inputs: inputs.into_iter().map(Option::flatten).collect(),
                outputs: outputs.into_iter().map(Option::flatten).collect(),
                attributes,
                body,
                span: Some(Span::new(operator.at, operator.size)),
            });
        }
    }

    fn count(&mut self, domain: &'static str, op: &str, operator: &Table<'_, '_>) {
        let full = match domain {
            "" => format!("tflite::{op}"),
            "flex" => format!("tf::{op}"),
            _ => format!("custom::{op}"),
        };
        let count = self.operators.entry(full.clone()).or_insert(0);
        *count = count.saturating_add(1);
        if domain.is_empty() {
            return;
        }
        self.custom.insert(full.clone());
        if domain == "flex" && !crate::tensorflow::is_outside(op) {
            return;
        }
        if let Some(code) = self.told.get(&full).and_then(|at| self.calls.get_mut(*at)) {
            code.count = code.count.saturating_add(1);
            return;
        }
        self.told.insert(full.clone(), self.calls.len());
        self.calls.push(Code {
            via: if domain == "flex" {
                Via::Tensorflow
            } else {
                Via::Tflite
            },
            action: Action::Call,
            target: full,
            written: None,
            args: Vec::new(),
            kwargs: Vec::new(),
            computed: false,
            reached: true,
            count: 1,
            at: self.input.at(operator.at, operator.size),
        });
    }

    /// Buffers that no tensor has: metadata, and whatever else lies there.
    fn read_unused(&mut self) {
        for buffer in self.buffers.clone().into_iter().flatten() {
            if let Some((bytes, at)) = data(&buffer) {
                embedded::look_into(self.session, self.input, "buffer", bytes, at);
            }
        }
    }

    /// A signature of another sub-graph is a way in of its own: the main body
    /// calls it with inputs of its own.
    fn call_signatures(&mut self, model: &Table<'a, '_>) {
        for signature in model.tables(18).flatten() {
            let key = name(signature.text(8).unwrap_or_default());
            for slot in [4, 6] {
                for map in signature.tables(slot).flatten() {
                    map.text(4);
                }
            }
            let index = signature.u32(12).unwrap_or(0);
            let at = self.input.at(signature.at, signature.size);
            self.session.metadata("signature", &key, at);
            let body = usize::try_from(index)
                .ok()
                .and_then(|at| self.bodies.get(at));
            match body.copied() {
                Some(0) => {}
                Some(body) => self.call(body, key),
                None => self.report(
                    "tflite-index",
                    "a signature names a sub-graph that is not there",
                    &signature,
                ),
            }
        }
    }

    fn call(&mut self, body: u32, key: String) {
        let Some(called) = self.draft.body_mut(body).cloned() else {
            return;
        };
        let mut fresh = |value: Option<u32>| {
            let like = self.draft.value_mut(value?).cloned()?;
            self.draft.value(&like.name, &like.dtype, like.shape)
        };
        let inputs: Vec<_> = called
            .inputs
            .iter()
            .map(|value| fresh(Some(*value)))
            .collect();
        let outputs: Vec<_> = called.outputs.iter().map(|value| fresh(*value)).collect();
        if let Some(main) = self.draft.body_mut(0) {
            main.inputs.extend(inputs.iter().flatten());
            main.outputs.extend(outputs.iter().copied());
        }
        self.draft.node(Node {
            op: "CALL".to_owned(),
            name: key,
            inputs,
            outputs,
            attributes: vec![Attribute {
                name: "subgraph".to_owned(),
                value: Setting::Body(body),
            }],
            ..Node::default()
        });
    }

    fn finish(self, model: &Table<'a, '_>) {
        for code in self.calls {
            self.session.code(code);
        }
        if model.tables(20).next().is_some() || model.tables(22).next().is_some() {
            self.session.gap(
                Why::Unsupported,
                "its tensors lie in other files, which are not followed",
                self.input.whole(),
            );
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
        let graph = Graph {
            name: main.map(|main| main.name.clone()).unwrap_or_default(),
            framework: "tflite".to_owned(),
            producer: None,
            opsets: BTreeMap::new(),
            inputs: named(inputs),
            outputs: named(outputs.into_iter().flatten().collect()),
            nodes: u64::try_from(wiring.nodes.len()).unwrap_or(u64::MAX),
            operators: self.operators,
            custom_operators: self.custom.into_iter().collect(),
            functions: Vec::new(),
            at: self.input.at(model.at, model.size),
            ..Graph::default()
        };
        self.session.graph(graph);
        self.draft.finish(self.input, self.session);
    }
}

/// Scales of the operands of a quantised operator, in their order; 0 for one
/// that has none.
fn add_scales(
    attributes: &mut Vec<Attribute>,
    taken: &[i32],
    given: &[i32],
    scales: &[Option<(f32, i64)>],
) {
    for (names, numbers) in [
        (("input_scales", "input_zero_points"), taken),
        (("output_scales", "output_zero_points"), given),
    ] {
        let found: Vec<Option<(f32, i64)>> = numbers
            .iter()
            .map(|number| {
                scales
                    .get(usize::try_from(*number).ok()?)
                    .copied()
                    .flatten()
            })
            .collect();
        if found.iter().all(Option::is_none) {
            continue;
        }
        let (factors, points) = found
            .iter()
            .map(|found| found.map_or((0.0, 0), |(scale, point)| (f64::from(scale), point)))
            .unzip();
        attributes.push(Attribute {
            name: names.0.to_owned(),
            value: Setting::Floats(factors),
        });
        attributes.push(Attribute {
            name: names.1.to_owned(),
            value: Setting::Ints(points),
        });
    }
}
