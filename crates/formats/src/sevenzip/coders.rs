//! The chain of decompressors and filters of one folder.

use std::io::{self, Read};

use flate2::bufread::DeflateDecoder;
use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::delta::DeltaReader;
use lzma_rust2::{Lzma2Reader, LzmaReader};

use super::header::{Coder, Folder};
use crate::compressed::Chain;
use crate::xz::MEMORY_KIB;

/// Why a folder is not unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sealed {
    Encrypted,
    Unsupported(String),
    Malformed(&'static str),
}

/// A reader of the folder's content.
pub(super) fn open<'a>(folder: &Folder, packed: &'a [u8]) -> Result<Box<dyn Read + 'a>, Sealed> {
    let is_encrypted = |coder: &Coder| coder.method.starts_with(&[6, 0xf1, 7]);
    if folder.coders.iter().any(is_encrypted) {
        return Err(Sealed::Encrypted);
    }
    if folder.is_graph || folder.inputs != 1 {
        return Err(Sealed::Unsupported(
            "a filter with several inputs".to_owned(),
        ));
    }
    // The first coder works on the slice, the others on what it yields.
    let mut coders = folder.coders.iter();
    let Some(first) = coders.next() else {
        return Err(Sealed::Malformed("it has no coder"));
    };
    let mut reader = begin(first, packed)?;
    for coder in coders {
        reader = follow(coder, reader)?;
    }
    Ok(Box::new(reader.take(folder.size())))
}

fn begin<'a>(coder: &Coder, packed: &'a [u8]) -> Result<Box<dyn Read + 'a>, Sealed> {
    Ok(match coder.method.as_slice() {
        [4, 1, 8] => Box::new(DeflateDecoder::new(packed)),
        [4, 2, 2] => Box::new(bzip2::bufread::BzDecoder::new(packed)),
        [4, 0xf7, 0x11, 1] => Box::new(Chain::new(packed, crate::zstd::begin)),
        _ => follow(coder, Box::new(packed))?,
    })
}

fn follow<'a>(coder: &Coder, inner: Box<dyn Read + 'a>) -> Result<Box<dyn Read + 'a>, Sealed> {
    Ok(match coder.method.as_slice() {
        [] | [0] => inner,
        [3, 1, 1] => lzma(coder, inner)?,
        [0x21] => {
            let dictionary = dictionary(coder)?;
            fits(lzma_rust2::lzma2_get_memory_usage(dictionary))?;
            Box::new(Lzma2Reader::new(inner, dictionary, None))
        }
        [3] => {
            let distance = coder.properties.first().copied().unwrap_or(0);
            Box::new(DeltaReader::new(
                inner,
                usize::from(distance).saturating_add(1),
            ))
        }
        [3, 3, 1, 3] | [4] => Box::new(BcjReader::new_x86(inner, 0)),
        [3, 3, 2, 5] | [5] => Box::new(BcjReader::new_ppc(inner, 0)),
        [3, 3, 4, 1] | [6] => Box::new(BcjReader::new_ia64(inner, 0)),
        [3, 3, 5, 1] | [7] => Box::new(BcjReader::new_arm(inner, 0)),
        [3, 3, 7, 1] | [8] => Box::new(BcjReader::new_arm_thumb(inner, 0)),
        [3, 3, 8, 5] | [9] => Box::new(BcjReader::new_sparc(inner, 0)),
        [0x0a] => Box::new(BcjReader::new_arm64(inner, 0)),
        [0x0b] => Box::new(BcjReader::new_riscv(inner, 0)),
        [3, 4, 1] => return Err(Sealed::Unsupported("PPMd".to_owned())),
        [4, 1, 9] => return Err(Sealed::Unsupported("deflate64".to_owned())),
        [4, 0xf7, 0x11, 2] => return Err(Sealed::Unsupported("Brotli".to_owned())),
        [4, 0xf7, 0x11, 4] => return Err(Sealed::Unsupported("LZ4".to_owned())),
        other => return Err(Sealed::Unsupported(format!("method {other:02x?}"))),
    })
}

fn lzma<'a>(coder: &Coder, inner: Box<dyn Read + 'a>) -> Result<Box<dyn Read + 'a>, Sealed> {
    let [props, a, b, c, d, ..] = coder.properties.as_slice() else {
        return Err(Sealed::Malformed("its LZMA properties are cut off"));
    };
    let dictionary = u32::from_le_bytes([*a, *b, *c, *d]);
    let memory = lzma_rust2::lzma_get_memory_usage_by_props(dictionary, *props)
        .map_err(|_| Sealed::Malformed("its LZMA properties do not exist"))?;
    fits(memory)?;
    LzmaReader::new_with_props(inner, coder.size, *props, dictionary, None)
        .map(boxed)
        .map_err(|_| Sealed::Malformed("its LZMA data do not begin"))
}

fn boxed<'a>(reader: LzmaReader<Box<dyn Read + 'a>>) -> Box<dyn Read + 'a> {
    Box::new(reader)
}

/// LZMA2 tells its dictionary by half powers of two.
fn dictionary(coder: &Coder) -> Result<u32, Sealed> {
    match coder.properties.first() {
        Some(bits @ 0..=39) => {
            let base = 2_u32 | u32::from(bits & 1);
            let shift = u32::from(bits / 2).saturating_add(11);
            base.checked_shl(shift)
                .ok_or(Sealed::Malformed("its dictionary does not exist"))
        }
        Some(40) => Ok(u32::MAX),
        _ => Err(Sealed::Malformed("its LZMA2 properties do not exist")),
    }
}

fn fits(kib: u32) -> Result<(), Sealed> {
    if kib > MEMORY_KIB {
        return Err(Sealed::Unsupported(
            "a dictionary beyond the limit".to_owned(),
        ));
    }
    Ok(())
}

/// A source that cannot begin.
pub(super) fn failing(message: &'static str) -> impl Read {
    struct Failing(Option<&'static str>);
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0
                .take()
                .map_or(Ok(0), |why| Err(io::Error::other(why)))
        }
    }
    Failing(Some(message))
}
