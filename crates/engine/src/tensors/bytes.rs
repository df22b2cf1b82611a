//! Positional reads of files, stretches of files, and compressed members.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use modelward_lineage::Bytes;
use modelward_schema::Span;

/// A file.
#[derive(Debug)]
pub(super) struct Whole {
    file: File,
    size: u64,
}

impl Whole {
    pub(super) fn open(place: &Path, size: u64) -> io::Result<Self> {
        let file = File::open(place)?;
        Ok(Self { file, size })
    }
}

impl Bytes for Whole {
    fn len(&self) -> u64 {
        self.size
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(&self.file, buffer, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                got => {
                    offset += got as u64;
                    buffer = buffer.get_mut(got..).unwrap_or_default();
                }
            }
        }
        Ok(())
    }
}

/// A stored member.
#[derive(Debug)]
pub(super) struct Slice {
    inner: Arc<dyn Bytes>,
    start: u64,
    len: u64,
}

impl Slice {
    pub(super) fn new(inner: Arc<dyn Bytes>, start: u64, len: u64) -> Self {
        Self { inner, start, len }
    }
}

impl Bytes for Slice {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        let start = self.start.checked_add(offset);
        match (start, end) {
            (Some(start), Some(end)) if end <= self.len => self.inner.read_at(start, buffer),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn is_sequential(&self) -> bool {
        self.inner.is_sequential()
    }
}

/// A compressed member: decompressed from its start up to where it is read,
/// never further, and never kept.
pub(super) struct Packed {
    inner: Arc<dyn Bytes>,
    span: Span,
    method: String,
    size: u64,
    open: Mutex<Option<(u64, Box<dyn Read + Send>)>>,
}

impl Packed {
    /// None when there is no reader for the method.
    pub(super) fn new(inner: Arc<dyn Bytes>, span: Span, method: &str, size: u64) -> Option<Self> {
        let packed = Self {
            inner,
            span,
            method: method.to_owned(),
            size,
            open: Mutex::new(None),
        };
        packed.begin().is_some().then_some(packed)
    }

    fn begin(&self) -> Option<Box<dyn Read + Send>> {
        let source = Cursor {
            inner: self.inner.clone(),
            at: self.span.start,
            left: self.span.len,
        };
        modelward_formats::unpack(&self.method, source)
    }
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Packed")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Bytes for Packed {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = open.take().filter(|(at, _)| *at <= offset);
        let (at, mut reader) = match kept {
            Some(kept) => kept,
            None => (0, self.begin().ok_or(io::ErrorKind::Unsupported)?),
        };
        let skip = offset - at;
        if io::copy(&mut reader.by_ref().take(skip), &mut io::sink())? < skip {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        reader.read_exact(buffer)?;
        *open = Some((offset + buffer.len() as u64, reader));
        Ok(())
    }

    fn is_sequential(&self) -> bool {
        true
    }
}

/// Reads a stretch from front to back.
struct Cursor {
    inner: Arc<dyn Bytes>,
    at: u64,
    left: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.left.min(buffer.len() as u64);
        let take = usize::try_from(len).unwrap_or(0);
        let buffer = buffer.get_mut(..take).unwrap_or_default();
        self.inner.read_at(self.at, buffer)?;
        self.at += len;
        self.left -= len;
        Ok(take)
    }
}
