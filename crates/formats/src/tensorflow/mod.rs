//! TensorFlow graphs: `GraphDef` (a frozen graph), `MetaGraphDef` (`.meta`) and
//! `SavedModel` (`saved_model.pb`), in their binary form.
//!
//! Follows `graph.proto`, `node_def.proto`, `attr_value.proto`,
//! `function.proto`, `tensor.proto`, `meta_graph.proto` and
//! `saved_model.proto` of TensorFlow 2.21. Every node of the graph and of the
//! function library becomes a node of the wiring; functions are bodies that
//! `PartitionedCall`, `If` and `While` name in an attribute, or that a node
//! names by its operator. The control flow of TensorFlow 1 (`Switch`, `Merge`,
//! `Enter`, `Exit`, `NextIteration`) stays what it is: nodes.
//!
//! Control inputs are kept as the attribute [`CONTROL`]. Variables are
//! constants without data, for their values lie in a checkpoint. The object
//! graph of a SavedModel is not read, only its concrete functions are named.
//! The text form (`.pbtxt`) is recognised and not read.

mod attribute;
mod build;
mod code;
mod dtype;
mod ends;
mod function;
mod identify;
mod meta;
mod operators;
mod tensor;
#[cfg(test)]
mod tests;

use modelward_schema::Why;

use crate::wire::protobuf::{Broken, Field, Message};
use crate::{Format, Input, Session, embedded, text};
use identify::Kind;

pub(crate) use code::is_outside;

pub(crate) static FORMAT: Format = Format {
    name: "tensorflow",
    identify: identify::identify,
    read,
};

/// The attribute that lists a node's control inputs.
const CONTROL: &str = "^";

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let Some(kind) = identify::kind(input) else {
        return;
    };
    session.name_format(FORMAT.name, kind.name());
    let message = Message::new(input.bytes);
    let mut files = File {
        input,
        session,
        broken: false,
        unknown: 0,
    };
    match kind {
        Kind::SavedModel => meta::read_saved_model(&mut files, message),
        Kind::MetaGraph => meta::read(&mut files, message),
        Kind::Graph => meta::read_graph(&mut files, message),
        Kind::Text => files.session.gap(
            Why::Unsupported,
            "the text form of a TensorFlow graph is recognised, its reader does not exist yet",
            input.whole(),
        ),
    }
}

/// Anomalies of one kind that are listed one by one.
const LISTED: u32 = 16;

/// A file while its messages are read.
struct File<'a, 'i, 's, 'l> {
    input: &'a Input<'i>,
    session: &'s mut Session<'l>,
    broken: bool,
    unknown: u32,
}

impl<'a> File<'a, '_, '_, '_> {
    /// A field that the schema knows; what it does not know is told.
    fn good(
        &mut self,
        field: Result<Field<'a>, Broken>,
        what: &str,
        known: &[u32],
    ) -> Option<Field<'a>> {
        match field {
            Ok(field) if known.contains(&field.number) => Some(field),
            Ok(field) => {
                self.report_unknown(&field, what);
                None
            }
            Err(broken) => {
                self.report_broken(broken, what);
                None
            }
        }
    }

    fn report_broken(&mut self, broken: Broken, what: &str) {
        // A cut message cuts all those around it.
        if self.broken {
            return;
        }
        self.broken = true;
        let place = self.input.at(broken.at, 1);
        self.session.anomaly(
            "tensorflow-broken",
            format!("{what} breaks off: {}", broken.what),
            place.clone(),
        );
        self.session
            .gap(Why::Malformed, "a message breaks off", place);
    }

    fn report_unknown(&mut self, field: &Field<'a>, what: &str) {
        self.unknown = self.unknown.saturating_add(1);
        if self.unknown <= LISTED {
            self.session.anomaly(
                "tensorflow-unknown-field",
                format!(
                    "{what} has a field {} that it does not have in the schema",
                    field.number
                ),
                self.input.at(field.start, field.len),
            );
        }
        if let Some(bytes) = field.bytes() {
            let name = format!("field {}", field.number);
            embedded::look_into(self.session, self.input, &name, bytes, field.at);
        }
    }

    fn odd(&mut self, id: &str, message: String, place: Message<'_>) {
        self.session
            .anomaly(id, message, self.input.at(place.base, place.len()));
    }
}

/// Key and value of an entry of a map.
fn entry(message: Message<'_>) -> (&[u8], Option<Field<'_>>) {
    let mut key: &[u8] = b"";
    let mut value = None;
    for field in message.fields().flatten() {
        match field.number {
            1 => key = field.bytes().unwrap_or_default(),
            2 => value = Some(field),
            _ => {}
        }
    }
    (key, value)
}

fn shown(bytes: &[u8]) -> String {
    text::escape(bytes, 128)
}
