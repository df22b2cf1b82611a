//! What the elements are.

use super::literal::Literal;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dtype {
    /// As facts name it: `f32`, `object`, `struct`.
    pub(super) name: String,
    /// Bytes of one element; `None` when it cannot be known.
    pub(super) size: Option<u64>,
    /// The elements are pickled.
    pub(super) is_object: bool,
    pub(super) big_endian: bool,
}

/// Understands a `descr`: a code, a sub-array, or a list of fields.
pub(super) fn read(descr: &Literal) -> Option<Dtype> {
    match descr {
        Literal::Text(code) => read_code(code),
        Literal::Tuple(parts) => {
            let [inner, shape] = parts.as_slice() else {
                return None;
            };
            let inner = read(inner)?;
            Some(Dtype {
                size: inner.size.and_then(|size| size.checked_mul(count(shape)?)),
                ..inner
            })
        }
        Literal::List(fields) => read_fields(fields),
        _ => None,
    }
}

fn read_fields(fields: &[Literal]) -> Option<Dtype> {
    let mut size = Some(0_u64);
    let mut is_object = false;
    for field in fields {
        let Literal::Tuple(parts) = field else {
            return None;
        };
        let (inner, times) = match parts.as_slice() {
            [_, inner] => (read(inner)?, Some(1)),
            [_, inner, shape] => (read(inner)?, count(shape)),
            _ => return None,
        };
        is_object |= inner.is_object;
        size = (|| size?.checked_add(inner.size?.checked_mul(times?)?))();
    }
    let name = if is_object { "object" } else { "struct" };
    Some(Dtype {
        name: name.to_owned(),
        size,
        is_object,
        big_endian: false,
    })
}

/// How many elements a shape has.
pub(super) fn count(shape: &Literal) -> Option<u64> {
    dimensions(shape)?
        .into_iter()
        .try_fold(1_u64, u64::checked_mul)
}

pub(super) fn dimensions(shape: &Literal) -> Option<Vec<u64>> {
    match shape {
        Literal::Int(one) => Some(vec![u64::try_from(*one).ok()?]),
        Literal::Tuple(many) | Literal::List(many) => many
            .iter()
            .map(|item| match item {
                Literal::Int(one) => u64::try_from(*one).ok(),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

fn read_code(code: &str) -> Option<Dtype> {
    let bare = code.trim_start_matches(['<', '>', '|', '=', '!']);
    let units = bare.split_once('[').map_or(bare, |(kind, _)| kind);
    // `O` stands for nothing but objects, in lists of codes too.
    if units.contains('O') || units == "object" {
        return Some(Dtype {
            name: "object".to_owned(),
            size: None,
            is_object: true,
            big_endian: false,
        });
    }
    let mut characters = units.chars();
    let kind = characters.next()?;
    let digits = characters.as_str();
    let width: Option<u64> = if digits.is_empty() {
        default_width(kind)
    } else {
        Some(digits.parse().ok()?)
    };
    let bits = width.and_then(|width| width.checked_mul(8));
    let (name, size) = match kind {
        'f' | 'i' | 'u' | 'c' => (format!("{kind}{}", bits?), width),
        'b' if width == Some(1) => ("bool".to_owned(), width),
        '?' => ("bool".to_owned(), Some(1)),
        'B' => ("u8".to_owned(), Some(1)),
        'S' | 'a' => ("bytes".to_owned(), width),
        'U' => (
            "text".to_owned(),
            width.and_then(|width| width.checked_mul(4)),
        ),
        'V' => ("raw".to_owned(), width),
        'M' => ("datetime".to_owned(), width),
        'm' => ("timedelta".to_owned(), width),
        _ => return None,
    };
    Some(Dtype {
        name,
        size,
        is_object: false,
        big_endian: code.starts_with(['>', '!']) && size.is_some_and(|size| size > 1),
    })
}

fn default_width(kind: char) -> Option<u64> {
    match kind {
        'i' | 'f' | 'u' => Some(4),
        'b' | 'B' | '?' => Some(1),
        'M' | 'm' => Some(8),
        'S' | 'a' | 'U' | 'V' => Some(0),
        _ => None,
    }
}
