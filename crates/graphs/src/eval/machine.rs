//! A graph that can be run: from the values that are wanted back to the inputs,
//! only what they need.
//!
//! Bodies of `If`, `Loop`, `Scan` and local functions are run where they are
//! called; any value can be held at another one, and any value can be watched.
//! It refuses cycles, recursion, and bodies nested deeper than [`DEEPEST`].

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use modelward_schema::{Attribute, BodyKind, Node, Setting, Wiring};

use super::array::Array;
use super::call::Call;
use super::control::body_of;
use super::refusal::{Budget, Refusal, refuse};
use super::weights::{Weights, decode};

pub(super) const DEEPEST: usize = 32;

/// Elements of constants that one machine decodes.
const MOST_WEIGHTS: u64 = 40_000_000;

/// A graph and what its running needs to know.
pub struct Machine<'a> {
    pub wiring: &'a Wiring,
    weights: &'a dyn Weights,
    /// Which node makes a value.
    maker: Vec<Option<u32>>,
    /// Which body a value belongs to.
    pub(super) home: Vec<Option<u32>>,
    functions: HashMap<(&'a str, &'a str), u32>,
    constants: RefCell<HashMap<u32, Array>>,
    /// Elements of constants that were decoded.
    decoded: Cell<u64>,
    orders: RefCell<HashMap<u32, Vec<u32>>>,
    pub(super) captures: RefCell<HashMap<u32, Vec<u32>>>,
    pub(super) opset: i64,
}

impl std::fmt::Debug for Machine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

/// What a run is given besides the graph.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Values of the graph's inputs.
    pub feeds: BTreeMap<u32, Array>,
    /// Values that are held at these instead of what is computed.
    pub held: BTreeMap<u32, Array>,
    /// Values to remember when they are computed, wherever; the last is kept.
    pub watched: BTreeSet<u32>,
    /// What was seen of them.
    pub seen: BTreeMap<u32, Array>,
    pub budget: Budget,
}

pub(super) struct State<'a, 'r> {
    values: HashMap<u32, Array>,
    pub(super) run: &'r mut Run,
    active: Vec<u32>,
    callers: Vec<Cow<'a, [Attribute]>>,
}

impl<'a> Machine<'a> {
    pub fn new(wiring: &'a Wiring, weights: &'a dyn Weights) -> Self {
        let mut maker = vec![None; wiring.values.len()];
        let mut home = vec![None; wiring.values.len()];
        for (at, node) in wiring.nodes.iter().enumerate() {
            for value in node.outputs.iter().flatten() {
                if let (Some(at), Some(slot)) = (u32::try_from(at).ok(), slot(&mut maker, *value)) {
                    *slot = Some(at);
                }
                if let Some(slot) = slot(&mut home, *value) {
                    *slot = Some(node.body);
                }
            }
        }
        let mut functions = HashMap::new();
        for (at, body) in wiring.bodies.iter().enumerate() {
            let Ok(at) = u32::try_from(at) else { break };
            for value in &body.inputs {
                if let Some(slot) = slot(&mut home, *value) {
                    *slot = Some(at);
                }
            }
            if let BodyKind::Function { domain, .. } = &body.kind {
                functions.insert((domain.as_str(), body.name.as_str()), at);
            }
        }
        let opset = wiring
            .opsets
            .get("ai.onnx")
            .or_else(|| wiring.opsets.get(""))
            .copied()
            .unwrap_or(1);
        Self {
            wiring,
            weights,
            maker,
            home,
            functions,
            constants: RefCell::default(),
            decoded: Cell::default(),
            orders: RefCell::default(),
            captures: RefCell::default(),
            opset,
        }
    }

    /// The main graph's inputs that a caller must give: those without a
    /// default.
    pub fn inputs(&self) -> Vec<u32> {
        let main = self.wiring.bodies.first();
        main.map_or(&[][..], |body| &body.inputs)
            .iter()
            .copied()
            .filter(|value| {
                self.value(*value)
                    .is_some_and(|value| value.constant.is_none())
            })
            .collect()
    }

    pub fn outputs(&self) -> Vec<u32> {
        let main = self.wiring.bodies.first();
        main.map_or_else(Vec::new, |body| {
            body.outputs.iter().flatten().copied().collect()
        })
    }

