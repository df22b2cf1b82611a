//! What the file system says about a file, to tell whether its bytes changed.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file that was written less than this before hashing began may be written
/// again without its times moving: clocks of file systems tick coarsely, FAT in
/// steps of two seconds, and a server's clock may be off a little.
const SETTLED: Duration = Duration::from_secs(3);

/// Device, inode, size and both times. Two equal stamps of settled files mean
/// equal bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) modified: i64,
    pub(crate) changed: i64,
}

impl Stamp {
    /// Absent where the platform has no change time or file number to trust.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec())?,
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec())?,
        })
    }

    /// Absent where the platform has no change time or file number to trust.
    #[cfg(not(unix))]
    pub fn of(_metadata: &Metadata) -> Option<Self> {
        None
    }

    /// Whether any later write must show in the times.
    pub(crate) fn is_settled(&self, hashing_began: SystemTime) -> bool {
        let Ok(now) = hashing_began.duration_since(UNIX_EPOCH) else {
            return false;
        };
        let Ok(now) = i64::try_from(now.as_nanos()) else {
            return false;
        };
        let Ok(margin) = i64::try_from(SETTLED.as_nanos()) else {
            return false;
        };
        now.checked_sub(margin)
            .is_some_and(|limit| self.modified.max(self.changed) <= limit)
    }
}

#[cfg(unix)]
fn nanoseconds(seconds: i64, rest: i64) -> Option<i64> {
    seconds.checked_mul(1_000_000_000)?.checked_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(changed: i64) -> Stamp {
        Stamp {
            device: 1,
            inode: 2,
            size: 3,
            modified: 5,
            changed,
        }
    }

    #[test]
    fn only_a_file_that_has_rested_is_settled() {
        let now = UNIX_EPOCH + Duration::from_secs(100);
        assert!(stamp(97_000_000_000).is_settled(now));
        assert!(!stamp(97_000_000_001).is_settled(now));
        assert!(!stamp(101_000_000_000).is_settled(now), "from the future");
    }
}
