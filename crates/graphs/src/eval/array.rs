//! Values that flow along edges: a kind, a shape, elements.
//!
//! Every float lies as a double and is rounded to its own kind after each
//! operation; for `+ - * / sqrt` that gives the very bits the narrower
//! arithmetic gives (a double has more than twice the digits of a single).
//! Every integer lies as 64 bits and is wrapped to its own width.

use std::sync::Arc;

use super::number;
use super::refusal::{Refusal, refuse};

/// Element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    F16,
    Bf16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
    Text,
}

impl Kind {
    /// From the house's word for it, [`modelward_schema::Tensor::dtype`].
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "f16" => Self::F16,
            "bf16" => Self::Bf16,
            "f32" => Self::F32,
            "f64" => Self::F64,
            "i8" => Self::I8,
            "i16" => Self::I16,
            "i32" => Self::I32,
            "i64" => Self::I64,
            "u8" => Self::U8,
            "u16" => Self::U16,
            "u32" => Self::U32,
            "u64" => Self::U64,
            "bool" => Self::Bool,
            "string" => Self::Text,
            _ => return None,
        })
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::Bool => "bool",
            Self::Text => "string",
        }
    }

    /// From ONNX's `TensorProto.DataType`.
    pub(crate) fn of_onnx(number: i64) -> Option<Self> {
        Some(match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            4 => Self::U16,
            5 => Self::I16,
            6 => Self::I32,
            7 => Self::I64,
            8 => Self::Text,
            9 => Self::Bool,
            10 => Self::F16,
            11 => Self::F64,
            12 => Self::U32,
            13 => Self::U64,
            16 => Self::Bf16,
            _ => return None,
        })
    }

    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }

    pub fn is_unsigned(self) -> bool {
        matches!(
            self,
            Self::U8 | Self::U16 | Self::U32 | Self::U64 | Self::Bool
        )
    }

    /// Bits of an integer kind.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::I8 | Self::U8 => 8,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 16,
            Self::I32 | Self::U32 | Self::F32 => 32,
            Self::Bool => 1,
            _ => 64,
        }
    }

    /// Bytes of an element in a file; 0 for text.
    pub fn width(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
            Self::Text => 0,
        }
    }

    pub(crate) fn round(self, x: f64) -> f64 {
        match self {
            Self::F32 => f64::from(number::narrow(x)),
            Self::F16 => number::round_to(x, 5, 10),
            Self::Bf16 => number::round_to(x, 8, 7),
            _ => x,
        }
    }

    /// Two's complement wrap-around to this width; `u64` keeps its bits.
    pub(crate) fn wrap(self, n: i64) -> i64 {
        let bits = self.bits();
        if self == Self::Bool {
            return i64::from(n != 0);
        }
        let Some(spare) = 64_u32.checked_sub(bits).filter(|spare| *spare > 0) else {
            return n;
        };
        let up = n.wrapping_shl(spare);
        if self.is_unsigned() {
            number::signed(number::unsigned(up).wrapping_shr(spare))
        } else {
            up.wrapping_shr(spare)
        }
    }

    /// The value of an integer element as a double.
    pub(crate) fn real(self, n: i64) -> f64 {
        if self == Self::U64 && n < 0 {
            18_446_744_073_709_551_616.0 + number::real(n)
        } else {
            number::real(n)
        }
    }
}

/// Elements, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Float(Arc<Vec<f64>>),
    /// Also Booleans, as 0 and 1.
    Int(Arc<Vec<i64>>),
    Text(Arc<Vec<String>>),
}

/// A dense tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    pub kind: Kind,
    pub shape: Vec<usize>,
    pub data: Data,
}

/// A tensor of more elements, or of as large sizes beside a zero, is refused.
const LARGEST: usize = 1 << 28;

/// The number of elements. A product that overflows is refused, and so are
/// sizes that would be huge but for a zero among them.
pub(crate) fn product(shape: &[usize]) -> Result<usize, Refusal> {
    let sizes = shape
        .iter()
        .try_fold(1_usize, |all, &dim| all.checked_mul(dim.max(1)))
        .filter(|sizes| *sizes <= LARGEST)
        .ok_or_else(|| refuse("a shape whose product overflows"))?;
    Ok(if shape.contains(&0) { 0 } else { sizes })
}

