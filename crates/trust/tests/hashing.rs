//! Hashing real files, with and without the cache.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use modelward_trust::{
    DigestCache, FileDigest, HashError, Stamp, Subject, hash_bytes, hash_file, hash_files,
    hash_open, root_digest,
};

fn subject(folder: &Path, name: &str) -> Subject {
    Subject {
        name: name.to_owned(),
        path: folder.join(name),
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Subject {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    subject(folder, name)
}

/// One of this crate's own files: older than what was just built from it, so it
/// counts as settled.
#[cfg(unix)]
fn settled(name: &str) -> Subject {
    subject(Path::new(env!("CARGO_MANIFEST_DIR")), name)
}

/// Until what was written counts as settled.
#[cfg(unix)]
fn rest() {
    std::thread::sleep(Duration::from_millis(3_100));
}

fn whole(results: Vec<Result<FileDigest, HashError>>) -> Vec<FileDigest> {
    results.into_iter().map(Result::unwrap).collect()
}

#[test]
fn a_known_text_has_its_known_digest() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "abc", b"abc");
    let digest = hash_file(&file).unwrap();
    assert_eq!(
        digest.digest(),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!((digest.size, digest.path.as_str()), (3, "abc"));
}

#[test]
fn many_files_come_back_in_the_order_asked_with_every_byte_counted() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = [0_usize, 1, 262_143, 262_144, 262_145, 3_000_000, 5];
    let subjects: Vec<Subject> = sizes
        .iter()
        .enumerate()
        .map(|(index, size)| {
            let bytes: Vec<u8> = (0..*size)
                .map(|i| u8::try_from((i * 31 + index) % 251).unwrap())
                .collect();
            write(folder.path(), &format!("d/{index}.bin"), &bytes)
        })
        .collect();
    let seen = AtomicU64::new(0);
    let results = whole(hash_files(&subjects, None, &|more| {
        seen.fetch_add(more, Ordering::Relaxed);
    }));
    for (result, subject) in results.iter().zip(&subjects) {
        assert_eq!(result.path, subject.name);
        assert_eq!(result.sha256, hash_bytes(&fs::read(&subject.path).unwrap()));
    }
    let total: usize = sizes.iter().sum();
    assert_eq!(seen.load(Ordering::Relaxed), total as u64);
}

#[test]
fn one_unreadable_file_does_not_take_the_others_along() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(folder.path(), "good", b"1");
    fs::create_dir(folder.path().join("folder")).unwrap();
    let results = hash_files(
        &[
            subject(folder.path(), "missing"),
            good,
            subject(folder.path(), "folder"),
        ],
        None,
        &|_| {},
    );
    assert!(matches!(results[0], Err(HashError::Io(_))));
    assert!(results[1].is_ok());
    assert!(matches!(results[2], Err(HashError::NotRegular)));
}

#[cfg(unix)]
#[test]
fn devices_are_not_read() {
    let device = Subject {
        name: "zero".to_owned(),
        path: "/dev/zero".into(),
    };
    assert!(matches!(hash_file(&device), Err(HashError::NotRegular)));
}

#[test]
fn an_open_file_is_hashed_from_its_beginning() {
    use std::io::{Read, Seek};
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a", b"0123456789");
    let mut open = File::open(&file.path).unwrap();
    open.read_exact(&mut [0; 4]).unwrap();
    let digest = hash_open("a", &open, None, &|_| {}).unwrap();
    assert_eq!(digest.sha256, hash_bytes(b"0123456789"));
    assert_eq!(open.stream_position().unwrap(), 10);
}

#[test]
fn a_file_that_grows_while_it_is_read_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a", &vec![7; 1 << 20]);
    let path = file.path.clone();
    let result = hash_files(&[file], None, &|_| {
        use std::io::Write;
        let mut more = fs::OpenOptions::new().append(true).open(&path).unwrap();
        if more.metadata().unwrap().len() < 2 << 20 {
            more.write_all(&vec![8; 1 << 18]).unwrap();
        }
    });
    assert!(matches!(result[0], Err(HashError::Changed)));
}

