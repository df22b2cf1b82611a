//! [`Wiring`] → [`Flat`]: calls become the called body, branches and loops
//! become operators that say what flows where.
//!
//! Bodies go through a queue, never through recursion. A function that calls
//! itself, or calls nested too deep, is opaque at that place and said to be.

use std::collections::{BTreeSet, HashMap, VecDeque};

use modelward_schema::{Anomaly, Body, BodyKind, Constant, Location, Node, Setting, Wiring};

use crate::ir::{Flat, Frame, Id, Kind, NONE, Op, Val, at, number};
use crate::operators::{self, Control, Given, Meaning, Std};
use crate::order;

/// Calls within calls.
pub(crate) const MAX_CALLS: u32 = 64;
/// Operators beyond the wiring's own that inlining may make.
const MAX_INLINED: usize = 1 << 20;

struct Builder<'w> {
    flat: Flat<'w>,
    /// Value of the main frame by wiring value.
    main: Vec<Id>,
    /// Values of calls, by frame and wiring value.
    called: HashMap<(u32, u32), Id>,
    functions: HashMap<(&'w str, &'w str), u32>,
    queue: VecDeque<(u32, u32)>,
    entered: BTreeSet<(u32, u32)>,
}

impl<'w> Flat<'w> {
    /// Never fails: what cannot be understood is an opaque operator or an
    /// anomaly.
    pub fn build(wiring: &'w Wiring) -> Self {
        let mut functions = HashMap::new();
        for (index, body) in wiring.bodies.iter().enumerate() {
            if let BodyKind::Function { domain, .. } = &body.kind {
                functions
                    .entry((domain.as_str(), body.name.as_str()))
                    .or_insert(number(index));
            }
        }
        let mut builder = Builder {
            flat: Flat {
                wiring,
                values: Vec::with_capacity(wiring.values.len()),
                ops: Vec::with_capacity(wiring.nodes.len()),
                inputs: Vec::new(),
                outputs: Vec::new(),
                frames: vec![Frame {
                    caller: NONE,
                    parent: 0,
                    body: 0,
                    depth: 0,
                }],
                made: Vec::new(),
                anomalies: Vec::new(),
                cut: wiring.cut,
            },
            main: vec![NONE; wiring.values.len()],
            called: HashMap::new(),
            functions,
            queue: VecDeque::new(),
            entered: BTreeSet::new(),
        };
        builder.run();
        let mut flat = builder.flat;
        order::sort(&mut flat);
        flat
    }
}

impl<'w> Builder<'w> {
    fn run(&mut self) {
        let Some(main) = self.flat.wiring.bodies.first() else {
            return;
        };
        for input in &main.inputs {
            let id = self.value(0, *input);
            if self.flat.val(id).constant == NONE {
                self.flat.inputs.push(id);
            }
        }
        self.enter(0, 0);
        while let Some((body, frame)) = self.queue.pop_front() {
            let Some(body) = self.body(body) else {
                continue;
            };
            for node in &body.nodes {
                let limit = self.flat.wiring.nodes.len().saturating_add(MAX_INLINED);
                if self.flat.ops.len() >= limit {
                    self.flat.cut = true;
                    break;
                }
                self.node(*node, frame);
            }
        }
        let outputs = main.outputs.iter();
        self.flat.outputs = outputs
            .map(|output| output.map(|output| self.value(0, output)))
            .collect();
    }

