//! The text and bytes that string opcodes stand for, unescaped as CPython does.

use std::borrow::Cow;

use super::opcode::{Arg, BINSTRING, Op, PERSID, SHORT_BINSTRING, STRING, UNICODE};

/// The bytes of a string or bytes constant.
pub(super) fn bytes<'a>(op: &Op<'a>) -> Cow<'a, [u8]> {
    let Arg::Raw(raw) = op.arg else {
        return Cow::Borrowed(&[]);
    };
    match op.code {
        STRING if raw.contains(&b'\\') => Cow::Owned(escape_decode(raw)),
        UNICODE => Cow::Owned(raw_unicode_escape(raw).into_bytes()),
        _ => Cow::Borrowed(raw),
    }
}

/// The text of a string constant. Strings of Python 2 that are not UTF-8 are
/// read as Latin-1, which every such loader has to ask for.
pub(super) fn text<'a>(op: &Op<'a>) -> Cow<'a, str> {
    let Arg::Raw(raw) = op.arg else {
        return Cow::Borrowed("");
    };
    match op.code {
        UNICODE => Cow::Owned(raw_unicode_escape(raw)),
        STRING | BINSTRING | SHORT_BINSTRING | PERSID => match bytes(op) {
            Cow::Borrowed(plain) => latin(plain),
            Cow::Owned(plain) => Cow::Owned(latin(&plain).into_owned()),
        },
        _ => String::from_utf8_lossy(raw),
    }
}

/// The same instruction with at most `most` bytes of payload, and how many
/// there are.
pub(super) fn clip(op: Op<'_>, most: usize) -> (Op<'_>, usize) {
    match op.arg {
        Arg::Raw(raw) => {
            let arg = Arg::Raw(raw.get(..most).unwrap_or(raw));
            (Op { arg, ..op }, raw.len())
        }
        _ => (op, 0),
    }
}

fn latin(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// `codecs.escape_decode`: the escapes of a bytes literal.
fn escape_decode(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some((&kind, tail)) = rest.split_first() else {
            out.push(byte);
            break;
        };
        rest = tail;
        match kind {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => out.push(kind),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'x' => match rest.get(..2).and_then(hex) {
                Some(value) => {
                    out.push(u8::try_from(value).unwrap_or(b'?'));
                    rest = rest.get(2..).unwrap_or_default();
                }
                None => out.extend([b'\\', b'x']),
            },
            b'0'..=b'7' => {
                let mut value = u32::from(kind).saturating_sub(48);
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = rest.first() else {
                        break;
                    };
                    value = value
                        .saturating_mul(8)
                        .saturating_add(u32::from(*digit).saturating_sub(48));
                    rest = rest.get(1..).unwrap_or_default();
                }
                out.push(u8::try_from(value & 0xff).unwrap_or(b'?'));
            }
            other => out.extend([b'\\', other]),
        }
    }
    out
}

/// The codec `raw-unicode-escape`: Latin-1 but for `\uXXXX` and `\UXXXXXXXX`
/// after an odd number of backslashes.
fn raw_unicode_escape(raw: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'\\' {
            out.push(char::from(byte));
            rest = tail;
            continue;
        }
        let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
        rest = rest.get(slashes..).unwrap_or_default();
        let digits = match rest.first() {
            Some(b'u') if slashes % 2 == 1 => 4_usize,
            Some(b'U') if slashes % 2 == 1 => 8,
            _ => 0,
        };
        let end = digits.saturating_add(1);
        let escaped = rest
            .get(1..end)
            .filter(|_| digits > 0)
            .and_then(hex)
            .map(|value| char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
        let kept = slashes.saturating_sub(usize::from(escaped.is_some()));
        out.extend(std::iter::repeat_n('\\', kept));
        if let Some(character) = escaped {
            out.push(character);
            rest = rest.get(end..).unwrap_or_default();
        }
    }
    out
}

fn hex(digits: &[u8]) -> Option<u32> {
    let plain = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_hide_no_name() {
        assert_eq!(raw_unicode_escape(br"\u0070osix"), "posix");
        assert_eq!(raw_unicode_escape(br"\\u0070\x41"), r"\\u0070\x41");
        assert_eq!(raw_unicode_escape(br"\U0001f600\u12"), "\u{1f600}\\u12");
        assert_eq!(escape_decode(br"\x70osi\170\'\q\0"), b"posix'\\q\0");
    }
}
