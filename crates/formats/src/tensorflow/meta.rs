//! `SavedModel` and `MetaGraphDef`: what stands around a graph and says what
//! goes in, what comes out, and which files come along.

use modelward_schema::{Graph, Port, ReferenceKind, Span, Why};

use super::build::{Library, Scope};
use super::ends::{self, Ends};
use super::{File, attribute, code, dtype, entry, function};
use crate::wire::protobuf::{Message, signed};
use crate::wiring::{Draft, name};
use crate::{embedded, text};

const META: &[u32] = &[1, 2, 3, 4, 5, 6, 7];
/// Meta graphs read of one SavedModel.
const MAX_GRAPHS: u32 = 16;
/// Inputs or outputs kept in the summary.
const MAX_PORTS: usize = 1000;
/// Signatures that prepare a model, and do not serve.
const PREPARING: &[&[u8]] = &[b"__saved_model_init_op", b"__saved_model_train_op"];

/// What a meta graph says beside its graph.
#[derive(Default)]
struct Around<'a> {
    graphs: Vec<Message<'a>>,
    tags: Vec<String>,
    version: Option<String>,
    ends: Ends<'a>,
    own: code::Own,
}

pub(super) fn read_saved_model<'a>(file: &mut File<'a, '_, '_, '_>, message: Message<'a>) {
    let mut count = 0_u32;
    for field in message.fields() {
        let Some(field) = file.good(field, "a SavedModel", &[1, 2]) else {
            continue;
        };
        if field.number == 1 {
            continue;
        }
        let Some(message) = field.message() else {
            continue;
        };
        count = count.saturating_add(1);
        if count > MAX_GRAPHS {
            file.session.gap_once(
                Why::Limit,
                "it has more meta graphs than the limit",
                &file.input.whole(),
            );
            return;
        }
        read(file, message);
    }
}

pub(super) fn read<'a>(file: &mut File<'a, '_, '_, '_>, message: Message<'a>) {
    let mut around = Around::default();
    for field in message.fields() {
        let Some(field) = file.good(field, "a meta graph", META) else {
            continue;
        };
        let Some(inner) = field.message() else {
            continue;
        };
        match field.number {
            1 => read_info(&mut around, inner),
            2 => around.graphs.push(inner),
            3 => around.own.saver = true,
            4 => read_collection(file, inner),
            5 => read_signature(&mut around, inner),
            6 => read_asset(file, &mut around, inner),
            7 => read_objects(file, &mut around, inner),
            _ => {}
        }
    }
    build(file, around, message);
}

pub(super) fn read_graph<'a>(file: &mut File<'a, '_, '_, '_>, message: Message<'a>) {
    let around = Around {
        graphs: vec![message],
        ..Around::default()
    };
    build(file, around, message);
}

fn build<'a>(file: &mut File<'a, '_, '_, '_>, around: Around<'a>, place: Message<'a>) {
    let at = file.input.at(place.base, place.len());
    let mut draft = Draft::new("tensorflow", at.clone());
    let mut library = Library::default();
    let mut uses = code::Uses::default();
    let mut scope = Scope::new(0);
    let mut functions = Vec::new();
    // Of a message that stands twice protobuf makes one.
    let mut nodes = Vec::new();
    for graph in &around.graphs {
        for field in graph.fields() {
            let Some(field) = file.good(field, "a graph", &[1, 2, 3, 4, 5]) else {
                continue;
            };
            let Some(inner) = field.message() else {
                continue;
            };
            match field.number {
                1 => nodes.push(inner),
                2 => functions.extend(function::declare(file, &mut draft, &mut library, inner)),
                4 => read_versions(&mut draft, inner),
                _ => {}
            }
        }
    }
    for node in nodes {
        scope.add_node(file, &mut draft, &library, &mut uses, node);
    }
    scope.resolve(file, &mut draft, &library);
    for stated in &functions {
        function::read(file, &mut draft, &library, &mut uses, stated);
    }
    ends::find(file, &mut draft, &library, &mut scope, &around.ends, place);
    code::report(file, draft.wiring(), &uses, &around.own);
    let wiring = draft.wiring();
    let main = wiring.bodies.first();
    let inputs = main.map(|main| main.inputs.clone()).unwrap_or_default();
    let outputs = main.map(|main| main.outputs.clone()).unwrap_or_default();
    let mut names: Vec<String> = library
        .functions
        .keys()
        .map(|called| name(called))
        .collect();
    names.sort();
    file.session.graph(Graph {
        name: around.tags.join(" "),
        framework: "tensorflow".to_owned(),
        producer: around
            .version
            .map(|version| format!("tensorflow {version}")),
        opsets: wiring.opsets.clone(),
        inputs: ports(&draft, inputs.into_iter()),
        outputs: ports(&draft, outputs.into_iter().flatten()),
        nodes: uses.nodes,
        operators: uses.operators(),
        custom_operators: uses.custom(),
        functions: names,
        at,
        ..Graph::default()
    });
    draft.finish(file.input, file.session);
}

