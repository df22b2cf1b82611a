//! Extended headers: records `length key=value` that override the header that
//! follows them (POSIX.1-2001 pax).

#[derive(Debug, Clone, Default)]
pub(super) struct Overrides {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: bool,
    pub(super) malformed: bool,
}

impl Overrides {
    /// Reads records; later ones win.
    pub(super) fn read(&mut self, mut records: &[u8]) {
        while !records.is_empty() {
            let Some((record, rest)) = split(records) else {
                // The padding of the block is no record.
                self.malformed |= records.iter().any(|byte| *byte != 0);
                return;
            };
            records = rest;
            let Some(equals) = memchr::memchr(b'=', record) else {
                self.malformed = true;
                continue;
            };
            let (key, value) = record.split_at(equals);
            let value = value.get(1..).unwrap_or_default();
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                    self.malformed |= size.is_none();
                    self.size = size.or(self.size);
                }
                _ if key.starts_with(b"GNU.sparse") => self.sparse = true,
                _ => {}
            }
        }
    }
}

/// The first record without its length and newline, and what follows it.
fn split(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = memchr::memchr(b' ', records.get(..24).unwrap_or(records))?;
    let len: usize = std::str::from_utf8(records.get(..blank)?)
        .ok()?
        .parse()
        .ok()?;
    let record = records.get(blank.checked_add(1)?..len.checked_sub(1)?)?;
    (*records.get(len.checked_sub(1)?)? == b'\n').then_some(())?;
    Some((record, records.get(len..)?))
}
