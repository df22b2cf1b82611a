//! What a target tensor must hold: rows of source tensors, reordered, shifted,
//! as 32-bit floats.

use half::{bf16, f16};

use super::block::Kind;
use super::decode;
use crate::dtype::Dtype;
use crate::tensor::{Data, Tensor, Unread};

/// Which source row each target row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Straight,
    /// Rows of a head in two halves become pairs: what rotary embeddings of
    /// llama.cpp's first kind want. `head` rows to a head.
    Rotary {
        head: u64,
    },
    /// Each of `groups` groups holds `queries` heads, one key, one value; all
    /// queries come first, then all keys, then all values.
    Grouped {
        groups: u64,
        queries: u64,
        head: u64,
    },
    /// Of every `stride` rows, `take` from `from`.
    Window {
        stride: u64,
        from: u64,
        take: u64,
    },
}

impl Order {
    fn source(self, row: u64) -> u64 {
        match self {
            Self::Straight => row,
            Self::Rotary { head } => {
                let (first, within) = (row / head * head, row % head);
                first + (within % 2) * (head / 2) + within / 2
            }
            Self::Grouped {
                groups,
                queries,
                head,
            } => {
                let (which, within) = (row / head, row % head);
                let (group, part) = if which < groups * queries {
                    (which / queries, which % queries)
                } else if which < groups * (queries + 1) {
                    (which - groups * queries, queries)
                } else {
                    (which - groups * (queries + 1), queries + 1)
                };
                (group * (queries + 2) + part) * head + within
            }
            Self::Window { stride, from, take } => row / take * stride + from + row % take,
        }
    }

    /// Rows that are best read together.
    fn unit(self) -> u64 {
        match self {
            Self::Rotary { head } => head,
            _ => 1,
        }
    }
}

/// What happens to each value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Map {
    Same,
    /// Norm weights that the model stores as their distance from one.
    PlusOne,
    /// The state matrix of Mamba, stored as a logarithm; half precision too
    /// takes the exponential in its own.
    MinusExp,
}

/// How one target tensor comes about.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    /// Laid one after the other, row by row.
    pub(super) parts: Vec<Tensor>,
    /// Outermost dimension first.
    pub(super) shape: Vec<u64>,
    pub(super) order: Order,
    pub(super) map: Map,
    /// Values computed from the configuration, in place of parts.
    pub(super) given: Option<Vec<f32>>,
}

impl Recipe {
    pub(super) fn of(tensor: &Tensor) -> Self {
        Self {
            parts: vec![tensor.clone()],
            shape: tensor.shape.clone(),
            order: Order::Straight,
            map: Map::Same,
            given: None,
        }
    }

    pub(super) fn columns(&self) -> u64 {
        if self.shape.len() < 2 {
            1
        } else {
            self.shape.last().copied().unwrap_or(1)
        }
    }

    pub(super) fn rows(&self) -> u64 {
        let all: u64 = self.shape.iter().product();
        all / self.columns().max(1)
    }

    /// Rows of a chunk that is read at once.
    pub(super) fn chunk(&self, elements: u64) -> u64 {
        let unit = self.order.unit();
        (elements / self.columns().max(1) / unit).max(1) * unit
    }

    /// Names of the sources.
    pub(super) fn names(&self) -> String {
        match self.parts.as_slice() {
            [] => "config.json".to_owned(),
            [one] => one.name.clone(),
            [first, .., last] => format!("{} … {}", first.name, last.name),
        }
    }

    /// The element type of the sources.
    pub(super) fn source_kind(&self) -> Option<&str> {
        self.parts.first().map(|part| part.dtype.as_str())
    }

