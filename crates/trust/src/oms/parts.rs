//! Digests of parts of files, made as the bytes go by.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::digest::BUFFER;

/// Bytes of a file, for example a tensor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub start: u64,
    pub end: u64,
}

/// BLAKE3 over a [`Part`]: fast enough to be had beside the file's digest.
pub type PartDigest = [u8; 32];

/// The digests of parts of one file, in order and apart; nothing when it cannot
/// be read to the last of them.
pub fn digest_parts(path: &Path, parts: &[Part]) -> Option<Vec<PartDigest>> {
    let mut buffer = vec![0; BUFFER];
    let mut file = File::open(path).ok()?;
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        let mut state = blake3::Hasher::new();
        let mut at = part.start;
        file.seek(SeekFrom::Start(at)).ok()?;
        while at < part.end {
            let wanted = usize::try_from(part.end - at).unwrap_or(BUFFER).min(BUFFER);
            file.read_exact(&mut buffer[..wanted]).ok()?;
            state.update(&buffer[..wanted]);
            at = at.saturating_add(wanted as u64);
        }
        out.push(*state.finalize().as_bytes());
    }
    Some(out)
}

/// Hashes parts as the bytes go by.
pub(super) struct Parts<'p> {
    left: &'p [Part],
    open: blake3::Hasher,
    done: Vec<PartDigest>,
}

impl<'p> Parts<'p> {
    pub(super) fn new(parts: &'p [Part]) -> Self {
        Self {
            left: parts,
            open: blake3::Hasher::new(),
            done: Vec::with_capacity(parts.len()),
        }
    }

    pub(super) fn update(&mut self, at: u64, bytes: &[u8]) {
        let end = at.saturating_add(bytes.len() as u64);
        while let [part, rest @ ..] = self.left {
            if part.start >= end && part.end > part.start {
                break;
            }
            let from = usize::try_from(part.start.saturating_sub(at)).unwrap_or(usize::MAX);
            let to = usize::try_from(part.end.min(end).saturating_sub(at)).unwrap_or(usize::MAX);
            self.open.update(bytes.get(from..to).unwrap_or_default());
            if part.end > end {
                break;
            }
            self.close(rest);
        }
    }

    fn close(&mut self, rest: &'p [Part]) {
        self.done.push(*self.open.finalize().as_bytes());
        self.open.reset();
        self.left = rest;
    }

    /// One digest for each part that the file had.
    pub(super) fn finish(mut self) -> Vec<PartDigest> {
        while let [part, rest @ ..] = self.left {
            if part.end > part.start {
                break;
            }
            self.close(rest);
        }
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_hashed_whatever_the_chunks() {
        let bytes: Vec<u8> = (0..=255).collect();
        let parts = [
            Part { start: 0, end: 3 },
            Part { start: 3, end: 3 },
            Part { start: 5, end: 200 },
            Part {
                start: 256,
                end: 256,
            },
        ];
        let wanted: Vec<PartDigest> = [&bytes[0..3], &[], &bytes[5..200], &[]]
            .iter()
            .map(|part| *blake3::hash(part).as_bytes())
            .collect();
        for step in [1, 2, 7, 100, 256] {
            let mut state = Parts::new(&parts);
            for (index, chunk) in bytes.chunks(step).enumerate() {
                state.update((index * step) as u64, chunk);
            }
            assert_eq!(state.finish(), wanted, "{step}");
        }
    }
}
