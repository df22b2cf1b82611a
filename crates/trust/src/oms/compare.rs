//! What is listed against what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::digest::{Hashed, ranges};
use super::manifest::{Manifest, Method};
use super::names::{path_of, split_shard};
use super::walk::Entry;
use crate::Refusal;

/// How a model differs from what was signed; every list is sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    pub changed: Vec<String>,
    pub missing: Vec<String>,
    pub extra: Vec<String>,
    pub renamed: Vec<Renamed>,
}

/// The same bytes under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub from: String,
    pub to: String,
}

impl Differences {
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
            && self.missing.is_empty()
            && self.extra.is_empty()
            && self.renamed.is_empty()
    }
}

/// The listed files, each with its digests in the order of its bytes, and where
/// its shards end.
pub(super) struct Listed<'m> {
    pub(super) files: BTreeMap<&'m str, Vec<&'m [u8]>>,
    sizes: BTreeMap<&'m str, u64>,
}

pub(super) fn listed(manifest: &Manifest) -> Result<Listed<'_>, Refusal> {
    let method = manifest.serialization.method;
    let mut files: BTreeMap<&str, Vec<&[u8]>> = BTreeMap::new();
    let mut sizes = BTreeMap::new();
    let Method::Shards(step) = method else {
        for resource in &manifest.resources {
            files.insert(path_of(&resource.name, method)?, vec![&resource.digest]);
        }
        return Ok(Listed { files, sizes });
    };
    let mut shards: BTreeMap<&str, BTreeMap<u64, (u64, &[u8])>> = BTreeMap::new();
    for resource in &manifest.resources {
        if let Some((path, start, end)) = split_shard(&resource.name) {
            let file = shards.entry(path).or_default();
            if file.insert(start, (end, &resource.digest)).is_some() {
                return Err(uneven(path));
            }
        }
    }
    for (path, shards) in shards {
        let size = shards.values().map(|(end, _)| *end).max().unwrap_or(0);
        let mut wanted = ranges(size, method);
        let even = size.div_ceil(step) == shards.len() as u64
            && shards
                .iter()
                .all(|(start, (end, _))| wanted.next() == Some((*start, *end)));
        if !even || size == 0 {
            return Err(uneven(path));
        }
        sizes.insert(path, size);
        files.insert(
            path,
            shards.into_values().map(|(_, digest)| digest).collect(),
        );
    }
    Ok(Listed { files, sizes })
}

fn uneven(path: &str) -> Refusal {
    Refusal::new(
        "shards-malformed",
        format!("the shards of {path:?} do not follow each other from its beginning"),
    )
}

/// Both slices belong together.
pub(super) fn compare(
    listed: &Listed<'_>,
    method: Method,
    entries: &[Entry],
    hashed: &[Hashed],
) -> Differences {
    let mut out = Differences::default();
    let mut there = BTreeSet::new();
    let mut extra: Vec<(&str, &Hashed)> = Vec::new();
    for (entry, hashed) in entries.iter().zip(hashed) {
        let name = entry.name.as_str();
        there.insert(name);
        match listed.files.get(name) {
            Some(digests) => {
                let same_size = listed
                    .sizes
                    .get(name)
                    .is_none_or(|size| *size == entry.size);
                if !same_size || digests.as_slice() != hashed.digests.as_slice() {
                    out.changed.push(entry.name.clone());
                }
            }
            // Shards cannot list an empty file.
            None if entry.size == 0 && method != Method::Files => {}
            None => extra.push((name, hashed)),
        }
    }
    for (name, digests) in &listed.files {
        if there.contains(name) {
            continue;
        }
        let twin = extra
            .iter()
            .position(|(_, hashed)| digests.as_slice() == hashed.digests.as_slice());
        match twin {
            Some(twin) => {
                let (to, _) = extra.remove(twin);
                out.renamed.push(Renamed {
                    from: (*name).to_owned(),
                    to: to.to_owned(),
                });
            }
            None => out.missing.push((*name).to_owned()),
        }
    }
    out.extra = extra.iter().map(|(name, _)| (*name).to_owned()).collect();
    out
}
