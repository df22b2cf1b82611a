//! Visits every message of a model once, in the order of its bytes, with a
//! stack of its own.
//!
//! Here the fields are held against the schema; what a message means is read
//! when it is entered.

use modelward_schema::{Span, Why};

use super::model::Summary;
use super::schema::{Holds, Kind};
use super::{node, tensor};
use crate::wire::protobuf::{Field, Fields, Message};
use crate::{Input, Session, embedded, text};

/// Protobuf's own readers refuse deeper messages.
const READABLE_DEPTH: usize = 100;
/// Deeper ones are not visited here either.
const MAX_DEPTH: usize = 2000;

struct Level<'a> {
    kind: Kind,
    fields: Fields<'a>,
    /// One bit for each field that stood already.
    seen: u64,
}

pub(super) struct Walk<'a, 'i, 's, 'l> {
    pub(super) input: &'a Input<'i>,
    pub(super) session: &'s mut Session<'l>,
    pub(super) summary: Summary<'a>,
    stack: Vec<Level<'a>>,
    /// Graphs on the stack.
    graphs: u32,
    deep: bool,
    cut: bool,
}

impl<'a> Walk<'a, '_, '_, '_> {
    pub(super) fn run(&mut self, kind: Kind, message: Message<'a>) {
        self.enter(kind, message, 0);
        while let Some(level) = self.stack.last_mut() {
            let kind = level.kind;
            match level.fields.next() {
                None => self.leave(kind),
                Some(Ok(field)) => self.visit(kind, &field),
                Some(Err(broken)) => {
                    self.leave(kind);
                    self.report_broken(kind, broken.what, broken.at);
                }
            }
        }
    }

    fn leave(&mut self, kind: Kind) {
        self.stack.pop();
        if kind == Kind::Graph {
            self.graphs = self.graphs.saturating_sub(1);
        }
    }

    fn report_broken(&mut self, kind: Kind, what: &str, at: u64) {
        // A cut message cuts all those around it.
        if self.cut {
            return;
        }
        self.cut = true;
        let place = self.input.at(at, 1);
        self.session.anomaly(
            "onnx-broken",
            format!("a {} breaks off: {what}", kind.name()),
            place.clone(),
        );
        self.session
            .gap(Why::Malformed, "a message breaks off", place);
    }

    fn visit(&mut self, kind: Kind, field: &Field<'a>) {
        let span = Span::new(
            field.start,
            field
                .at
                .saturating_sub(field.start)
                .saturating_add(field.len),
        );
        let Some(spec) = kind.find(field.number) else {
            self.report_unknown(kind, field, span);
            return;
        };
        if !spec.takes(field.value) {
            self.session.anomaly(
                "onnx-wire-type",
                format!(
                    "field {} of {} has a wrong wire type",
                    field.number,
                    kind.name()
                ),
                self.input.at(span.start, span.len),
            );
            return;
        }
        if !spec.many && self.stands_twice(field.number) {
            self.session.anomaly(
                "onnx-repeats-field",
                format!(
                    "field {} of {} stands more than once",
                    field.number,
                    kind.name()
                ),
                self.input.at(span.start, span.len),
            );
        }
        match spec.holds {
            Holds::Message(inner) => {
                if let Some(message) = field.message() {
                    self.enter(inner, message, field.number);
                }
            }
            Holds::Text => self.read_text(kind, field),
            Holds::Bytes if kind == Kind::Attribute => node::read_bytes(self, field),
            _ => {}
        }
    }

    fn stands_twice(&mut self, number: u32) -> bool {
        let Some(level) = self.stack.last_mut() else {
            return false;
        };
        let bit = 1_u64.checked_shl(number).unwrap_or(0);
        let twice = level.seen & bit != 0;
        level.seen |= bit;
        twice
    }

    fn report_unknown(&mut self, kind: Kind, field: &Field<'a>, span: Span) {
        self.session.anomaly(
            "onnx-unknown-field",
            format!(
                "{} has a field {} that it does not have in the schema",
                kind.name(),
                field.number
            ),
            self.input.at(span.start, span.len),
        );
        if let Some(bytes) = field.bytes() {
            let name = format!("field {}", field.number);
            embedded::look_into(self.session, self.input, &name, bytes, field.at);
        }
    }

    fn enter(&mut self, kind: Kind, message: Message<'a>, number: u32) {
        if self.stack.len() >= READABLE_DEPTH && !self.deep {
            self.deep = true;
            self.session.anomaly(
                "onnx-nested-deep",
                format!("messages are nested more than {READABLE_DEPTH} deep, which protobuf readers refuse"),
                self.input.at(message.base, message.len()),
            );
        }
        if self.stack.len() >= MAX_DEPTH {
            self.session.gap_once(
                Why::Limit,
                "messages are nested deeper than the limit",
                &self.input.whole(),
            );
            return;
        }
        let parent = self.stack.last().map(|level| level.kind);
        match kind {
            Kind::Graph => {
                self.summary.enter_graph(message, self.graphs);
                self.graphs = self.graphs.saturating_add(1);
            }
            Kind::Node => node::read(self, message),
            Kind::Tensor => tensor::read(self, message, parent == Some(Kind::Attribute)),
            Kind::Function => self.summary.add_function(message),
            Kind::Opset if parent == Some(Kind::Model) => self.summary.add_opset(message),
            Kind::Entry => match (parent, number) {
                (Some(Kind::Model | Kind::Graph | Kind::Function), _) => {
                    self.read_entry(message, true);
                }
                (Some(Kind::Node | Kind::ValueInfo), _) | (Some(Kind::Tensor), 16) => {
                    self.read_entry(message, false);
                }
                _ => {}
            },
            _ => {}
        }
        self.stack.push(Level {
            kind,
            fields: message.fields(),
            seen: 0,
        });
    }

    fn read_text(&mut self, kind: Kind, field: &Field<'a>) {
        let Some(bytes) = field.bytes() else { return };
        let span = Span::new(field.at, field.len);
        let Ok(value) = std::str::from_utf8(bytes) else {
            self.session.anomaly(
                "onnx-text-odd",
                format!(
                    "field {} of {} is not UTF-8, which readers refuse",
                    field.number,
                    kind.name()
                ),
                self.input.at(span.start, span.len),
            );
            embedded::look_into(self.session, self.input, "text", bytes, field.at);
            return;
        };
        let (key, always) = match (kind, field.number) {
            (Kind::Model, 2) => {
                self.summary.producer.get_or_insert(value);
                ("producer_name", true)
            }
            (Kind::Model, 3) => ("producer_version", true),
            (Kind::Model, 4) => ("domain", true),
            (Kind::Model | Kind::Graph, 6 | 10) if !value.is_empty() => ("doc_string", true),
            (Kind::Node, 6)
            | (Kind::ValueInfo, 3)
            | (Kind::Attribute, 13)
            | (Kind::Tensor, 12)
            | (Kind::Function, 8) => ("doc_string", false),
            _ => return,
        };
        if always {
            embedded::read_text(self.session, self.input, key, value, span);
        } else {
            embedded::read_remark(self.session, self.input, key, value, span);
        }
    }

    /// A key and value: kept, or only when something in it stands out.
    fn read_entry(&mut self, message: Message<'a>, always: bool) {
        let Some((key, value, span)) = entry(message) else {
            return;
        };
        let key = text::escape(key, 256);
        let value = String::from_utf8_lossy(value);
        if always {
            embedded::read_text(self.session, self.input, &key, &value, span);
        } else {
            embedded::read_remark(self.session, self.input, &key, &value, span);
        }
    }
}

/// Key, value and the value's place of a `StringStringEntryProto`.
pub(super) fn entry(message: Message<'_>) -> Option<(&[u8], &[u8], Span)> {
    let mut key = None;
    let mut value = None;
    for field in message.fields().flatten() {
        match field.number {
            1 => key = field.bytes(),
            2 => {
                value = field
                    .bytes()
                    .map(|bytes| (bytes, Span::new(field.at, field.len)));
            }
            _ => {}
        }
    }
    let (value, span) = value.unwrap_or((b"", Span::new(message.base, message.len())));
    Some((key?, value, span))
}

impl<'a, 'i, 's, 'l> Walk<'a, 'i, 's, 'l> {
    pub(super) fn new(input: &'a Input<'i>, session: &'s mut Session<'l>) -> Self {
        let most = session.limits().facts;
        Self {
            input,
            session,
            summary: Summary::new(most),
            stack: Vec::new(),
            graphs: 0,
            deep: false,
            cut: false,
        }
    }
}
