//! Digests of files that have not changed since they were hashed.
//!
//! An entry says: a file with this device, inode, size, modification and change
//! time has this SHA-256. What it rests on:
//!
//! - The kernel moves the change time on every write, and nobody but the
//!   machine's administrator can set it back (by turning the clock).
//! - A digest is kept only when the file had rested for a few seconds before
//!   hashing began, so a write in the same tick of the clock cannot hide, and
//!   only when all five are the same before and after.
//! - Only the user writes the cache: a file that others may write is ignored.
//!
//! It does not see a writer that held a writable memory map while the file was
//! hashed and goes on writing before the system flushes those pages, nor block
//! devices written underneath the file system. Whoever must exclude these asks
//! for no cache.
//!
//! Digests by another hash, or of a range of a file, are kept under a key that
//! is derived from the same five and from what they are of.
//!
//! The file is a header and records of fixed size in sorted order, read in one
//! go; each record carries its own check, so a torn or altered one is a miss,
//! never a wrong digest. Writers merge, write beside, and rename: readers need
//! no lock, and of two writers at once one loses entries, which costs time only.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use crate::Stamp;

const MAGIC: &[u8; 16] = b"modelward-sha\x00\x00\x01";
const KEY: usize = 40;
const RECORD: usize = KEY + 8 + 32 + 8;
/// Some nine megabytes.
const CAPACITY: usize = 100_000;

/// Digests by [`Stamp`]; see the module's text for what they rest on.
#[derive(Debug)]
pub struct DigestCache {
    path: PathBuf,
    /// Whole records, sorted by key.
    records: Vec<u8>,
    fresh: Mutex<BTreeMap<[u8; KEY], [u8; 32]>>,
}

impl DigestCache {
    /// Reads the cache file. One that is missing, foreign or broken is an empty
    /// cache: it holds nothing that cannot be computed again.
    pub fn open(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            records: load(path),
            fresh: Mutex::new(BTreeMap::new()),
        }
    }

    /// How many digests the file held when it was opened.
    pub fn len(&self) -> usize {
        self.records.len() / RECORD
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub fn lookup(&self, stamp: &Stamp) -> Option<[u8; 32]> {
        self.lookup_key(&key_of(stamp))
    }

    fn lookup_key(&self, key: &[u8; KEY]) -> Option<[u8; 32]> {
        let (records, _) = self.records.as_chunks::<RECORD>();
        let found = records
            .binary_search_by(|record| record[..KEY].cmp(key))
            .ok()?;
        let record = records.get(found)?;
        is_whole(record).then(|| digest_of(record))
    }

    pub(crate) fn record(&self, stamp: Stamp, sha256: [u8; 32]) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.insert(key_of(&stamp), sha256);
    }

    /// A digest that is not SHA-256 over the whole file, by what it is of.
    pub(crate) fn lookup_other(&self, stamp: &Stamp, of: &Of) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(of.length);
        for part in 0..of.records() {
            out.extend(self.lookup_key(&of.key(stamp, part))?);
        }
        Some(out)
    }

    pub(crate) fn record_other(&self, stamp: &Stamp, of: &Of, digest: &[u8]) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for (part, half) in (0..of.records()).zip(digest.as_chunks::<32>().0) {
            fresh.insert(of.key(stamp, part), *half);
        }
    }

    /// Writes what was learnt, when anything was. Keeps the newest entries.
    pub fn save(&self) -> io::Result<()> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        if fresh.is_empty() {
            return Ok(());
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let mut all: BTreeMap<[u8; KEY], [u8; RECORD]> = BTreeMap::new();
        // Read again: another process may have written since.
        for record in load(&self.path).as_chunks::<RECORD>().0 {
            if is_whole(record)
                && let Some(key) = record.first_chunk::<KEY>()
            {
                all.insert(*key, *record);
            }
        }
        for (key, sha256) in fresh.iter() {
            all.insert(*key, record_of(key, now, sha256));
        }
        let mut kept: Vec<[u8; RECORD]> = all.into_values().collect();
        if kept.len() > CAPACITY {
            kept.sort_by_key(|record| Reverse(stored_at(record)));
            kept.truncate(CAPACITY);
            kept.sort_unstable();
        }
        write_beside(&self.path, &kept)?;
        fresh.clear();
        Ok(())
    }
}