impl Array {
    /// Floats, rounded to `kind`. The caller's lengths must agree.
    pub fn floats(kind: Kind, shape: Vec<usize>, mut data: Vec<f64>) -> Result<Self, Refusal> {
        if product(&shape)? != data.len() || !kind.is_float() {
            return Err(refuse("elements that do not fill their shape"));
        }
        if kind != Kind::F64 {
            for x in &mut data {
                *x = kind.round(*x);
            }
        }
        Ok(Self {
            kind,
            shape,
            data: Data::Float(Arc::new(data)),
        })
    }

    /// Integers or Booleans, wrapped to `kind`.
    pub fn ints(kind: Kind, shape: Vec<usize>, mut data: Vec<i64>) -> Result<Self, Refusal> {
        if product(&shape)? != data.len() || kind.is_float() || kind == Kind::Text {
            return Err(refuse("elements that do not fill their shape"));
        }
        if kind != Kind::I64 && kind != Kind::U64 {
            for n in &mut data {
                *n = kind.wrap(*n);
            }
        }
        Ok(Self {
            kind,
            shape,
            data: Data::Int(Arc::new(data)),
        })
    }

    pub fn texts(shape: Vec<usize>, data: Vec<String>) -> Result<Self, Refusal> {
        if product(&shape)? != data.len() {
            return Err(refuse("elements that do not fill their shape"));
        }
        Ok(Self {
            kind: Kind::Text,
            shape,
            data: Data::Text(Arc::new(data)),
        })
    }

    /// Any numbers: floats are rounded, integers truncated.
    pub fn numbers(kind: Kind, shape: Vec<usize>, data: Vec<f64>) -> Result<Self, Refusal> {
        if kind.is_float() {
            Self::floats(kind, shape, data)
        } else if kind == Kind::Bool {
            let data = data.iter().map(|x| i64::from(*x != 0.0)).collect();
            Self::ints(kind, shape, data)
        } else {
            let data = data.iter().map(|x| number::truncate(*x)).collect();
            Self::ints(kind, shape, data)
        }
    }

    pub fn bools(shape: Vec<usize>, data: impl IntoIterator<Item = bool>) -> Result<Self, Refusal> {
        Self::ints(Kind::Bool, shape, data.into_iter().map(i64::from).collect())
    }

    pub fn scalar(kind: Kind, value: f64) -> Result<Self, Refusal> {
        Self::numbers(kind, Vec::new(), vec![value])
    }

    pub fn longs(data: Vec<i64>) -> Result<Self, Refusal> {
        Self::ints(Kind::I64, vec![data.len()], data)
    }

