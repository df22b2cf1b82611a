//! Tensors: what PyTorch's and NumPy's own reconstructors say of shape and type,
//! and joblib's arrays, whose bytes stand inside the stream.
//!
//! Follows `torch/_utils.py`, `torch/serialization.py`, `numpy/core/multiarray`
//! and `joblib/numpy_pickle.py` (`NumpyArrayWrapper.read`).

use modelward_schema::{Location, ReferenceKind, Tensor};

use super::machine::Machine;
use super::store::{How, Shape, Value};
use super::{find, wide};

/// Storages remembered of one stream.
const KEPT: usize = 50_000;

/// A tensor whose name may still become known.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) tensor: Tensor,
    /// Key of the storage it is a view of.
    pub(super) storage: Option<String>,
    /// Elements of the storage before its first.
    offset: u64,
    /// Elements between neighbours, as the stream says.
    strides: Option<Vec<u64>>,
}

impl Draft {
    /// Puts the tensor where it is, once it is known where its storage is:
    /// `start` and `len` in bytes of what `path` names.
    pub(super) fn place(&mut self, path: &str, start: u64, len: u64) {
        let at = Location::bytes(path, start, len);
        let Some((from, extent, strides)) = self.extent() else {
            self.tensor.at = at;
            return;
        };
        let end = from.checked_add(extent);
        if end.is_none_or(|end| end > len) {
            // Its view reaches beyond its storage: no loader accepts it.
            self.tensor.at = Location::file(path);
            return;
        }
        self.tensor.at = Location::bytes(path, start.saturating_add(from), extent);
        self.tensor.strides = strides;
    }

    /// First byte within the storage, bytes up to the last element, and the
    /// strides when they are not those of row after row.
    pub(super) fn extent(&self) -> Option<(u64, u64, Option<Vec<u64>>)> {
        let width = width(&self.tensor.dtype)?;
        let shape = &self.tensor.shape;
        let from = self.offset.checked_mul(width)?;
        if shape.contains(&0) {
            return Some((from, 0, None));
        }
        let mut rows = Vec::with_capacity(shape.len());
        let mut step = 1_u64;
        for dim in shape.iter().rev() {
            rows.push(step);
            step = step.checked_mul(*dim)?;
        }
        rows.reverse();
        let strides = self.strides.as_ref().unwrap_or(&rows);
        if strides.len() != shape.len() {
            return None;
        }
        let mut last = 0_u64;
        let mut plain = true;
        for ((dim, stride), row) in shape.iter().zip(strides).zip(&rows) {
            last = last.checked_add(dim.saturating_sub(1).checked_mul(*stride)?)?;
            // The stride of a single element is never walked.
            plain &= *dim == 1 || stride == row;
        }
        let extent = last.checked_add(1)?.checked_mul(width)?;
        Some((from, extent, (!plain).then(|| strides.clone())))
    }
}

/// Bytes of one element.
fn width(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "u8" | "i8" | "bool" | "f8_e4m3" | "f8_e5m2" | "f8_e4m3fnuz" | "f8_e5m2fnuz"
        | "f8_e8m0" | "qint8" | "quint8" => 1,
        "f16" | "bf16" | "i16" | "u16" => 2,
        "f32" | "i32" | "u32" | "qint32" => 4,
        "f64" | "i64" | "u64" | "c64" => 8,
        "c128" => 16,
        _ => return None,
    })
}

