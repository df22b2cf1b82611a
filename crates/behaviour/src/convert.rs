//! Between the evaluator's tensors and the engine's.

use modelward_graphs::eval::{Array, Kind, from_bytes};
use tract_onnx::prelude::{DatumType, Tensor};

/// Elements of one kind out of their bytes, and back.
macro_rules! kinds {
    ($($kind:ident $datum:ident $type:ty),* $(,)?) => {
        /// The engine's tensor; `None` for kinds it is not given.
        pub(crate) fn tensor(array: &Array) -> Option<Tensor> {
            let bytes = array.to_bytes();
            match array.kind {
                $(Kind::$kind => {
                    let (chunks, _) = bytes.as_chunks();
                    let data: Vec<$type> =
                        chunks.iter().map(|chunk| <$type>::from_le_bytes(*chunk)).collect();
                    Tensor::from_shape(&array.shape, &data).ok()
                })*
                Kind::Bool => {
                    let data: Vec<bool> = bytes.iter().map(|byte| *byte != 0).collect();
                    Tensor::from_shape(&array.shape, &data).ok()
                }
                _ => None,
            }
        }

        pub(crate) fn datum(kind: Kind) -> Option<DatumType> {
            match kind {
                $(Kind::$kind => Some(DatumType::$datum),)*
                Kind::Bool => Some(DatumType::Bool),
                _ => None,
            }
        }

        /// The evaluator's tensor.
        pub(crate) fn array(tensor: &Tensor) -> Option<Array> {
            let shape = tensor.shape().to_vec();
            match tensor.datum_type() {
                $(DatumType::$datum => {
                    let view = tensor.to_plain_array_view::<$type>().ok()?;
                    let bytes: Vec<u8> = view.iter().flat_map(|x| x.to_le_bytes()).collect();
                    from_bytes(Kind::$kind, shape, &bytes).ok()
                })*
                DatumType::Bool => {
                    let view = tensor.to_plain_array_view::<bool>().ok()?;
                    Array::bools(shape, view.iter().copied()).ok()
                }
                _ => None,
            }
        }
    };
}

kinds!(
    F32 F32 f32, F64 F64 f64, I8 I8 i8, I16 I16 i16, I32 I32 i32, I64 I64 i64,
    U8 U8 u8, U16 U16 u16, U32 U32 u32, U64 U64 u64,
);
