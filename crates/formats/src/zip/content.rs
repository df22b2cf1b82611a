//! A member's content: a slice when it is stored, bytes within the budget when
//! it is compressed.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::bufread::DeflateDecoder;
use lzma_rust2::{LzmaReader, XzReader};
use modelward_schema::Location;

use crate::Session;
use crate::compressed::Chain;
use crate::xz::MEMORY_KIB;

/// Names of the methods that exist, for those that are not read.
pub(super) fn method_name(method: u16) -> &'static str {
    match method {
        0 => "stored",
        1 => "shrunk",
        2..=5 => "reduced",
        6 => "imploded",
        8 => "deflate",
        9 => "deflate64",
        12 => "bzip2",
        14 => "LZMA",
        93 | 20 => "Zstandard",
        94 => "MP3",
        95 => "xz",
        96 => "JPEG",
        97 => "WavPack",
        98 => "PPMd",
        99 => "AES encryption",
        _ => "unknown",
    }
}

/// `None` when the method has no reader.
pub(super) fn decoder<'a>(
    method: u16,
    packed: &'a [u8],
    size: Option<u64>,
) -> Option<io::Result<Box<dyn Read + 'a>>> {
    let reader: Box<dyn Read + 'a> = match method {
        8 => Box::new(DeflateDecoder::new(packed)),
        12 => Box::new(bzip2::bufread::BzDecoder::new(packed)),
        14 => return Some(lzma(packed, size.unwrap_or(u64::MAX))),
        20 | 93 => Box::new(Chain::new(packed, crate::zstd::begin)),
        95 => Box::new(XzReader::new_mem_limit(packed, true, MEMORY_KIB)),
        _ => return None,
    };
    Some(Ok(reader))
}

/// Two bytes of version, the length of the properties, then an LZMA stream.
fn lzma(packed: &[u8], size: u64) -> io::Result<Box<dyn Read + '_>> {
    let broken = || io::Error::other("its LZMA header is malformed");
    let Some(([_, _, 5, 0, props, a, b, c, d], rest)) = packed.split_first_chunk::<9>() else {
        return Err(broken());
    };
    let dictionary = u32::from_le_bytes([*a, *b, *c, *d]);
    let memory = lzma_rust2::lzma_get_memory_usage_by_props(dictionary, *props)?;
    if memory > MEMORY_KIB {
        return Err(io::Error::other("its LZMA dictionary is too large"));
    }
    let reader = LzmaReader::new_with_props(rest, size, *props, dictionary, None)?;
    Ok(Box::new(reader))
}

/// Content that is given back to the budget when it was decompressed.
pub(super) fn read<'a>(
    session: &mut Session<'_>,
    method: u16,
    packed: &'a [u8],
    size: Option<u64>,
    at: &Location,
) -> Option<Cow<'a, [u8]>> {
    if method == 0 {
        return Some(Cow::Borrowed(packed));
    }
    let len = u64::try_from(packed.len()).unwrap_or(u64::MAX);
    let source = decoder(method, packed, size)?;
    let content = match source {
        Ok(source) => session.expand_at(at, len, source),
        Err(error) => session.expand_at(at, len, Failing(Some(error))),
    };
    Some(Cow::Owned(content))
}

/// A source that cannot begin.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

pub(super) fn release(session: &mut Session<'_>, content: Cow<'_, [u8]>) {
    if let Cow::Owned(bytes) = content {
        session.release(bytes);
    }
}