impl Machine<'_, '_, '_> {
    /// Result of a reconstructor: `made`, or what it stands for.
    pub(super) fn rebuild(&mut self, target: &str, made: Value, args: Value) -> Value {
        let Some(name) = target
            .strip_prefix("torch._utils.")
            .or_else(|| target.strip_prefix("numpy.core.numeric."))
            .or_else(|| target.strip_prefix("numpy._core.numeric."))
        else {
            return made;
        };
        let given = self.list(args);
        let at = |index: usize| given.get(index).copied().unwrap_or(Value::Unknown);
        match name {
            "_rebuild_tensor_v2" | "_rebuild_tensor" | "_rebuild_qtensor" => {
                let (dtype, key) = self.storage(at(0));
                self.draft(made, dtype, at(2), key);
                self.view(at(1), at(3));
            }
            "_rebuild_tensor_v3" => {
                let (_, key) = self.storage(at(0));
                let dtype = self.torch_dtype(at(6));
                self.draft(made, dtype, at(2), key);
                self.view(at(1), at(3));
            }
            "_rebuild_meta_tensor_no_storage" => {
                let dtype = self.torch_dtype(at(0));
                self.draft(made, dtype, at(1), None);
            }
            "_rebuild_parameter" | "_rebuild_parameter_with_state" => {
                let tensor = self.store.made(at(0)).and_then(|made| made.tensor);
                if let Some(made) = self.store.made_mut(made) {
                    made.tensor = tensor;
                }
            }
            "_frombuffer" => {
                let dtype = self.numpy_dtype(at(1)).0;
                self.draft(made, dtype, at(2), None);
            }
            _ => {}
        }
        made
    }

    /// After `BUILD` set `state` on an instance or result of `target`.
    pub(super) fn built(&mut self, target: &str, object: Value, state: Value) {
        match target {
            "numpy.core.multiarray._reconstruct" | "numpy._core.multiarray._reconstruct" => {
                let parts = self.list(state);
                if let [_, shape, dtype, ..] = parts.as_slice() {
                    let dtype = self.numpy_dtype(*dtype).0;
                    self.draft(object, dtype, *shape, None);
                }
            }
            _ if target.ends_with("numpy_pickle.NumpyArrayWrapper") && self.is_outermost() => {
                self.inline_array(object, state);
            }
            _ if target.ends_with("NDArrayWrapper") => {
                if let Some(name) = self.field(state, "filename")
                    && let Some(name) = self.text(name)
                {
                    let at = self.place();
                    self.session.reference(ReferenceKind::Path, &name, at);
                }
            }
            _ => {}
        }
    }

    /// joblib writes an array's bytes right after the `BUILD` of its wrapper.
    fn inline_array(&mut self, object: Value, state: Value) {
        let field = |name| self.field(state, name);
        let (Some(dtype), Some(shape)) = (field("dtype"), field("shape")) else {
            return;
        };
        let aligned = !matches!(
            field("numpy_array_alignment_bytes"),
            None | Some(Value::None)
        );
        let (dtype_name, size) = self.numpy_dtype(dtype);
        let start = self.position;
        if dtype_name == "object" {
            self.draft(object, dtype_name, shape, None);
            self.suspend();
            return;
        }
        let mut data = start;
        if aligned {
            let padding = self.bytes.get(start).copied().unwrap_or(0);
            data = data.saturating_add(1).saturating_add(usize::from(padding));
        }
        let (dims, known) = self.shape(shape);
        let count = dims
            .iter()
            .try_fold(1_u64, |count, dim| count.checked_mul(*dim));
        let len = match (count, size) {
            (Some(count), Some(size)) if known => count.checked_mul(size),
            _ => None,
        };
        let end = len
            .and_then(|len| usize::try_from(len).ok())
            .and_then(|len| data.checked_add(len))
            .filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            self.fail("an array's bytes are not there");
            return;
        };
        self.draft(object, dtype_name, shape, None);
        if let Some(draft) = self.tensors.last_mut() {
            draft.tensor.at = self.input.at(wide(data), wide(end.saturating_sub(data)));
        }
        // A plain unpickler would run the array's bytes as instructions.
        if find::calls(self.bytes.get(start..end).unwrap_or_default(), 0, true) {
            self.nested_array(start, end);
        }
        self.frames.leave();
        self.position = end;
    }

    /// Where in its storage the newest tensor begins, and how it steps.
    fn view(&mut self, offset: Value, strides: Value) {
        let strides = self.shape(strides);
        if let Some(draft) = self.tensors.last_mut() {
            if let Value::Int(offset) = offset {
                draft.offset = u64::try_from(offset).unwrap_or(0);
            }
            let (strides, known) = strides;
            draft.strides = known.then_some(strides);
        }
    }

    fn draft(&mut self, object: Value, dtype: String, shape: Value, storage: Option<String>) {
        // One more than are told, so that the session says when it was too many.
        if self.tensors.len() > self.session.limits().facts {
            return;
        }
        let Ok(index) = u32::try_from(self.tensors.len()) else {
            return;
        };
        if let Some(made) = self.store.made_mut(object) {
            made.tensor = Some(index);
        }
        let tensor = Tensor {
            name: String::new(),
            dtype,
            shape: self.shape(shape).0,
            at: self.input.whole(),
            ..Tensor::default()
        };
        self.tensors.push(Draft {
            tensor,
            storage,
            offset: 0,
            strides: None,
        });
    }

    /// A tensor that stands under a text key is called so.
    pub(super) fn name_tensor(&mut self, key: Value, value: Value) {
        let Some(index) = self.store.made(value).and_then(|made| made.tensor) else {
            return;
        };
        let unnamed = usize::try_from(index).ok().filter(|index| {
            self.tensors
                .get(*index)
                .is_some_and(|draft| draft.tensor.name.is_empty())
        });
        if let (Some(index), Some(name)) = (unnamed, self.text(key))
            && let Some(draft) = self.tensors.get_mut(index)
        {
            draft.tensor.name = crate::text::cap(&name, 256);
        }
    }

    /// Element type and key of a persistent storage.
    fn storage(&self, value: Value) -> (String, Option<String>) {
        let Some(made) = self
            .store
            .made(value)
            .filter(|made| made.how == How::Persistent)
        else {
            return ("unknown".to_owned(), None);
        };
        let parts = self.list(made.args);
        let dtype = parts.get(1).map_or_else(
            || "unknown".to_owned(),
            |class| match class {
                Value::Global(index) => storage_dtype(self.store.target(*index)).0.to_owned(),
                _ => "unknown".to_owned(),
            },
        );
        let key = parts.get(2).and_then(|key| self.text(*key));
        (dtype, key)
    }

    /// Remembers the size of `("storage", class, key, device, count)`.
    pub(super) fn note_storage(&mut self, parts: Value) {
        let parts = self.list(parts);
        let [_, Value::Global(class), key, _, Value::Int(count), ..] = parts.as_slice() else {
            return;
        };
        let size = storage_dtype(self.store.target(*class)).1;
        if let (Some(key), Ok(count)) = (self.text(*key), u64::try_from(*count))
            && self.storages.len() < KEPT
        {
            self.storages.insert(key, (size, count));
        }
    }

    fn torch_dtype(&self, value: Value) -> String {
        match value {
            Value::Global(index) => {
                let name = self.store.target(index);
                let name = name.strip_prefix("torch.").unwrap_or(name);
                match name {
                    "float32" | "float" => "f32",
                    "float64" | "double" => "f64",
                    "float16" | "half" => "f16",
                    "bfloat16" => "bf16",
                    "uint8" => "u8",
                    "int8" => "i8",
                    "int16" | "short" => "i16",
                    "int32" | "int" => "i32",
                    "int64" | "long" => "i64",
                    "uint16" => "u16",
                    "uint32" => "u32",
                    "uint64" => "u64",
                    "complex64" | "cfloat" => "c64",
                    "complex128" | "cdouble" => "c128",
                    "float8_e4m3fn" => "f8_e4m3",
                    "float8_e5m2" => "f8_e5m2",
                    "float8_e4m3fnuz" => "f8_e4m3fnuz",
                    "float8_e5m2fnuz" => "f8_e5m2fnuz",
                    "float8_e8m0fnu" => "f8_e8m0",
                    other => other,
                }
                .to_owned()
            }
            _ => "unknown".to_owned(),
        }
    }

    /// Name and size in bytes of a NumPy element type; `object` when any part
    /// of it is one.
    fn numpy_dtype(&self, value: Value) -> (String, Option<u64>) {
        let unknown = || ("unknown".to_owned(), None);
        let Some(made) = self.store.made(value) else {
            return match value {
                Value::Text(_) => self.text(value).map_or_else(unknown, |text| element(&text)),
                _ => unknown(),
            };
        };
        let first = self.list(made.args).first().copied();
        let Some(text) = first.and_then(|text| self.text(text)) else {
            return unknown();
        };
        if self.holds_object(made.state, 6) {
            return ("object".to_owned(), None);
        }
        element(&text)
    }

    /// A structured type's state names the types of its fields.
    fn holds_object(&self, value: Value, depth: u32) -> bool {
        if depth == 0 {
            return false;
        }
        let deeper = depth.saturating_sub(1);
        if let Some((_, items, _)) = self.store.items(value) {
            return items
                .iter()
                .take(128)
                .any(|item| self.holds_object(*item, deeper));
        }
        let Some(made) = self.store.made(value) else {
            return false;
        };
        let own = self
            .list(made.args)
            .first()
            .and_then(|text| self.text(*text));
        own.is_some_and(|text| element(&text).0 == "object")
            || self.holds_object(made.state, deeper)
    }

    /// The dimensions, and whether all are known.
    fn shape(&self, value: Value) -> (Vec<u64>, bool) {
        match value {
            Value::Int(dim) => (vec![u64::try_from(dim).unwrap_or(0)], dim >= 0),
            _ => match self.store.items(value) {
                Some((Shape::Tuple | Shape::List, items, total)) => {
                    let dims: Vec<u64> = items
                        .iter()
                        .filter_map(|dim| match dim {
                            Value::Int(dim) => u64::try_from(*dim).ok(),
                            _ => None,
                        })
                        .collect();
                    let known = u64::try_from(dims.len()) == Ok(total);
                    (dims, known)
                }
                _ => (Vec::new(), false),
            },
        }
    }

    /// A value of a state dictionary.
    fn field(&self, state: Value, name: &str) -> Option<Value> {
        let (shape, items, _) = self.store.items(state)?;
        if shape != Shape::Dict {
            return None;
        }
        items
            .chunks_exact(2)
            .filter_map(|pair| pair.first_chunk::<2>())
            .find(|[key, _]| self.text(*key).as_deref() == Some(name))
            .map(|[_, value]| *value)
    }

    fn place(&self) -> modelward_schema::Location {
        let (start, len) = self.at;
        self.input.at(wide(start), wide(len))
    }
}

