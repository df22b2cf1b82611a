//! Recognising a pickle by its first instructions, and finding one among other
//! bytes.
//!
//! Protocols 2 to 5 begin with `PROTO`; the older ones have no magic, so the
//! instructions have to make sense: known opcodes, operands that parse, and
//! values on the stack for each that takes some.

use super::compute;
use super::opcode::{self as op, Arg, Bad, Op};
use crate::Fit;

/// Bytes within which a line operand must end.
const LINE: usize = 8 * 1024;

/// What the first instructions show.
#[derive(Debug, Default)]
struct Glance {
    ops: u32,
    /// A name is looked up.
    names: bool,
    /// Something is called or made.
    calls: bool,
    /// Offset after `STOP`, with one value left.
    stop: Option<usize>,
    bad: Option<Bad>,
    /// An instruction found too few values.
    underflow: bool,
}

/// Runs stack depths only, over at most `most` instructions.
fn glance(bytes: &[u8], start: usize, most: u32, loose: bool) -> Glance {
    let mut seen = Glance::default();
    let mut at = start;
    let mut depth = if loose { 8_usize } else { 0 };
    let mut marks: Vec<usize> = Vec::new();
    let mut strings = 0_u32;
    while seen.ops < most {
        let lines = matches!(
            bytes.get(at),
            Some(
                &(op::GLOBAL
                    | op::INST
                    | op::STRING
                    | op::UNICODE
                    | op::PERSID
                    | op::INT
                    | op::LONG
                    | op::FLOAT
                    | op::GET
                    | op::PUT)
            )
        );
        let window = match bytes.get(..at.saturating_add(LINE)) {
            Some(window) if lines => window,
            _ => bytes,
        };
        let op = match op::decode(window, at) {
            Ok(op) => op,
            Err(bad) => {
                seen.bad = Some(bad);
                return seen;
            }
        };
        at = op.end;
        seen.ops = seen.ops.saturating_add(1);
        if op.code == op::STOP {
            if depth == 1 || (loose && depth > 0) {
                seen.stop = Some(at);
            } else {
                seen.underflow = depth == 0;
            }
            return seen;
        }
        if !step(&op, &mut depth, &mut marks) {
            seen.underflow = true;
            return seen;
        }
        match op.code {
            op::GLOBAL | op::INST => {
                let Arg::Lines(module, name) = op.arg else {
                    return seen;
                };
                if !is_name(module) || !is_name(name) {
                    seen.bad = Some(Bad::Operand(op.code));
                    return seen;
                }
                seen.names = true;
                seen.calls |= op.code == op::INST;
            }
            op::PERSID | op::STRING | op::UNICODE => {
                let Arg::Raw(line) = op.arg else { return seen };
                let unicode = op.code == op::UNICODE;
                if line.contains(&0) || (!unicode && !is_printable(line)) {
                    seen.bad = Some(Bad::Operand(op.code));
                    return seen;
                }
                strings = strings.saturating_add(1);
            }
            op::STACK_GLOBAL => seen.names |= strings >= 2,
            op::REDUCE | op::OBJ | op::NEWOBJ | op::NEWOBJ_EX | op::BUILD => {
                seen.calls |= seen.names;
            }
            op::EXT1 | op::EXT2 | op::EXT4 => seen.names |= seen.ops > 1,
            _ => strings = strings.saturating_add(u32::from(matches!(op.arg, Arg::Raw(_)))),
        }
    }
    seen
}

