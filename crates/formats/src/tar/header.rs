//! One header block of 512 bytes: ustar, GNU or as old as V7.

/// Size of a block; everything in a tar is padded to it.
pub(super) const BLOCK: u64 = 512;

#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) size: u64,
    pub(super) kind: u8,
    pub(super) link: Vec<u8>,
    pub(super) sum_fits: bool,
}

/// `None` when the block is no header at all.
pub(super) fn read(block: &[u8]) -> Option<Header> {
    let field = |start: usize, len: usize| block.get(start..start.checked_add(len)?);
    let is_ustar = field(257, 5)? == b"ustar";
    let sum_fits = match said_sum(field(148, 8)?) {
        None => false,
        said => said == sum(block, false) || said == sum(block, true),
    };
    let name = text(field(0, 100)?);
    if !(is_ustar || sum_fits && !name.is_empty()) {
        return None;
    }
    let prefix = text(field(345, 155)?);
    // GNU uses the prefix's place for other things, and says so in the magic.
    let has_prefix = is_ustar && field(257, 8)? != b"ustar  \0" && !prefix.is_empty();
    let name = if has_prefix {
        [prefix, b"/", name].concat()
    } else {
        name.to_vec()
    };
    Some(Header {
        name,
        size: number(field(124, 12)?).unwrap_or(0),
        kind: *block.get(156)?,
        link: text(field(157, 100)?).to_vec(),
        sum_fits,
    })
}

/// The block's bytes added up, its own sum taken as blanks. Some writers of old
/// added signed bytes.
fn sum(block: &[u8], signed: bool) -> Option<u64> {
    let mut total = 0_i64;
    for (place, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&place) {
            b' '
        } else {
            *byte
        };
        total = total.saturating_add(if signed {
            i64::from(byte.cast_signed())
        } else {
            i64::from(byte)
        });
    }
    u64::try_from(total).ok()
}

/// A checksum is octal digits between blanks and zeros, and nothing else: random
/// bytes must not pass for one.
fn said_sum(field: &[u8]) -> Option<u64> {
    let plain = |byte: &u8| matches!(byte, b'0'..=b'7' | b' ' | 0);
    if field.iter().all(plain) {
        number(field)
    } else {
        None
    }
}

/// Octal digits, or base 256 when the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    let (first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        return rest
            .iter()
            .try_fold(u64::from(first & 0x3f), |value, byte| {
                value.checked_mul(256)?.checked_add(u64::from(*byte))
            });
    }
    let digits = field
        .iter()
        .skip_while(|byte| **byte == b' ')
        .take_while(|byte| (b'0'..=b'7').contains(*byte));
    let mut any = false;
    let mut value = 0_u64;
    for digit in digits {
        any = true;
        value = value
            .checked_mul(8)?
            .checked_add(u64::from(digit.saturating_sub(b'0')))?;
    }
    any.then_some(value)
}

/// Up to the first zero byte.
pub(super) fn text(field: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    field.get(..end).unwrap_or_default()
}
