//! Numbers and names of the schema.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Written by `benches/graphs/tflite_schema.py`.
static LIST: &str = include_str!("schema.txt");

/// A field of a table of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) slot: u16,
    pub(super) kind: &'static str,
}

type Names = HashMap<(&'static str, i64), &'static str>;

static TABLE: LazyLock<Names> = LazyLock::new(|| {
    LIST.lines()
        .filter_map(|line| {
            let (word, rest) = line.split_once(' ')?;
            let (number, rest) = rest.split_once(' ')?;
            Some(((word, number.parse().ok()?), rest))
        })
        .collect()
});

pub(super) fn operator(number: i64) -> Option<&'static str> {
    TABLE.get(&("operator", number)).copied()
}

/// Fields of a member of one of the two unions of options.
pub(super) fn options(second: bool, member: u8) -> impl Iterator<Item = Field> {
    let word = if second { "options2" } else { "options" };
    let fields = TABLE.get(&(word, i64::from(member))).copied();
    fields
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter_map(|text| {
            let mut parts = text.split(':');
            Some(Field {
                name: parts.next()?,
                slot: parts.next()?.parse().ok()?,
                kind: parts.next()?,
            })
        })
}

/// An element type, in the words of the facts.
pub(super) fn dtype(number: i64) -> String {
    let Some(name) = TABLE.get(&("type", number)) else {
        return format!("type {number}");
    };
    match *name {
        "float32" => "f32",
        "float16" => "f16",
        "float64" => "f64",
        "bfloat16" => "bf16",
        "complex64" => "c64",
        "complex128" => "c128",
        "int2" => "i2",
        "int4" => "i4",
        "int8" => "i8",
        "int16" => "i16",
        "int32" => "i32",
        "int64" => "i64",
        "uint4" => "u4",
        "uint8" => "u8",
        "uint16" => "u16",
        "uint32" => "u32",
        "uint64" => "u64",
        name => name,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_types_and_options_are_known() {
        assert_eq!(operator(3), Some("CONV_2D"));
        assert_eq!(dtype(9), "i8");
        let names: Vec<_> = options(false, 1).map(|field| field.name).collect();
        assert!(names.contains(&"stride_w"), "{names:?}");
        assert_eq!(options(false, 92).next().unwrap().slot, 4);
    }
}