    pub fn value(&self, at: u32) -> Option<&'a modelward_schema::Value> {
        self.wiring.values.get(usize::try_from(at).ok()?)
    }

    /// The node that makes a value.
    pub fn maker(&self, value: u32) -> Option<u32> {
        self.maker
            .get(usize::try_from(value).ok()?)
            .copied()
            .flatten()
    }

    pub fn node(&self, at: u32) -> Option<&'a Node> {
        self.wiring.nodes.get(usize::try_from(at).ok()?)
    }

    /// The operator set of the standard domain.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// Whether a local function takes this operator's place.
    pub(crate) fn function(&self, node: &Node) -> Option<u32> {
        let domain = if node.domain == "ai.onnx" {
            ""
        } else {
            &node.domain
        };
        self.functions
            .get(&(domain, node.op.as_str()))
            .or_else(|| {
                self.functions
                    .get(&(node.domain.as_str(), node.op.as_str()))
            })
            .copied()
    }

    /// A constant's elements.
    pub(crate) fn constant(&self, at: u32, name: &str) -> Result<Array, Refusal> {
        if let Some(known) = self.constants.borrow().get(&at) {
            return Ok(known.clone());
        }
        let constant = usize::try_from(at)
            .ok()
            .and_then(|at| self.wiring.constants.get(at))
            .ok_or_else(|| refuse("a constant that is not there"))?;
        let count = constant
            .shape
            .iter()
            .try_fold(1_u64, |all, dim| all.checked_mul(*dim))
            .ok_or_else(|| refuse("a shape whose product overflows"))?;
        let left = self
            .decoded
            .get()
            .checked_add(count)
            .filter(|all| *all <= MOST_WEIGHTS);
        self.decoded.set(left.ok_or(Refusal::Budget)?);
        let array = decode(constant, name, self.weights)?;
        self.constants.borrow_mut().insert(at, array.clone());
        Ok(array)
    }

    /// The constant behind a value, when it is one: an initializer, or what a
    /// `Constant` node makes.
    pub fn constant_of(&self, value: u32) -> Option<Array> {
        let known = self.value(value)?;
        if let Some(at) = known.constant {
            return self.constant(at, &known.name).ok();
        }
        let node = self.node(self.maker(value)?)?;
        if node.op != "Constant" || !standard(node) {
            return None;
        }
        let mut budget = Budget::default();
        let made = self.call(node, &node.attributes, Vec::new(), &mut budget);
        made.ok()?.into_iter().next()
    }

    /// Runs what `wanted` needs and gives their values.
    pub fn run(&self, run: &mut Run, wanted: &[u32]) -> Result<Vec<Array>, Refusal> {
        let cut: BTreeSet<u32> = run.held.keys().chain(run.feeds.keys()).copied().collect();
        let order = self.order(wanted, &cut)?;
        self.run_in(run, &order, wanted)
    }

    /// Runs nodes in an order that [`Self::order`] gave.
    pub fn run_in(
        &self,
        run: &mut Run,
        order: &[u32],
        wanted: &[u32],
    ) -> Result<Vec<Array>, Refusal> {
        let mut state = State {
            values: HashMap::new(),
            run,
            active: vec![0],
            callers: Vec::new(),
        };
        for (value, array) in state.run.feeds.clone() {
            Self::set(&mut state, value, array);
        }
        for node in order {
            self.step(&mut state, *node)?;
        }
        wanted
            .iter()
            .map(|value| self.get(&state, *value))
            .collect()
    }

    fn get(&self, state: &State<'_, '_>, value: u32) -> Result<Array, Refusal> {
        if let Some(held) = state.run.held.get(&value) {
            return Ok(held.clone());
        }
        if let Some(array) = state.values.get(&value) {
            return Ok(array.clone());
        }
        let known = self
            .value(value)
            .ok_or_else(|| refuse("a value that is not there"))?;
        match known.constant {
            Some(at) => self.constant(at, &known.name),
            None => Err(Refusal::Nonsense(format!(
                "{}, which nothing makes",
                known.name
            ))),
        }
    }

    fn set(state: &mut State<'_, '_>, value: u32, array: Array) {
        let array = state.run.held.get(&value).cloned().unwrap_or(array);
        if state.run.watched.contains(&value) {
            state.run.seen.insert(value, array.clone());
        }
        state.values.insert(value, array);
    }

    fn step(&self, state: &mut State<'a, '_>, at: u32) -> Result<(), Refusal> {
        let Some(node) = self.node(at) else {
            return Ok(());
        };
        state.run.budget.steps(1)?;
        let attributes = resolved(node, state.callers.last().map(Cow::as_ref));
        let outputs = if let Some(body) = self.function(node) {
            let inputs = self.operands(state, node)?;
            let mut given = attributes.into_owned();
            self.defaults(body, &mut given);
            state.callers.push(Cow::Owned(given));
            let done = self.body(state, body, inputs);
            state.callers.pop();
            done?
        } else {
            match node.op.as_str() {
                "If" if standard(node) => self.branch(state, node)?,
                "Loop" if standard(node) => self.iterate(state, node)?,
                "Scan" if standard(node) => self.scan(state, node)?,
                _ => self.operator(state, node, &attributes)?,
            }
        };
        for (value, array) in node.outputs.iter().zip(outputs) {
            if let Some(value) = value {
                Self::set(state, *value, array);
            }
        }
        Ok(())
    }

    pub(super) fn operands(
        &self,
        state: &State<'_, '_>,
        node: &Node,
    ) -> Result<Vec<Option<Array>>, Refusal> {
        node.inputs
            .iter()
            .map(|value| value.map(|value| self.get(state, value)).transpose())
            .collect()
    }

    fn operator(
        &self,
        state: &mut State<'a, '_>,
        node: &Node,
        attributes: &[Attribute],
    ) -> Result<Vec<Array>, Refusal> {
        let inputs = self.operands(state, node)?;
        self.call(node, attributes, inputs, &mut state.run.budget)
    }

    /// One operator on given operands.
    pub(crate) fn call(
        &self,
        node: &Node,
        attributes: &[Attribute],
        inputs: Vec<Option<Array>>,
        budget: &mut Budget,
    ) -> Result<Vec<Array>, Refusal> {
        if !standard(node) && !known_elsewhere(node) {
            return Err(Refusal::Operator(format!("{}::{}", node.domain, node.op)));
        }
        let mut constants = Vec::new();
        for attribute in attributes {
            if let Setting::Constant(at) = attribute.value {
                constants.push((attribute.name.as_str(), self.constant(at, &node.name)?));
            }
        }
        let mut call = Call {
            op: &node.op,
            opset: self.opset,
            attributes,
            constants,
            inputs,
            outputs: node.outputs.len(),
            budget,
        };
        super::apply(&mut call).map_err(|why| match why {
            Refusal::Nonsense(what) => {
                Refusal::Nonsense(format!("{what} ({} {})", node.op, node.name))
            }
            why => why,
        })
    }

    /// The body that a call or a branch enters, for this condition, and whether
    /// the node's operands become its inputs.
    pub(crate) fn body_for(&self, node: &Node, condition: Option<&Array>) -> Option<(u32, bool)> {
        if let Some(body) = self.function(node) {
            return Some((body, true));
        }
        if node.op != "If" || !standard(node) {
            return None;
        }
        let yes = condition?.first().ok()? != 0.0;
        let body = body_of(node, if yes { "then_branch" } else { "else_branch" }).ok()?;
        Some((body, false))
    }

    /// A body's nodes in order, its inputs and its outputs.
    pub(crate) fn unfold(&self, at: u32) -> Result<(Vec<u32>, Vec<u32>, Vec<u32>), Refusal> {
        let body = usize::try_from(at)
            .ok()
            .and_then(|at| self.wiring.bodies.get(at))
            .ok_or_else(|| refuse("a body that is not there"))?;
        let results: Vec<u32> = body.outputs.iter().flatten().copied().collect();
        let order = self.order_in(at, &results, &BTreeSet::new())?;
        Ok((order, body.inputs.clone(), results))
    }

    fn defaults(&self, body: u32, given: &mut Vec<Attribute>) {
        let kind = usize::try_from(body)
            .ok()
            .and_then(|at| self.wiring.bodies.get(at))
            .map(|body| &body.kind);
        if let Some(BodyKind::Function { attributes, .. }) = kind {
            for (name, default) in attributes {
                if let Some(value) = default
                    && !given.iter().any(|attribute| &attribute.name == name)
                {
                    given.push(Attribute {
                        name: name.clone(),
                        value: value.clone(),
                    });
                }
            }
        }
    }

    /// Runs a body on its inputs and forgets what it made.
    pub(super) fn body(
        &self,
        state: &mut State<'a, '_>,
        at: u32,
        inputs: Vec<Option<Array>>,
    ) -> Result<Vec<Array>, Refusal> {
        let body = usize::try_from(at)
            .ok()
            .and_then(|at| self.wiring.bodies.get(at))
            .ok_or_else(|| refuse("a body that is not there"))?;
        if state.active.contains(&at) || state.active.len() > DEEPEST {
            return Err(refuse("a body inside itself"));
        }
        let known = self.orders.borrow().get(&at).cloned();
        let order = match known {
            Some(order) => order,
            None => {
                let wanted: Vec<u32> = body.outputs.iter().flatten().copied().collect();
                let order = self.order_in(at, &wanted, &BTreeSet::new())?;
                self.orders.borrow_mut().insert(at, order.clone());
                order
            }
        };
        for (value, array) in body.inputs.iter().zip(inputs) {
            if let Some(array) = array {
                Self::set(state, *value, array);
            }
        }
        state.active.push(at);
        for node in &order {
            self.step(state, *node)?;
        }
        state.active.pop();
        let outputs = body
            .outputs
            .iter()
            .map(|value| {
                self.get(
                    state,
                    value.ok_or_else(|| refuse("an output nobody named"))?,
                )
            })
            .collect();
        for node in &order {
            for value in self
                .node(*node)
                .into_iter()
                .flat_map(|node| node.outputs.iter().flatten())
            {
                state.values.remove(value);
            }
        }
        for value in &body.inputs {
            state.values.remove(value);
        }
        outputs
    }
}

