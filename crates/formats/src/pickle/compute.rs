//! Strings made of constants: how a name or a payload is put together so that
//! it nowhere stands in the file.

use super::find;
use super::machine::Machine;
use super::opcode as op;
use super::store::{OWNED, Shape, Value};

impl Machine<'_, '_, '_> {
    /// The result of a pure function of constants.
    pub(super) fn compute(&mut self, target: &str, args: Value) -> Option<Value> {
        let (module, name) = target.rsplit_once('.')?;
        let pure = matches!(
            module,
            "builtins"
                | "builtins.str"
                | "builtins.bytes"
                | "codecs"
                | "_codecs"
                | "base64"
                | "binascii"
                | "operator"
                | "_operator"
                | "zlib"
                | "string"
        );
        if !pure {
            return None;
        }
        let given = self.list(args);
        let first = given.first().copied();
        let second = given.get(1).copied();
        let (text, bytes) = match (module, name) {
            ("builtins.str", "join") => {
                let glue = self.constant_text(first?)?;
                let parts = self.parts(second?)?;
                (true, parts.join(&glue).into_bytes())
            }
            ("builtins.bytes", "join") => {
                let glue = self.constant(first?)?;
                let list = self.list(second?);
                let parts: Option<Vec<_>> = list.iter().map(|item| self.constant(*item)).collect();
                (false, parts?.join(&*glue))
            }
            (
                "operator" | "_operator",
                "add" | "concat" | "iadd" | "iconcat" | "__add__" | "__concat__",
            )
            | ("builtins.str" | "builtins.bytes", "__add__") => {
                let text = self.kind(first?)? == "str";
                let mut whole = self.constant(first?)?;
                whole.extend(self.constant(second?)?);
                (text, whole)
            }
            ("operator" | "_operator", "mul" | "imul" | "__mul__")
            | ("builtins.str" | "builtins.bytes" | "builtins.list", "__mul__") => {
                let times = [first?, second?]
                    .into_iter()
                    .find_map(|value| match value {
                        Value::Int(times) => Some(times),
                        _ => None,
                    })?;
                if times > 1 << 26 {
                    self.expand(format!("a value is repeated {times} times"));
                }
                return None;
            }
            ("builtins", "bytes" | "bytearray") => match first? {
                Value::Int(len) => {
                    if len > 1 << 28 {
                        self.expand(format!("{len} bytes are asked for"));
                    }
                    return None;
                }
                list if matches!(
                    self.store.items(list),
                    Some((Shape::Tuple | Shape::List, ..))
                ) =>
                {
                    let list = self.list(list);
                    let bytes: Option<Vec<u8>> = list
                        .iter()
                        .map(|item| match item {
                            Value::Int(byte) => u8::try_from(*byte).ok(),
                            _ => None,
                        })
                        .collect();
                    (false, bytes?)
                }
                // The same bytes, told again.
                same @ (Value::Bytes(_) | Value::Owned(_)) => return Some(same),
                value => (false, self.constant(value)?),
            },
            ("builtins", "chr") => match first? {
                Value::Int(code) => {
                    let code = u32::try_from(code).ok()?;
                    (true, char::from_u32(code)?.to_string().into_bytes())
                }
                _ => return None,
            },
            ("builtins", "reversed") => {
                let text = self.constant_text(first?)?;
                (true, text.chars().rev().collect::<String>().into_bytes())
            }
            ("builtins", "list" | "tuple") => {
                let value = first?;
                self.store.items(value)?;
                return Some(value);
            }
            ("builtins.str", "lower") => (true, self.constant_text(first?)?.to_lowercase().into()),
            ("builtins.str", "upper") => (true, self.constant_text(first?)?.to_uppercase().into()),
            ("builtins.str", "strip") => (true, self.constant_text(first?)?.trim().into()),
            ("builtins.str", "replace") => {
                let text = self.constant_text(first?)?;
                let old = self.constant_text(second?)?;
                let new = self.constant_text(*given.get(2)?)?;
                if new.len() > old.len().saturating_mul(4).saturating_add(4) {
                    return None;
                }
                (true, text.replace(&old, &new).into_bytes())
            }
            ("builtins.str", "format") => {
                let mut text = self.constant_text(first?)?;
                for item in given.iter().skip(1).take(32) {
                    let part = self.constant_text(*item)?;
                    text = text.replacen("{}", &part, 1);
                }
                (true, text.into_bytes())
            }
            ("builtins.str", "encode") => (false, self.constant(first?)?),
            ("builtins", "str") | ("builtins.bytes", "decode") => (true, self.constant(first?)?),
            ("builtins.bytes", "fromhex")
            | ("binascii", "unhexlify" | "a2b_hex")
            | ("base64", "b16decode") => (false, unhex(&self.constant(first?)?)?),
            (
                "base64",
                "b64decode" | "decodebytes" | "urlsafe_b64decode" | "standard_b64decode"
                | "decodestring",
            )
            | ("binascii", "a2b_base64") => (false, unbase64(&self.constant(first?)?)),
            ("codecs" | "_codecs", "encode" | "decode") => {
                let data = self.constant(first?)?;
                let codec = match second {
                    Some(codec) => self.text(codec)?,
                    None => "utf-8".to_owned(),
                };
                recode(name, &codec, data)?
            }
            _ => return None,
        };
        let stream = !text && find::is_worth_reading(&bytes);
        let value = self.store.own(text, bytes);
        if stream && value != Value::Unknown {
            self.nest(value, false);
        }
        (value != Value::Unknown).then_some(value)
    }

    /// The bytes of a constant, when the budget allows a copy.
    pub(super) fn constant(&mut self, value: Value) -> Option<Vec<u8>> {
        let len = match value {
            Value::Text(at) | Value::Bytes(at) => match op::decode(self.bytes, at).ok()?.arg {
                op::Arg::Raw(raw) => raw.len(),
                _ => return None,
            },
            Value::Owned(index) => self.store.owned(index)?.bytes.len(),
            _ => return None,
        };
        let cost = u64::try_from(len / 8).unwrap_or(u64::MAX);
        if len > OWNED || !self.session.spend(cost.saturating_add(4)) {
            return None;
        }
        self.raw(value).map(std::borrow::Cow::into_owned)
    }

    fn constant_text(&mut self, value: Value) -> Option<String> {
        String::from_utf8(self.constant(value)?).ok()
    }

    fn parts(&mut self, value: Value) -> Option<Vec<String>> {
        if let Some((_, items, total)) = self.store.items(value) {
            let complete = u64::try_from(items.len()) == Ok(total);
            let items = items.to_vec();
            return items
                .into_iter()
                .map(|item| self.constant_text(item))
                .collect::<Option<Vec<_>>>()
                .filter(|_| complete);
        }
        let text = self.constant_text(value)?;
        Some(text.chars().take(4096).map(String::from).collect())
    }
}

