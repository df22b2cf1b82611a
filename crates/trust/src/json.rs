//! JSON in which nothing can be read in two ways.
//!
//! RFC 8259 leaves it open what a repeated member means, and parsers differ: one
//! keeps the first, another the last. Whoever signs for the one reader deceives
//! the other, so a repeated member is refused here, at any depth. So are trailing
//! bytes, more bytes than allowed, and nesting deeper than `serde_json` follows
//! (128).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A bundle for some hundred thousand files is this big.
pub const LIMIT: usize = 64 << 20;

/// Why a text is not JSON that can be relied on.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    #[error("it has {0} bytes, more than the {LIMIT} that are read")]
    Big(usize),
    #[error("{0}")]
    Syntax(serde_json::Error),
    #[error("{0}")]
    Duplicate(serde_json::Error),
}

const DUPLICATE: &str = "the member ";

/// Reads a whole text, at most [`LIMIT`] bytes.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, JsonError> {
    if bytes.len() > LIMIT {
        return Err(JsonError::Big(bytes.len()));
    }
    let Strict(value) = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() && error.to_string().starts_with(DUPLICATE) {
            JsonError::Duplicate(error)
        } else {
            JsonError::Syntax(error)
        }
    })?;
    Ok(value)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if out.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "{DUPLICATE}{name:?} is there twice"
                )));
            }
            let Strict(value) = members.next_value()?;
            out.insert(name, value);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn plain_json_is_read_as_serde_json_reads_it() {
        let text = br#"{"a":[1,-2,3.5,null,true,"x\u0041"],"b":{"a":{}}}"#;
        let value: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(parse_strict(text).unwrap(), value);
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"[{"x":{"a":1,"b":2,"\u0061":3}}]"#,
            r#"{"a":{"a":1},"a":2}"#,
        ] {
            assert!(
                matches!(parse_strict(text.as_bytes()), Err(JsonError::Duplicate(_))),
                "{text}"
            );
        }
        assert!(parse_strict(br#"{"a":{"a":1}}"#).is_ok());
    }

    #[test]
    fn what_follows_the_value_and_what_is_too_deep_is_refused() {
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        for text in [&b"{} {}"[..], b"", b"{", b"\xff", b"nul", &deep] {
            assert!(matches!(parse_strict(text), Err(JsonError::Syntax(_))));
        }
    }
}
