//! Nodes: names declared first, then inputs resolved, for a graph may use what
//! stands later in the file.

use std::collections::HashMap;

use modelward_schema::{Attribute, Constant, Dim, Node, Setting, Span};

use super::operators::{self, Kind};
use super::{CONTROL, File, attribute, code, entry, shown};
use crate::embedded;
use crate::wire::protobuf::Message;
use crate::wiring::{Draft, name};

const NODE: &[u32] = &[1, 2, 3, 4, 5, 6, 7];
/// Output slots over all nodes: a node of ten bytes can name its millionth.
const MAX_SLOTS: usize = 1 << 22;
/// Outputs of an operator that nobody declares.
const MAX_ODD: usize = 256;
/// Operators whose value is a variable's: a weight that a checkpoint holds.
const VARIABLES: &[&str] = &[
    "VarHandleOp",
    "Variable",
    "VariableV2",
    "ImmutableConst",
    "AutoReloadVariable",
];

/// The functions of a graph.
#[derive(Default)]
pub(super) struct Library<'a> {
    pub(super) functions: HashMap<&'a [u8], Function<'a>>,
}

#[derive(Default)]
pub(super) struct Function<'a> {
    pub(super) body: u32,
    /// Its outputs' names, in order.
    pub(super) outputs: Vec<&'a [u8]>,
}

