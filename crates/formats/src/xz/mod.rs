//! xz, and the `.lzma` files of before.
//! <https://tukaani.org/xz/xz-file-format.txt>
//!
//! Dictionaries above 80 MiB are refused before they are allocated; `xz -9`
//! needs 64.

use std::io::{self, Read};

use lzma_rust2::{LzmaReader, XzReader};

use crate::compressed::{self, Stream};
use crate::reader::Reader;
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "xz",
    identify,
    read,
};

pub(crate) const MEMORY_KIB: u32 = 80 << 10;
const MAGIC: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];

impl<'a> Stream<'a> for XzReader<&'a [u8]> {
    fn rest(self: Box<Self>) -> &'a [u8] {
        self.into_inner()
    }
}

/// An `.lzma` file is one stream; its reader takes more than it uses.
struct Alone<'a> {
    reader: LzmaReader<&'a [u8]>,
    bytes: &'a [u8],
}

impl Read for Alone<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl<'a> Stream<'a> for Alone<'a> {
    fn rest(self: Box<Self>) -> &'a [u8] {
        let (unread, unused) = self.reader.into_parts();
        let left = unread.len().saturating_add(unused.len());
        let used = self.bytes.len().saturating_sub(left);
        self.bytes.get(used..).unwrap_or_default()
    }
}

fn identify(input: &Input<'_>) -> Fit {
    if input.bytes.starts_with(&MAGIC) || is_alone(input.bytes) {
        Fit::Yes
    } else {
        Fit::No
    }
}

/// An `.lzma` header has no magic: the properties, the dictionary's and the
/// content's size must be plausible and the first bytes must decode.
fn is_alone(bytes: &[u8]) -> bool {
    let mut header = Reader::new(bytes);
    let (Ok(props), Ok(dictionary), Ok(size), Ok(first)) =
        (header.u8(), header.u32_le(), header.u64_le(), header.u8())
    else {
        return false;
    };
    let plausible = props < 225
        && first == 0
        && dictionary >= 4096
        && (dictionary.is_power_of_two() || (dictionary / 3).is_power_of_two())
        && (size == u64::MAX || size < 1 << 38);
    if !plausible {
        return false;
    }
    let head = bytes.get(..1 << 16).unwrap_or(bytes);
    let Ok(reader) = LzmaReader::new_mem_limit(head, MEMORY_KIB, None) else {
        return true;
    };
    let mut start = Vec::new();
    let outcome = reader.take(64).read_to_end(&mut start);
    outcome.is_ok() || !start.is_empty()
}

fn begin(bytes: &[u8]) -> Option<io::Result<Box<dyn Stream<'_> + '_>>> {
    bytes.starts_with(&MAGIC).then(|| {
        let stream = XzReader::new_mem_limit(bytes, false, MEMORY_KIB);
        Ok(compressed::boxed(stream))
    })
}

fn begin_alone(bytes: &[u8]) -> Option<io::Result<Box<dyn Stream<'_> + '_>>> {
    is_alone(bytes).then(|| {
        let reader = LzmaReader::new_mem_limit(bytes, MEMORY_KIB, None)?;
        Ok(compressed::boxed(Alone { reader, bytes }))
    })
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    if input.bytes.starts_with(&MAGIC) {
        compressed::read(input, session, FORMAT.name, begin);
    } else {
        session.name_format(FORMAT.name, "lzma");
        compressed::read(input, session, "lzma", begin_alone);
    }
}
