//! Reading bytes that may have been read before.
//!
//! The registry keeps the facts of what it has seen. Their key names every
//! path and digest, the program that read them and its version, so that a new
//! reader, or one byte or name changed, reads again.

use std::thread;

use modelward_registry::Registry;
use modelward_schema::{Facts, Sandbox};
use modelward_trust::{DigestCache, hash_bytes, hex};
use serde::{Deserialize, Serialize};

use crate::Options;
use crate::identity::{self, Identity};
use crate::source::Opened;
use crate::worker;

/// Facts and what confined their reading, as kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) facts: Facts,
    pub(crate) sandbox: Sandbox,
}

/// Reads and hashes; answers from the registry when nothing changed.
pub(crate) fn read(
    opened: &Opened,
    options: &Options<'_>,
    registry: Option<&Registry>,
) -> std::io::Result<(Kept, Identity)> {
    let identify = || identity::identify(opened, options.cache, options.progress);
    // When all digests are known, naming the bytes costs less than starting to
    // read them; otherwise both take long and go side by side.
    let known = options.cache.is_some_and(|cache| all_known(opened, cache));
    if known {
        let identity = identify();
        let key = key(&identity);
        if let Some(kept) = key.as_deref().and_then(|key| recall(registry?, key)) {
            return Ok((kept, identity));
        }
        let kept = confined(opened, options)?;
        keep(registry, key.as_deref(), &kept);
        return Ok((kept, identity));
    }
    let (kept, identity) = thread::scope(|scope| {
        let identity = scope.spawn(identify);
        let kept = confined(opened, options);
        (kept, identity.join())
    });
    let (kept, identity) = (
        kept?,
        identity.map_err(|_| std::io::Error::other("hashing failed"))?,
    );
    keep(registry, key(&identity).as_deref(), &kept);
    Ok((kept, identity))
}

fn confined(opened: &Opened, options: &Options<'_>) -> std::io::Result<Kept> {
    let reading = worker::read(opened, options.jobs)?;
    Ok(Kept {
        facts: reading.facts,
        sandbox: reading.sandbox,
    })
}

fn all_known(opened: &Opened, cache: &DigestCache) -> bool {
    opened.stdin.is_none()
        && opened.files.iter().all(|file| {
            file.stamp
                .stamp
                .as_ref()
                .is_some_and(|stamp| cache.lookup(stamp).is_some())
        })
}

fn key(identity: &Identity) -> Option<String> {
    let program = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let built = program
        .modified()
        .ok()?
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?
        .as_nanos();
    let reading = identity.reading.as_deref()?;
    let parts = format!(
        "{}\n{built}\n{}\n{reading}",
        env!("CARGO_PKG_VERSION"),
        program.len()
    );
    Some(hex(&hash_bytes(parts.as_bytes())))
}

/// Anything that cannot be used is as good as nothing: it is read again.
fn recall(registry: &Registry, key: &str) -> Option<Kept> {
    serde_json::from_slice(&registry.cached_report(key).ok()??).ok()
}

fn keep(registry: Option<&Registry>, key: Option<&str>, kept: &Kept) {
    let crashed = |kept: &Kept| {
        kept.facts
            .coverage
            .gaps
            .iter()
            .any(|gap| gap.why == modelward_schema::Why::Crashed)
    };
    if let (Some(registry), Some(key), false) = (registry, key, crashed(kept))
        && let Ok(bytes) = serde_json::to_vec(kept)
    {
        // Losing it costs time only.
        let _ = registry.store_cached_report(key, &bytes);
    }
}
