//! Whole files that stand where a model format expects numbers or text.
//!
//! Tensor data are never searched through: a look at the first bytes decides,
//! so a file of many gigabytes costs one page per tensor. Text is read whole.

use std::io::{self, Read};

use memchr::memmem;
use modelward_schema::{Span, Why};

use crate::{Input, Session};

/// Beginnings of formats that are opened, unpacked or run by something.
const MAGICS: &[&[u8]] = &[
    b"PK\x03\x04",
    b"MZ",
    b"\x7fELF",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xca\xfe\xba\xbe",
    b"\x1f\x8b\x08",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c",
    b"\x93NUMPY",
    b"\x89HDF\r\n\x1a\n",
    b"GGUF",
    b"Rar!\x1a\x07",
    b"#!/",
    b"\x80\x02",
    b"\x80\x03",
    b"\x80\x04",
    b"\x80\x05",
];

/// What stands in text that is meant to be run. Only places to look at: a rule
/// decides.
const MARKS: &[&str] = &[
    "<script",
    "javascript:",
    "__import__",
    "eval(",
    "exec(",
    "os.system",
    "os.popen",
    "subprocess",
    "pickle.loads",
    "marshal.loads",
    "powershell",
    "curl http",
    "wget http",
    "/bin/sh",
    "/bin/bash",
    "/etc/passwd",
];

/// Bytes of a value that a fact keeps.
const KEPT: usize = 4096;
/// Bytes kept around a mark beyond that.
const WINDOW: usize = 256;

/// Whether the first bytes are worth asking every format.
fn begins_like_a_file(bytes: &[u8]) -> bool {
    MAGICS.iter().any(|magic| bytes.starts_with(magic)) || begins_like_text_pickle(bytes)
}

/// Protocol 0 has no magic: an opcode, then printable lines.
fn begins_like_text_pickle(bytes: &[u8]) -> bool {
    let head = bytes.get(..16).unwrap_or(bytes);
    matches!(bytes.first(), Some(b'c' | b'(' | b']' | b'}' | b'i'))
        && head.len() >= 4
        && head.contains(&b'\n')
        && head
            .iter()
            .all(|byte| matches!(byte, b'\n' | b'\r' | b'\t' | 0x20..=0x7e))
}

/// Reads the bytes of a tensor, a gap or a tail as what they are, if they begin
/// like a file. Returns whether they were one.
pub(crate) fn look_into(
    session: &mut Session<'_>,
    input: &Input<'_>,
    name: &str,
    bytes: &[u8],
    start: u64,
) -> bool {
    if !begins_like_a_file(bytes) {
        return false;
    }
    // Tensors may be said to overlap, so the same bytes could be asked for
    // again and again.
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if !session.spend(len) {
        session.gap_once(
            Why::Limit,
            "more places begin like a file than the limit allows to look into",
            &input.whole(),
        );
        return false;
    }
    session.hidden(input, name, bytes, Span::new(start, len))
}

/// Keeps a value of the file's own metadata, and reads what it carries: a file
/// as it stands or in base64. `span` is where the value stands.
pub(crate) fn read_text(
    session: &mut Session<'_>,
    input: &Input<'_>,
    key: &str,
    value: &str,
    span: Span,
) {
    session.metadata(key, value, input.at(span.start, span.len));
    if value.len() > KEPT {
        for mark in MARKS {
            if let Some(at) = memmem::find(value.as_bytes(), mark.as_bytes()) {
                keep_window(session, input, key, value, at, span);
            }
        }
    }
    let bytes = value.as_bytes();
    if begins_like_a_file(bytes) {
        session.hidden(input, key, bytes, span);
    }
    if let Some(coded) = find_base64(bytes) {
        let mut head = [0; 24];
        let got = Base64::new(coded).read(&mut head).unwrap_or(0);
        if begins_like_a_file(head.get(..got).unwrap_or_default()) {
            let decoded = session.expand(input, Base64::new(coded));
            session.hidden(input, &format!("{key} (base64)"), &decoded, span);
            session.release(decoded);
        }
    }
}