#[cfg(unix)]
#[test]
fn a_file_rewritten_in_place_at_equal_length_while_read_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a", &vec![7; 1 << 20]);
    let path = file.path.clone();
    let result = hash_files(&[file], None, &|_| {
        use std::io::Write;
        // Longer than a tick of the file system's clock.
        std::thread::sleep(Duration::from_millis(15));
        let mut same = fs::OpenOptions::new().write(true).open(&path).unwrap();
        same.write_all(b"x").unwrap();
    });
    assert!(matches!(result[0], Err(HashError::Changed)));
}

#[cfg(unix)]
#[test]
fn a_settled_file_is_read_once_and_a_changed_one_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("cache/digests");
    let files = [
        write(folder.path(), "a", b"first"),
        write(folder.path(), "b", b"other"),
    ];
    rest();
    let cache = DigestCache::open(&place);
    let cold = whole(hash_files(&files, Some(&cache), &|_| {}));
    assert!(cold.iter().all(|file| !file.cached));
    cache.save().unwrap();

    let cache = DigestCache::open(&place);
    assert_eq!(cache.len(), 2);
    let warm = whole(hash_files(&files, Some(&cache), &|_| {}));
    assert!(warm.iter().all(|file| file.cached));
    assert_eq!(root_digest(&cold), root_digest(&warm));

    // Same length, and the modification time put back: only the change time tells.
    let modified = fs::metadata(&files[0].path).unwrap().modified().unwrap();
    fs::write(&files[0].path, b"FIRST").unwrap();
    let open = fs::OpenOptions::new()
        .write(true)
        .open(&files[0].path)
        .unwrap();
    open.set_modified(modified).unwrap();
    drop(open);
    let again = whole(hash_files(&files, Some(&cache), &|_| {}));
    assert!(!again[0].cached && again[1].cached);
    assert_eq!(again[0].sha256, hash_bytes(b"FIRST"));
}

#[test]
fn a_file_written_a_moment_ago_is_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("digests");
    let file = write(folder.path(), "a", b"fresh");
    // A modification time in the past does not help: the change time is now.
    let open = fs::OpenOptions::new().write(true).open(&file.path).unwrap();
    open.set_modified(SystemTime::now() - Duration::from_hours(1))
        .unwrap();
    drop(open);
    let cache = DigestCache::open(&place);
    hash_files(&[file], Some(&cache), &|_| {});
    cache.save().unwrap();
    assert!(!place.exists());
}

#[cfg(unix)]
#[test]
fn a_broken_cache_is_a_slow_one_never_a_wrong_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("digests");
    let file = settled("Cargo.toml");
    let stamp = Stamp::of(&fs::metadata(&file.path).unwrap()).unwrap();
    let cache = DigestCache::open(&place);
    hash_files(std::slice::from_ref(&file), Some(&cache), &|_| {});
    cache.save().unwrap();
    let whole = fs::read(&place).unwrap();
    let right = hash_bytes(&fs::read(&file.path).unwrap());
    assert_eq!(DigestCache::open(&place).lookup(&stamp), Some(right));

    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&place, &bytes).unwrap();
        assert_eq!(DigestCache::open(&place).lookup(&stamp), None, "byte {at}");
    }
    for cut in 0..whole.len() {
        fs::write(&place, &whole[..cut]).unwrap();
        assert_eq!(DigestCache::open(&place).lookup(&stamp), None, "cut {cut}");
    }
    // It is mended by the next run.
    let cache = DigestCache::open(&place);
    hash_files(&[file], Some(&cache), &|_| {});
    cache.save().unwrap();
    assert_eq!(DigestCache::open(&place).lookup(&stamp), Some(right));
}

#[cfg(unix)]
#[test]
fn a_cache_that_others_may_write_is_ignored() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("digests");
    let file = settled("Cargo.toml");
    let cache = DigestCache::open(&place);
    hash_files(&[file], Some(&cache), &|_| {});
    cache.save().unwrap();
    assert_eq!(
        fs::metadata(&place).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::set_permissions(&place, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(DigestCache::open(&place).is_empty());
}

#[cfg(unix)]
#[test]
fn caches_saved_by_two_processes_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("digests");
    let files = [settled("Cargo.toml"), settled("src/lib.rs")];
    let (one, other) = (DigestCache::open(&place), DigestCache::open(&place));
    hash_files(&files[..1], Some(&one), &|_| {});
    hash_files(&files[1..], Some(&other), &|_| {});
    one.save().unwrap();
    other.save().unwrap();
    assert_eq!(DigestCache::open(&place).len(), 2);
}