/// Element type and size of a storage class.
pub(super) fn storage_dtype(class: &str) -> (&'static str, u64) {
    match class.rsplit('.').next().unwrap_or_default() {
        "FloatStorage" => ("f32", 4),
        "DoubleStorage" => ("f64", 8),
        "HalfStorage" => ("f16", 2),
        "BFloat16Storage" => ("bf16", 2),
        "LongStorage" => ("i64", 8),
        "IntStorage" => ("i32", 4),
        "ShortStorage" => ("i16", 2),
        "CharStorage" => ("i8", 1),
        "ByteStorage" | "UntypedStorage" => ("u8", 1),
        "BoolStorage" => ("bool", 1),
        "ComplexFloatStorage" => ("c64", 8),
        "ComplexDoubleStorage" => ("c128", 16),
        "QInt8Storage" => ("qint8", 1),
        "QUInt8Storage" => ("quint8", 1),
        "QInt32Storage" => ("qint32", 4),
        _ => ("unknown", 0),
    }
}

fn element(text: &str) -> (String, Option<u64>) {
    let text = text.trim_start_matches(['<', '>', '|', '=']);
    let mut characters = text.chars();
    let Some(kind) = characters.next() else {
        return ("unknown".to_owned(), None);
    };
    let digits = characters.as_str();
    let digits = digits.split('[').next().unwrap_or_default();
    let size = digits.parse::<u64>().ok();
    let bits = size.and_then(|size| size.checked_mul(8));
    match (kind, bits) {
        ('O', _) => ("object".to_owned(), None),
        ('b', _) => ("bool".to_owned(), Some(1)),
        ('f' | 'i' | 'u' | 'c', Some(bits)) => (format!("{kind}{bits}"), size),
        ('U', _) => (
            text.to_ascii_lowercase(),
            size.and_then(|size| size.checked_mul(4)),
        ),
        ('M' | 'm', _) => (text.to_owned(), size),
        ('S' | 'V' | 'a', _) => (text.to_ascii_lowercase(), size),
        _ => ("unknown".to_owned(), None),
    }
}
