//! What reading unchanged bytes found, so that they need not be read again.
//!
//! Not part of the record: nothing here is in the log, and losing it costs time
//! only. The key must name everything the content depends on: the artifact's
//! digest, the tool's version, the limits.

use sqlx::Row as _;

use crate::chain::digest_of;
use crate::{Registry, Result, blobs};

/// Entries kept, and the bytes of all of them; the oldest go first.
const ENTRIES: usize = 512;
const BYTES: i64 = 256 << 20;

impl Registry {
    /// What was stored under this key. Anything damaged is a miss.
    pub fn cached_report(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.with(async |connection| {
            let query = "SELECT size, encoding, bytes, digest FROM facts_cache WHERE key = $1";
            let row = sqlx::query(query)
                .bind(key)
                .fetch_optional(connection)
                .await?;
            let Some(row) = row else { return Ok(None) };
            let digest: &str = row.try_get(3)?;
            Ok(
                blobs::unpack(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)
                    .filter(|bytes| digest_of(bytes) == digest),
            )
        })
    }

    /// Stores under this key, in place of what was there.
    pub fn store_cached_report(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let (encoding, packed) = blobs::pack(bytes);
        let size = blobs::size_of(bytes)?;
        if blobs::size_of(&packed)? > BYTES {
            return Ok(());
        }
        // It need not survive a loss of power, so it need not wait for the disk.
        self.with(async |connection| {
            sqlx::raw_sql("PRAGMA synchronous = NORMAL")
                .execute(connection)
                .await?;
            Ok(())
        })?;
        let stored = self.write(async |connection| {
            sqlx::query("DELETE FROM facts_cache WHERE key = $1")
                .bind(key)
                .execute(&mut *connection)
                .await?;
            sqlx::query(
                "INSERT INTO facts_cache (key, rank, digest, size, encoding, bytes) \
                 SELECT $1, COALESCE(MAX(rank), 0) + 1, $2, $3, $4, $5 FROM facts_cache",
            )
            .bind(key)
            .bind(digest_of(bytes))
            .bind(size)
            .bind(encoding)
            .bind(packed)
            .execute(&mut *connection)
            .await?;
            let kept =
                sqlx::query("SELECT rank, LENGTH(bytes) FROM facts_cache ORDER BY rank DESC")
                    .fetch_all(&mut *connection)
                    .await?;
            let mut total = 0_i64;
            for (index, row) in kept.iter().enumerate() {
                total = total.saturating_add(row.try_get(1)?);
                if index >= ENTRIES || total > BYTES {
                    sqlx::query("DELETE FROM facts_cache WHERE rank <= $1")
                        .bind(row.try_get::<i64, _>(0)?)
                        .execute(&mut *connection)
                        .await?;
                    break;
                }
            }
            Ok(())
        });
        self.with(async |connection| {
            sqlx::raw_sql("PRAGMA synchronous = FULL")
                .execute(connection)
                .await?;
            Ok(())
        })?;
        stored
    }
}
