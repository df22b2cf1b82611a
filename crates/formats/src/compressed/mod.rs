//! What every single-stream compression has in common: streams one after the
//! other that make one child, whose name is the file's without its last
//! extension, and whatever stands behind the last stream.

use std::io::{self, Read};

use modelward_schema::Span;

use crate::{Input, Member, Session};

/// A decompressor over a slice that knows what it left over.
pub(crate) trait Stream<'a>: Read {
    fn rest(self: Box<Self>) -> &'a [u8];
}

pub(crate) fn boxed<'a>(stream: impl Stream<'a> + 'a) -> Box<dyn Stream<'a> + 'a> {
    Box::new(stream)
}

/// Begins the stream at the start of the bytes; `None` when none stands there.
pub(crate) type Begin<'a> = fn(&'a [u8]) -> Option<io::Result<Box<dyn Stream<'a> + 'a>>>;

/// Streams that follow each other directly, as every loader joins them.
pub(crate) struct Chain<'a> {
    rest: &'a [u8],
    current: Option<Box<dyn Stream<'a> + 'a>>,
    begin: Begin<'a>,
    pub(crate) streams: u64,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(bytes: &'a [u8], begin: Begin<'a>) -> Self {
        Self {
            rest: bytes,
            current: None,
            begin,
            streams: 0,
        }
    }
}

impl Read for Chain<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let mut stream = match self.current.take() {
                Some(stream) => stream,
                None => match (self.begin)(self.rest) {
                    Some(stream) => {
                        self.streams = self.streams.saturating_add(1);
                        stream?
                    }
                    None => return Ok(0),
                },
            };
            let got = stream.read(buffer)?;
            if got > 0 {
                self.current = Some(stream);
                return Ok(got);
            }
            let rest = stream.rest();
            if rest.len() >= self.rest.len() {
                return Ok(0);
            }
            self.rest = rest;
        }
    }
}

/// Reads all streams as one child and looks at what follows them.
pub(crate) fn read<'a>(
    input: &Input<'a>,
    session: &mut Session<'_>,
    format: &'static str,
    begin: Begin<'a>,
) {
    let mut chain = Chain::new(input.bytes, begin);
    let content = session.expand(input, &mut chain);
    let streams = chain.streams;
    let rest = if chain.current.is_none() {
        chain.rest
    } else {
        &[]
    };
    if streams > 1 && !matches!(format, "zstd" | "lz4") {
        session.anomaly(
            &format!("{format}-several-streams"),
            format!("{streams} compressed streams stand one after the other"),
            input.whole(),
        );
    }
    session.child(
        input,
        Member {
            name: content_name(input),
            bytes: &content,
            span: None,
            reached: true,
            inside: format,
        },
    );
    session.release(content);
    // A broken stream leaves no end to look behind.
    if rest.len() < input.bytes.len() {
        trailing(input, session, format, rest);
    }
}

/// Bytes behind the last stream. Zeros are padding, as tape blocks have it.
pub(crate) fn trailing(input: &Input<'_>, session: &mut Session<'_>, format: &str, rest: &[u8]) {
    let Some(padding) = rest.iter().position(|byte| *byte != 0) else {
        return;
    };
    let rest = rest.get(padding..).unwrap_or_default();
    let len = u64::try_from(rest.len()).unwrap_or(u64::MAX);
    let start = input.len().saturating_sub(len);
    let known = session.hidden(input, "(trailing bytes)", rest, Span::new(start, len));
    let id = if known {
        "hidden-content"
    } else {
        "trailing-bytes"
    };
    session.anomaly(
        &format!("{format}-{id}"),
        if known {
            format!("{len} bytes behind the compressed data are a file of their own")
        } else {
            format!("{len} bytes stand behind the compressed data")
        },
        input.at(start, len),
    );
}

fn content_name<'a>(input: &Input<'a>) -> &'a str {
    let name = input.name();
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => "content",
    }
}
