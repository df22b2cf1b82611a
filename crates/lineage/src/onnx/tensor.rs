//! A `TensorProto` as a tensor: raw data, typed data, and data in other files.

use std::sync::Arc;

use super::file::{Attribute, Node, Reader};
use super::wire::Field;
use crate::bytes::Bytes;
use crate::tensor::{Data, Part, Tensor};

/// Typed data of all tensors that are decoded, in bytes.
const TYPED: u64 = 64 << 20;

/// Name as facts have it, and bits of one element.
pub(super) fn dtype(number: u64) -> (&'static str, u64) {
    match number {
        1 => ("f32", 32),
        2 => ("u8", 8),
        3 => ("i8", 8),
        4 => ("u16", 16),
        5 => ("i16", 16),
        6 => ("i32", 32),
        7 => ("i64", 64),
        8 => ("string", 0),
        9 => ("bool", 8),
        10 => ("f16", 16),
        11 => ("f64", 64),
        12 => ("u32", 32),
        13 => ("u64", 64),
        14 => ("c64", 64),
        15 => ("c128", 128),
        16 => ("bf16", 16),
        17 => ("f8_e4m3", 8),
        18 => ("f8_e4m3fnuz", 8),
        19 => ("f8_e5m2", 8),
        20 => ("f8_e5m2fnuz", 8),
        21 => ("u4", 4),
        22 => ("i4", 4),
        23 => ("f4", 4),
        24 => ("f8_e8m0", 8),
        25 => ("u2", 2),
        26 => ("i2", 2),
        _ => ("unknown", 0),
    }
}

pub(super) fn read(reader: &mut Reader<'_>, field: Field) -> Result<Tensor, String> {
    let mut shape: Vec<u64> = Vec::new();
    let (mut name, mut number, mut external, mut segment) = (String::new(), 0, false, false);
    let mut raw = None;
    let mut typed: Vec<Field> = Vec::new();
    let mut outside: Vec<(String, String)> = Vec::new();
    let mut at = field.start;
    while let Some(inner) = reader.stream.next(&mut at, field.end())? {
        match (inner.number, inner.wire) {
            (1, 0) => shape.push(inner.value),
            (1, 2) => {
                let mut within = inner.start;
                while within < inner.end() {
                    shape.push(reader.stream.varint(&mut within, inner.end())?);
                    if shape.len() > 64 {
                        return Err("a tensor has more than 64 dimensions".to_owned());
                    }
                }
            }
            (2, 0) => number = inner.value,
            (3, _) => segment = true,
            (8, 2) => name = reader.stream.text(inner)?,
            (9, 2) => raw = Some(inner),
            (13, 2) => outside.push(reader.entry(inner)?),
            (14, 0) => external = inner.value == 1,
            (4 | 5 | 6 | 7 | 10 | 11, _) if typed.len() < 1 << 20 => typed.push(inner),
            _ => {}
        }
    }
    let (kind, bits) = dtype(number);
    let elements = shape
        .iter()
        .try_fold(1_u64, |product, dim| product.checked_mul(*dim));
    let len = elements
        .and_then(|elements| elements.checked_mul(bits))
        .map(|bits| bits.div_ceil(8));
    let data = match (len, external, raw) {
        _ if segment => Data::Missing("it is stored in segments".to_owned()),
        (None, _, _) => Data::Missing("its dimensions are too large".to_owned()),
        (Some(len), true, _) => place(reader, &outside, len),
        (Some(len), false, Some(raw)) if raw.len == len || raw.len > 0 => {
            if raw.len == len {
                part(reader.bytes(), raw.start, raw.len)
            } else {
                Data::Missing("its data are not as long as its dimensions ask for".to_owned())
            }
        }
        (Some(0), _, _) if kind != "string" => Data::Dense(Vec::new()),
        (Some(len), _, _) => decode(reader, kind, bits, len, &typed)?,
    };
    Ok(Tensor {
        name,
        dtype: kind.to_owned(),
        shape,
        big_endian: false,
        data,
        file: reader.file.path.clone(),
    })
}

fn part(bytes: Arc<dyn Bytes>, start: u64, len: u64) -> Data {
    Data::Dense(vec![Part { bytes, start, len }])
}

