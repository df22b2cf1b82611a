//! One instruction of the pickle machine, decoded and checked.
//!
//! Follows `Lib/pickle.py` and `Modules/_pickle.c` of CPython 3.14 (protocols 0
//! to 5). The protocol number never decides which opcodes are understood: the
//! unpicklers do not look at it either.

pub(super) const MARK: u8 = b'(';
pub(super) const STOP: u8 = b'.';
pub(super) const POP: u8 = b'0';
pub(super) const POP_MARK: u8 = b'1';
pub(super) const DUP: u8 = b'2';
pub(super) const FLOAT: u8 = b'F';
pub(super) const INT: u8 = b'I';
pub(super) const BININT: u8 = b'J';
pub(super) const BININT1: u8 = b'K';
pub(super) const LONG: u8 = b'L';
pub(super) const BININT2: u8 = b'M';
pub(super) const NONE: u8 = b'N';
pub(super) const PERSID: u8 = b'P';
pub(super) const BINPERSID: u8 = b'Q';
pub(super) const REDUCE: u8 = b'R';
pub(super) const STRING: u8 = b'S';
pub(super) const BINSTRING: u8 = b'T';
pub(super) const SHORT_BINSTRING: u8 = b'U';
pub(super) const UNICODE: u8 = b'V';
pub(super) const BINUNICODE: u8 = b'X';
pub(super) const APPEND: u8 = b'a';
pub(super) const BUILD: u8 = b'b';
pub(super) const GLOBAL: u8 = b'c';
pub(super) const DICT: u8 = b'd';
pub(super) const EMPTY_DICT: u8 = b'}';
pub(super) const APPENDS: u8 = b'e';
pub(super) const GET: u8 = b'g';
pub(super) const BINGET: u8 = b'h';
pub(super) const INST: u8 = b'i';
pub(super) const LONG_BINGET: u8 = b'j';
pub(super) const LIST: u8 = b'l';
pub(super) const EMPTY_LIST: u8 = b']';
pub(super) const OBJ: u8 = b'o';
pub(super) const PUT: u8 = b'p';
pub(super) const BINPUT: u8 = b'q';
pub(super) const LONG_BINPUT: u8 = b'r';
pub(super) const SETITEM: u8 = b's';
pub(super) const TUPLE: u8 = b't';
pub(super) const EMPTY_TUPLE: u8 = b')';
pub(super) const SETITEMS: u8 = b'u';
pub(super) const BINFLOAT: u8 = b'G';
pub(super) const PROTO: u8 = 0x80;
pub(super) const NEWOBJ: u8 = 0x81;
pub(super) const EXT1: u8 = 0x82;
pub(super) const EXT2: u8 = 0x83;
pub(super) const EXT4: u8 = 0x84;
pub(super) const TUPLE1: u8 = 0x85;
pub(super) const TUPLE2: u8 = 0x86;
pub(super) const TUPLE3: u8 = 0x87;
pub(super) const NEWTRUE: u8 = 0x88;
pub(super) const NEWFALSE: u8 = 0x89;
pub(super) const LONG1: u8 = 0x8a;
pub(super) const LONG4: u8 = 0x8b;
pub(super) const BINBYTES: u8 = b'B';
pub(super) const SHORT_BINBYTES: u8 = b'C';
pub(super) const SHORT_BINUNICODE: u8 = 0x8c;
pub(super) const BINUNICODE8: u8 = 0x8d;
pub(super) const BINBYTES8: u8 = 0x8e;
pub(super) const EMPTY_SET: u8 = 0x8f;
pub(super) const ADDITEMS: u8 = 0x90;
pub(super) const FROZENSET: u8 = 0x91;
pub(super) const NEWOBJ_EX: u8 = 0x92;
pub(super) const STACK_GLOBAL: u8 = 0x93;
pub(super) const MEMOIZE: u8 = 0x94;
pub(super) const FRAME: u8 = 0x95;
pub(super) const BYTEARRAY8: u8 = 0x96;
pub(super) const NEXT_BUFFER: u8 = 0x97;
pub(super) const READONLY_BUFFER: u8 = 0x98;