fn ports(draft: &Draft, values: impl Iterator<Item = u32>) -> Vec<Port> {
    values
        .take(MAX_PORTS)
        .filter_map(|value| {
            let value = draft.wiring().values.get(usize::try_from(value).ok()?)?;
            Some(crate::wiring::port(value))
        })
        .collect()
}

/// The version of the graph's meaning, as TensorFlow counts it.
fn read_versions(draft: &mut Draft, message: Message<'_>) {
    for field in message.fields().flatten() {
        if let (1, Some(version)) = (field.number, field.varint()) {
            draft
                .opsets()
                .insert("tensorflow".to_owned(), signed(version));
        }
    }
}

fn read_info(around: &mut Around<'_>, message: Message<'_>) {
    for field in message.fields().flatten() {
        let Some(bytes) = field.bytes() else { continue };
        match field.number {
            4 if around.tags.len() < 16 => around.tags.push(text::escape(bytes, 64)),
            5 => around.version = Some(text::escape(bytes, 64)),
            _ => {}
        }
    }
}

/// Bytes that a program of version 1 put beside the graph.
fn read_collection<'a>(file: &mut File<'a, '_, '_, '_>, message: Message<'a>) {
    let (_, value) = entry(message);
    let Some(collection) = value.and_then(|value| value.message()) else {
        return;
    };
    for field in collection.fields().flatten() {
        let Some(list) = field.message().filter(|_| field.number == 2) else {
            continue;
        };
        for field in list.fields().flatten() {
            if let Some(bytes) = field.bytes() {
                embedded::look_into(file.session, file.input, "collection", bytes, field.at);
            }
        }
    }
}

fn read_signature<'a>(around: &mut Around<'a>, message: Message<'a>) {
    let (key, value) = entry(message);
    if PREPARING.contains(&key) {
        return;
    }
    let fields = value.and_then(|value| value.message());
    for field in fields.into_iter().flat_map(|map| map.fields()).flatten() {
        let list = match field.number {
            1 => &mut around.ends.inputs,
            2 => &mut around.ends.outputs,
            _ => continue,
        };
        let (_, info) = field.message().map(entry).unwrap_or_default();
        let Some(info) = info.and_then(|info| info.message()) else {
            continue;
        };
        let mut end = ends::End::default();
        for field in info.fields().flatten() {
            match field.number {
                1 => end.text = field.bytes().unwrap_or_default(),
                2 => end.dtype = field.varint().map(dtype::name),
                3 => end.shape = field.message().and_then(attribute::shape),
                _ => {}
            }
        }
        if !end.text.is_empty() {
            list.push(end);
        }
    }
}

fn read_asset<'a>(file: &mut File<'a, '_, '_, '_>, around: &mut Around<'a>, message: Message<'a>) {
    for field in message.fields().flatten() {
        match field.number {
            1 => {
                let info = field.message();
                let fields = info.into_iter().flat_map(|info| info.fields()).flatten();
                for field in fields {
                    if let (1, Some(tensor)) = (field.number, field.bytes()) {
                        let node = tensor.split(|byte| *byte == b':').next();
                        around.own.assets.insert(name(node.unwrap_or_default()));
                    }
                }
            }
            2 => {
                let value = text::escape(field.bytes().unwrap_or_default(), 1024);
                file.session.reference(
                    ReferenceKind::Asset,
                    &format!("assets/{value}"),
                    file.input.at(field.at, field.len),
                );
            }
            _ => {}
        }
    }
}

/// The object graph: the names of functions that can be called, and what
/// Keras wrote about its layers.
fn read_objects<'a>(
    file: &mut File<'a, '_, '_, '_>,
    around: &mut Around<'a>,
    message: Message<'a>,
) {
    for field in message.fields().flatten() {
        let Some(inner) = field.message() else {
            continue;
        };
        match field.number {
            1 => read_object(file, inner),
            2 => {
                let (called, _) = entry(inner);
                around.ends.functions.push(called);
            }
            _ => {}
        }
    }
}

fn read_object<'a>(file: &mut File<'a, '_, '_, '_>, message: Message<'a>) {
    const USER_OBJECT: u32 = 4;
    const METADATA: u32 = 3;
    for field in message.fields().flatten() {
        let Some(object) = field.message().filter(|_| field.number == USER_OBJECT) else {
            continue;
        };
        for field in object.fields().flatten() {
            if let (METADATA, Some(bytes)) = (field.number, field.bytes())
                && let Ok(value) = std::str::from_utf8(bytes)
            {
                let span = Span::new(field.at, field.len);
                embedded::read_remark(file.session, file.input, "metadata", value, span);
            }
        }
    }
}