/// Typed fields: floats lie as they are, whole numbers are decoded.
fn decode(
    reader: &mut Reader<'_>,
    kind: &str,
    bits: u64,
    len: u64,
    typed: &[Field],
) -> Result<Data, String> {
    if let [one] = typed
        && one.wire == 2
        && matches!(one.number, 4 | 10)
    {
        return Ok(if one.len == len {
            part(reader.bytes(), one.start, one.len)
        } else {
            Data::Missing("its data are not as long as its dimensions ask for".to_owned())
        });
    }
    let mut out: Vec<u8> = Vec::new();
    let width = usize::try_from(bits / 8).unwrap_or(0).max(1);
    for field in typed {
        if reader.stream.kept + out.len() as u64 > TYPED {
            return Ok(Data::Missing(
                "it is stored number by number and too large to decode".to_owned(),
            ));
        }
        match (field.number, field.wire) {
            (6, 2) => {
                out.extend(field.len.to_le_bytes());
                out.extend(reader.stream.raw(*field)?);
            }
            (4 | 10, 2) => out.extend(reader.stream.raw(*field)?),
            (4 | 10, 1 | 5) => {
                let wide = if field.wire == 1 { 8 } else { 4 };
                out.extend(field.value.to_le_bytes().iter().take(wide));
            }
            (5 | 7 | 11, 0) => out.extend(field.value.to_le_bytes().iter().take(width)),
            (5 | 7 | 11, 2) => {
                let mut within = field.start;
                while within < field.end() {
                    let value = reader.stream.varint(&mut within, field.end())?;
                    out.extend(value.to_le_bytes().iter().take(width));
                    if out.len() as u64 > TYPED {
                        return Ok(Data::Missing(
                            "it is stored number by number and too large to decode".to_owned(),
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    let got = out.len() as u64;
    reader.stream.kept = reader.stream.kept.saturating_add(got);
    if kind != "string" && got != len {
        return Ok(Data::Missing(
            "its data are not as long as its dimensions ask for".to_owned(),
        ));
    }
    Ok(part(Arc::new(out), 0, got))
}

/// Data in a file beside the model.
fn place(reader: &mut Reader<'_>, outside: &[(String, String)], len: u64) -> Data {
    let find = |key: &str| outside.iter().find(|(k, _)| k == key).map(|(_, v)| v);
    let number = |key: &str, default: u64| match find(key) {
        None => Some(default),
        Some(text) => text.trim().parse::<u64>().ok(),
    };
    let Some(location) = find("location") else {
        return Data::Missing("it does not say which file its data are in".to_owned());
    };
    let (Some(offset), Some(length)) = (number("offset", 0), number("length", len)) else {
        return Data::Missing("its place in another file is no number".to_owned());
    };
    if length != len {
        return Data::Missing("its data are not as long as its dimensions ask for".to_owned());
    }
    if location
        .split(['/', '\\'])
        .any(|piece| piece.is_empty() || piece == "..")
    {
        return Data::Missing(format!("its data are outside the model, in {location}"));
    }
    let folder = match reader.file.path.rfind('/') {
        Some(at) => reader.file.path.get(..=at).unwrap_or_default(),
        None => "",
    };
    let path = format!("{folder}{}", location.trim_start_matches("./"));
    let Some(file) = reader.files.iter().find(|file| file.path == path) else {
        if !reader.onnx.absent.contains(&path) && reader.onnx.absent.len() < 64 {
            reader.onnx.absent.push(path.clone());
        }
        return Data::Missing(format!("its data are in {path}, which is not there"));
    };
    if offset.checked_add(length).is_none_or(|end| end > file.size) {
        return Data::Missing(format!("{path} ends before its data do"));
    }
    let used = reader.onnx.outside.entry(path).or_default();
    used.push((offset, length));
    part(file.bytes.clone(), offset, length)
}

/// The short forms of a constant's value become a tensor.
pub(super) fn constant(node: &mut Node, file: &str) {
    let (dtype, shape, bytes): (&str, Vec<u64>, Vec<u8>) = match node.attributes.iter().next() {
        Some((key, Attribute::Int(value))) if key == "value_int" => {
            ("i64", Vec::new(), value.to_le_bytes().to_vec())
        }
        Some((key, Attribute::Float(value))) if key == "value_float" => {
            ("f32", Vec::new(), value.to_le_bytes().to_vec())
        }
        Some((key, Attribute::Ints(values))) if key == "value_ints" => (
            "i64",
            vec![values.len() as u64],
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        ),
        Some((key, Attribute::Floats(values))) if key == "value_floats" => (
            "f32",
            vec![values.len() as u64],
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        ),
        _ => return,
    };
    if node.attributes.len() != 1 {
        return;
    }
    let len = bytes.len() as u64;
    let tensor = Tensor {
        name: node.outputs.first().cloned().unwrap_or_default(),
        dtype: dtype.to_owned(),
        shape,
        big_endian: false,
        data: part(Arc::new(bytes), 0, len),
        file: file.to_owned(),
    };
    node.attributes.clear();
    node.attributes
        .insert("value".to_owned(), Attribute::Tensor(Box::new(tensor)));
}