/// An opcode and its operand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Op<'a> {
    pub(super) code: u8,
    pub(super) arg: Arg<'a>,
    /// Offset of the next one.
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Arg<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits, as its bytes or digits.
    Big(&'a [u8]),
    Float(f64),
    /// Payload of a string or bytes opcode, undecoded.
    Raw(&'a [u8]),
    Lines(&'a [u8], &'a [u8]),
    /// A length or index of up to 64 bits.
    Number(u64),
}

/// Why no instruction could be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// The bytes end first.
    Truncated,
    /// No such opcode.
    Opcode(u8),
    /// The operand is not what the opcode needs.
    Operand(u8),
}

/// Decodes the instruction at `at`.
pub(super) fn decode(bytes: &[u8], at: usize) -> Result<Op<'_>, Bad> {
    let rest = bytes.get(at..).unwrap_or_default();
    let (&code, mut rest) = rest.split_first().ok_or(Bad::Truncated)?;
    let before = rest.len();
    let arg = match code {
        MARK | STOP | POP | POP_MARK | DUP | NONE | BINPERSID | REDUCE | APPEND | BUILD | DICT
        | EMPTY_DICT | APPENDS | LIST | EMPTY_LIST | OBJ | SETITEM | TUPLE | EMPTY_TUPLE
        | SETITEMS | NEWOBJ | TUPLE1 | TUPLE2 | TUPLE3 | NEWTRUE | NEWFALSE | EMPTY_SET
        | ADDITEMS | FROZENSET | NEWOBJ_EX | STACK_GLOBAL | MEMOIZE | NEXT_BUFFER
        | READONLY_BUFFER => Arg::None,
        BININT => Arg::Int(i64::from(i32::from_le_bytes(array(&mut rest)?))),
        BININT1 => Arg::Int(i64::from(u8::from_le_bytes(array(&mut rest)?))),
        BININT2 => Arg::Int(i64::from(u16::from_le_bytes(array(&mut rest)?))),
        BINFLOAT => Arg::Float(f64::from_be_bytes(array(&mut rest)?)),
        PROTO | EXT1 | BINGET | BINPUT => {
            Arg::Number(u64::from(u8::from_le_bytes(array(&mut rest)?)))
        }
        EXT2 => Arg::Number(u64::from(u16::from_le_bytes(array(&mut rest)?))),
        EXT4 | LONG_BINGET | LONG_BINPUT => {
            Arg::Number(u64::from(u32::from_le_bytes(array(&mut rest)?)))
        }
        FRAME => Arg::Number(u64::from_le_bytes(array(&mut rest)?)),
        SHORT_BINSTRING | SHORT_BINBYTES | SHORT_BINUNICODE => {
            let len = u64::from(u8::from_le_bytes(array(&mut rest)?));
            Arg::Raw(take(&mut rest, len)?)
        }
        BINUNICODE | BINBYTES => {
            let len = u64::from(u32::from_le_bytes(array(&mut rest)?));
            Arg::Raw(take(&mut rest, len)?)
        }
        BINSTRING => {
            let len = i32::from_le_bytes(array(&mut rest)?);
            let len = u64::try_from(len).map_err(|_| Bad::Operand(code))?;
            Arg::Raw(take(&mut rest, len)?)
        }
        BINUNICODE8 | BINBYTES8 | BYTEARRAY8 => {
            let len = u64::from_le_bytes(array(&mut rest)?);
            Arg::Raw(take(&mut rest, len)?)
        }
        LONG1 => {
            let len = u64::from(u8::from_le_bytes(array(&mut rest)?));
            little_endian(take(&mut rest, len)?)
        }
        LONG4 => {
            let len = i32::from_le_bytes(array(&mut rest)?);
            let len = u64::try_from(len).map_err(|_| Bad::Operand(code))?;
            little_endian(take(&mut rest, len)?)
        }
        INT | LONG => integer(code, line(&mut rest)?).ok_or(Bad::Operand(code))?,
        FLOAT => float(line(&mut rest)?).ok_or(Bad::Operand(code))?,
        GET | PUT => match integer(LONG, line(&mut rest)?) {
            Some(Arg::Int(key)) => Arg::Number(u64::try_from(key).map_err(|_| Bad::Operand(code))?),
            _ => return Err(Bad::Operand(code)),
        },
        STRING => Arg::Raw(unquote(line(&mut rest)?).ok_or(Bad::Operand(code))?),
        UNICODE | PERSID => Arg::Raw(line(&mut rest)?),
        GLOBAL | INST => {
            let module = line(&mut rest)?;
            Arg::Lines(module, line(&mut rest)?)
        }
        _ => return Err(Bad::Opcode(code)),
    };
    let used = before.saturating_sub(rest.len()).saturating_add(1);
    Ok(Op {
        code,
        arg,
        end: at.saturating_add(used),
    })
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Bad> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(Bad::Truncated)?;
    *rest = tail;
    Ok(*head)
}

