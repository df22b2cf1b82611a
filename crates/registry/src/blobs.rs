//! Bytes by the SHA-256 of their content, compressed when that helps.

use sqlx::Row as _;

use crate::chain::digest_of;
use crate::store::Connection;
use crate::{Registry, RegistryError, Result};

/// Larger than any report within the budgets of a scan; bounds what a damaged
/// row can make this allocate.
const LARGEST: usize = 1 << 30;
const PLAIN: &str = "plain";
const LZ4: &str = "lz4";

impl Registry {
    /// A stored report, byte for byte.
    pub fn report(&self, digest: &str) -> Result<Option<Vec<u8>>> {
        self.with(async |connection| get(connection, digest).await)
    }

    /// The text of a stored manifest.
    pub fn manifest(&self, digest: &str) -> Result<Option<String>> {
        self.with(async |connection| manifest(connection, digest).await)
    }
}

/// Stores bytes and answers their digest.
pub(crate) async fn put(connection: &mut Connection, bytes: &[u8]) -> Result<String> {
    let digest = digest_of(bytes);
    let (encoding, packed) = pack(bytes);
    sqlx::query(
        "INSERT INTO blobs (digest, size, encoding, bytes) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(&digest)
    .bind(size_of(bytes)?)
    .bind(encoding)
    .bind(packed)
    .execute(connection)
    .await?;
    Ok(digest)
}

/// The bytes, which are those that were named or an error.
pub(crate) async fn get(connection: &mut Connection, digest: &str) -> Result<Option<Vec<u8>>> {
    let row = sqlx::query("SELECT size, encoding, bytes FROM blobs WHERE digest = $1")
        .bind(digest)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let bytes = unpack(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)
        .filter(|bytes| digest_of(bytes) == digest)
        .ok_or_else(|| RegistryError::Damaged(format!("what is stored as {digest} is not")))?;
    Ok(Some(bytes))
}

pub(crate) async fn manifest(connection: &mut Connection, digest: &str) -> Result<Option<String>> {
    let bytes = get(connection, digest).await?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

pub(crate) fn pack(bytes: &[u8]) -> (&'static str, Vec<u8>) {
    if bytes.len() > 512 {
        let packed = lz4_flex::block::compress(bytes);
        if packed.len() < bytes.len() {
            return (LZ4, packed);
        }
    }
    (PLAIN, bytes.to_owned())
}

pub(crate) fn size_of(bytes: &[u8]) -> Result<i64> {
    i64::try_from(bytes.len())
        .ok()
        .filter(|_| bytes.len() <= LARGEST)
        .ok_or_else(|| RegistryError::Refused("more than a gibibyte is not stored".to_owned()))
}

/// Absent when the row contradicts itself.
pub(crate) fn unpack(size: i64, encoding: &str, packed: Vec<u8>) -> Option<Vec<u8>> {
    let size = usize::try_from(size).ok().filter(|size| *size <= LARGEST)?;
    let bytes = match encoding {
        PLAIN => packed,
        LZ4 => lz4_flex::block::decompress(&packed, size).ok()?,
        _ => return None,
    };
    (bytes.len() == size).then_some(bytes)
}