/// The effect on the depth; false when there are too few values.
fn step(op: &Op<'_>, depth: &mut usize, marks: &mut Vec<usize>) -> bool {
    let (takes, gives, marked) = match op.code {
        op::MARK => {
            marks.push(*depth);
            return true;
        }
        op::PROTO | op::FRAME => (0, 0, false),
        op::POP => match marks.last() {
            Some(mark) if mark == depth => {
                marks.pop();
                (0, 0, false)
            }
            _ => (1, 0, false),
        },
        op::DUP => (1, 2, false),
        op::POP_MARK => (0, 0, true),
        op::TUPLE | op::LIST | op::DICT | op::FROZENSET | op::INST | op::OBJ => (0, 1, true),
        op::APPENDS | op::SETITEMS | op::ADDITEMS => (1, 1, true),
        op::APPEND | op::BUILD | op::REDUCE | op::NEWOBJ | op::STACK_GLOBAL | op::TUPLE2 => {
            (2, 1, false)
        }
        op::SETITEM | op::NEWOBJ_EX | op::TUPLE3 => (3, 1, false),
        op::TUPLE1
        | op::BINPERSID
        | op::READONLY_BUFFER
        | op::MEMOIZE
        | op::PUT
        | op::BINPUT
        | op::LONG_BINPUT => (1, 1, false),
        _ => (0, 1, false),
    };
    if marked {
        let Some(mark) = marks.pop() else {
            return false;
        };
        *depth = mark;
    }
    let fence = marks.last().copied().unwrap_or(0);
    match depth.checked_sub(takes) {
        Some(left) if left >= fence => {
            *depth = left.saturating_add(gives);
            true
        }
        _ => false,
    }
}

/// What imports can be called.
fn is_name(line: &[u8]) -> bool {
    // Blanks at the end make it a name that nothing has; still it is one.
    let line = line.trim_ascii_end();
    !line.is_empty()
        && line.len() <= 512
        && line
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | 0x80..))
        && std::str::from_utf8(line).is_ok()
}

/// A text operand of protocol 0 as picklers write it.
fn is_printable(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b'\t' | 0x20..))
}

/// Bytes before a pickle that a text editor or a careless writer leaves.
fn leading(bytes: &[u8]) -> usize {
    let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let blank = rest
        .iter()
        .take(16)
        .take_while(|byte| byte.is_ascii_whitespace() || **byte == 0)
        .count();
    bytes.len().saturating_sub(rest.len()).saturating_add(blank)
}

/// Whether the bytes are a pickle, or one with a little before it.
pub(super) fn fit(bytes: &[u8]) -> Fit {
    match leading(bytes) {
        0 => begins(bytes),
        skipped if begins_calling(bytes, skipped) => Fit::Yes,
        _ => Fit::No,
    }
}

fn begins_calling(bytes: &[u8], at: usize) -> bool {
    glance(bytes, at, 64, false).calls
}

/// Whether a pickle begins right here.
pub(super) fn begins(bytes: &[u8]) -> Fit {
    match bytes {
        [op::PROTO, 0..=5, ..] => {
            let seen = glance(bytes, 0, 24, false);
            match seen.bad {
                _ if seen.calls || seen.names || seen.stop.is_some() => Fit::Yes,
                None if !seen.underflow => Fit::Yes,
                Some(Bad::Truncated) if seen.ops >= 2 || bytes.len() < 16 => Fit::Yes,
                _ if seen.ops >= 6 => Fit::Yes,
                _ if seen.ops >= 3 => Fit::Maybe,
                _ => Fit::No,
            }
        }
        // Such a protocol number stops every unpickler; a payload may follow.
        [op::PROTO, _, ..] if glance(bytes, 0, 64, false).calls => Fit::Yes,
        [first, ..] if first.is_ascii() || op::decode(bytes, 0).is_ok() => {
            let seen = glance(bytes, 0, 2048, false);
            if seen.calls {
                return Fit::Yes;
            }
            match seen.stop {
                // All of it, or with a little behind it.
                Some(end) if end == bytes.len() && seen.ops >= 2 => Fit::Yes,
                Some(_) if seen.ops >= 5 || seen.names => Fit::Yes,
                None if seen.ops >= 2048 => Fit::Yes,
                // A payload that is cut off runs as far as it goes.
                None if seen.names && seen.ops >= 3 && seen.bad == Some(Bad::Truncated) => Fit::Yes,
                None if seen.names => Fit::Maybe,
                _ => Fit::No,
            }
        }
        _ => Fit::No,
    }
}

/// Whether instructions at `at` look up a name and call it. `loose` when they
/// may use values that were left on the stack.
pub(super) fn calls(bytes: &[u8], at: usize, loose: bool) -> bool {
    glance(bytes, at, 64, loose).calls
}

