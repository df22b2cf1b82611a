//! Raw zlib streams (RFC 1950), as joblib writes them, alone or behind the
//! `ZF0x…` header of its first versions.
//!
//! Two bytes are no magic: a protocol-0 pickle that begins with `(S` has a
//! valid zlib header. So a stream counts only when a prefix of it inflates.

use std::io;

use flate2::bufread::ZlibDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use crate::compressed::{self, Stream};
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "zlib",
    identify,
    read,
};

/// `ZF` and the length as Python's `hex` prints it, padded with blanks.
const JOBLIB: &[u8] = b"ZF0x";
const LONGEST_LENGTH: usize = 24;

/// How much of a stream is tried, and how much it must yield.
const TRIED: usize = 4096;
const YIELDED: usize = 512;

impl<'a> Stream<'a> for ZlibDecoder<&'a [u8]> {
    fn rest(self: Box<Self>) -> &'a [u8] {
        self.into_inner()
    }
}

fn identify(input: &Input<'_>) -> Fit {
    if fits(body(input.bytes)) {
        Fit::Yes
    } else {
        Fit::No
    }
}

fn body(bytes: &[u8]) -> &[u8] {
    let Some(rest) = bytes.strip_prefix(JOBLIB) else {
        return bytes;
    };
    let header = rest.get(..LONGEST_LENGTH).unwrap_or(rest);
    let len = header
        .iter()
        .position(|byte| !byte.is_ascii_hexdigit() && !matches!(byte, b' ' | b'L'));
    len.and_then(|len| rest.get(len..)).unwrap_or_default()
}

fn fits(bytes: &[u8]) -> bool {
    let Some([cmf, flags]) = bytes.first_chunk::<2>() else {
        return false;
    };
    let header = u16::from_be_bytes([*cmf, *flags]);
    let preset = flags & 0x20 != 0;
    if cmf & 0x0f != 8 || cmf >> 4 > 7 || header % 31 != 0 || preset {
        return false;
    }
    let tried = bytes.get(..TRIED).unwrap_or(bytes);
    let mut yielded = [0; YIELDED];
    let mut inflate = Decompress::new(true);
    match inflate.decompress(tried, &mut yielded, FlushDecompress::None) {
        Ok(Status::StreamEnd) => true,
        // A stream that is cut off is still one when it began well.
        Ok(Status::Ok | Status::BufError) => inflate.total_out() >= 64,
        Err(_) => false,
    }
}

fn begin(bytes: &[u8]) -> Option<io::Result<Box<dyn Stream<'_> + '_>>> {
    fits(bytes).then(|| Ok(compressed::boxed(ZlibDecoder::new(bytes))))
}

/// One stream only: no loader joins several.
fn begin_joblib(bytes: &[u8]) -> Option<io::Result<Box<dyn Stream<'_> + '_>>> {
    if bytes.starts_with(JOBLIB) {
        begin(body(bytes))
    } else {
        begin(bytes)
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    compressed::read(input, session, FORMAT.name, begin_joblib);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pickle_is_not_a_zlib_stream() {
        assert_eq!(u16::from_be_bytes(*b"(S") % 31, 0);
        assert!(!fits(b"(S'echo pwned'\nios\nsystem\n."));
        assert!(fits(&[0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]));
    }
}
