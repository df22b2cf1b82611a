//! The element types of GGML and the size of their blocks.
//!
//! Follows `ggml/include/ggml.h` and `ggml/src/ggml-common.h` of llama.cpp (ggml 0.25).
//! The names are those of the facts: lower case, `q4_k`, `iq3_xxs`.

/// An element type that a GGUF file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    F32,
    F16,
    Bf16,
    F64,
    I8,
    I16,
    I32,
    I64,
    Q1_0,
    Q2_0,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q8_1,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
    Q8K,
    Iq1S,
    Iq1M,
    Iq2Xxs,
    Iq2Xs,
    Iq2S,
    Iq3Xxs,
    Iq3S,
    Iq4Nl,
    Iq4Xs,
    Tq1_0,
    Tq2_0,
    Mxfp4,
    Nvfp4,
}

/// Kind, number in the file, name, elements per block, bytes per block.
static KINDS: &[(Kind, u32, &str, usize, usize)] = &[
    (Kind::F32, 0, "f32", 1, 4),
    (Kind::F16, 1, "f16", 1, 2),
    (Kind::Q4_0, 2, "q4_0", 32, 18),
    (Kind::Q4_1, 3, "q4_1", 32, 20),
    (Kind::Q5_0, 6, "q5_0", 32, 22),
    (Kind::Q5_1, 7, "q5_1", 32, 24),
    (Kind::Q8_0, 8, "q8_0", 32, 34),
    (Kind::Q8_1, 9, "q8_1", 32, 36),
    (Kind::Q2K, 10, "q2_k", 256, 84),
    (Kind::Q3K, 11, "q3_k", 256, 110),
    (Kind::Q4K, 12, "q4_k", 256, 144),
    (Kind::Q5K, 13, "q5_k", 256, 176),
    (Kind::Q6K, 14, "q6_k", 256, 210),
    (Kind::Q8K, 15, "q8_k", 256, 292),
    (Kind::Iq2Xxs, 16, "iq2_xxs", 256, 66),
    (Kind::Iq2Xs, 17, "iq2_xs", 256, 74),
    (Kind::Iq3Xxs, 18, "iq3_xxs", 256, 98),
    (Kind::Iq1S, 19, "iq1_s", 256, 50),
    (Kind::Iq4Nl, 20, "iq4_nl", 32, 18),
    (Kind::Iq3S, 21, "iq3_s", 256, 110),
    (Kind::Iq2S, 22, "iq2_s", 256, 82),
    (Kind::Iq4Xs, 23, "iq4_xs", 256, 136),
    (Kind::I8, 24, "i8", 1, 1),
    (Kind::I16, 25, "i16", 1, 2),
    (Kind::I32, 26, "i32", 1, 4),
    (Kind::I64, 27, "i64", 1, 8),
    (Kind::F64, 28, "f64", 1, 8),
    (Kind::Iq1M, 29, "iq1_m", 256, 56),
    (Kind::Bf16, 30, "bf16", 1, 2),
    (Kind::Tq1_0, 34, "tq1_0", 256, 54),
    (Kind::Tq2_0, 35, "tq2_0", 256, 66),
    (Kind::Mxfp4, 39, "mxfp4", 32, 17),
    (Kind::Nvfp4, 40, "nvfp4", 64, 36),
    (Kind::Q1_0, 41, "q1_0", 128, 18),
    (Kind::Q2_0, 42, "q2_0", 64, 18),
];

impl Kind {
    pub fn from_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|k| k.2 == name).map(|k| k.0)
    }

    /// Every kind there is.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|k| k.0)
    }

    fn row(self) -> (Kind, u32, &'static str, usize, usize) {
        // The table is total; the fallback keeps the function free of panics.
        KINDS
            .iter()
            .find(|k| k.0 == self)
            .copied()
            .unwrap_or((Kind::F32, 0, "f32", 1, 4))
    }

    /// Its number in the file.
    pub fn id(self) -> u32 {
        self.row().1
    }

    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// Elements in a block.
    pub fn elements(self) -> usize {
        self.row().3
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        self.row().4
    }

    /// Whether values are stored as codes on a grid.
    pub fn is_quantized(self) -> bool {
        self.elements() > 1
    }

    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16 | Self::F64)
    }
}