/// Whether a bytes constant is a pickle that names something, or an archive.
pub(super) fn is_worth_reading(bytes: &[u8]) -> bool {
    match bytes {
        [op::PROTO, 0..=5, ..] => {
            let seen = glance(bytes, 0, 512, false);
            seen.names || seen.calls
        }
        [b'c' | b'(', ..] => calls(bytes, 0, false),
        _ => bytes.len() >= 20 && is_container(bytes),
    }
}

/// A pickle that is written as base64 or hex text and names something.
pub(super) fn encoded(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() < 12 || text.len() > 1 << 20 {
        return None;
    }
    let bytes = match text {
        [b'g', b'A', b'I'..=b'X', ..] | [b'Y', b'2' | b'1', ..] | [b'K', ..] => {
            compute::unbase64(text)
        }
        [b'8', b'0', b'0', b'2'..=b'5', ..] | [b'6', b'3', b'2'..=b'7', ..] | [b'2', b'8', ..] => {
            compute::unhex(text)?
        }
        _ => return None,
    };
    is_worth_reading(&bytes).then_some(bytes)
}

/// Magic numbers long enough not to be chance.
pub(super) fn is_container(bytes: &[u8]) -> bool {
    [
        &b"PK\x03\x04"[..],
        b"\x1f\x8b\x08",
        b"7z\xbc\xaf\x27\x1c",
        b"\xfd7zXZ\x00",
        b"BZh91AY",
        b"\x28\xb5\x2f\xfd",
        b"\x93NUMPY",
    ]
    .iter()
    .any(|magic| bytes.starts_with(magic))
}

/// Offset of the first pickle in `bytes` that looks up a name, or is too long
/// to be chance. For readers of other formats that look for hidden streams.
pub(crate) fn find(bytes: &[u8]) -> Option<usize> {
    bytes.iter().enumerate().position(|(at, byte)| match byte {
        &op::PROTO | b'c' | b'(' => starts(bytes, at),
        // Instructions that were cut off from their start.
        &(op::SHORT_BINUNICODE | op::BINUNICODE | op::SHORT_BINSTRING) => {
            strings_follow(bytes, at) && calls(bytes, at, false)
        }
        _ => false,
    })
}

fn starts(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest {
        [op::PROTO, 0..=5, ..] => {
            let seen = glance(bytes, at, 64, false);
            seen.calls || seen.names || (seen.stop.is_some() && seen.ops >= 8) || seen.ops >= 64
        }
        [b'c', first, ..] if first.is_ascii_alphabetic() || *first == b'_' => {
            names_follow(rest) && calls(bytes, at, false)
        }
        [
            b'(',
            b'S' | b'V' | b'U' | b'X' | b'I' | b'K' | b'c' | b'(' | b'i' | b'N' | 0x8c,
            ..,
        ] => calls(bytes, at, false),
        _ => false,
    }
}

/// Two short strings, as before `STACK_GLOBAL`.
fn strings_follow(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let len = match rest {
        [op::SHORT_BINUNICODE | op::SHORT_BINSTRING, len, ..] => {
            usize::from(*len).saturating_add(2)
        }
        [op::BINUNICODE, len, 0, 0, 0, ..] => usize::from(*len).saturating_add(5),
        _ => return false,
    };
    match rest.get(len..) {
        Some([op::MEMOIZE, next, ..] | [op::BINPUT, _, next, ..] | [next, ..]) => matches!(
            *next,
            op::SHORT_BINUNICODE | op::BINUNICODE | op::SHORT_BINSTRING
        ),
        _ => false,
    }
}

/// Two short lines that can be names, looked at before anything slower.
fn names_follow(rest: &[u8]) -> bool {
    let near = rest.get(1..).unwrap_or_default();
    let near = near.get(..256).unwrap_or(near);
    let mut lines = near.split(|byte| *byte == b'\n');
    let (module, name) = (lines.next(), lines.next());
    module.is_some_and(is_name) && name.is_some_and(is_name) && lines.next().is_some()
}
