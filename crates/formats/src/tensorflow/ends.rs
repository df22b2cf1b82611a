//! What goes into the main graph and what comes out: signatures say so; of a
//! frozen graph, its placeholders and what nothing reads.

use std::collections::HashSet;

use modelward_schema::{Attribute, Dim, Node, Setting, Wiring};

use super::File;
use super::build::{Library, Scope};
use crate::wire::protobuf::Message;
use crate::wiring::{Draft, name};

/// Functions called for a model without signatures.
const MAX_CALLS: usize = 256;

/// A `TensorInfo`.
#[derive(Debug, Default)]
pub(super) struct End<'a> {
    pub(super) text: &'a [u8],
    pub(super) dtype: Option<String>,
    pub(super) shape: Option<Vec<Dim>>,
}

#[derive(Debug, Default)]
pub(super) struct Ends<'a> {
    pub(super) inputs: Vec<End<'a>>,
    pub(super) outputs: Vec<End<'a>>,
    /// Concrete functions, which a program can call by themselves.
    pub(super) functions: Vec<&'a [u8]>,
}

pub(super) fn find<'a>(
    file: &mut File<'a, '_, '_, '_>,
    draft: &mut Draft,
    library: &Library<'a>,
    scope: &mut Scope<'a>,
    ends: &Ends<'a>,
    place: Message<'a>,
) {
    let placeholders: HashSet<u32> = scope.placeholders.iter().copied().collect();
    let mut inputs = Vec::new();
    let mut outputs = Vec::new();
    for end in &ends.inputs {
        let value = scope.find(file, draft, library, end.text, place);
        let fresh = value.filter(|value| placeholders.contains(value) && !inputs.contains(value));
        inputs.extend(fresh);
        describe(draft, value, end);
    }
    for end in &ends.outputs {
        let value = scope.find(file, draft, library, end.text, place);
        describe(draft, value, end);
        if let Some(value) = value
            && !outputs.contains(&value)
        {
            outputs.push(value);
        }
    }
    if outputs.is_empty() {
        outputs = leaves(draft.wiring(), &scope.placeholders);
        if outputs.is_empty() && !ends.functions.is_empty() {
            (inputs, outputs) = call(draft, library, &ends.functions);
        } else {
            inputs.clone_from(&scope.placeholders);
        }
    } else {
        let reached = behind(draft.wiring(), &outputs);
        let seen: HashSet<u32> = inputs.iter().copied().collect();
        let more = scope
            .placeholders
            .iter()
            .filter(|value| reached.contains(value) && !seen.contains(value));
        inputs.extend(more);
    }
    if let Some(body) = draft.body_mut(0) {
        body.inputs = inputs;
        body.outputs = outputs.into_iter().map(Some).collect();
    }
}

/// What the signature says of a value, where the graph says nothing.
fn describe(draft: &mut Draft, value: Option<u32>, end: &End<'_>) {
    let Some(value) = value.and_then(|value| draft.value_mut(value)) else {
        return;
    };
    if value.dtype == "?"
        && let Some(dtype) = &end.dtype
    {
        value.dtype.clone_from(dtype);
    }
    if value.shape.is_none() {
        value.shape.clone_from(&end.shape);
    }
}

/// Values of the main graph that no node reads and that an input reaches, or
/// all that nothing reads when there is no input.
fn leaves(wiring: &Wiring, placeholders: &[u32]) -> Vec<u32> {
    let mut read: HashSet<u32> = HashSet::new();
    let mut touched: HashSet<u32> = placeholders.iter().copied().collect();
    let nodes: Vec<&Node> = wiring.nodes.iter().filter(|node| node.body == 0).collect();
    for node in &nodes {
        read.extend(node.inputs.iter().flatten());
    }
    // Most graphs are stored in an order that runs; two rounds and then
    // whatever is left would be a loop of version 1.
    for _ in 0..3 {
        for node in &nodes {
            if node
                .inputs
                .iter()
                .flatten()
                .any(|input| touched.contains(input))
            {
                touched.extend(node.outputs.iter().flatten());
            }
        }
    }
    let unread = nodes
        .iter()
        .filter_map(|node| node.outputs.first().copied().flatten())
        .filter(|value| !read.contains(value));
    if placeholders.is_empty() {
        unread.collect()
    } else {
        unread.filter(|value| touched.contains(value)).collect()
    }
}

/// All values that lead to the given ones.
fn behind(wiring: &Wiring, outputs: &[u32]) -> HashSet<u32> {
    let mut maker: Vec<Option<&Node>> = vec![None; wiring.values.len()];
    for node in &wiring.nodes {
        for output in node.outputs.iter().flatten() {
            let slot = usize::try_from(*output)
                .ok()
                .and_then(|at| maker.get_mut(at));
            if let Some(slot) = slot {
                *slot = Some(node);
            }
        }
    }
    let mut seen: HashSet<u32> = outputs.iter().copied().collect();
    let mut queue: Vec<u32> = outputs.to_vec();
    while let Some(value) = queue.pop() {
        let node = usize::try_from(value).ok().and_then(|at| *maker.get(at)?);
        for input in node.iter().flat_map(|node| node.inputs.iter().flatten()) {
            if seen.insert(*input) {
                queue.push(*input);
            }
        }
    }
    seen
}

/// A model that is called by its functions and has no main graph of its own:
/// each function once, with inputs of its own.
fn call(draft: &mut Draft, library: &Library<'_>, functions: &[&[u8]]) -> (Vec<u32>, Vec<u32>) {
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for called in functions.iter().take(MAX_CALLS) {
        let Some(body) = library.body(called) else {
            continue;
        };
        let shown = name(called);
        let Some(stated) = draft.body_mut(body).cloned() else {
            continue;
        };
        let mut taken = Vec::new();
        for input in &stated.inputs {
            let like = draft.value_mut(*input).cloned().unwrap_or_default();
            taken.push(draft.value(&like.name, &like.dtype, like.shape));
        }
        let mut given = Vec::new();
        for output in &stated.outputs {
            let like = output.and_then(|output| draft.value_mut(output).cloned());
            let like = like.unwrap_or_default();
            given.push(draft.value(&like.name, &like.dtype, like.shape));
        }
        inputs.extend(taken.iter().flatten());
        outputs.extend(given.iter().flatten());
        draft.node(Node {
            op: "PartitionedCall".to_owned(),
            name: shown,
            inputs: taken,
            outputs: given,
            attributes: vec![Attribute {
                name: "f".to_owned(),
                value: Setting::Body(body),
            }],
            ..Node::default()
        });
    }
    (inputs, outputs)
}
