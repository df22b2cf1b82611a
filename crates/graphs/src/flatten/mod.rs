//! [`Wiring`] → [`Flat`]: calls become the called body, branches and loops
//! become operators that say what flows where.
//!
//! Bodies go through a queue, never through recursion. A function that calls
//! itself, or calls nested too deep, is opaque at that place and said to be.

mod literal;
mod loops;

use std::collections::{BTreeSet, HashMap, VecDeque};

use modelward_schema::{Anomaly, Body, BodyKind, Location, Node, Setting, Wiring};

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
    /// Constants by wiring value.
    literals: Vec<u32>,
    turns: operators::Turns,
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
            literals: operators::literals(wiring),
            turns: operators::turns(wiring),
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
        if self.old_loop(index, node, frame, &inputs, &outputs) {
            return;
        }
        let given = Given {
            framework: &self.flat.wiring.framework,
            node,
            opsets: &self.flat.wiring.opsets,
            constants: &self.flat.wiring.constants,
            literals: &self.literals,
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
                let mut outputs = outputs;
                let then = translated.then.and_then(|then| {
                    let last = outputs.first().copied().flatten()?;
                    let between = self.new_value(NONE);
                    outputs = vec![Some(between)];
                    Some((then, between, last))
                });
                self.push(Op {
                    kind: Kind::Plain,
                    std: translated.std,
                    node: index,
                    frame,
                    inputs,
                    outputs,
                    set: translated.set,
                });
                if let Some((then, between, last)) = then {
                    self.push(Op {
                        std: then.std,
                        set: then.set,
                        ..plain(
                            Kind::Plain,
                            index,
                            frame,
                            vec![Some(between)],
                            vec![Some(last)],
                        )
                    });
                }
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
                setting => literal::stated(setting).map(Err),
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
