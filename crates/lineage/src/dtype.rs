//! Element types and what their bits mean.

use half::{bf16, f16};

use crate::float8;

/// An element type that is decoded one by one. Block formats (GGUF) are not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dtype {
    F64,
    F32,
    F16,
    Bf16,
    F8E4m3,
    F8E5m2,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
    C64,
    C128,
}

impl Dtype {
    /// By the name that facts use.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "f64" => Self::F64,
            "f32" => Self::F32,
            "f16" => Self::F16,
            "bf16" => Self::Bf16,
            "f8_e4m3" => Self::F8E4m3,
            "f8_e5m2" => Self::F8E5m2,
            "i64" => Self::I64,
            "i32" => Self::I32,
            "i16" => Self::I16,
            "i8" => Self::I8,
            "u64" => Self::U64,
            "u32" => Self::U32,
            "u16" => Self::U16,
            "u8" => Self::U8,
            "bool" => Self::Bool,
            "c64" => Self::C64,
            "c128" => Self::C128,
            _ => return None,
        })
    }

    /// By any name that people and frameworks use.
    pub fn of_any(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let name = name.rsplit('.').next().unwrap_or_default();
        if let Some(known) = Self::of(name) {
            return Some(known);
        }
        Some(match name {
            "float64" | "double" => Self::F64,
            "float32" | "float" => Self::F32,
            "float16" | "half" => Self::F16,
            "bfloat16" => Self::Bf16,
            "float8_e4m3fn" | "f8_e4m3fn" | "e4m3fn" | "float8_e4m3" => Self::F8E4m3,
            "float8_e5m2" | "e5m2" => Self::F8E5m2,
            "int64" | "long" => Self::I64,
            "int32" | "int" => Self::I32,
            "int16" | "short" => Self::I16,
            "int8" => Self::I8,
            "uint64" => Self::U64,
            "uint32" => Self::U32,
            "uint16" => Self::U16,
            "uint8" => Self::U8,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F8E4m3 => "f8_e4m3",
            Self::F8E5m2 => "f8_e5m2",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::I16 => "i16",
            Self::I8 => "i8",
            Self::U64 => "u64",
            Self::U32 => "u32",
            Self::U16 => "u16",
            Self::U8 => "u8",
            Self::Bool => "bool",
            Self::C64 => "c64",
            Self::C128 => "c128",
        }
    }

    /// Bytes of one element.
    pub fn width(self) -> usize {
        match self {
            Self::C128 => 16,
            Self::F64 | Self::I64 | Self::U64 | Self::C64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F8E4m3 | Self::F8E5m2 | Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    pub fn is_float(self) -> bool {
        matches!(
            self,
            Self::F64 | Self::F32 | Self::F16 | Self::Bf16 | Self::F8E4m3 | Self::F8E5m2
        )
    }

    /// Appends the values of little-endian elements; of a complex number, its
    /// real part. Whole numbers beyond 2⁵³ are rounded.
    pub fn decode(self, bytes: &[u8], out: &mut Vec<f64>) {
        macro_rules! each {
            ($kind:ty, $width:literal) => {
                out.extend(
                    bytes
                        .as_chunks::<$width>()
                        .0
                        .iter()
                        .map(|raw| <$kind>::from_le_bytes(*raw) as f64),
                )
            };
        }
        match self {
            Self::F64 => each!(f64, 8),
            Self::F32 => each!(f32, 4),
            Self::F16 => out.extend(
                (bytes.as_chunks::<2>().0.iter()).map(|raw| f16::from_le_bytes(*raw).to_f64()),
            ),
            Self::Bf16 => out.extend(
                (bytes.as_chunks::<2>().0.iter()).map(|raw| bf16::from_le_bytes(*raw).to_f64()),
            ),
            Self::F8E4m3 => out.extend(bytes.iter().map(|raw| float8::E4M3.decode(*raw))),
            Self::F8E5m2 => out.extend(bytes.iter().map(|raw| float8::E5M2.decode(*raw))),
            Self::I64 => each!(i64, 8),
            Self::I32 => each!(i32, 4),
            Self::I16 => each!(i16, 2),
            Self::I8 => out.extend(bytes.iter().map(|raw| f64::from(raw.cast_signed()))),
            Self::U64 => each!(u64, 8),
            Self::U32 => each!(u32, 4),
            Self::U16 => each!(u16, 2),
            Self::U8 | Self::Bool => out.extend(bytes.iter().map(|raw| f64::from(*raw))),
            Self::C64 => out.extend(
                (bytes.as_chunks::<8>().0.iter())
                    .map(|[a, b, c, d, ..]| f64::from(f32::from_le_bytes([*a, *b, *c, *d]))),
            ),
            Self::C128 => out.extend((bytes.as_chunks::<16>().0.iter()).map(
                |[a, b, c, d, e, f, g, h, ..]| f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
            )),
        }
    }

    /// The value of one element.
    pub fn value(self, bytes: &[u8]) -> f64 {
        let mut out = Vec::with_capacity(1);
        self.decode(bytes.get(..self.width()).unwrap_or_default(), &mut out);
        out.first().copied().unwrap_or(f64::NAN)
    }

    /// The distance to the next representable magnitude above `value`, which a
    /// rounding to nearest misses by at most half.
    pub fn ulp(self, value: f64) -> f64 {
        let (digits, smallest) = match self {
            Self::F64 => (52, -1074),
            Self::F32 => (23, -149),
            Self::F16 => (10, -24),
            Self::Bf16 => (7, -133),
            Self::F8E4m3 => (3, -9),
            Self::F8E5m2 => (2, -16),
            _ => return 1.0,
        };
        let magnitude = value.abs();
        if magnitude == 0.0 || !magnitude.is_finite() {
            return 2f64.powi(smallest);
        }
        let bits = (magnitude.to_bits() >> 52) as i32;
        2f64.powi((bits - 1023 - digits).max(smallest))
    }
}