/// What a digest is of, when it is not SHA-256 over a whole file.
#[derive(Debug)]
pub(crate) struct Of {
    pub(crate) algorithm: &'static str,
    /// Of the digest, 32 or 64 bytes.
    pub(crate) length: usize,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Of {
    /// A record holds 32 bytes.
    fn records(&self) -> u8 {
        if self.length > 32 { 2 } else { 1 }
    }

    fn key(&self, stamp: &Stamp, part: u8) -> [u8; KEY] {
        let mut hash = Sha256::new();
        hash.update(key_of(stamp));
        hash.update(self.start.to_be_bytes());
        hash.update(self.end.to_be_bytes());
        hash.update([part]);
        hash.update(self.algorithm);
        let derived: [u8; 32] = hash.finalize().into();
        let mut key = [0; KEY];
        key[..32].copy_from_slice(&derived);
        // Apart from every key that is a stamp: no file has this change time.
        key[32..].fill(0xff);
        key
    }
}

fn key_of(stamp: &Stamp) -> [u8; KEY] {
    let mut key = [0; KEY];
    let parts = [
        stamp.device.to_be_bytes(),
        stamp.inode.to_be_bytes(),
        stamp.size.to_be_bytes(),
        stamp.modified.to_be_bytes(),
        stamp.changed.to_be_bytes(),
    ];
    for (into, part) in key.as_chunks_mut::<8>().0.iter_mut().zip(parts) {
        *into = part;
    }
    key
}

fn record_of(key: &[u8; KEY], now: u64, sha256: &[u8; 32]) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..KEY].copy_from_slice(key);
    record[KEY..KEY + 8].copy_from_slice(&now.to_be_bytes());
    record[KEY + 8..KEY + 40].copy_from_slice(sha256);
    let check = check_of(&record);
    record[KEY + 40..].copy_from_slice(&check);
    record
}

fn check_of(record: &[u8; RECORD]) -> [u8; 8] {
    let whole: [u8; 32] = Sha256::digest(&record[..KEY + 40]).into();
    let mut check = [0; 8];
    check.copy_from_slice(&whole[..8]);
    check
}

fn is_whole(record: &[u8; RECORD]) -> bool {
    record[KEY + 40..] == check_of(record)
}

fn digest_of(record: &[u8; RECORD]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(&record[KEY + 8..KEY + 40]);
    digest
}

fn stored_at(record: &[u8; RECORD]) -> u64 {
    let mut at = [0; 8];
    at.copy_from_slice(&record[KEY..KEY + 8]);
    u64::from_be_bytes(at)
}

fn load(path: &Path) -> Vec<u8> {
    read_records(path).unwrap_or_default()
}

fn read_records(path: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let limit = u64::try_from(MAGIC.len() + CAPACITY * RECORD).ok()?;
    if !metadata.is_file() || metadata.len() > limit || others_may_write(&metadata) {
        return None;
    }
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic).ok()?;
    if magic != *MAGIC {
        return None;
    }
    let mut records = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
    file.take(limit).read_to_end(&mut records).ok()?;
    records.truncate(records.len() / RECORD * RECORD);
    Some(records)
}

#[cfg(unix)]
fn others_may_write(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o022 != 0
}

#[cfg(not(unix))]
fn others_may_write(_metadata: &fs::Metadata) -> bool {
    false
}

fn write_beside(path: &Path, records: &[[u8; RECORD]]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}.tmp", process::id()));
    let written = private_file(&beside).and_then(|mut file| {
        let mut bytes = Vec::with_capacity(MAGIC.len() + records.len() * RECORD);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(records.as_flattened());
        file.write_all(&bytes)?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        // Best effort: the error that matters is the one already in hand.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}
