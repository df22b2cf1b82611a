//! Tensors: their types, their constants in buffers, how they are quantised.

use modelward_schema::{Constant, Dim, Tensor};

use super::build::Model;
use super::schema;
use crate::embedded;
use crate::wire::flatbuffer::Table;
use crate::wiring::{MAX_RANK, dim, name, whole, width};

impl<'a> Model<'a, '_, '_, '_, '_> {
    /// The value of a tensor, with its constant.
    pub(super) fn tensor(&mut self, tensor: &Table<'a, '_>) -> Option<u32> {
        let own = name(tensor.text(10).unwrap_or_default());
        let dtype = schema::dtype(tensor.i8(6).map_or(0, i64::from));
        let sizes = tensor.i32s(4);
        let stated = tensor.i32s(18);
        let shown = if stated.is_empty() { &sizes } else { &stated };
        let ranked =
            !shown.is_empty() || tensor.u8(20) == Some(1) || tensor.u32(8).unwrap_or(0) > 0;
        let shape: Vec<Dim> = shown
            .iter()
            .take(MAX_RANK)
            .map(|size| dim(i64::from(*size)))
            .collect();
        if shown.iter().any(|size| *size < -1) {
            self.report(
                "tflite-shape-absurd",
                format!("the tensor {own:?} has a negative size"),
                tensor,
            );
        }
        let value = self.draft.value(&own, &dtype, ranked.then_some(shape))?;
        // Read for its extent.
        if let Some(sparsity) = tensor.table(16) {
            sparsity.i32s(4);
            sparsity.i32s(6);
            for dimension in sparsity.tables(8).flatten() {
                for slot in [10, 14] {
                    if let Some(inner) = dimension.table(slot) {
                        inner.vector(4, 1);
                    }
                }
            }
        }
        let constant = self.constant(tensor, &own, &dtype, &sizes);
        if let (Some(constant), Some(value)) = (constant, self.draft.value_mut(value)) {
            value.constant = Some(constant);
        }
        Some(value)
    }

    fn constant(
        &mut self,
        tensor: &Table<'a, '_>,
        own: &str,
        dtype: &str,
        sizes: &[i32],
    ) -> Option<u32> {
        let shape: Vec<u64> = sizes
            .iter()
            .take(MAX_RANK)
            .map(|size| u64::try_from(*size).unwrap_or(0))
            .collect();
        if tensor.u8(14) == Some(1) {
            // A state: it begins as zeros and is written by operators.
            return self.draft.constant(Constant {
                dtype: dtype.to_owned(),
                shape,
                ..Constant::default()
            });
        }
        let number = tensor.u32(8).unwrap_or(0);
        let buffer = usize::try_from(number)
            .ok()
            .and_then(|at| self.buffers.get(at));
        let Some(Some(buffer)) = buffer.copied() else {
            self.report(
                "tflite-index",
                format!("the tensor {own:?} names a buffer that is not there"),
                tensor,
            );
            return None;
        };
        let (bytes, at) = data(&buffer)?;
        if bytes.is_empty() {
            return None;
        }
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let place = self.input.at(at, len);
        embedded::look_into(
            self.session,
            self.input,
            &format!("tensor {own}"),
            bytes,
            at,
        );
        let is_sparse = tensor.table(16).is_some();
        let asked =
            width(dtype).and_then(|width| whole(&shape)?.checked_mul(u64::try_from(width).ok()?));
        if let Some(asked) = asked
            && asked != len
            && !is_sparse
        {
            self.session.differs(
                "tflite-tensor-size-differs",
                format!("the tensor {own:?} does not have the data that its shape asks for"),
                place.clone(),
                [("shape", asked.to_string()), ("data", len.to_string())],
            );
        }
        self.session.tensor(Tensor {
            name: own.to_owned(),
            dtype: dtype.to_owned(),
            shape: shape.clone(),
            at: place.clone(),
            ..Tensor::default()
        });
        if dtype == "string" {
            return self.draft.constant(Constant {
                dtype: dtype.to_owned(),
                shape,
                texts: Some(texts(bytes)),
                at: Some(place),
                ..Constant::default()
            });
        }
        self.draft.bytes(dtype, shape, bytes, Some(place))
    }

    /// The first scale and zero point; odd ones are told.
    pub(super) fn quantization(&mut self, tensor: &Table<'a, '_>) -> Option<(f32, i64)> {
        let parameters = tensor.table(12)?;
        parameters.vector(4, 4);
        parameters.vector(6, 4);
        let scales = parameters.f32s(8);
        let points = parameters.i64s(10);
        if scales
            .iter()
            .any(|scale| !scale.is_finite() || *scale < 0.0)
        {
            self.report(
                "tflite-quantization-absurd",
                "a tensor has a scale that no number can have",
                tensor,
            );
        }
        Some((*scales.first()?, points.first().copied().unwrap_or(0)))
    }
}

/// A buffer's bytes and where they stand: in the buffer, or behind all tables.
pub(super) fn data<'a>(buffer: &Table<'a, '_>) -> Option<(&'a [u8], u64)> {
    if let Some(vector) = buffer.vector(4, 1) {
        return Some((vector.bytes, vector.at));
    }
    let (offset, size) = (buffer.u64(6)?, buffer.u64(8)?);
    if offset <= 1 {
        return None;
    }
    Some((buffer.file().take(offset, size)?, offset))
}

/// The texts of a string tensor: how many, where each begins, and the bytes.
fn texts(bytes: &[u8]) -> Vec<String> {
    const MOST: usize = 256;
    let numbers: Vec<usize> = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .take(MOST.saturating_add(2))
        .map(|number| usize::try_from(u32::from_le_bytes(*number)).unwrap_or(usize::MAX))
        .collect();
    let count = numbers.first().copied().unwrap_or(0).min(MOST);
    let ends = numbers
        .iter()
        .skip(1)
        .zip(numbers.iter().skip(2))
        .take(count);
    ends.filter_map(|(start, end)| bytes.get(*start..*end))
        .map(|bytes| crate::text::escape(bytes, 1024))
        .collect()
}
