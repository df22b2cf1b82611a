//! Where bytes are read from: a place, not a mapping, so that a proof holds a
//! few chunks however large the model is.

use std::fmt::Debug;
use std::io;

/// Bytes that can be read at any offset, from any thread.
pub trait Bytes: Send + Sync + Debug {
    fn len(&self) -> u64;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buffer` from `offset`; bytes that are not there are an error.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Going backwards costs as much as beginning anew (a compressed member).
    fn is_sequential(&self) -> bool {
        false
    }
}

impl Bytes for Vec<u8> {
    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let missing = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let start = usize::try_from(offset).map_err(|_| missing())?;
        let end = start.checked_add(buffer.len()).ok_or_else(missing)?;
        buffer.copy_from_slice(self.get(start..end).ok_or_else(missing)?);
        Ok(())
    }
}