fn take<'a>(rest: &mut &'a [u8], len: u64) -> Result<&'a [u8], Bad> {
    let len = usize::try_from(len).map_err(|_| Bad::Truncated)?;
    let (head, tail) = rest.split_at_checked(len).ok_or(Bad::Truncated)?;
    *rest = tail;
    Ok(head)
}

fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Bad> {
    let end = memchr::memchr(b'\n', rest).ok_or(Bad::Truncated)?;
    let (head, tail) = rest.split_at_checked(end).ok_or(Bad::Truncated)?;
    *rest = tail.get(1..).unwrap_or_default();
    Ok(head)
}

fn little_endian(bytes: &[u8]) -> Arg<'_> {
    if bytes.len() > 8 {
        return Arg::Big(bytes);
    }
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    Arg::Int(i64::from_le_bytes(wide))
}

fn integer(code: u8, line: &[u8]) -> Option<Arg<'_>> {
    if code == INT {
        match line {
            b"00" => return Some(Arg::Bool(false)),
            b"01" => return Some(Arg::Bool(true)),
            _ => {}
        }
    }
    let digits = line.trim_ascii();
    let digits = digits.strip_suffix(b"L").unwrap_or(digits);
    if digits.len() > 24 {
        let plain = digits
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || b"-+xXoO_".contains(byte));
        return plain.then_some(Arg::Big(digits));
    }
    let text = std::str::from_utf8(digits).ok()?;
    let (negative, bare) = match text.strip_prefix('-') {
        Some(bare) => (true, bare),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = bare.to_ascii_lowercase().replace('_', "");
    let value = if let Some(hex) = lower.strip_prefix("0x") {
        i128::from_str_radix(hex, 16).ok()?
    } else if let Some(octal) = lower.strip_prefix("0o") {
        i128::from_str_radix(octal, 8).ok()?
    } else if let Some(binary) = lower.strip_prefix("0b") {
        i128::from_str_radix(binary, 2).ok()?
    } else {
        lower.parse::<i128>().ok()?
    };
    let value = if negative {
        value.checked_neg()?
    } else {
        value
    };
    Some(i64::try_from(value).map_or(Arg::Big(digits), Arg::Int))
}

fn float(line: &[u8]) -> Option<Arg<'_>> {
    let text = std::str::from_utf8(line.trim_ascii()).ok()?;
    text.parse().ok().map(Arg::Float)
}

/// `STRING` must be quoted; both unpicklers refuse it otherwise.
fn unquote(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii_end();
    let inner = line.get(1..line.len().checked_sub(1)?)?;
    let quote = line.first()?;
    (matches!(quote, b'\'' | b'"') && line.last() == Some(quote)).then_some(inner)
}

/// The name that specifications use.
pub(super) fn name(code: u8) -> &'static str {
    match code {
        GLOBAL => "GLOBAL",
        INST => "INST",
        STRING => "STRING",
        INT => "INT",
        LONG => "LONG",
        FLOAT => "FLOAT",
        GET => "GET",
        PUT => "PUT",
        BINSTRING => "BINSTRING",
        LONG4 => "LONG4",
        REDUCE => "REDUCE",
        BUILD => "BUILD",
        NEWOBJ => "NEWOBJ",
        NEWOBJ_EX => "NEWOBJ_EX",
        OBJ => "OBJ",
        STACK_GLOBAL => "STACK_GLOBAL",
        BINGET => "BINGET",
        LONG_BINGET => "LONG_BINGET",
        MEMOIZE => "MEMOIZE",
        APPEND => "APPEND",
        APPENDS => "APPENDS",
        SETITEM => "SETITEM",
        SETITEMS => "SETITEMS",
        ADDITEMS => "ADDITEMS",
        TUPLE | TUPLE1 | TUPLE2 | TUPLE3 => "TUPLE",
        STOP => "STOP",
        _ => "an opcode",
    }
}
