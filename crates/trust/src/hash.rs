//! Files to digests.

use std::cmp::Reverse;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::{DigestCache, Stamp};

/// Stays in the second-level cache, where the hash finds it again.
const BUFFER: usize = 256 << 10;

/// Below this, starting threads costs more than it saves.
const WORTH_THREADS: u64 = 2 << 20;

/// A file to be hashed: what it is called in the artifact and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Relative to the artifact's root, `/` between parts.
    pub name: String,
    pub path: PathBuf,
}

/// A file's name in the artifact and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    pub path: String,
    pub size: u64,
    pub sha256: [u8; 32],
    /// It came from the cache; the bytes were not read.
    pub cached: bool,
}

impl FileDigest {
    /// 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        hex(&self.sha256)
    }

    /// `sha256:` and the hex digits.
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.hex())
    }
}

/// Why a file has no digest. Fits after the file's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("not a regular file")]
    NotRegular,
    #[error("changed while it was read")]
    Changed,
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .collect()
}

/// For bytes that are in memory already.
pub fn hash_bytes(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// For a stream: its length and digest.
pub fn hash_reader(reader: &mut dyn Read, progress: &dyn Fn(u64)) -> io::Result<(u64, [u8; 32])> {
    let mut buffer = vec![0; BUFFER];
    consume(reader, &mut buffer, progress)
}

/// Hashes one file.
pub fn hash_file(subject: &Subject) -> Result<FileDigest, HashError> {
    hash_one(subject, None, &mut Vec::new(), &|_| {})
}

/// Hashes an open file from its beginning, so that the caller can read the very
/// bytes that were hashed. Leaves the file at its end.
pub fn hash_open(
    name: &str,
    file: &File,
    cache: Option<&DigestCache>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<FileDigest, HashError> {
    hash_handle(name, file, cache, &mut Vec::new(), progress)
}

/// Hashes files on all cores of the current rayon pool, the biggest first, and
/// answers in the order asked. `progress` is told how many more bytes are done;
/// those of a cached file count at once.
pub fn hash_files(
    subjects: &[Subject],
    cache: Option<&DigestCache>,
    progress: &(dyn Fn(u64) + Sync),
) -> Vec<Result<FileDigest, HashError>> {
    let mut order: Vec<(usize, u64)> = subjects
        .iter()
        .enumerate()
        .map(|(index, subject)| {
            let size = fs::metadata(&subject.path).map_or(0, |metadata| metadata.len());
            (index, size)
        })
        .collect();
    let total = order
        .iter()
        .fold(0_u64, |sum, (_, size)| sum.saturating_add(*size));
    let one = |buffer: &mut Vec<u8>, &(index, _): &(usize, u64)| {
        (index, hash_one(&subjects[index], cache, buffer, progress))
    };
    let mut done: Vec<_> = if subjects.len() < 2 || total < WORTH_THREADS {
        let mut buffer = Vec::new();
        order.iter().map(|item| one(&mut buffer, item)).collect()
    } else {
        order.sort_by_key(|&(index, size)| (Reverse(size), index));
        // `par_bridge` hands out in order, which keeps the biggest first.
        order.iter().par_bridge().map_init(Vec::new, one).collect()
    };
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn hash_one(
    subject: &Subject,
    cache: Option<&DigestCache>,
    buffer: &mut Vec<u8>,
    progress: &dyn Fn(u64),
) -> Result<FileDigest, HashError> {
    let file = open_regular(&subject.path)?;
    hash_handle(&subject.name, &file, cache, buffer, progress)
}

/// Opening a pipe would wait for its writer, so ask before opening; what is open
/// is asked again by [`hash_handle`].
fn open_regular(path: &Path) -> Result<File, HashError> {
    if !fs::metadata(path)?.is_file() {
        return Err(HashError::NotRegular);
    }
    Ok(File::open(path)?)
}

fn hash_handle(
    name: &str,
    mut file: &File,
    cache: Option<&DigestCache>,
    buffer: &mut Vec<u8>,
    progress: &dyn Fn(u64),
) -> Result<FileDigest, HashError> {
    let began = SystemTime::now();
    let before = file.metadata()?;
    if !before.is_file() {
        return Err(HashError::NotRegular);
    }
    let stamp = Stamp::of(&before);
    let known = cache
        .zip(stamp)
        .and_then(|(cache, stamp)| cache.lookup(&stamp));
    if let Some(sha256) = known {
        progress(before.len());
        return Ok(FileDigest {
            path: name.to_owned(),
            size: before.len(),
            sha256,
            cached: true,
        });
    }
    buffer.resize(BUFFER, 0);
    file.seek(SeekFrom::Start(0))?;
    let (size, sha256) = consume(&mut file, buffer, progress)?;
    let after = file.metadata()?;
    let same = Stamp::of(&after) == stamp
        && after.modified().ok() == before.modified().ok()
        && after.len() == before.len()
        && size == before.len();
    if !same {
        return Err(HashError::Changed);
    }
    if let (Some(cache), Some(stamp)) = (cache, stamp)
        && stamp.is_settled(began)
    {
        cache.record(stamp, sha256);
    }
    Ok(FileDigest {
        path: name.to_owned(),
        size,
        sha256,
        cached: false,
    })
}

fn consume(
    reader: &mut dyn Read,
    buffer: &mut [u8],
    progress: &dyn Fn(u64),
) -> io::Result<(u64, [u8; 32])> {
    let mut hash = Sha256::new();
    let mut size = 0_u64;
    loop {
        let read = match reader.read(buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..read]);
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        size = size.saturating_add(read);
        progress(read);
    }
    Ok((size, hash.finalize().into()))
}
