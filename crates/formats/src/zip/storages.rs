//! Where the storages of a PyTorch archive are: the members that the tensors of
//! its pickles are views of (`torch/serialization.py`, `_load`: `data/{key}`
//! below the folder that holds the pickle).

use std::collections::BTreeMap;

use modelward_schema::Location;

use super::directory::Entry;
use super::local::Local;
use crate::{Input, Session};

/// What is told of bytes that no tensor shows.
const UNVIEWED: &str = "pytorch-zip.unviewed";

/// Gives the tensors of the archive's pickles the place of their data: a
/// stretch of the archive when the storage is stored as it is. Bytes of
/// storages that no tensor is a view of are told as metadata: a view of a
/// larger tensor is saved with all of it, and so is whatever else stands there.
pub(super) fn place(
    input: &Input<'_>,
    session: &mut Session<'_>,
    names: &[String],
    entries: &[Entry<'_>],
    locals: &[Option<Local<'_>>],
) {
    let later = session.placed_later(input.path);
    if later.is_empty() {
        return;
    }
    let mut storages: BTreeMap<&str, (&Entry<'_>, &Local<'_>)> = BTreeMap::new();
    for ((name, entry), local) in names.iter().zip(entries).zip(locals) {
        if let Some(local) = local
            && is_storage(name)
        {
            storages.insert(name, (entry, local));
        }
    }
    let mut viewed: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for later in &later {
        let inner = later.path.strip_prefix(input.path).unwrap_or_default();
        let inner = inner.strip_prefix("!/").unwrap_or_default();
        let folder = inner.rsplit_once('/').map_or("", |(folder, _)| folder);
        let member = match folder {
            "" => format!("data/{}", later.key),
            folder => format!("{folder}/data/{}", later.key),
        };
        let Some((name, (entry, local))) = storages.get_key_value(member.as_str()) else {
            continue;
        };
        let (from, len) = match &later.extent {
            Some((from, len, _)) => (*from, *len),
            None => (0, entry.size),
        };
        if from.checked_add(len).is_none_or(|end| end > entry.size) {
            continue;
        }
        viewed.entry(name).or_default().push((from, len));
        let at = if entry.method == 0 {
            input.at(local.data.saturating_add(from), len)
        } else {
            Location::bytes(format!("{}!/{name}", input.path), from, len)
        };
        if let Some(tensor) = session.facts_mut().tensors.get_mut(later.tensor) {
            tensor.at = at;
            tensor.strides = later.extent.clone().and_then(|(_, _, strides)| strides);
        }
    }
    for (name, (entry, local)) in &storages {
        let seen = viewed.remove(name).unwrap_or_default();
        let bare = entry.size.saturating_sub(covered(seen));
        if bare > 0 {
            session.metadata(
                UNVIEWED,
                &format!("{bare} of {} bytes of {name}", entry.size),
                input.at(local.data, entry.packed),
            );
        }
    }
}

fn is_storage(name: &str) -> bool {
    let mut parts = name.rsplit('/');
    let key = parts.next().unwrap_or_default();
    parts.next() == Some("data") && !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit())
}

/// Bytes that some stretch covers.
fn covered(mut stretches: Vec<(u64, u64)>) -> u64 {
    stretches.sort_unstable();
    let (mut total, mut reached) = (0_u64, 0_u64);
    for (from, len) in stretches {
        let end = from.saturating_add(len);
        total = total.saturating_add(end.saturating_sub(from.max(reached)));
        reached = reached.max(end);
    }
    total
}
