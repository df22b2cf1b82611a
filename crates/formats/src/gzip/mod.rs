//! gzip (RFC 1952): one or several members that make one content.

use std::io;

use flate2::bufread::GzDecoder;

use crate::compressed::{self, Stream};
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "gzip",
    identify,
    read,
};

const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

impl<'a> Stream<'a> for GzDecoder<&'a [u8]> {
    fn rest(self: Box<Self>) -> &'a [u8] {
        self.into_inner()
    }
}

fn identify(input: &Input<'_>) -> Fit {
    // The upper three flag bits are reserved and must be zero.
    let reserved = input.bytes.get(3).is_none_or(|flags| flags & 0xe0 != 0);
    if input.bytes.starts_with(&MAGIC) && !reserved {
        Fit::Yes
    } else {
        Fit::No
    }
}

fn begin(bytes: &[u8]) -> Option<io::Result<Box<dyn Stream<'_> + '_>>> {
    bytes
        .starts_with(&MAGIC)
        .then(|| Ok(compressed::boxed(GzDecoder::new(bytes))))
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    compressed::read(input, session, FORMAT.name, begin);
}
