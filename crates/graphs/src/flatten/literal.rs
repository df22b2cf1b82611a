//! Constants that nodes state in their attributes.

use modelward_schema::{Constant, Setting};

/// A constant that an attribute states as a plain number, text or list.
pub(super) fn stated(setting: &Setting) -> Option<Constant> {
    fn floats(numbers: &[f64]) -> Vec<u8> {
        #[allow(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            reason = "they were read from 32 bits"
        )]
        numbers
            .iter()
            .flat_map(|number| (*number as f32).to_le_bytes())
            .collect()
    }
    let len = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    let (dtype, shape, bytes) = match setting {
        Setting::Int(number) => ("i64", Vec::new(), number.to_le_bytes().to_vec()),
        Setting::Bool(truth) => ("bool", Vec::new(), vec![u8::from(*truth)]),
        Setting::Float(number) => ("f32", Vec::new(), floats(&[*number])),
        Setting::Ints(numbers) => (
            "i64",
            vec![len(numbers.len())],
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect(),
        ),
        Setting::Floats(numbers) => ("f32", vec![len(numbers.len())], floats(numbers)),
        Setting::Text(text) => {
            return Some(Constant {
                dtype: "string".to_owned(),
                texts: Some(vec![text.clone()]),
                ..Constant::default()
            });
        }
        Setting::Texts(texts) => {
            return Some(Constant {
                dtype: "string".to_owned(),
                shape: vec![len(texts.len())],
                texts: Some(texts.clone()),
                ..Constant::default()
            });
        }
        _ => return None,
    };
    Some(Constant {
        dtype: dtype.to_owned(),
        shape,
        bytes: Some(bytes),
        ..Constant::default()
    })
}
