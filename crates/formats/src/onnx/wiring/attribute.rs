//! `AttributeProto`: one value, of the type it says.

use modelward_schema::Setting;

use crate::text;
use crate::wire::protobuf::{Field, Message, Value, signed};

/// Elements kept of a list; a longer one is only named.
const MAX_LIST: usize = 65_536;
const MAX_TEXT: usize = 1024;

pub(super) struct Read<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: Option<Raw<'a>>,
    /// What speaks against its stated type.
    pub(super) odd: Option<String>,
}

pub(super) enum Raw<'a> {
    Set(Setting),
    /// `true` for a sparse one.
    Tensor(Message<'a>, bool),
    Graph(Message<'a>),
    Graphs(Vec<Message<'a>>),
}

/// The field that holds the value of each `AttributeType`, from 1.
const FIELDS: &[(u32, &str)] = &[
    (2, "a float"),
    (3, "an int"),
    (4, "a string"),
    (5, "a tensor"),
    (6, "a graph"),
    (7, "floats"),
    (8, "ints"),
    (9, "strings"),
    (10, "tensors"),
    (11, "graphs"),
    (22, "a sparse tensor"),
    (23, "sparse tensors"),
    (14, "a type"),
    (15, "types"),
];

pub(super) fn read(message: Message<'_>) -> Read<'_> {
    let mut out = Read {
        name: b"",
        value: None,
        odd: None,
    };
    let mut kind = None;
    let mut first = None;
    let mut seen = 0_u32;
    for field in message.fields().flatten() {
        match field.number {
            1 => out.name = field.bytes().unwrap_or_default(),
            20 => kind = field.varint(),
            21 => {
                if let Some(name) = field.bytes().filter(|name| !name.is_empty()) {
                    let name = text::escape(name, 256);
                    out.value = Some(Raw::Set(Setting::Caller(name)));
                }
            }
            number if FIELDS.iter().any(|(field, _)| *field == number) => {
                first = first.or(Some(number));
                seen |= 1_u32.checked_shl(number).unwrap_or(0);
            }
            _ => {}
        }
    }
    if out.value.is_some() {
        return out;
    }
    // The first IR versions had no type: the field that is there tells it.
    let stated = kind
        .filter(|kind| *kind != 0)
        .and_then(|kind| usize::try_from(kind).ok())
        .and_then(|kind| FIELDS.get(kind.checked_sub(1)?));
    let holder = match (stated, first) {
        (Some((holder, _)), _) => *holder,
        (None, Some(first)) => first,
        (None, None) => return out,
    };
    if let (Some((_, word)), Some(first)) = (stated, first)
        && seen & 1_u32.checked_shl(holder).unwrap_or(0) == 0
    {
        let has = FIELDS.iter().find(|(field, _)| *field == first);
        let has = has.map_or("another value", |(_, word)| word);
        out.odd = Some(format!("it says {word} and holds {has}"));
    }
    out.value = value(message, holder);
    out
}

fn value(message: Message<'_>, holder: u32) -> Option<Raw<'_>> {
    let mut fields = message
        .fields()
        .flatten()
        .filter(|field| field.number == holder);
    let setting = match holder {
        // What is left out is zero, as proto3 has it.
        2 => Setting::Float(fields.next().and_then(|field| float(&field)).unwrap_or(0.0)),
        3 => Setting::Int(
            fields
                .next()
                .and_then(|field| field.varint())
                .map_or(0, signed),
        ),
        4 => Setting::Text(text::escape(
            fields
                .next()
                .and_then(|field| field.bytes())
                .unwrap_or_default(),
            MAX_TEXT,
        )),
        5 => return Some(Raw::Tensor(fields.next()?.message()?, false)),
        22 => return Some(Raw::Tensor(fields.next()?.message()?, true)),
        6 => return Some(Raw::Graph(fields.next()?.message()?)),
        11 => {
            let graphs = fields.filter_map(|field| field.message()).take(256);
            return Some(Raw::Graphs(graphs.collect()));
        }
        7 => list(fields.flat_map(floats), Setting::Floats),
        8 => list(
            fields.flat_map(|field| field.varints().map(signed)),
            Setting::Ints,
        ),
        9 => list(
            fields.map(|field| text::escape(field.bytes().unwrap_or_default(), MAX_TEXT)),
            Setting::Texts,
        ),
        10 => Setting::Other("tensors".to_owned()),
        23 => Setting::Other("sparse tensors".to_owned()),
        _ => Setting::Other("type".to_owned()),
    };
    Some(Raw::Set(setting))
}

fn list<T>(items: impl Iterator<Item = T>, build: impl Fn(Vec<T>) -> Setting) -> Setting {
    let kept: Vec<T> = items.take(MAX_LIST.saturating_add(1)).collect();
    if kept.len() > MAX_LIST {
        Setting::Other(format!("a list of more than {MAX_LIST} elements"))
    } else {
        build(kept)
    }
}

fn float(field: &Field<'_>) -> Option<f64> {
    match field.value {
        Value::Fixed32(bytes) => Some(f64::from(f32::from_le_bytes(bytes))),
        _ => None,
    }
}

fn floats(field: Field<'_>) -> impl Iterator<Item = f64> {
    let packed = field.bytes().unwrap_or_default().as_chunks::<4>().0;
    float(&field).into_iter().chain(
        packed
            .iter()
            .map(|bytes| f64::from(f32::from_le_bytes(*bytes))),
    )
}