impl Library<'_> {
    pub(super) fn body(&self, name: &[u8]) -> Option<u32> {
        self.functions.get(name).map(|function| function.body)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Found {
    Node(u32),
    Value(u32),
}

/// A graph or a function being read.
pub(super) struct Scope<'a> {
    body: u32,
    names: HashMap<&'a [u8], Found>,
    /// Nodes whose inputs are not resolved yet.
    pending: Vec<(u32, Message<'a>)>,
    shapes: HashMap<u32, Vec<Option<Vec<Dim>>>>,
    /// Slots of operators whose outputs nothing names.
    odd: HashMap<u32, Vec<(&'a [u8], u64)>>,
    slots: usize,
    dangling: u32,
    /// Values that the caller of the main graph hands in.
    pub(super) placeholders: Vec<u32>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(body: u32) -> Self {
        Self {
            body,
            names: HashMap::new(),
            pending: Vec::new(),
            shapes: HashMap::new(),
            odd: HashMap::new(),
            slots: 0,
            dangling: 0,
            placeholders: Vec::new(),
        }
    }

    /// Gives a value a name. False when the name was taken.
    pub(super) fn declare(&mut self, name: &'a [u8], found: Found) -> bool {
        let free = !self.names.contains_key(name);
        if free {
            self.names.insert(name, found);
        }
        free
    }

    pub(super) fn add_node(
        &mut self,
        file: &mut File<'a, '_, '_, '_>,
        draft: &mut Draft,
        library: &Library<'a>,
        uses: &mut code::Uses,
        message: Message<'a>,
    ) {
        if !file.session.spend(1) {
            draft.cut();
            return;
        }
        let (mut own, mut op): (&[u8], &[u8]) = (b"", b"");
        let mut settings = Vec::new();
        let mut seen = 0_u8;
        for field in message.fields() {
            let Some(field) = file.good(field, "a node", NODE) else {
                continue;
            };
            match field.number {
                1 | 2 => {
                    let bit = if field.number == 1 { 1 } else { 2 };
                    if seen & bit != 0 {
                        file.odd(
                            "tensorflow-repeats-field",
                            format!(
                                "a node has two {}",
                                if bit == 1 { "names" } else { "operators" }
                            ),
                            message,
                        );
                    }
                    seen |= bit;
                    let bytes = field.bytes().unwrap_or_default();
                    if bit == 1 { own = bytes } else { op = bytes }
                }
                5 => settings.extend(field.message()),
                _ => {}
            }
        }
        let mut node = Node {
            op: name(op),
            name: name(own),
            body: self.body,
            span: Some(Span::new(message.base, message.len())),
            ..Node::default()
        };
        let mut shapes = Vec::new();
        for setting in settings {
            let (key, value) = entry(setting);
            let Some(value) = value.and_then(|value| value.message()) else {
                continue;
            };
            if key == b"_output_shapes" {
                shapes = attribute::shapes(value);
            } else if key.starts_with(b"_") || key == b"config_proto" {
                // Hints for placing and profiling; only what they could carry
                // is of interest.
                for field in value.fields().flatten() {
                    if let (2, Some(bytes)) = (field.number, field.bytes()) {
                        embedded::look_into(file.session, file.input, "attribute", bytes, field.at);
                    }
                }
            } else if let Some(value) = attribute::read(file, draft, library, value, &node.name) {
                node.attributes.push(Attribute {
                    name: name(key),
                    value,
                });
            }
        }
        node.attributes.sort_by(|a, b| a.name.cmp(&b.name));
        if VARIABLES.contains(&node.op.as_str()) {
            add_variable(draft, &mut node);
        }
        let custom = !operators::is_known(&node.op) && !library.functions.contains_key(op);
        uses.count(&node.op, custom);
        let is_input =
            self.body == 0 && matches!(node.op.as_str(), "Placeholder" | "PlaceholderV2");
        let found = if is_input {
            let shape = shape_of(&node).or_else(|| shapes.first().cloned().flatten());
            let dtype = dtype_of(&node, "dtype").unwrap_or("?").to_owned();
            let Some(value) = draft.value(&node.name, &dtype, shape) else {
                return;
            };
            self.placeholders.push(value);
            Found::Value(value)
        } else {
            let has_output =
                operators::outputs(&node.op).is_none_or(|mut all| all.next().is_some());
            let outside = custom || code::is_outside(&node.op);
            let Some(index) = draft.node(node) else {
                return;
            };
            if outside {
                uses.keep(index);
            }
            if !shapes.is_empty() {
                self.shapes.insert(index, shapes);
            }
            self.pending.push((index, message));
            if has_output {
                self.output(draft, library, index, None, 0);
            }
            Found::Node(index)
        };
        if !self.declare(own, found) {
            file.odd(
                "tensorflow-name-repeats",
                format!("two nodes of one graph are named {:?}", shown(own)),
                message,
            );
        }
    }

    /// Resolves the inputs of all nodes that were added.
    pub(super) fn resolve(
        &mut self,
        file: &mut File<'a, '_, '_, '_>,
        draft: &mut Draft,
        library: &Library<'a>,
    ) {
        for (node, message) in std::mem::take(&mut self.pending) {
            let mut inputs = Vec::new();
            let mut controls = Vec::new();
            for field in message.fields().flatten() {
                let Some(text) = field.bytes().filter(|_| field.number == 3) else {
                    continue;
                };
                match text.strip_prefix(b"^") {
                    Some(control) => controls.push(name(control)),
                    None => inputs.push(self.find(file, draft, library, text, message)),
                }
            }
            if let Some(node) = draft.node_mut(node) {
                node.inputs = inputs;
                if !controls.is_empty() {
                    node.attributes.push(Attribute {
                        name: CONTROL.to_owned(),
                        value: Setting::Texts(controls),
                    });
                }
            }
        }
    }

    /// The value that `node`, `node:slot` or `node:argument:index` means; what
    /// leads nowhere gets one that nothing makes.
    pub(super) fn find(
        &mut self,
        file: &mut File<'a, '_, '_, '_>,
        draft: &mut Draft,
        library: &Library<'a>,
        text: &'a [u8],
        place: Message<'a>,
    ) -> Option<u32> {
        let mut parts = text.splitn(3, |byte| *byte == b':');
        let node = parts.next().unwrap_or_default();
        let (argument, index) = match (parts.next(), parts.next()) {
            (None, _) => (None, Some(0)),
            (Some(second), None) => match number(second) {
                Some(slot) => (None, Some(slot)),
                None => (Some(second), Some(0)),
            },
            (Some(argument), Some(index)) => (Some(argument), number(index)),
        };
        let value = match (self.names.get(node), index) {
            (Some(Found::Value(value)), Some(0)) => Some(*value),
            (Some(Found::Node(node)), Some(index)) => {
                self.output(draft, library, *node, argument, index)
            }
            _ => None,
        };
        value.or_else(|| {
            self.dangling = self.dangling.saturating_add(1);
            if self.dangling <= super::LISTED {
                file.odd(
                    "tensorflow-name-dangling",
                    format!("{:?} is read, which nothing makes", shown(text)),
                    place,
                );
            }
            let value = draft.value(&name(text), "?", None)?;
            if index == Some(0) && argument.is_none() {
                self.declare(node, Found::Value(value));
            }
            Some(value)
        })
    }

    /// The value of an output, made when it is first asked for.
    fn output(
        &mut self,
        draft: &mut Draft,
        library: &Library<'a>,
        node: u32,
        argument: Option<&'a [u8]>,
        index: u64,
    ) -> Option<u32> {
        let made = draft.node_mut(node)?;
        let (slot, dtype) = if let Some(outputs) = operators::outputs(&made.op) {
            place(made, outputs, argument, index)?
        } else {
            let slot = match (argument, library.functions.get(made.op.as_bytes())) {
                (None, _) => index,
                (Some(argument), Some(function)) => {
                    let at = function.outputs.iter().position(|name| *name == argument)?;
                    u64::try_from(at).ok()?.checked_add(index)?
                }
                (Some(argument), None) => self.odd_slot(node, argument, index)?,
            };
            (slot, "?".to_owned())
        };
        let made = draft.node_mut(node)?;
        let at = usize::try_from(slot).ok()?;
        let grows = at.saturating_add(1).saturating_sub(made.outputs.len());
        self.slots = self.slots.saturating_add(grows);
        if self.slots > MAX_SLOTS {
            draft.cut();
            return None;
        }
        if let Some(Some(value)) = made.outputs.get(at) {
            return Some(*value);
        }
        let label = if slot == 0 {
            made.name.clone()
        } else {
            format!("{}:{slot}", made.name)
        };
        let known = self.shapes.get(&node).and_then(|shapes| shapes.get(at));
        let shape = known
            .cloned()
            .flatten()
            .or_else(|| shape_of(made).filter(|_| slot == 0));
        let value = draft.value(&label, &dtype, shape)?;
        let made = draft.node_mut(node)?;
        if grows > 0 {
            made.outputs.resize(at.checked_add(1)?, None);
        }
        if let Some(output) = made.outputs.get_mut(at) {
            *output = Some(value);
        }
        Some(value)
    }
}

impl<'a> Scope<'a> {
    /// Outputs of an operator that nobody declares, in the order in which they
    /// are asked for.
    fn odd_slot(&mut self, node: u32, argument: &'a [u8], index: u64) -> Option<u64> {
        let known = self.odd.entry(node).or_default();
        let at = match known.iter().position(|one| *one == (argument, index)) {
            Some(at) => at,
            None if known.len() >= MAX_ODD => return None,
            None => {
                known.push((argument, index));
                known.len().checked_sub(1)?
            }
        };
        u64::try_from(at).ok()
    }
}

/// The slot and type of an output of a known operator; none when it has no
/// such output.
fn place(
    node: &Node,
    outputs: impl Iterator<Item = operators::Output>,
    argument: Option<&[u8]>,
    index: u64,
) -> Option<(u64, String)> {
    let mut first = 0_u64;
    for output in outputs {
        let count = match (output.count, output.kind) {
            (Some(attribute), _) => number_of(node, attribute)?,
            (None, Kind::List(attribute)) => match setting(node, attribute) {
                Some(Setting::Texts(types)) => u64::try_from(types.len()).ok()?,
                Some(Setting::Ints(_)) => 0,
                // The attribute is not there; what is asked for decides.
                _ => index.checked_add(1)?,
            },
            _ => 1,
        };
        let next = first.saturating_add(count);
        let inside = match argument {
            Some(argument) => (output.name.as_bytes() == argument)
                .then_some(index)
                .filter(|index| *index < count),
            None => index.checked_sub(first).filter(|index| *index < count),
        };
        if let Some(inside) = inside {
            let dtype = match output.kind {
                Kind::Fixed(name) => name,
                Kind::One(attribute) => dtype_of(node, attribute).unwrap_or("?"),
                Kind::List(attribute) => match setting(node, attribute) {
                    Some(Setting::Texts(types)) => usize::try_from(inside)
                        .ok()
                        .and_then(|at| types.get(at))
                        .map_or("?", String::as_str),
                    _ => "?",
                },
            };
            return Some((first.checked_add(inside)?, dtype.to_owned()));
        }
        first = next;
    }
    None
}

/// Takes the value of a variable for a constant whose data lie elsewhere.
fn add_variable(draft: &mut Draft, node: &mut Node) {
    let shape = shape_of(node).unwrap_or_default();
    let shape: Vec<u64> = shape
        .iter()
        .filter_map(|size| match size {
            Dim::Known(size) => u64::try_from(*size).ok(),
            _ => None,
        })
        .collect();
    let constant = draft.constant(Constant {
        dtype: dtype_of(node, "dtype").unwrap_or("?").to_owned(),
        shape,
        ..Constant::default()
    });
    if let Some(constant) = constant {
        // First, for what a variable is does not lie in its labels.
        let value = Attribute {
            name: "value".to_owned(),
            value: Setting::Constant(constant),
        };
        node.attributes.insert(0, value);
    }
}

fn setting<'n>(node: &'n Node, name: &str) -> Option<&'n Setting> {
    let found = node
        .attributes
        .iter()
        .find(|attribute| attribute.name == name)?;
    Some(&found.value)
}

fn dtype_of<'n>(node: &'n Node, attribute: &str) -> Option<&'n str> {
    match setting(node, attribute)? {
        Setting::Dtype(dtype) => Some(dtype),
        _ => None,
    }
}

fn number_of(node: &Node, attribute: &str) -> Option<u64> {
    match setting(node, attribute)? {
        Setting::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn shape_of(node: &Node) -> Option<Vec<Dim>> {
    match (node.op.as_str(), setting(node, "shape")?) {
        ("Reshape" | "RandomUniform", _) => None,
        (_, Setting::Shape(shape)) => Some(shape.clone()),
        _ => None,
    }
}

fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
