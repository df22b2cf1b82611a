//! Element types and shapes of `ValueInfoProto`.

use modelward_schema::Dim;

use super::super::dtype;
use crate::text;
use crate::wire::protobuf::{Message, signed};

const MAX_RANK: usize = 64;

pub(super) fn read(info: Message<'_>) -> (String, Option<Vec<Dim>>) {
    let kind = info
        .fields()
        .flatten()
        .filter(|field| field.number == 2)
        .filter_map(|field| field.message())
        .find_map(|kind| kind.fields().flatten().next());
    let Some(kind) = kind else {
        return ("?".to_owned(), None);
    };
    match (kind.number, kind.message()) {
        (1, Some(tensor)) => tensor_type(tensor),
        (8, Some(tensor)) => ("sparse".to_owned(), tensor_type(tensor).1),
        (4, _) => ("sequence".to_owned(), None),
        (5, _) => ("map".to_owned(), None),
        (9, _) => ("optional".to_owned(), None),
        _ => ("opaque".to_owned(), None),
    }
}

fn tensor_type(tensor: Message<'_>) -> (String, Option<Vec<Dim>>) {
    let mut name = "?".to_owned();
    let mut dims = None;
    for field in tensor.fields().flatten() {
        match (field.number, field.message()) {
            (1, _) => name = dtype::name(field.varint().unwrap_or(0)),
            (2, Some(shape)) => {
                let sizes = shape.fields().flatten().filter(|field| field.number == 1);
                dims = Some(
                    sizes
                        .take(MAX_RANK)
                        .filter_map(|field| field.message())
                        .map(size)
                        .collect(),
                );
            }
            _ => {}
        }
    }
    (name, dims)
}

fn size(dimension: Message<'_>) -> Dim {
    match dimension.fields().flatten().next() {
        Some(field) if field.number == 1 => Dim::Known(signed(field.varint().unwrap_or(0))),
        Some(field) if field.number == 2 => {
            Dim::Symbol(text::escape(field.bytes().unwrap_or_default(), 64))
        }
        _ => Dim::Unknown(()),
    }
}

/// -1 is how some exporters write a free dimension.
pub(super) fn is_absurd(shape: &[Dim]) -> bool {
    let mut product = Some(1_i64);
    for dim in shape {
        if let Dim::Known(size) = dim {
            if *size < -1 {
                return true;
            }
            product = product.and_then(|product| product.checked_mul((*size).max(1)));
        }
    }
    product.is_none()
}
