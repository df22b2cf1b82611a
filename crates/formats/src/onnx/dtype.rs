//! Element types of `TensorProto.DataType`.

/// The typed field that holds elements of a type when they are not raw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    Floats,
    Int32s,
    Strings,
    Int64s,
    Doubles,
    Uint64s,
}

impl Home {
    pub(super) fn find(field: u32) -> Option<Self> {
        [
            Self::Floats,
            Self::Int32s,
            Self::Strings,
            Self::Int64s,
            Self::Doubles,
            Self::Uint64s,
        ]
        .into_iter()
        .find(|home| home.field() == field)
    }

    /// Its number in `TensorProto`.
    pub(super) fn field(self) -> u32 {
        match self {
            Self::Floats => 4,
            Self::Int32s => 5,
            Self::Strings => 6,
            Self::Int64s => 7,
            Self::Doubles => 10,
            Self::Uint64s => 11,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Floats => "float_data",
            Self::Int32s => "int32_data",
            Self::Strings => "string_data",
            Self::Int64s => "int64_data",
            Self::Doubles => "double_data",
            Self::Uint64s => "uint64_data",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    pub(super) name: &'static str,
    /// Bits of an element in raw data; none for strings.
    pub(super) bits: Option<u64>,
    pub(super) home: Home,
}

pub(super) fn find(number: u64) -> Option<Type> {
    use Home::{Doubles, Floats, Int32s, Int64s, Strings, Uint64s};
    let (name, bits, home) = match number {
        1 => ("f32", 32, Floats),
        2 => ("u8", 8, Int32s),
        3 => ("i8", 8, Int32s),
        4 => ("u16", 16, Int32s),
        5 => ("i16", 16, Int32s),
        6 => ("i32", 32, Int32s),
        7 => ("i64", 64, Int64s),
        8 => {
            return Some(Type {
                name: "string",
                bits: None,
                home: Strings,
            });
        }
        9 => ("bool", 8, Int32s),
        10 => ("f16", 16, Int32s),
        11 => ("f64", 64, Doubles),
        12 => ("u32", 32, Uint64s),
        13 => ("u64", 64, Uint64s),
        14 => ("c64", 64, Floats),
        15 => ("c128", 128, Doubles),
        16 => ("bf16", 16, Int32s),
        17 => ("f8_e4m3", 8, Int32s),
        18 => ("f8_e4m3fnuz", 8, Int32s),
        19 => ("f8_e5m2", 8, Int32s),
        20 => ("f8_e5m2fnuz", 8, Int32s),
        21 => ("u4", 4, Int32s),
        22 => ("i4", 4, Int32s),
        23 => ("f4", 4, Int32s),
        24 => ("f8_e8m0", 8, Int32s),
        25 => ("u2", 2, Int32s),
        26 => ("i2", 2, Int32s),
        27 => ("f6_e2m3", 6, Int32s),
        28 => ("f6_e3m2", 6, Int32s),
        _ => return None,
    };
    Some(Type {
        name,
        bits: Some(bits),
        home,
    })
}

/// The name of an element type in a signature.
pub(crate) fn name(number: u64) -> String {
    find(number).map_or_else(|| format!("type {number}"), |found| found.name.to_owned())
}

impl Type {
    /// Values of the typed field for so many elements: complex numbers take
    /// two, numbers of less than a byte share one.
    pub(super) fn count(&self, elements: u64) -> u64 {
        match (self.name, self.bits) {
            ("c64" | "c128", _) => elements.saturating_mul(2),
            (_, Some(2)) => elements.div_ceil(4),
            (_, Some(4)) => elements.div_ceil(2),
            _ => elements,
        }
    }

    /// Bytes of raw data for so many elements; none when they do not fit in 64
    /// bits, or when the type has no raw form.
    pub(super) fn raw_len(&self, elements: u64) -> Option<u64> {
        let bits = elements.checked_mul(self.bits?)?;
        Some(bits.div_ceil(8))
    }
}
