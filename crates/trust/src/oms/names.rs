//! Names of resources: safe, unique, in order.

use std::collections::HashSet;

use super::Resource;
use super::identity::check_name;
use super::manifest::Method;
use crate::Refusal;

/// `path:start:end`; the path may have colons itself, so the last two count.
pub(super) fn split_shard(name: &str) -> Option<(&str, u64, u64)> {
    let (rest, end) = name.rsplit_once(':')?;
    let (path, start) = rest.rsplit_once(':')?;
    Some((path, decimal(start)?, decimal(end)?))
}

fn decimal(text: &str) -> Option<u64> {
    let canonical =
        text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    canonical.then(|| text.parse().ok()).flatten()
}

/// The file that a resource belongs to.
pub(super) fn path_of(name: &str, method: Method) -> Result<&str, Refusal> {
    match method {
        Method::Files => Ok(name),
        Method::Shards(_) => split_shard(name).map(|(path, _, _)| path).ok_or_else(|| {
            Refusal::new(
                "shards-malformed",
                format!("{name:?} is no shard; its name must end in :start:end"),
            )
        }),
    }
}

/// Refuses names that leave the model, come twice or are out of order. True
/// when the order is that of the specification, false when it is the Python
/// package's, by parts of the path and by number of the shard.
pub(super) fn check_names(resources: &[Resource], method: Method) -> Result<bool, Refusal> {
    let mut seen = HashSet::with_capacity(resources.len());
    for resource in resources {
        let path = path_of(&resource.name, method)?;
        // The Python package calls the only file of a single-file model ".".
        if path != "." {
            check_name(path).map_err(|why| {
                Refusal::new(
                    "name-unsafe",
                    format!("the list names {:?}: {why}", resource.name),
                )
            })?;
            if cfg!(windows) && path.contains(['\\', ':']) {
                return Err(Refusal::new(
                    "name-unsafe",
                    format!("the list names {path:?}, which is not portable"),
                ));
            }
        }
        if !seen.insert(resource.name.as_str()) {
            return Err(Refusal::new(
                "name-duplicate",
                format!("the list names {:?} twice", resource.name),
            ));
        }
    }
    let by_bytes = resources
        .windows(2)
        .all(|pair| pair[0].name.as_bytes() < pair[1].name.as_bytes());
    if by_bytes {
        return Ok(true);
    }
    let by_parts = resources
        .windows(2)
        .all(|pair| parts(&pair[0].name, method) < parts(&pair[1].name, method));
    if by_parts {
        return Ok(false);
    }
    Err(Refusal::new(
        "resources-unsorted",
        "the list is not sorted by name",
    ))
}

fn parts(name: &str, method: Method) -> (Vec<&str>, u64, u64) {
    let (path, start, end) = match method {
        Method::Files => (name, 0, 0),
        Method::Shards(_) => split_shard(name).unwrap_or((name, 0, 0)),
    };
    (path.split('/').collect(), start, end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<Resource> {
        names
            .iter()
            .map(|name| Resource {
                name: (*name).to_owned(),
                digest: Vec::new(),
            })
            .collect()
    }

    fn reason(names: &[&str]) -> &'static str {
        check_names(&list(names), Method::Files)
            .map(|_| ())
            .unwrap_err()
            .reason
    }

    #[test]
    fn both_orders_are_known_and_no_other() {
        let check = |names: &[&str]| check_names(&list(names), Method::Files);
        assert_eq!(check(&["a-b", "a/b"]), Ok(true));
        assert_eq!(check(&["a/b", "a-b"]), Ok(false));
        assert_eq!(reason(&["a/b", "a-b", "a"]), "resources-unsorted");
    }

    #[test]
    fn names_that_leave_the_model_or_come_twice_are_refused() {
        for name in ["../a", "/a", "a/../b", "a//b", "a/", "./a", ".."] {
            assert_eq!(reason(&[name]), "name-unsafe", "{name}");
        }
        assert_eq!(reason(&["a", "a"]), "name-duplicate");
    }

    #[test]
    fn a_shard_is_split_at_its_last_two_colons() {
        assert_eq!(split_shard("a:1:0:10"), Some(("a:1", 0, 10)));
        for name in [
            "a",
            "a:1",
            "a:01:2",
            "a:+1:2",
            "a:1:",
            "a: 1:2",
            "a:1:99999999999999999999",
        ] {
            assert_eq!(split_shard(name), None, "{name}");
        }
        let numeric = list(&["w:0:9", "w:9:100", "w:100:200"]);
        assert_eq!(check_names(&numeric, Method::Shards(9)), Ok(false));
        let textual = list(&["w:0:9", "w:100:200", "w:9:100"]);
        assert_eq!(check_names(&textual, Method::Shards(9)), Ok(true));
    }
}