    fn body(&self, body: u32) -> Option<&'w Body> {
        self.flat.wiring.bodies.get(at(body))
    }

    /// Queues a body; false when it is already in this frame.
    fn enter(&mut self, body: u32, frame: u32) -> bool {
        let fresh = self.entered.insert((frame, body));
        if fresh {
            self.queue.push_back((body, frame));
        }
        fresh
    }

    fn new_value(&mut self, source: u32) -> Id {
        let wired = self.flat.wiring.values.get(at(source));
        let id = number(self.flat.values.len());
        self.flat.values.push(Val {
            source,
            constant: wired.and_then(|value| value.constant).unwrap_or(NONE),
            ..Val::default()
        });
        id
    }

    /// The flat value of a wiring value in a frame.
    fn value(&mut self, frame: u32, wired: u32) -> Id {
        if frame == 0 {
            match self.main.get(at(wired)) {
                Some(id) if *id != NONE => *id,
                _ => {
                    let id = self.new_value(wired);
                    if let Some(slot) = self.main.get_mut(at(wired)) {
                        *slot = id;
                    }
                    id
                }
            }
        } else if let Some(id) = self.called.get(&(frame, wired)) {
            *id
        } else {
            let id = self.new_value(wired);
            self.called.insert((frame, wired), id);
            id
        }
    }

    fn bind(&mut self, frame: u32, wired: u32, id: Id) {
        if frame == 0 {
            if let Some(slot) = self.main.get_mut(at(wired)) {
                *slot = id;
            }
        } else {
            self.called.insert((frame, wired), id);
        }
    }

    fn push(&mut self, op: Op) {
        let index = number(self.flat.ops.len());
        for (slot, id) in op.outputs.iter().enumerate() {
            let Some(id) = id else { continue };
            if let Some(value) = self.flat.values.get_mut(at(*id)) {
                // The first maker of a name that is made twice counts; readers
                // report the second.
                if value.maker == NONE && value.constant == NONE {
                    value.maker = index;
                    value.slot = number(slot);
                }
            }
        }
        self.flat.ops.push(op);
    }

    fn anomaly(&mut self, id: &str, message: String, node: &Node) {
        const MOST: usize = 1000;
        if self.flat.anomalies.len() >= MOST {
            return;
        }
        let mut at = Location::file(self.flat.wiring.at.path.clone());
        at.span = node.span;
        self.flat.anomalies.push(Anomaly {
            id: id.to_owned(),
            message,
            at,
            says: std::collections::BTreeMap::new(),
        });
    }

    fn node(&mut self, index: u32, frame: u32) {
        let Some(node) = self.flat.wiring.nodes.get(at(index)) else {
            return;
        };
        let inputs: Vec<Option<Id>> = node
            .inputs
            .iter()
            .map(|input| input.map(|input| self.value(frame, input)))
            .collect();
        let outputs: Vec<Option<Id>> = node
            .outputs
            .iter()
            .map(|output| output.map(|output| self.value(frame, output)))
            .collect();
        let called = self
            .functions
            .get(&(node.domain.as_str(), node.op.as_str()));
        if let Some(body) = called.copied() {
            if self.call(index, node, frame, body, &inputs, &outputs) {
                return;
            }
            self.opaque(index, frame, inputs, outputs);
            return;
        }
        let given = Given {
            framework: &self.flat.wiring.framework,
            node,
            opsets: &self.flat.wiring.opsets,
        };
        match operators::find(&given) {
            Some(Meaning::Operator(translated)) => {
                let inputs = match translated.operands {
                    None => inputs,
                    Some(order) => order
                        .iter()
                        .map(|index| index.and_then(|index| inputs.get(index).copied().flatten()))
                        .collect(),
                };
                self.push(Op {
                    kind: Kind::Plain,
                    std: translated.std,
                    node: index,
                    frame,
                    inputs,
                    outputs,
                    set: translated.set,
                });
            }
            Some(Meaning::Literal) => self.literal(index, node, frame, &outputs),
            Some(Meaning::Control(control)) => {
                if !self.control(control, index, node, frame, &inputs, &outputs) {
                    self.opaque(index, frame, inputs, outputs);
                }
            }
            None => self.opaque(index, frame, inputs, outputs),
        }
    }

    fn opaque(&mut self, node: u32, frame: u32, inputs: Vec<Option<Id>>, outputs: Vec<Option<Id>>) {
        self.push(plain(Kind::Opaque, node, frame, inputs, outputs));
    }

    /// A node that only states a constant.
    fn literal(&mut self, index: u32, node: &'w Node, frame: u32, outputs: &[Option<Id>]) {
        let Some(id) = outputs.first().copied().flatten() else {
            return;
        };
        let probe = plain(Kind::Plain, index, frame, Vec::new(), Vec::new());
        let constant = node
            .attributes
            .iter()
            .filter_map(|set| self.flat.attribute(&probe, &set.name))
            .find_map(|setting| match setting {
                Setting::Constant(constant) => Some(Ok(*constant)),
                setting => stated(setting).map(Err),
            });
        let constant = match constant {
            Some(Ok(constant)) => constant,
            Some(Err(made)) => {
                let made_at = self
                    .flat
                    .wiring
                    .constants
                    .len()
                    .saturating_add(self.flat.made.len());
                self.flat.made.push(made);
                number(made_at)
            }
            None => {
                self.opaque(index, frame, Vec::new(), outputs.to_vec());
                return;
            }
        };
        if let Some(value) = self.flat.values.get_mut(at(id))
            && value.maker == NONE
        {
            value.constant = constant;
        }
    }

    /// Puts the body of a function in the place of its call.
    fn call(
        &mut self,
        index: u32,
        node: &'w Node,
        frame: u32,
        body: u32,
        inputs: &[Option<Id>],
        outputs: &[Option<Id>],
    ) -> bool {
        let Some((inner, called)) = self.open(index, node, frame, body) else {
            return false;
        };
        self.hand_in(inner, called, inputs);
        for (slot, output) in outputs.iter().enumerate() {
            let Some(id) = output else { continue };
            let Some(wired) = called.outputs.get(slot).copied().flatten() else {
                continue;
            };
            let made = self.value(inner, wired);
            self.push(plain(
                Kind::Copy,
                index,
                frame,
                vec![Some(made)],
                vec![Some(*id)],
            ));
        }
        true
    }

    /// A frame for a body that is called or run by a node; none when that would
    /// not end. Nested bodies run in the frame that they stand in.
    fn open(
        &mut self,
        index: u32,
        node: &'w Node,
        frame: u32,
        body: u32,
    ) -> Option<(u32, &'w Body)> {
        let called = self.body(body)?;
        if !matches!(called.kind, BodyKind::Function { .. }) {
            if body == 0 || !self.enter(body, frame) {
                let message = format!("a {} runs a graph that already runs there", node.op);
                self.anomaly("graph-body-shared", message, node);
                return None;
            }
            return Some((frame, called));
        }
        let mut outer = self.flat.frames.get(at(frame)).copied()?;
        if outer.depth >= MAX_CALLS {
            let message = format!("calls of {} are nested too deep", called.name);
            self.anomaly("graph-calls-deep", message, node);
            return None;
        }
        let depth = outer.depth.saturating_add(1);
        loop {
            if outer.caller != NONE && outer.body == body {
                let message = format!("the function {} calls itself", called.name);
                self.anomaly("graph-function-recursive", message, node);
                return None;
            }
            if outer.caller == NONE {
                break;
            }
            outer = self.flat.frames.get(at(outer.parent)).copied()?;
        }
        let inner = number(self.flat.frames.len());
        self.flat.frames.push(Frame {
            caller: index,
            parent: frame,
            body,
            depth,
        });
        self.enter(body, inner);
        Some((inner, called))
    }

    fn hand_in(&mut self, frame: u32, body: &Body, inputs: &[Option<Id>]) {
        for (slot, wired) in body.inputs.iter().enumerate() {
            if let Some(id) = inputs.get(slot).copied().flatten() {
                self.bind(frame, *wired, id);
            }
        }
    }

    /// The flat values of a body's outputs.
    fn results(&mut self, frame: u32, body: &Body) -> Vec<Option<Id>> {
        let outputs = body.outputs.iter();
        outputs
            .map(|output| output.map(|output| self.value(frame, output)))
            .collect()
    }

    fn control(
        &mut self,
        control: Control,
        index: u32,
        node: &'w Node,
        frame: u32,
        inputs: &[Option<Id>],
        outputs: &[Option<Id>],
    ) -> bool {
        match control {
            Control::Branch { bodies, arguments } => {
                let bodies: Vec<u32> = bodies
                    .iter()
                    .flat_map(|name| bodies_of(node, name, &self.functions))
                    .collect();
                if bodies.len() < 2 {
                    return false;
                }
                let mut branches = Vec::new();
                let rest = inputs.get(arguments..).unwrap_or_default();
                for body in bodies {
                    let Some((inner, branch)) = self.open(index, node, frame, body) else {
                        return false;
                    };
                    self.hand_in(inner, branch, rest);
                    branches.push(self.results(inner, branch));
                }
                let condition = inputs.first().copied().flatten();
                for (slot, output) in outputs.iter().enumerate() {
                    if output.is_none() {
                        continue;
                    }
                    let mut operands = vec![condition];
                    let made = branches.iter();
                    operands.extend(made.map(|branch| branch.get(slot).copied().flatten()));
                    self.push(plain(Kind::Phi, index, frame, operands, vec![*output]));
                }
                true
            }
            Control::Call { body } => {
                let bodies = bodies_of(node, body, &self.functions);
                match bodies.first() {
                    Some(body) => self.call(index, node, frame, *body, inputs, outputs),
                    None => false,
                }
            }
            Control::Loop => self.counted_loop(index, node, frame, inputs, outputs),
            Control::Scan => self.scan(index, node, frame, inputs, outputs),
            Control::While { condition, body } => {
                self.while_loop(index, node, frame, (condition, body), inputs, outputs)
            }
        }
    }

    /// A new value behind a body's input, made by `kind`.
    fn made_input(&mut self, index: u32, frame: u32, inner: u32, wired: u32, op: Op) {
        let id = self.new_value(wired);
        self.bind(inner, wired, id);
        self.push(Op {
            node: index,
            frame,
            outputs: vec![Some(id)],
            ..op
        });
    }

    /// ONNX `Loop`: trip count, condition and carried values in; condition,
    /// carried values and values to stack out of each turn.
    fn counted_loop(
        &mut self,
        index: u32,
        node: &'w Node,
        frame: u32,
        inputs: &[Option<Id>],
        outputs: &[Option<Id>],
    ) -> bool {
        let bodies = bodies_of(node, "body", &self.functions);
        let Some((inner, body)) = bodies
            .first()
            .and_then(|body| self.open(index, node, frame, *body))
        else {
            return false;
        };
        let trip = inputs.first().copied().flatten();
        let start = inputs.get(1).copied().flatten();
        let carried = inputs.get(2..).unwrap_or_default();
        // The inputs get their values before the outputs are looked up: a body
        // may hand an input straight out.
        let mut phis = Vec::new();
        for (slot, wired) in body.inputs.iter().enumerate() {
            let (kind, first) = match slot {
                0 => (Kind::LoopIter, trip),
                1 => (Kind::LoopPhi, start),
                _ => (
                    Kind::LoopPhi,
                    slot.checked_sub(2)
                        .and_then(|slot| carried.get(slot).copied().flatten()),
                ),
            };
            phis.push(number(self.flat.ops.len()));
            let op = plain(kind, index, frame, vec![first], Vec::new());
            self.made_input(index, frame, inner, *wired, op);
        }
        let results = self.results(inner, body);
        let again = results.first().copied().flatten();
        for (phi, back) in phis.iter().skip(1).zip(&results) {
            self.close(*phi, *back);
        }
        for (slot, output) in outputs.iter().enumerate() {
            if output.is_none() {
                continue;
            }
            let made = slot
                .checked_add(1)
                .and_then(|slot| results.get(slot).copied().flatten());
            let (kind, operands) = match carried.get(slot) {
                Some(first) => (Kind::LoopOut, vec![trip, again, *first, made]),
                None => (Kind::LoopStack, vec![trip, again, made]),
            };
            self.push(plain(kind, index, frame, operands, vec![*output]));
        }
        true
    }

    fn close(&mut self, phi: u32, back: Option<Id>) {
        if let Some(op) = self.flat.ops.get_mut(at(phi)) {
            op.inputs.push(back);
        }
    }

    /// ONNX `Scan`: carried values, then sequences.
    fn scan(
        &mut self,
        index: u32,
        node: &'w Node,
        frame: u32,
        inputs: &[Option<Id>],
        outputs: &[Option<Id>],
    ) -> bool {
        let bodies = bodies_of(node, "body", &self.functions);
        let Some((inner, body)) = bodies
            .first()
            .and_then(|body| self.open(index, node, frame, *body))
        else {
            return false;
        };
        let sequences = node.attributes.iter().find_map(|set| match set.value {
            Setting::Int(count) if set.name == "num_scan_inputs" => usize::try_from(count).ok(),
            _ => None,
        });
        let carried = inputs.len().saturating_sub(sequences.unwrap_or(0));
        // The first operator set had the lengths of the sequences before all.
        let skipped = inputs.len().saturating_sub(body.inputs.len());
        let carried = carried.saturating_sub(skipped);
        let mut phis = Vec::new();
        for (slot, wired) in body.inputs.iter().enumerate() {
            let first = inputs.get(slot.saturating_add(skipped)).copied().flatten();
            let kind = if slot < carried {
                phis.push((number(self.flat.ops.len()), first));
                Kind::LoopPhi
            } else {
                Kind::ScanSlice
            };
            let op = plain(kind, index, frame, vec![first], Vec::new());
            self.made_input(index, frame, inner, *wired, op);
        }
        let results = self.results(inner, body);
        for ((phi, _), back) in phis.iter().zip(&results) {
            self.close(*phi, *back);
        }
        for (slot, output) in outputs.iter().enumerate() {
            if output.is_none() {
                continue;
            }
            let made = results.get(slot).copied().flatten();
            let (kind, operands) = match phis.get(slot) {
                Some((_, first)) => (Kind::LoopOut, vec![None, None, *first, made]),
                None => (Kind::LoopStack, vec![None, None, made]),
            };
            self.push(plain(kind, index, frame, operands, vec![*output]));
        }
        true
    }

    /// `While` of TensorFlow, TFLite and CoreML: every operand is carried.
    fn while_loop(
        &mut self,
        index: u32,
        node: &'w Node,
        frame: u32,
        (condition, body): (&str, &str),
        inputs: &[Option<Id>],
        outputs: &[Option<Id>],
    ) -> bool {
        let condition = bodies_of(node, condition, &self.functions);
        let body = bodies_of(node, body, &self.functions);
        let (Some(condition), Some(body)) = (condition.first(), body.first()) else {
            return false;
        };
        let Some((test_frame, test)) = self.open(index, node, frame, *condition) else {
            return false;
        };
        let Some((body_frame, body)) = self.open(index, node, frame, *body) else {
            return false;
        };
        let mut phis = Vec::new();
        for (slot, wired) in body.inputs.iter().enumerate() {
            let first = inputs.get(slot).copied().flatten();
            phis.push(number(self.flat.ops.len()));
            let op = plain(Kind::LoopPhi, index, frame, vec![first], Vec::new());
            self.made_input(index, frame, body_frame, *wired, op);
            if let Some(wired_test) = test.inputs.get(slot) {
                let id = self.value(body_frame, *wired);
                self.bind(test_frame, *wired_test, id);
            }
        }
        let results = self.results(body_frame, body);
        let again = self.results(test_frame, test).first().copied().flatten();
        for (phi, back) in phis.iter().zip(&results) {
            self.close(*phi, *back);
        }
        for (slot, output) in outputs.iter().enumerate() {
            if output.is_none() {
                continue;
            }
            let first = inputs.get(slot).copied().flatten();
            let made = results.get(slot).copied().flatten();
            let operands = vec![None, again, first, made];
            self.push(plain(Kind::LoopOut, index, frame, operands, vec![*output]));
        }
        true
    }
}

