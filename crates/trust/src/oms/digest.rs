//! Files and shards to digests, on all cores.
//!
//! A file is read through its own open handle, and only if that still is the
//! file that was listed, before and after: a file that changes while it is read
//! has no digest. Parts of files (tensors) can be hashed in the same pass.

use std::cmp::Reverse;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Mutex;
use std::time::SystemTime;

use blake2::Blake2b512;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::manifest::Method;
use super::walk::{Entry, Seen};
use crate::{DigestCache, Refusal};

/// Stays in the second-level cache, where the hash finds it again.
const BUFFER: usize = 256 << 10;
/// Below this, starting threads costs more than it saves.
const WORTH_THREADS: u64 = 2 << 20;

/// A hash of OMS's registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Sha256,
    /// With 64 bytes.
    Blake2b,
    /// With 32 bytes.
    Blake3,
}

impl Algorithm {
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Blake2b, Self::Blake3];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Blake2b => "blake2b",
            Self::Blake3 => "blake3",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }

    pub(super) fn length(self) -> usize {
        match self {
            Self::Sha256 | Self::Blake3 => 32,
            Self::Blake2b => 64,
        }
    }
}

/// Bytes of a file, for example a tensor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub start: u64,
    pub end: u64,
}

/// BLAKE3 over a [`Part`]: fast enough to be had beside the file's digest.
pub type PartDigest = [u8; 32];

/// Which parts of a file are hashed too: in order and apart from each other.
pub type PartsOf<'a> = &'a (dyn Fn(&Entry) -> Vec<Part> + Sync);

/// What hashing needs beside the files.
pub(super) struct Reading<'a> {
    pub(super) method: Method,
    pub(super) algorithm: Algorithm,
    pub(super) cache: Option<&'a DigestCache>,
    /// Read what the cache knows as well, and compare.
    pub(super) paranoid: bool,
    pub(super) parts: Option<PartsOf<'a>>,
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
}

/// A file's digests: one, or one a shard.
#[derive(Debug, Clone, Default)]
pub(super) struct Hashed {
    pub(super) digests: Vec<Vec<u8>>,
    pub(super) parts: Vec<PartDigest>,
    /// The bytes were not read.
    pub(super) cached: bool,
    /// The cache had another digest for the same stamp.
    pub(super) disagrees: bool,
}

struct Job {
    file: usize,
    shard: usize,
    start: u64,
    end: u64,
}

/// Digests in the order of `entries`.
pub(super) fn digest(entries: &[Entry], reading: &Reading<'_>) -> Result<Vec<Hashed>, Refusal> {
    let mut jobs = Vec::new();
    let mut out: Vec<Hashed> = Vec::with_capacity(entries.len());
    for (file, entry) in entries.iter().enumerate() {
        let before = jobs.len();
        for (shard, (start, end)) in ranges(entry.size, reading.method).enumerate() {
            jobs.push(Job {
                file,
                shard,
                start,
                end,
            });
        }
        out.push(Hashed {
            digests: vec![Vec::new(); jobs.len() - before],
            ..Hashed::default()
        });
    }
    let total = jobs
        .iter()
        .fold(0_u64, |sum, job| sum.saturating_add(job.end - job.start));
    let out = Mutex::new(out);
    let one = |buffer: &mut Vec<u8>, job: &Job| {
        let hashed = digest_one(&entries[job.file], job, buffer, reading)?;
        if let Ok(mut out) = out.lock() {
            let into = &mut out[job.file];
            into.digests[job.shard] = hashed.digests.into_iter().next().unwrap_or_default();
            into.cached |= hashed.cached;
            into.disagrees |= hashed.disagrees;
            into.parts = hashed.parts;
        }
        Ok(())
    };
    if jobs.len() < 2 || total < WORTH_THREADS {
        let mut buffer = Vec::new();
        jobs.iter().try_for_each(|job| one(&mut buffer, job))?;
    } else {
        jobs.sort_by_key(|job| (Reverse(job.end - job.start), job.file, job.shard));
        // `par_bridge` hands out in order, which keeps the biggest first.
        jobs.iter()
            .par_bridge()
            .map_init(Vec::new, |buffer, job| one(buffer, job))
            .collect::<Result<(), Refusal>>()?;
    }
    Ok(out.into_inner().unwrap_or_default())
}

/// The byte ranges of a file that are hashed: an empty file has no shard.
pub(super) fn ranges(size: u64, method: Method) -> impl Iterator<Item = (u64, u64)> {
    let (step, count) = match method {
        Method::Files => (size, 1),
        Method::Shards(step) => (step, size.div_ceil(step)),
    };
    (0..count).map(move |index| {
        let start = index * step;
        (start, start.saturating_add(step).min(size))
    })
}