fn slot<T>(list: &mut [T], at: u32) -> Option<&mut T> {
    list.get_mut(usize::try_from(at).ok()?)
}

pub(super) fn standard(node: &Node) -> bool {
    matches!(node.domain.as_str(), "" | "ai.onnx")
}

/// Operators of other domains whose meaning is that of one here.
fn known_elsewhere(node: &Node) -> bool {
    matches!(
        (node.domain.as_str(), node.op.as_str()),
        ("ai.onnx.ml", "ArrayFeatureExtractor")
            | (
                "com.microsoft",
                "Gelu" | "QuickGelu" | "SimplifiedLayerNormalization"
            )
    )
}

pub(crate) fn bodies(node: &Node) -> impl Iterator<Item = u32> + '_ {
    node.attributes
        .iter()
        .flat_map(|attribute| match &attribute.value {
            Setting::Body(at) => vec![*at],
            Setting::Bodies(all) => all.clone(),
            _ => Vec::new(),
        })
}

/// A node's attributes with those of its caller put in.
fn resolved<'n>(node: &'n Node, caller: Option<&[Attribute]>) -> Cow<'n, [Attribute]> {
    if !node
        .attributes
        .iter()
        .any(|a| matches!(a.value, Setting::Caller(_)))
    {
        return Cow::Borrowed(&node.attributes);
    }
    let given = |name: &str| {
        caller
            .unwrap_or(&[])
            .iter()
            .find(|attribute| attribute.name == name)
            .map(|attribute| attribute.value.clone())
    };
    let resolve = |attribute: &Attribute| match &attribute.value {
        Setting::Caller(name) => given(name).map(|value| Attribute {
            name: attribute.name.clone(),
            value,
        }),
        _ => Some(attribute.clone()),
    };
    Cow::Owned(node.attributes.iter().filter_map(resolve).collect())
}

/// A node's attributes with those of its caller put in.
pub(crate) fn resolve(node: &Node, caller: &[Attribute]) -> Vec<Attribute> {
    resolved(node, Some(caller)).into_owned()
}