    /// `count` rows from `first` into `out`.
    pub(super) fn read(&self, first: u64, count: u64, out: &mut Vec<f32>) -> Result<(), Unread> {
        out.clear();
        let columns = self.columns();
        if let Some(given) = &self.given {
            let (from, to) = (first * columns, (first + count) * columns);
            let part = usize::try_from(from)
                .ok()
                .zip(usize::try_from(to).ok())
                .and_then(|(from, to)| given.get(from..to))
                .ok_or("fewer values were computed than are stored")?;
            out.extend_from_slice(part);
            return Ok(());
        }
        let wide = usize::try_from(columns).map_err(|error| error.to_string())?;
        let source: Vec<u64> = (first..first + count)
            .map(|row| self.order.source(row))
            .collect();
        let (low, high) = (
            source.iter().copied().min().unwrap_or(0),
            source.iter().copied().max().unwrap_or(0),
        );
        if high - low < count {
            // A permutation of one stretch: one read, then the order.
            let mut held = Vec::new();
            self.read_straight(low, high - low + 1, &mut held)?;
            for row in source {
                let at = usize::try_from(row - low).unwrap_or(usize::MAX) * wide;
                out.extend_from_slice(held.get(at..at + wide).ok_or("a row is missing")?);
            }
        } else {
            let mut held = Vec::new();
            let mut at = 0;
            while at < source.len() {
                let mut run = 1;
                while at + run < source.len() && source[at + run] == source[at] + run as u64 {
                    run += 1;
                }
                self.read_straight(source[at], run as u64, &mut held)?;
                out.extend_from_slice(&held);
                at += run;
            }
        }
        let half = self.source_kind() == Some("f16");
        match self.map {
            Map::Same => {}
            Map::PlusOne => {
                for v in out.iter_mut() {
                    *v += 1.0;
                    // The converter adds in the source's own precision.
                    if half {
                        *v = f16::from_f32(*v).to_f32();
                    }
                }
            }
            Map::MinusExp => {
                for v in out.iter_mut() {
                    *v = -(f64::from(*v).exp() as f32);
                    if half {
                        *v = f16::from_f32(*v).to_f32();
                    }
                }
            }
        }
        Ok(())
    }

    /// Rows of the parts, in their own order.
    fn read_straight(
        &self,
        mut first: u64,
        mut count: u64,
        out: &mut Vec<f32>,
    ) -> Result<(), Unread> {
        out.clear();
        let columns = self.columns().max(1);
        for part in &self.parts {
            let rows = part.elements() / columns;
            if first >= rows {
                first -= rows;
                continue;
            }
            let take = count.min(rows - first);
            read_values(part, first * columns, take * columns, out)?;
            count -= take;
            first = 0;
            if count == 0 {
                return Ok(());
            }
        }
        Err("the source has fewer rows".to_owned())
    }
}

/// Appends elements of a tensor of any type as 32-bit floats.
pub(super) fn read_values(
    tensor: &Tensor,
    start: u64,
    count: u64,
    out: &mut Vec<f32>,
) -> Result<(), Unread> {
    let mut bytes = Vec::new();
    let before = out.len();
    let more = usize::try_from(count).map_err(|error| error.to_string())?;
    if let Some(kind) = Kind::from_name(&tensor.dtype).filter(|kind| kind.is_quantized()) {
        let (n, size) = (kind.elements() as u64, kind.bytes() as u64);
        if !start.is_multiple_of(n) || !count.is_multiple_of(n) {
            return Err("its rows are no whole blocks".to_owned());
        }
        tensor.read_raw(start / n * size, count / n * size, &mut bytes)?;
        out.resize(before + more, 0.0);
        return if decode::decode(kind, &bytes, out.get_mut(before..).unwrap_or_default()) {
            Ok(())
        } else {
            Err(format!("elements of type {} are not decoded", tensor.dtype))
        };
    }
    tensor.read(start, count, &mut bytes)?;
    match tensor.kind() {
        Some(Dtype::F32) => out.extend(
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| f32::from_le_bytes(*b)),
        ),
        Some(Dtype::F16) => {
            out.extend(
                bytes
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|b| f16::from_le_bytes(*b).to_f32()),
            );
        }
        Some(Dtype::Bf16) => {
            out.extend(
                bytes
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|b| bf16::from_le_bytes(*b).to_f32()),
            );
        }
        Some(kind) => {
            let mut wide = Vec::new();
            kind.decode(&bytes, &mut wide);
            out.extend(wide.iter().map(|v| *v as f32));
        }
        None => return Err(format!("elements of type {} are not decoded", tensor.dtype)),
    }
    if out.len() == before + more {
        Ok(())
    } else {
        Err("elements are missing".to_owned())
    }
}

/// The same elements under another shape, `strides` elements apart.
pub(super) fn view(tensor: &Tensor, shape: &[u64], strides: &[u64]) -> Option<Tensor> {
    let Data::Dense(parts) = &tensor.data else {
        return None;
    };
    let [part] = parts.as_slice() else {
        return None;
    };
    Some(Tensor {
        shape: shape.to_vec(),
        data: Data::Strided {
            part: part.clone(),
            strides: strides.to_vec(),
        },
        ..tensor.clone()
    })
}
