//! A tensor of an opened artifact, readable in parts.

use std::sync::Arc;

use crate::bytes::Bytes;
use crate::dtype::Dtype;

/// A stretch of a file.
#[derive(Debug, Clone)]
pub struct Part {
    pub bytes: Arc<dyn Bytes>,
    pub start: u64,
    pub len: u64,
}

/// Where a tensor's elements are.
#[derive(Debug, Clone)]
pub enum Data {
    /// One after the other, in one or more pieces.
    Dense(Vec<Part>),
    /// `strides` elements apart, counted from the start of the part.
    Strided { part: Part, strides: Vec<u64> },
    /// Nowhere that can be read; why not.
    Missing(String),
}

/// Name, type, shape and place of the elements.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub name: String,
    /// As facts name it; block formats (`q4_k`) have no [`Dtype`].
    pub dtype: String,
    /// Outermost dimension first.
    pub shape: Vec<u64>,
    pub big_endian: bool,
    pub data: Data,
    /// The file it is in.
    pub file: String,
}

/// Why elements could not be read: one lower-case sentence.
pub type Unread = String;

impl Tensor {
    pub fn kind(&self) -> Option<Dtype> {
        Dtype::of(&self.dtype)
    }

    pub fn elements(&self) -> u64 {
        self.shape
            .iter()
            .try_fold(1_u64, |product, dim| product.checked_mul(*dim))
            .unwrap_or(u64::MAX)
    }

    /// Bytes of one element, also for types that are only moved, never decoded.
    pub fn width(&self) -> Option<u64> {
        if let Some(kind) = self.kind() {
            return Some(kind.width() as u64);
        }
        let Data::Dense(parts) = &self.data else {
            return None;
        };
        let len: u64 = parts
            .iter()
            .fold(0, |sum, part| part.len.saturating_add(sum));
        let elements = self.elements();
        (elements > 0 && len.is_multiple_of(elements))
            .then(|| len / elements)
            // What is larger than any number is only compared as bytes.
            .filter(|width| *width <= 64)
    }

    /// Bytes that reading all of it takes.
    pub fn size(&self) -> u64 {
        match &self.data {
            Data::Dense(parts) => parts
                .iter()
                .fold(0, |sum, part| part.len.saturating_add(sum)),
            Data::Strided { .. } => self.elements().saturating_mul(self.width().unwrap_or(0)),
            Data::Missing(_) => 0,
        }
    }

    /// It has to be read from front to back.
    pub fn is_sequential(&self) -> bool {
        match &self.data {
            Data::Dense(parts) => parts.iter().any(|part| part.bytes.is_sequential()),
            Data::Strided { part, .. } => part.bytes.is_sequential(),
            Data::Missing(_) => false,
        }
    }

    /// Length of a row: all but the first dimension; 1 for a vector.
    pub fn columns(&self) -> u64 {
        self.shape
            .iter()
            .skip(1)
            .fold(1, |product, dim| product.saturating_mul(*dim))
    }

    /// `count` elements from `start` in row-major order as little-endian bytes
    /// into `out`, which is emptied first.
    pub fn read(&self, start: u64, count: u64, out: &mut Vec<u8>) -> Result<(), Unread> {
        out.clear();
        let width = self
            .width()
            .ok_or_else(|| format!("elements of type {} have no known size", self.dtype))?;
        let end = start
            .checked_add(count)
            .filter(|end| *end <= self.elements());
        if end.is_none() {
            return Err("elements beyond the end were asked for".to_owned());
        }
        match &self.data {
            Data::Dense(_) => self.read_raw(
                start.saturating_mul(width),
                count.saturating_mul(width),
                out,
            )?,
            Data::Strided { part, strides } => {
                self.gather(part, strides, width, start, count, out)?;
            }
            Data::Missing(why) => return Err(why.clone()),
        }
        if self.big_endian {
            // A complex number is two numbers.
            let unit = match self.kind() {
                Some(Dtype::C64 | Dtype::C128) => width / 2,
                _ => width,
            };
            for element in out.chunks_exact_mut(usize::try_from(unit).unwrap_or(1).max(1)) {
                element.reverse();
            }
        }
        Ok(())
    }

