//! LZ4 frames, and the legacy frames of its first years.
//! <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>

use std::io;

use lz4_flex::frame::FrameDecoder;

use crate::compressed::{self, Stream};
use crate::{Fit, Format, Input, Session};

pub(crate) static FORMAT: Format = Format {
    name: "lz4",
    identify,
    read,
};

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const LEGACY: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

impl<'a> Stream<'a> for FrameDecoder<&'a [u8]> {
    fn rest(self: Box<Self>) -> &'a [u8] {
        self.into_inner()
    }
}

fn starts(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC) || bytes.starts_with(&LEGACY)
}

fn identify(input: &Input<'_>) -> Fit {
    if starts(input.bytes) {
        Fit::Yes
    } else {
        Fit::No
    }
}

fn begin(bytes: &[u8]) -> Option<io::Result<Box<dyn Stream<'_> + '_>>> {
    starts(bytes).then(|| Ok(compressed::boxed(FrameDecoder::new(bytes))))
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    compressed::read(input, session, FORMAT.name, begin);
}