fn digest_one(
    entry: &Entry,
    job: &Job,
    buffer: &mut Vec<u8>,
    reading: &Reading<'_>,
) -> Result<Hashed, Refusal> {
    let began = SystemTime::now();
    let failed = |error: std::io::Error| {
        Refusal::new(
            "unreadable",
            format!("{} cannot be read: {error}", entry.name),
        )
    };
    let mut file = File::open(&entry.path).map_err(failed)?;
    if Seen::of(&file.metadata().map_err(failed)?) != entry.seen {
        return Err(changed(&entry.name));
    }
    let whole = reading.method == Method::Files;
    let parts = reading
        .parts
        .filter(|_| whole)
        .map(|parts| parts(entry))
        .unwrap_or_default();
    let keyed = (whole && reading.algorithm == Algorithm::Sha256)
        .then_some(reading.cache)
        .flatten()
        .zip(entry.seen.stamp);
    let known = keyed.and_then(|(cache, stamp)| cache.lookup(&stamp));
    if let Some(known) = known
        && parts.is_empty()
        && !reading.paranoid
    {
        (reading.progress)(entry.size);
        return Ok(Hashed {
            digests: vec![known.to_vec()],
            cached: true,
            ..Hashed::default()
        });
    }
    buffer.resize(BUFFER, 0);
    let mut state = State::new(reading.algorithm);
    let mut tensors = Parts::new(&parts);
    file.seek(SeekFrom::Start(job.start)).map_err(failed)?;
    let mut at = job.start;
    while at < job.end {
        let wanted = usize::try_from(job.end - at).unwrap_or(BUFFER).min(BUFFER);
        let read = match file.read(&mut buffer[..wanted]) {
            Ok(0) => return Err(changed(&entry.name)),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        let bytes = &buffer[..read];
        state.update(bytes);
        tensors.update(at, bytes);
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        at = at.saturating_add(read);
        (reading.progress)(read);
    }
    if Seen::of(&file.metadata().map_err(failed)?) != entry.seen {
        return Err(changed(&entry.name));
    }
    let digest = state.finish();
    let disagrees = known.is_some_and(|known| known[..] != digest[..]);
    if let Some((cache, stamp)) = keyed
        && stamp.is_settled(began)
        && let Ok(sha256) = digest.as_slice().try_into()
    {
        cache.record(stamp, sha256);
    }
    Ok(Hashed {
        digests: vec![digest],
        parts: tensors.finish(),
        cached: false,
        disagrees,
    })
}

/// The digests of parts of one file, in order and apart; nothing when it cannot
/// be read to the last of them.
pub fn digest_parts(path: &std::path::Path, parts: &[Part]) -> Option<Vec<PartDigest>> {
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

pub(super) fn changed(name: &str) -> Refusal {
    Refusal::new(
        "changed-while-read",
        format!("{name} changed while it was read; try again when nothing writes to the model"),
    )
}

enum State {
    Sha256(Sha256),
    Blake2b(Box<Blake2b512>),
    Blake3(Box<blake3::Hasher>),
}

impl State {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Blake2b => Self::Blake2b(Box::default()),
            Algorithm::Blake3 => Self::Blake3(Box::default()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(bytes),
            Self::Blake2b(state) => state.update(bytes),
            Self::Blake3(state) => {
                state.update(bytes);
            }
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(state) => state.finalize().to_vec(),
            Self::Blake2b(state) => state.finalize().to_vec(),
            Self::Blake3(state) => state.finalize().as_bytes().to_vec(),
        }
    }
}

/// Hashes parts as the bytes go by.
struct Parts<'p> {
    left: &'p [Part],
    open: blake3::Hasher,
    done: Vec<PartDigest>,
}

impl<'p> Parts<'p> {
    fn new(parts: &'p [Part]) -> Self {
        Self {
            left: parts,
            open: blake3::Hasher::new(),
            done: Vec::with_capacity(parts.len()),
        }
    }

    fn update(&mut self, at: u64, bytes: &[u8]) {
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
    fn finish(mut self) -> Vec<PartDigest> {
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

    #[test]
    fn shards_cover_a_file_and_an_empty_one_has_none() {
        let shards = |size| ranges(size, Method::Shards(100)).collect::<Vec<_>>();
        assert_eq!(shards(250), [(0, 100), (100, 200), (200, 250)]);
        assert_eq!(shards(200), [(0, 100), (100, 200)]);
        assert_eq!(shards(0), []);
        assert_eq!(ranges(0, Method::Files).collect::<Vec<_>>(), [(0, 0)]);
        assert_eq!(ranges(u64::MAX, Method::Shards(u64::MAX)).count(), 1);
    }
}