    /// `len` bytes from `offset` of what is stored, appended to `out`: for types
    /// that are no plain elements.
    pub fn read_raw(&self, mut offset: u64, mut len: u64, out: &mut Vec<u8>) -> Result<(), Unread> {
        let Data::Dense(parts) = &self.data else {
            return match &self.data {
                Data::Missing(why) => Err(why.clone()),
                _ => Err("its elements do not lie one after the other".to_owned()),
            };
        };
        for part in parts {
            if offset >= part.len {
                offset -= part.len;
                continue;
            }
            let take = len.min(part.len - offset);
            let before = out.len();
            out.resize(before + usize::try_from(take).unwrap_or(usize::MAX), 0);
            let buffer = out.get_mut(before..).unwrap_or_default();
            part.bytes
                .read_at(part.start + offset, buffer)
                .map_err(|error| format!("{} cannot be read: {error}", self.file))?;
            len -= take;
            offset = 0;
            if len == 0 {
                return Ok(());
            }
        }
        if len == 0 {
            Ok(())
        } else {
            Err("its data end before its shape does".to_owned())
        }
    }

    fn gather(
        &self,
        part: &Part,
        strides: &[u64],
        width: u64,
        start: u64,
        count: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Unread> {
        let fail = |error: std::io::Error| format!("{} cannot be read: {error}", self.file);
        let width_here = usize::try_from(width).unwrap_or(1);
        // One block that holds all elements of the stretch, when that is not
        // much more than the stretch itself; else element by element.
        let mut window = Window::default();
        let mut index = unravel(start, &self.shape);
        for _ in 0..count {
            let at = index
                .iter()
                .zip(strides)
                .try_fold(0_u64, |sum, (i, stride)| {
                    sum.checked_add(i.checked_mul(*stride)?)
                })
                .and_then(|at| at.checked_mul(width))
                .filter(|at| at.checked_add(width).is_some_and(|end| end <= part.len))
                .ok_or("its data end before its shape does")?;
            let element = window.get(part, at, width_here).map_err(fail)?;
            out.extend_from_slice(element);
            for (i, dim) in index.iter_mut().zip(&self.shape).rev() {
                *i += 1;
                if *i < *dim {
                    break;
                }
                *i = 0;
            }
        }
        Ok(())
    }
}

/// The stretches that were read last: a transposed matrix walks down columns
/// and comes back to each of them.
#[derive(Debug, Default)]
struct Window {
    held: std::collections::HashMap<u64, Vec<u8>>,
}

const PAGE: u64 = 4096;
const PAGES: usize = 4096;

impl Window {
    fn get(&mut self, part: &Part, at: u64, width: usize) -> std::io::Result<&[u8]> {
        let page = at / PAGE;
        let within = usize::try_from(at % PAGE).unwrap_or(0);
        if self.held.len() >= PAGES && !self.held.contains_key(&page) {
            self.held.clear();
        }
        let held = match self.held.entry(page) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                // An element may reach into the next page.
                let len = (PAGE + 16).min(part.len - page * PAGE);
                let mut buffer = vec![0; usize::try_from(len).unwrap_or(0)];
                part.bytes.read_at(part.start + page * PAGE, &mut buffer)?;
                entry.insert(buffer)
            }
        };
        held.get(within..within + width)
            .ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// A flat index as one index per dimension.
pub fn unravel(mut flat: u64, shape: &[u64]) -> Vec<u64> {
    let mut index = vec![0; shape.len()];
    for (place, dim) in index.iter_mut().zip(shape).rev() {
        let dim = (*dim).max(1);
        *place = flat % dim;
        flat /= dim;
    }
    index
}
