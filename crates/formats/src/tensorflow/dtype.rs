//! Element types of `types.proto`.

/// A reference to a variable of the type is the type plus 100.
const REFERENCE: u64 = 100;

pub(super) fn name(number: u64) -> String {
    let plain = number.checked_sub(REFERENCE).unwrap_or(number);
    let name = match plain {
        0 => "?",
        1 => "f32",
        2 => "f64",
        3 => "i32",
        4 => "u8",
        5 => "i16",
        6 => "i8",
        7 => "string",
        8 => "c64",
        9 => "i64",
        10 => "bool",
        // Quantised types are their integers; what they stand for is said by
        // the operators that take them.
        11 => "i8",
        12 => "u8",
        13 => "i32",
        14 => "bf16",
        15 => "i16",
        16 => "u16",
        17 => "u16",
        18 => "c128",
        19 => "f16",
        20 => "resource",
        21 => "variant",
        22 => "u32",
        23 => "u64",
        24 => "f8_e5m2",
        25 => "f8_e4m3",
        26 => "f8_e4m3fnuz",
        27 => "f8_e4m3b11fnuz",
        28 => "f8_e5m2fnuz",
        29 => "i4",
        30 => "u4",
        31 => "i2",
        32 => "u2",
        _ => return format!("type {number}"),
    };
    name.to_owned()
}