fn plain(
    kind: Kind,
    node: u32,
    frame: u32,
    inputs: Vec<Option<Id>>,
    outputs: Vec<Option<Id>>,
) -> Op {
    Op {
        kind,
        std: Std::Opaque,
        node,
        frame,
        inputs,
        outputs,
        set: Vec::new(),
    }
}

/// The bodies that an attribute names: by index, or a function by its name.
fn bodies_of(node: &Node, name: &str, functions: &HashMap<(&str, &str), u32>) -> Vec<u32> {
    let setting = node.attributes.iter().find(|set| set.name == name);
    match setting.map(|set| &set.value) {
        Some(Setting::Body(body)) => vec![*body],
        Some(Setting::Bodies(bodies)) => bodies.clone(),
        Some(Setting::Text(name)) => functions
            .get(&("", name.as_str()))
            .copied()
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// A constant that an attribute states as a plain number, text or list.
fn stated(setting: &Setting) -> Option<Constant> {
    fn floats(numbers: &[f64]) -> Vec<u8> {
        #[allow(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            reason = "they were read from 32 bits"
        )]
        numbers
            .iter()
            .flat_map(|number| (*number as f32).to_le_bytes())
            .collect()
    }
    let len = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    let (dtype, shape, bytes) = match setting {
        Setting::Int(number) => ("i64", Vec::new(), number.to_le_bytes().to_vec()),
        Setting::Bool(truth) => ("bool", Vec::new(), vec![u8::from(*truth)]),
        Setting::Float(number) => ("f32", Vec::new(), floats(&[*number])),
        Setting::Ints(numbers) => (
            "i64",
            vec![len(numbers.len())],
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect(),
        ),
        Setting::Floats(numbers) => ("f32", vec![len(numbers.len())], floats(numbers)),
        Setting::Text(text) => {
            return Some(Constant {
                dtype: "string".to_owned(),
                texts: Some(vec![text.clone()]),
                ..Constant::default()
            });
        }
        Setting::Texts(texts) => {
            return Some(Constant {
                dtype: "string".to_owned(),
                shape: vec![len(texts.len())],
                texts: Some(texts.clone()),
                ..Constant::default()
            });
        }
        _ => return None,
    };
    Some(Constant {
        dtype: dtype.to_owned(),
        shape,
        bytes: Some(bytes),
        ..Constant::default()
    })
}