fn recode(way: &str, codec: &str, data: Vec<u8>) -> Option<(bool, Vec<u8>)> {
    let codec = codec.to_ascii_lowercase().replace(['-', '_'], "");
    Some(match (way, codec.as_str()) {
        // Bytes in protocols below 3 are written as Latin-1 text to encode.
        ("encode", "latin1" | "latin" | "iso88591" | "l1") => {
            let text = String::from_utf8(data).ok()?;
            let bytes: Option<Vec<u8>> = text
                .chars()
                .map(|character| u8::try_from(u32::from(character)).ok())
                .collect();
            (false, bytes?)
        }
        ("decode", "latin1" | "latin" | "iso88591" | "l1") => {
            let text: String = data.iter().map(|byte| char::from(*byte)).collect();
            (true, text.into_bytes())
        }
        (_, "rot13") => {
            let turned = data.iter().map(|byte| match byte {
                b'a'..=b'm' | b'A'..=b'M' => byte.saturating_add(13),
                b'n'..=b'z' | b'N'..=b'Z' => byte.saturating_sub(13),
                other => *other,
            });
            (true, turned.collect())
        }
        ("decode", "base64" | "base64codec") => (false, unbase64(&data)),
        ("decode", "hex" | "hexcodec") => (false, unhex(&data)?),
        ("encode", "utf8" | "ascii" | "utf") => (false, data),
        ("decode", "utf8" | "ascii" | "utf") => (true, data),
        _ => return None,
    })
}

pub(super) fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    digits
        .chunks(2)
        .map(|pair| {
            let text = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(text, 16)
                .ok()
                .filter(|_| pair.len() == 2)
        })
        .collect()
}

/// Either alphabet; what is not in it is skipped, as Python does.
pub(super) fn unbase64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut group = 0_u32;
    let mut bits = 0_u32;
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte.saturating_sub(b'A'),
            b'a'..=b'z' => byte.saturating_sub(b'a').saturating_add(26),
            b'0'..=b'9' => byte.saturating_sub(b'0').saturating_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        group = (group << 6) | u32::from(value);
        bits = bits.saturating_add(6);
        if bits >= 8 {
            bits = bits.saturating_sub(8);
            out.push(u8::try_from((group >> bits) & 0xff).unwrap_or(0));
            group &= (1_u32 << bits).saturating_sub(1);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_decode_what_python_would() {
        assert_eq!(unbase64(b"b3M=\n"), b"os");
        assert_eq!(unbase64(b"c3lz\ndGVt"), b"system");
        assert_eq!(unhex(b"6f 73"), Some(b"os".to_vec()));
        assert_eq!(unhex(b"6"), None);
        assert_eq!(
            recode("decode", "rot_13", b"flfgrz".to_vec()),
            Some((true, b"system".to_vec()))
        );
        assert_eq!(
            recode("encode", "latin1", "\u{80}".into()),
            Some((false, vec![0x80]))
        );
    }
}
