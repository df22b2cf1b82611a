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
use super::parts::{Part, PartDigest, Parts};
use super::walk::{Entry, Seen};
use crate::cache::Of;
use crate::{DigestCache, Refusal};

/// Stays in the second-level cache, where the hash finds it again.
pub(super) const BUFFER: usize = 256 << 10;
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
    let keyed = reading.cache.zip(entry.seen.stamp);
    let of = Of {
        algorithm: reading.algorithm.as_str(),
        length: reading.algorithm.length(),
        start: job.start,
        end: job.end,
    };
    let plain = whole && reading.algorithm == Algorithm::Sha256;
    let known = keyed.and_then(|(cache, stamp)| {
        if plain {
            cache.lookup(&stamp).map(|known| known.to_vec())
        } else {
            cache.lookup_other(&stamp, &of)
        }
    });
    if let Some(known) = &known
        && parts.is_empty()
        && !reading.paranoid
    {
        (reading.progress)(job.end - job.start);
        return Ok(Hashed {
            digests: vec![known.clone()],
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
    let disagrees = known.is_some_and(|known| known != digest);
    if let Some((cache, stamp)) = keyed.filter(|(_, stamp)| stamp.is_settled(began)) {
        match digest.as_slice().try_into() {
            Ok(sha256) if plain => cache.record(stamp, sha256),
            _ => cache.record_other(&stamp, &of, &digest),
        }
    }
    Ok(Hashed {
        digests: vec![digest],
        parts: tensors.finish(),
        cached: false,
        disagrees,
    })
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

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use crate::Stamp;

    /// Lists a file of 300 bytes and hashes it with the cache.
    fn hash(
        folder: &std::path::Path,
        cache: &DigestCache,
        how: (Method, Algorithm, bool),
    ) -> Hashed {
        use super::super::walk::{Ignored, Links, Rules, list};
        let rules = Rules {
            ignored: &Ignored::default(),
            links: Links::No,
            listed: &std::collections::BTreeSet::new(),
            skip_linked_folders: false,
        };
        let listing = list(folder, &rules).expect("a listing");
        let reading = Reading {
            method: how.0,
            algorithm: how.1,
            cache: Some(cache),
            paranoid: how.2,
            parts: None,
            progress: &|_| {},
        };
        let mut hashed = digest(&listing.entries, &reading).expect("digests");
        hashed.remove(0)
    }

    #[cfg(unix)]
    #[test]
    fn every_kind_of_digest_is_remembered_and_a_wrong_one_is_noticed_when_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let model = folder.path().join("model");
        std::fs::create_dir(&model).expect("a folder");
        std::fs::write(model.join("w"), [7; 300]).expect("a file");
        std::thread::sleep(std::time::Duration::from_millis(3200));
        let place = folder.path().join("cache");
        for algorithm in Algorithm::ALL {
            for method in [Method::Files, Method::Shards(100)] {
                let cache = DigestCache::open(&place);
                let first = hash(&model, &cache, (method, algorithm, false));
                assert!(!first.cached);
                cache.save().expect("saved");
                let cache = DigestCache::open(&place);
                let second = hash(&model, &cache, (method, algorithm, false));
                assert!(second.cached);
                assert_eq!(second.digests, first.digests);
                let third = hash(&model, &cache, (method, algorithm, true));
                assert!(!third.cached && !third.disagrees);
            }
        }
        let stamp = Stamp::of(&std::fs::metadata(model.join("w")).expect("it is there"));
        let cache = DigestCache::open(&place);
        cache.record(stamp.expect("a stamp"), [0; 32]);
        cache.save().expect("saved");
        let cache = DigestCache::open(&place);
        let paranoid = hash(&model, &cache, (Method::Files, Algorithm::Sha256, true));
        assert!(paranoid.disagrees);
        assert_eq!(paranoid.digests[0], Sha256::digest([7; 300]).to_vec());
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
