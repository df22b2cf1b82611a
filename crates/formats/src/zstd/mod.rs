//! Zstandard (RFC 8878): frames and skippable frames that make one content.
//! Windows above 64 MiB are refused, as the reference decoder does by default
//! for streams above 128 MiB.

use std::io::{self, Read};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::compressed::{self, Stream};
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "zstd",
    identify,
    read,
};

const MAX_WINDOW: u64 = 64 << 20;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

impl<'a> Stream<'a> for StreamingDecoder<&'a [u8], FrameDecoder> {
    fn rest(self: Box<Self>) -> &'a [u8] {
        self.into_inner()
    }
}

fn identify(input: &Input<'_>) -> Fit {
    let (_, rest) = skippable(input.bytes);
    if rest.starts_with(&MAGIC) {
        Fit::Yes
    } else {
        Fit::No
    }
}

/// Whether skippable frames stand here, and what follows them.
fn skippable(mut bytes: &[u8]) -> (bool, &[u8]) {
    let mut any = false;
    while let Some(([kind, 0x2a, 0x4d, 0x18, a, b, c, d], rest)) = bytes.split_first_chunk::<8>() {
        let len = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
        let Some(after) = rest.get(len..).filter(|_| kind & 0xf0 == 0x50) else {
            break;
        };
        bytes = after;
        any = true;
    }
    (any, bytes)
}

/// A frame that holds nothing.
struct Skipped<'a>(&'a [u8]);

impl Read for Skipped<'_> {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl<'a> Stream<'a> for Skipped<'a> {
    fn rest(self: Box<Self>) -> &'a [u8] {
        self.0
    }
}

pub(crate) fn begin(bytes: &[u8]) -> Option<io::Result<Box<dyn Stream<'_> + '_>>> {
    if let (true, rest) = skippable(bytes) {
        return Some(Ok(Box::new(Skipped(rest))));
    }
    bytes.starts_with(&MAGIC).then(|| {
        StreamingDecoder::new_with_max_window_size(bytes, MAX_WINDOW)
            .map(compressed::boxed)
            .map_err(io::Error::other)
    })
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    compressed::read(input, session, FORMAT.name, begin);
}