/// Like [`read_text`], for text that every node of a graph has: kept only when
/// something in it stands out.
pub(crate) fn read_remark(
    session: &mut Session<'_>,
    input: &Input<'_>,
    key: &str,
    value: &str,
    span: Span,
) {
    let bytes = value.as_bytes();
    let marked = MARKS
        .iter()
        .any(|mark| memmem::find(bytes, mark.as_bytes()).is_some());
    if marked || begins_like_a_file(bytes) || find_base64(bytes).is_some() {
        read_text(session, input, key, value, span);
    }
}

fn keep_window(
    session: &mut Session<'_>,
    input: &Input<'_>,
    key: &str,
    value: &str,
    at: usize,
    span: Span,
) {
    if at < KEPT.saturating_sub(WINDOW) {
        return;
    }
    let from = floor(value, at.saturating_sub(WINDOW / 4));
    let to = floor(value, at.saturating_add(WINDOW).min(value.len()));
    let window = value.get(from..to).unwrap_or_default();
    let start = span
        .start
        .saturating_add(u64::try_from(from).unwrap_or(u64::MAX));
    let len = u64::try_from(window.len()).unwrap_or(u64::MAX);
    session.metadata(key, window, input.at(start, len));
}

/// The next character boundary at or before `at`.
fn floor(text: &str, mut at: usize) -> usize {
    while at > 0 && !text.is_char_boundary(at) {
        at = at.saturating_sub(1);
    }
    at
}

/// The base64 that a value consists of, alone or after `base64,`.
fn find_base64(value: &[u8]) -> Option<&[u8]> {
    let trimmed = value.trim_ascii();
    let head = trimmed.get(..256).unwrap_or(trimmed);
    let coded = match memmem::find(head, b"base64,") {
        Some(at) => trimmed.get(at.saturating_add(7)..)?,
        None => trimmed,
    };
    let sample = coded.get(..32)?;
    sample
        .iter()
        .all(|byte| sextet(*byte).is_some())
        .then_some(coded)
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte.saturating_sub(b'A'),
        b'a'..=b'z' => byte.saturating_sub(b'a').saturating_add(26),
        b'0'..=b'9' => byte.saturating_sub(b'0').saturating_add(52),
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// Decodes as it is read, either alphabet, white space ignored, and ends at the
/// first other byte.
struct Base64<'a> {
    rest: &'a [u8],
    bits: u32,
    held: u32,
}

impl<'a> Base64<'a> {
    fn new(coded: &'a [u8]) -> Self {
        Self {
            rest: coded,
            bits: 0,
            held: 0,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        while self.held < 8 {
            let (first, rest) = self.rest.split_first()?;
            if !first.is_ascii_whitespace() {
                let value = sextet(*first)?;
                self.bits = self.bits.checked_shl(6).unwrap_or(0) | value;
                self.held = self.held.saturating_add(6);
            }
            self.rest = rest;
        }
        self.held = self.held.saturating_sub(8);
        let value = self.bits.checked_shr(self.held).unwrap_or(0) & 0xff;
        u8::try_from(value).ok()
    }
}

impl Read for Base64<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut count = 0_usize;
        for slot in out {
            let Some(byte) = self.byte() else { break };
            *slot = byte;
            count = count.saturating_add(1);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_found_and_decoded_in_both_alphabets() {
        let mut out = String::new();
        let coded =
            find_base64(b" data:x;base64,aGVsbG8gd29ybGQsIGhlbGxvIHdvcmxkLCBoZWxsbw== ").unwrap();
        Base64::new(coded).read_to_string(&mut out).unwrap();
        assert_eq!(out, "hello world, hello world, hello");
        let mut bytes = Vec::new();
        Base64::new(b"_-8").read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, [0xff, 0xef]);
        assert_eq!(
            find_base64(b"a sentence with spaces is not base64 at all"),
            None
        );
    }

    #[test]
    fn numbers_do_not_begin_like_a_file() {
        assert!(!begins_like_a_file(&[0; 64]));
        assert!(!begins_like_a_file(&1.0_f32.to_le_bytes()));
        assert!(begins_like_a_file(b"cposix\nsystem\n(S'id'\ntR."));
        assert!(begins_like_a_file(b"MZ\x90\x00"));
    }
}