    pub fn len(&self) -> usize {
        match &self.data {
            Data::Float(data) => data.len(),
            Data::Int(data) => data.len(),
            Data::Text(data) => data.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    pub fn dim(&self, axis: usize) -> usize {
        self.shape.get(axis).copied().unwrap_or(1)
    }

    /// The same elements in another shape of the same size.
    pub fn reshaped(&self, shape: Vec<usize>) -> Result<Self, Refusal> {
        if product(&shape)? != self.len() {
            return Err(refuse("a reshape to another number of elements"));
        }
        Ok(Self {
            kind: self.kind,
            shape,
            data: self.data.clone(),
        })
    }

    pub fn as_floats(&self) -> Result<&[f64], Refusal> {
        match &self.data {
            Data::Float(data) => Ok(data),
            _ => Err(refuse("an operand that is not a float")),
        }
    }

    pub fn as_ints(&self) -> Result<&[i64], Refusal> {
        match &self.data {
            Data::Int(data) => Ok(data),
            _ => Err(refuse("an operand that is not an integer")),
        }
    }

    pub fn as_texts(&self) -> Result<&[String], Refusal> {
        match &self.data {
            Data::Text(data) => Ok(data),
            _ => Err(refuse("an operand that is not a string")),
        }
    }

    /// Every element as a double; strings are refused.
    pub fn reals(&self) -> Result<std::borrow::Cow<'_, [f64]>, Refusal> {
        match &self.data {
            Data::Float(data) => Ok(std::borrow::Cow::Borrowed(data)),
            Data::Int(data) => Ok(data.iter().map(|n| self.kind.real(*n)).collect()),
            Data::Text(_) => Err(refuse("a string where a number is wanted")),
        }
    }

    /// The one element, or the first of several.
    pub fn first(&self) -> Result<f64, Refusal> {
        match &self.data {
            Data::Float(data) => data.first().copied(),
            Data::Int(data) => data.first().map(|n| self.kind.real(*n)),
            Data::Text(_) => None,
        }
        .ok_or_else(|| refuse("no element where one is wanted"))
    }

    pub fn first_int(&self) -> Result<i64, Refusal> {
        match &self.data {
            Data::Int(data) => data.first().copied(),
            Data::Float(data) => data.first().map(|x| number::truncate(*x)),
            Data::Text(_) => None,
        }
        .ok_or_else(|| refuse("no element where one is wanted"))
    }

    /// Row-major strides; wrapping, as every use of them is bounds-checked.
    pub(crate) fn strides(&self) -> Vec<usize> {
        strides(&self.shape)
    }

    /// The elements at `offsets`, in that order.
    pub(crate) fn pick(&self, shape: Vec<usize>, offsets: &[usize]) -> Result<Self, Refusal> {
        fn take<T: Clone>(data: &[T], offsets: &[usize]) -> Result<Arc<Vec<T>>, Refusal> {
            offsets
                .iter()
                .map(|&at| data.get(at).cloned())
                .collect::<Option<Vec<T>>>()
                .map(Arc::new)
                .ok_or_else(|| refuse("an index outside its tensor"))
        }
        if product(&shape)? != offsets.len() {
            return Err(refuse("elements that do not fill their shape"));
        }
        let data = match &self.data {
            Data::Float(data) => Data::Float(take(data, offsets)?),
            Data::Int(data) => Data::Int(take(data, offsets)?),
            Data::Text(data) => Data::Text(take(data, offsets)?),
        };
        Ok(Self {
            kind: self.kind,
            shape,
            data,
        })
    }
}

pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    let mut step = 1_usize;
    for (stride, dim) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.wrapping_mul(*dim);
    }
    strides
}

/// The row-major source offset of every position of `shape`, for these
/// strides and start. Strides may have wrapped below zero.
pub(crate) fn offsets(shape: &[usize], strides: &[usize], start: usize) -> Vec<usize> {
    // A shape with a zero in it holds nothing, however large its other sizes.
    if shape.contains(&0) {
        return Vec::new();
    }
    let mut all = vec![start];
    for (&dim, &stride) in shape.iter().zip(strides) {
        let mut next = Vec::with_capacity(all.len().saturating_mul(dim));
        for base in all {
            let mut at = base;
            for _ in 0..dim {
                next.push(at);
                at = at.wrapping_add(stride);
            }
        }
        all = next;
    }
    all
}

/// The shape both broadcast to.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Refusal> {
    let rank = a.len().max(b.len());
    let mut shape = Vec::with_capacity(rank);
    for axis in 0..rank {
        let of = |s: &[usize]| -> usize {
            (axis.saturating_add(s.len()))
                .checked_sub(rank)
                .and_then(|at| s.get(at))
                .copied()
                .unwrap_or(1)
        };
        shape.push(match (of(a), of(b)) {
            (x, y) if x == y => x,
            (1, y) => y,
            (x, 1) => x,
            _ => return Err(refuse("shapes that do not broadcast")),
        });
    }
    Ok(shape)
}

/// Offsets into a tensor of shape `from` for every position of `to`.
pub(crate) fn spread(from: &[usize], to: &[usize]) -> Vec<usize> {
    let own = strides(from);
    let lead = to.len().saturating_sub(from.len());
    let wanted: Vec<usize> = (0..to.len())
        .map(|axis| match axis.checked_sub(lead) {
            Some(at) if from.get(at).copied().unwrap_or(1) != 1 => {
                own.get(at).copied().unwrap_or(0)
            }
            _ => 0,
        })
        .collect();
    offsets(to, &wanted, 0)
}
