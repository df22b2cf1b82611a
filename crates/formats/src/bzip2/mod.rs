//! bzip2: one or several streams that make one content.

use std::io;

use bzip2::bufread::BzDecoder;

use crate::compressed::{self, Stream};
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "bzip2",
    identify,
    read,
};

/// What follows the four bytes of the header: a block, or the end of an empty
/// stream.
const BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
const END: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];

impl<'a> Stream<'a> for BzDecoder<&'a [u8]> {
    fn rest(self: Box<Self>) -> &'a [u8] {
        self.into_inner()
    }
}

fn starts(bytes: &[u8]) -> bool {
    let Some(([b'B', b'Z', b'h', level], rest)) = bytes.split_first_chunk::<4>() else {
        return false;
    };
    (b'1'..=b'9').contains(level) && (rest.starts_with(&BLOCK) || rest.starts_with(&END))
}

fn identify(input: &Input<'_>) -> Fit {
    if starts(input.bytes) {
        Fit::Yes
    } else {
        Fit::No
    }
}

fn begin(bytes: &[u8]) -> Option<io::Result<Box<dyn Stream<'_> + '_>>> {
    starts(bytes).then(|| Ok(compressed::boxed(BzDecoder::new(bytes))))
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    compressed::read(input, session, FORMAT.name, begin);
}
