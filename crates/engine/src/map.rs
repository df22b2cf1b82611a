//! A file's bytes: read when small, mapped when large.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// Below this, one read is cheaper than a mapping.
const MAP_FROM: u64 = 256 << 10;

#[derive(Debug)]
pub(crate) enum Bytes {
    Read(Vec<u8>),
    Mapped(Mmap),
}

impl Bytes {
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        if meta.len() < MAP_FROM {
            let mut bytes = Vec::new();
            file.by_ref().take(MAP_FROM).read_to_end(&mut bytes)?;
            return Ok(Self::Read(bytes));
        }
        map(&file).map(Self::Mapped)
    }
}

#[expect(unsafe_code, reason = "the one mapping; see the invariant below")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the mapping is read-only and private to the worker process. If
    // another process truncates the file meanwhile, the access faults and the
    // worker dies, which the parent turns into a gap; if it changes the bytes,
    // the readers check every access anyway, and the parent sees the new
    // modification time.
    unsafe { Mmap::map(file) }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}
