//! The only cursor over hostile bytes: every read is checked and knows where
//! it stands.

/// The bytes end before the value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncated;

#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// A reader over the same bytes that starts at `offset`.
    pub fn at(bytes: &'a [u8], offset: u64) -> Result<Self, Truncated> {
        let position = usize::try_from(offset).map_err(|_| Truncated)?;
        if position > bytes.len() {
            return Err(Truncated);
        }
        Ok(Self { bytes, position })
    }

    /// Bytes from the start of the slice.
    pub fn position(&self) -> u64 {
        u64::try_from(self.position).unwrap_or(u64::MAX)
    }

    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    pub fn remaining(&self) -> u64 {
        u64::try_from(self.rest().len()).unwrap_or(u64::MAX)
    }

    pub fn is_empty(&self) -> bool {
        self.rest().is_empty()
    }

    pub fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    pub fn take(&mut self, len: u64) -> Result<&'a [u8], Truncated> {
        let len = usize::try_from(len).map_err(|_| Truncated)?;
        let end = self.position.checked_add(len).ok_or(Truncated)?;
        let taken = self.bytes.get(self.position..end).ok_or(Truncated)?;
        self.position = end;
        Ok(taken)
    }

    pub fn skip(&mut self, len: u64) -> Result<(), Truncated> {
        self.take(len).map(|_| ())
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let taken = self.rest().first_chunk::<N>().ok_or(Truncated)?;
        self.position = self.position.checked_add(N).ok_or(Truncated)?;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u16_le(&mut self) -> Result<u16, Truncated> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32_le(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64_le(&mut self) -> Result<u64, Truncated> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn i32_le(&mut self) -> Result<i32, Truncated> {
        self.array().map(i32::from_le_bytes)
    }

    pub fn i64_le(&mut self) -> Result<i64, Truncated> {
        self.array().map(i64::from_le_bytes)
    }

    /// A protobuf-style varint of at most ten bytes.
    pub fn varint(&mut self) -> Result<u64, Truncated> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Truncated)
    }

    /// Up to and without the next `\n`; consumes the newline.
    pub fn line(&mut self) -> Result<&'a [u8], Truncated> {
        let rest = self.rest();
        let end = memchr::memchr(b'\n', rest).ok_or(Truncated)?;
        let line = rest.get(..end).ok_or(Truncated)?;
        self.position = self.position.saturating_add(end).saturating_add(1);
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_checked() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16_le(), Ok(0x0201));
        assert_eq!(reader.u16_le(), Err(Truncated));
        assert_eq!(reader.u8(), Ok(3));
        assert_eq!(reader.take(u64::MAX), Err(Truncated));
        assert_eq!(reader.position(), 3);
    }

    #[test]
    fn a_varint_never_runs_on() {
        assert_eq!(Reader::new(&[0x80; 20]).varint(), Err(Truncated));
        assert_eq!(Reader::new(&[0xac, 0x02]).varint(), Ok(300));
    }
}
